import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { beforeEach, describe, expect, test } from 'vitest'
import { whoami } from '@/lib/contract/whoami'
import { AppError, type ErrorCode } from '@/lib/errors'
import { bundledKt, contractServer } from './testing'

const bench = bundledKt()
const server = contractServer()
const env = (extra: Record<string, string> = {}) => ({
  KEEPTRUSTS_API_URL: server.url,
  KEEPTRUSTS_API_TOKEN: 'kt_ak_test',
  ...extra,
})

beforeEach(() => server.on(whoami.get, () => whoami.get.example.output as never))

describe('exit codes', () => {
  test('0 when it worked', async () => {
    expect(await bench.kt(['auth', 'whoami'], { env: env() })).toMatchObject({ code: 0, stderr: '' })
    expect(await bench.kt(['--help'])).toMatchObject({ code: 0, stderr: '' })
    expect(await bench.kt(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  test.each<[number, ErrorCode | null]>([
    [0, null],
    [1, 'conflict'],
    [2, 'invalid_filter'],
    [2, 'headers_too_large'],
    [3, 'not_found'],
    [5, 'request_timeout'],
    [4, 'token_expired'],
    [5, 'unavailable'],
  ])('%i is what a process of its own ends with, %s being the cause, its words on one stream', async (code, cause) => {
    if (cause) {
      server.on(whoami.get, () => {
        throw new AppError(cause, 'The cause.')
      })
    }

    const ran = await bench.bundled(['auth', 'whoami'], { env: env() })

    expect(ran).toMatchObject(code === 0 ? { code, stderr: '' } : { code, stdout: '' })
    expect(ran).toEqual(await bench.kt(['auth', 'whoami'], { env: env() }))
  })

  test.each<[number, ErrorCode, string]>([
    [1, 'conflict', ''],
    [1, 'internal', 'Request id: req_test'],
    [2, 'invalid_filter', 'field=value'],
    [2, 'invalid_configuration', ''],
    [3, 'not_found', ''],
    [4, 'token_expired', 'kt tokens create'],
    [4, 'token_revoked', 'kt tokens create'],
    [4, 'token_invalid', 'kt auth login'],
    [4, 'session_expired', 'kt auth login'],
    [4, 'forbidden', 'kt auth whoami'],
    [5, 'unavailable', 'kt doctor'],
    [5, 'rate_limited', 'Try again in 7 s.'],
  ])('%i for %s, with its cause and the next step on stderr only', async (expected, code, next) => {
    server.on(whoami.get, () => {
      throw new AppError(code, 'The cause.', { retryAfterSeconds: code === 'rate_limited' ? 7 : undefined })
    })

    const ran = await bench.kt(['auth', 'whoami'], { env: env() })

    expect(ran.code).toBe(expected)
    expect(ran.stdout).toBe('')
    expect(ran.stderr).toMatch(/^kt: The cause\.\n/)
    expect(ran.stderr).toContain(next)
  })

  test('4 without a token, and nothing is sent', async () => {
    const before = server.asked.length
    const ran = await bench.kt(['auth', 'whoami'], { env: { KEEPTRUSTS_API_URL: server.url } })

    expect(ran).toMatchObject({ code: 4, stderr: expect.stringContaining('kt auth login') })
    expect(server.asked).toHaveLength(before)
  })

  test('5 when nobody listens, naming the address', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`
    await new Promise((resolve) => closed.close(resolve))

    const ran = await bench.kt(['auth', 'whoami'], { env: env({ KEEPTRUSTS_API_URL: url }) })

    expect(ran).toMatchObject({ code: 5, stderr: expect.stringContaining(`Cannot reach ${url}: ECONNREFUSED`) })
    expect(ran.stderr).toContain('KEEPTRUSTS_API_URL')
  })

  test('1 when the answer is not of this contract', async () => {
    const odd = createServer((socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{"actor":"x"}'),
      )
    })
    await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(odd.address() as AddressInfo).port}`

    const ran = await bench.kt(['auth', 'whoami'], { env: env({ KEEPTRUSTS_API_URL: url }) })
    odd.close()

    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('same release') })
  })

  test.each([
    [['tokns'], 'Did you mean tokens?'],
    [['tokens', 'creat'], 'Did you mean create?'],
    [['tokens', 'list', '--typ', 'access'], 'Did you mean --type?'],
    [['tokens', 'list', '--type', 'acess'], 'access, gateway'],
    [['tokens', 'create', '--type', 'access'], '--name'],
    [['tokens', 'create', '--name', 'x'], '--type'],
    [['tokens', 'list', '--output', 'xml'], 'table, json, yaml'],
    [['tokens', 'list', 'stray'], 'too many arguments'],
    [['tokens'], 'Usage: kt tokens'],
    [['auth', 'whoami', '--api-url', 'nonsense'], 'is not an API URL'],
    [['auth', 'whoami', '--api-url', 'ftp://example.com'], 'is not an API URL'],
    [[], 'Usage: kt'],
  ])('2 for %j, saying what is wrong', async (args, words) => {
    const ran = await bench.kt(args, { env: { KEEPTRUSTS_API_TOKEN: 'kt_ak_test' } })

    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(words) })
  })
})

test('words of a server cannot drive the terminal', async () => {
  server.on(whoami.get, () => {
    throw new AppError('forbidden', 'no\u001b]0;pwned\u0007\nkt: fine')
  })

  const { stderr } = await bench.kt(['auth', 'whoami'], { env: env() })

  expect(stderr).toMatch(/^kt: no\\u001b\]0;pwned\\u0007\\u000akt: fine\n/)
})

test('a flag before the command counts, and one after it counts more', async () => {
  const yaml = await bench.kt(['--output', 'yaml', 'auth', 'whoami'], { env: env() })
  const json = await bench.kt(['--output', 'yaml', 'auth', 'whoami', '--output', 'json'], { env: env() })

  expect(yaml.stdout).toContain('actor:\n')
  expect(JSON.parse(json.stdout)).toEqual(whoami.get.example.output)
})

test('a token with a line break is refused and not repeated', async () => {
  const ran = await bench.kt(['auth', 'whoami'], { env: env({ KEEPTRUSTS_API_TOKEN: 'kt_ak_secret\nx: y' }) })

  expect(ran.code).toBe(2)
  expect(ran.stdout + ran.stderr).not.toContain('kt_ak_secret')
})
