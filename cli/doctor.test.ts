import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { whoami } from '@/lib/contract/whoami'
import { AppError } from '@/lib/errors'
import { checkClock, checkRuntime } from './doctor'
import { bundledKt, contractServer } from './testing'

const bench = bundledKt()
const server = contractServer()
const doctor = (args: string[] = [], env: Record<string, string> = {}) =>
  bench.kt(['doctor', '--gateway-url', server.url, ...args], {
    env: { KEEPTRUSTS_API_URL: server.url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test', ...env },
  })

beforeEach(() => server.on(whoami.get, () => whoami.get.example.output as never))

describe('kt doctor', () => {
  test('says ok for each thing that works', async () => {
    const { code, stdout } = await doctor()

    expect({ code, marks: stdout.split('\n').map((line) => line.split(':')[0]) }).toEqual({
      code: 0,
      marks: [
        'ok    runtime',
        'ok    data directory',
        'ok    credentials file',
        'ok    configuration',
        'ok    control plane',
        'ok    clock',
        'ok    identity',
        'ok    gateway',
        '',
      ],
    })
  })

  test('fails with what to do when nothing answers, and still looks at the rest', async () => {
    const { code, stdout } = await doctor(['--api-url', 'http://127.0.0.1:1', '--gateway-url', 'http://127.0.0.1:1'])

    expect(code).toBe(1)
    expect(stdout).toMatch(
      /^fail {2}control plane: http:\/\/127\.0\.0\.1:1 cannot be reached: .*\n {6}Start it with `npm start`/m,
    )
    expect(stdout).toMatch(/^fail {2}gateway: /m)
    expect(stdout).toMatch(/^ok {4}runtime: /m)
  })

  test('does not take what it cannot look at for absent', async () => {
    const loop = join(bench.home, 'loop')
    await symlink(loop, loop)

    const { code, stdout } = await doctor(['--data-dir', join(loop, 'data')], { XDG_CONFIG_HOME: loop })

    expect(code).toBe(1)
    expect(stdout).toMatch(/^fail {2}data directory: Cannot look at .*loop\/data: ELOOP\.$/m)
    expect(stdout).toMatch(/^fail {2}credentials file: Cannot look at .*: ELOOP\.$/m)
  })

  test('fails for a configuration with errors or without a file, warns of secrets that are not there', async () => {
    const file = join(bench.home, 'mine.yaml')
    const head = 'pack: { name: mine, version: 1.0.0, enabled: true }\npolicies: { chain: [] }\n'

    await writeFile(file, `${head}providers: { targets: [{ id: a, provider: openai }] }\n`)
    expect(await doctor(['--file', file])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^warn {2}target a: The environment variable OPENAI_API_KEY is not set\.$/m),
    })
    expect((await doctor(['--file', file], { OPENAI_API_KEY: 'sk-1' })).stdout).toMatch(
      /^ok {4}configuration: .*mine\.yaml is valid: mine 1\.0\.0, 0 policies, 1 targets$/m,
    )

    await writeFile(file, `${head}polcy: {}\n`)
    expect(await doctor(['--file', file])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^fail {2}configuration: .*mine\.yaml:3: E002 /m),
    })
    expect(await doctor(['--file', join(bench.home, 'nowhere.yaml')])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^fail {2}configuration: Cannot read .*nowhere\.yaml: ENOENT\.$/m),
    })
  })

  test('fails for a refused token, warns for none', async () => {
    server.on(whoami.get, () => {
      throw new AppError('token_revoked', 'This key was revoked.')
    })

    expect(await doctor()).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^fail {2}identity: KEEPTRUSTS_API_TOKEN: This key was revoked\.$/m),
    })
    expect(await doctor([], { KEEPTRUSTS_API_TOKEN: '' })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^warn {2}identity: not signed in$/m),
    })
  })

  test('fails when others can read the session', async () => {
    const dir = join(bench.home, 'open', 'keeptrusts')
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, 'credentials.json'), '{}')
    await chmod(join(dir, 'credentials.json'), 0o644)

    const { code, stdout } = await doctor([], { XDG_CONFIG_HOME: join(bench.home, 'open') })

    expect(code).toBe(1)
    expect(stdout).toContain('has mode 0644')
    expect(stdout).toContain('chmod 600')
  })

  test('fails when the data directory is a file', async () => {
    await writeFile(join(bench.home, 'occupied'), '')

    expect(await doctor(['--data-dir', 'occupied'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('is not a directory'),
    })
  })

  test('answers as data too', async () => {
    const { stdout } = await doctor(['--json'])

    expect(JSON.parse(stdout).checks).toContainEqual({
      name: 'identity',
      status: 'ok',
      detail: 'ci-pipeline-prod at Example (KEEPTRUSTS_API_TOKEN)',
      next_step: null,
    })
  })
})

test.each([
  ['20.20.2', 'fail'],
  ['22.1.0', 'warn'],
  ['24.21.0', 'ok'],
  ['26.0.0', 'ok'],
])('Node.js %s is %s', (version, status) => expect(checkRuntime(version).status).toBe(status))

test.each([
  [0, 'ok'],
  [1_400, 'ok'],
  [10_000, 'warn'],
  [-10_000, 'warn'],
  [600_000, 'fail'],
])('a clock that is %i ms off is %s', (offMs, status) => {
  const server = Date.parse('2026-03-20T12:00:00Z')

  expect(checkClock(new Date(server).toUTCString(), server + 500 + offMs).status).toBe(status)
})
