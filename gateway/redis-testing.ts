import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** Whether this machine has a Redis to test against; Debian's package is `redis-server`. */
export const HAS_REDIS = spawnSync('redis-server', ['--version']).status === 0

/** A real Redis that keeps nothing on disk. @returns what ends it */
export async function startRedis(port: number): Promise<() => Promise<void>> {
  const server = spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], {
    stdio: 'ignore',
  })
  const exited = once(server, 'exit')
  return async () => {
    server.kill()
    await exited
  }
}
