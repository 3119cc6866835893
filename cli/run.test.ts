import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { getRequestListener } from '@hono/node-server'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startControlPlane, type TestPlane } from '@/control-plane/testing'
import { bundledKt } from './testing'

const bench = bundledKt()
let plane: TestPlane
let url = ''
let closeServer: () => Promise<unknown>
const gateways: ChildProcessWithoutNullStreams[] = []

beforeAll(async () => {
  plane = await startControlPlane()
  const server = createServer(getRequestListener((request) => plane.fetch(request)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  closeServer = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
})
afterEach(async () => {
  for (const child of gateways.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})
afterAll(async () => {
  await closeServer()
  await plane.stop()
})

const yaml = (version: string) => `pack:
  name: production
  version: ${version}
  enabled: true
policies:
  chain: []
providers:
  targets:
    - id: sandbox
      provider: sandbox
      models: ["*"]
gateway:
  anonymous: loopback
`

/** Starts a gateway and waits until it listens. */
async function serve(args: string[], env: Record<string, string> = {}) {
  const child = bench.start(args, { env })
  gateways.push(child)
  child.stderr.resume()
  const port = await portOf(child)
  child.stdout.resume() // nobody reads on, and a full pipe would hold the gateway up
  return { child, base: `http://127.0.0.1:${port}` }
}

async function portOf(child: ChildProcessWithoutNullStreams): Promise<number> {
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, port } = JSON.parse(line)
    if (msg === 'gateway listening') return port
  }
  throw new Error('The gateway ended before it listened.')
}

const ask = (base: string, key?: string, model = 'gpt-4o') =>
  fetch(`${base}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }] }),
  })

/** Asks until the gateway answers with this status; the test's own timeout is the bound. */
async function askUntil(status: number, base: string, key: string): Promise<void> {
  for (;;) {
    const answer = await ask(base, key)
    await answer.text()
    if (answer.status === status) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('from nothing to a governed call, a rollout and a revoked key, with kt alone', async () => {
  const organization = await plane.organization()
  const { token } = await organization.as('role_owner')
  const env = { KEEPTRUSTS_API_URL: url, KEEPTRUSTS_API_TOKEN: token }
  const kt = async (args: string[], input?: string) => {
    const ran = await bench.bundled(args, { env, ...(input ? { input } : {}) })
    expect(ran, args.join(' ')).toMatchObject({ code: 0 })
    return ran.stdout
  }

  await kt(['gateway', 'register', 'proxy_production_01'])
  await kt(['config', 'create', '--name', 'production', '--file', '-'], yaml('0.2.0'))
  await kt(['config', 'save', 'production', '--file', '-'], yaml('0.3.0'))
  const runtime = JSON.parse(
    await kt([
      'tokens',
      'create',
      '--type',
      'access',
      '--name',
      'gw',
      '--purpose',
      'gateway_runtime',
      '--gateway-id',
      'proxy_production_01',
      '--json',
    ]),
  )
  const { child, base } = await serve(['run', '--managed', '--listen', '127.0.0.1:0', '--poll-interval', '600'], {
    KEEPTRUSTS_API_URL: url,
    KEEPTRUSTS_GATEWAY_TOKEN: runtime.key,
    KEEPTRUSTS_GATEWAY_ID: 'proxy_production_01',
  })
  const rolledOut = await kt([
    'rollout',
    '--gateway-ids',
    'proxy_production_01',
    '--version',
    '0.2.0',
    '--config',
    'production',
  ])
  expect(rolledOut).toMatch(/^proxy_production_01 +- +0\.2\.0 +running$/m)
  expect(await kt(['rollout', '--gateway-ids', 'proxy_production_01', '--version', '0.3.0'])).toMatch(
    /^proxy_production_01 +0\.2\.0 +0\.3\.0 +running$/m,
  )

  const create = [
    'tokens',
    'create',
    '--type',
    'gateway',
    '--name',
    'app-production-v2',
    '--allowed-models',
    'gpt-4o',
    '--json',
  ]
  const { key } = JSON.parse(await kt(create))
  await askUntil(200, base, key)
  expect((await ask(base, key, 'gpt-4o-mini')).status).toBe(403)

  const tail = await kt(['events', 'tail', '--filter', 'token_name=app-production-v2', '--limit', '2'])
  expect(tail).toMatch(/allow +200 +app-production-v2 +gpt-4o /)
  expect(tail).toMatch(/block +403 +app-production-v2 +gpt-4o-mini /)

  await kt(['tokens', 'revoke', '--name', 'app-production-v2'])
  await askUntil(401, base, key)
  expect(await kt(['gateway', 'inspect', 'proxy_production_01'])).toMatch(/^Status: healthy$/m)

  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test('a first start with neither bundle nor control plane exits 5, says what to check and shows no token', async () => {
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const gone = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`
  await new Promise((resolve) => closed.close(resolve))

  const ran = await bench.bundled([
    'run',
    '--managed',
    '--gateway-id',
    'gw',
    '--api-url',
    gone,
    '--gateway-token',
    'kt_ak_hidden',
    '--listen',
    '127.0.0.1:0',
    '--data-dir',
    'first',
  ])

  expect(ran).toMatchObject({ code: 5, stderr: expect.stringContaining('KEEPTRUSTS_API_URL') })
  expect(ran.stderr).toContain(gone)
  expect(ran.stdout + ran.stderr).not.toContain('kt_ak_hidden')
})

test('a token that the control plane refuses does not start a gateway either', async () => {
  const args = [
    'run',
    '--managed',
    '--gateway-id',
    'gw',
    '--api-url',
    url,
    '--api-token',
    'kt_your_scoped_token',
    '--listen',
    '127.0.0.1:0',
    '--data-dir',
    'refused',
  ]

  const ran = await bench.bundled(args)

  expect(ran.code).toBeOneOf([4, 5])
  expect(ran.stderr).toContain('token')
})

test('a gateway from a file serves this machine and stops in order', async () => {
  await writeFile(join(bench.home, 'policy-config.yaml'), yaml('0.1.0'))
  const { child, base } = await serve([
    'gateway',
    'run',
    '--policy-config',
    'policy-config.yaml',
    '--listen',
    '127.0.0.1:0',
  ])

  expect((await ask(base)).status).toBe(200)
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test.each([
  [['run'], 'kt gateway run --policy-config'],
  [['run', '--managed'], 'KEEPTRUSTS_GATEWAY_ID'],
  [['run', '--managed', '--gateway-id', 'gw'], 'kt tokens create --type access --purpose gateway_runtime'],
  [['run', '--managed', '--gateway-id', 'gw', '--gateway-token', 'x', '--listen', '8080'], 'host:port'],
  [['run', '--managed', '--gateway-id', 'g/w', '--gateway-token', 'x'], 'gateway id'],
  [['run', '--managed', '--gateway-id', 'gw', '--gateway-token', 'x', '--poll-interval', '0'], 'from 1 to 3600'],
  [['run', '--managed', '--gateway-id', 'gw', '--gateway-token', 'x', '--durability', 'maybe'], 'strict, relaxed'],
  [['gateway', 'run'], '--policy-config'],
  [['gateway', 'run', '--policy-config', 'absent.yaml'], 'absent.yaml'],
])('%j is refused with what is missing', async (args, words) => {
  expect(await bench.kt(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(words) })
})
