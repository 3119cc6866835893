import { homedir } from 'node:os'
import { join } from 'node:path'

/** What a command sees of the outside world. Tests hand in their own. */
export type Io = {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  stdout: NodeJS.WritableStream & { isTTY?: boolean }
  stderr: NodeJS.WritableStream & { isTTY?: boolean }
  env: Readonly<Record<string, string | undefined>>
}

export const processIo = (): Io => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
})

/** `$XDG_CONFIG_HOME/keeptrusts`; the specification asks to ignore a relative value (XDG Base Directory 0.8). */
export function configDir(env: Io['env']): string {
  const base = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(env.HOME || homedir(), '.config')
  return join(base, 'keeptrusts')
}
