import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bundledKt } from './testing'

const bench = bundledKt()
const gateways: ChildProcessWithoutNullStreams[] = []
beforeEach(() => write('1.0.0'))
afterEach(async () => {
  for (const child of gateways.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})

const write = (version: string) =>
  writeFile(
    join(bench.home, 'policy-config.yaml'),
    `pack:\n  name: local\n  version: ${version}\n  enabled: true\npolicies:\n  chain: []\nproviders:\n  targets:\n    - id: sandbox\n      provider: sandbox\ngateway:\n  anonymous: loopback\n`,
  )

type Line = { msg: string; port?: number; reason?: string }

async function run(...args: string[]) {
  const common = ['--policy-config', 'policy-config.yaml', '--listen', '127.0.0.1:0', '--data-dir', 'data']
  const child = bench.start(['gateway', 'run', ...common, ...args])
  gateways.push(child)
  child.stderr.resume()
  const lines: AsyncIterator<string> = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  /** The next line that says this. */
  const said = async (message: string): Promise<Line> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error(`The gateway ended before it said: ${message}`)
      const line: Line = JSON.parse(value)
      if (line.msg === message) return line
    }
  }
  const { port } = await said('gateway listening')
  const version = async () => {
    const config = await fetch(`http://127.0.0.1:${port}/keeptrusts/config`, { headers: { connection: 'close' } })
    return ((await config.json()) as { pack: { version: string } }).pack.version
  }
  return { said, version }
}

const restart = () => bench.bundled(['gateway', 'restart', '--data-dir', 'data'])

test('kt gateway restart exchanges the workers, which serve the file as it is then; a file with errors changes nothing', async () => {
  const { said, version } = await run('--workers', '2')
  expect(await version()).toBe('1.0.0')

  await write('2.0.0')
  expect(await restart()).toMatchObject({ code: 0 })
  await said('workers restarted')
  expect(await version()).toBe('2.0.0')

  await write('not a version')
  expect(await restart()).toMatchObject({ code: 0 })
  expect((await said('the file does not pass; the workers that run go on')).reason).toContain('policy-config.yaml:3')
  expect(await version()).toBe('2.0.0')
})

test('kt gateway restart says why it cannot: no gateway runs there, or one that is a single process', async () => {
  const absent = await restart()
  expect(absent.code).toBe(3)
  expect(absent.stderr).toContain('No gateway runs on data.')

  const { version } = await run()
  const single = await restart()
  expect(single.code).toBe(1)
  expect(single.stderr).toContain('was not started with --workers')
  expect(await version()).toBe('1.0.0')
})
