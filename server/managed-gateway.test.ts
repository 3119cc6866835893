import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { pino } from 'pino'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { startControlPlane } from '@/control-plane/testing'
import { type RunningGateway, startManagedGateway } from '@/gateway/run'
import { configurations } from '@/lib/contract/configurations'
import { events } from '@/lib/contract/events'
import { gateways } from '@/lib/contract/gateways'
import { settings } from '@/lib/contract/settings'
import { tokens } from '@/lib/contract/tokens'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const yaml = (version: string) =>
  `pack:\n  name: starter\n  version: ${version}\n  enabled: true\npolicies:\n  chain: []\nproviders:\n  targets:\n    - id: sandbox\n      provider: sandbox\n`

/** One organisation with a registered gateway that runs 0.1.0, and both sides over HTTP. */
async function setUp() {
  const home = await plane.organization()
  const admin = await home.as('role_owner')
  const id = `gw-${Math.random().toString(36).slice(2)}`
  await admin(gateways.register, { id })
  const { id: configuration_id } = await admin(configurations.create, { name: 'starter', yaml: yaml('0.1.0') })
  await admin(configurations.rollout, { gateway_ids: [id], version: '0.1.0', configuration_id })
  const { token } = await home.as([], { gatewayId: id })
  const server = createServer(getRequestListener((request) => plane.fetch(request, { ip: '127.0.0.1' })))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undo.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  const dataDirectory = await mkdtemp(join(tmpdir(), 'kt-managed-'))
  undo.push(() => rm(dataDirectory, { recursive: true, force: true }))
  const start = async (): Promise<RunningGateway> => {
    const gateway = await startManagedGateway({
      listen: '127.0.0.1:0',
      gatewayId: id,
      apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      token,
      dataDirectory,
      environment: {},
      log: pino({ level: 'silent' }),
    })
    undo.push(() => gateway.stop('test'))
    return gateway
  }
  return { admin, id, configuration_id, start }
}

async function soon<T>(read: () => Promise<T>, isRight: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read()
    if (isRight(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const chat = (port: number, key: string) =>
  fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'gpt-test', messages: [{ role: 'user', content: 'Hi' }] }),
  })

describe('a managed gateway and the real control plane', () => {
  test('a governed call is recorded; a revoked key is refused and the revocation acknowledged', async () => {
    const { admin, id, start } = await setUp()
    const { port } = await start()
    await soon(
      () => admin(gateways.get, { id }),
      (gateway) => gateway.stream_connected && gateway.status === 'healthy',
    )

    const { key, token } = await admin(tokens.create, { name: 'app', token_type: 'gateway' })
    await soon(
      () => chat(port, key),
      ({ status }) => status === 200,
    )
    const [event] = (
      await soon(
        () => admin(events.list, {}),
        ({ items }) => items.length === 1,
      )
    ).items
    expect(event).toMatchObject({ gateway_id: id, token_name: 'app', config_version: '0.1.0', verdict: 'allow' })

    await admin(tokens.revoke, { id: token.id })
    const refused = await soon(
      () => chat(port, key),
      ({ status }) => status !== 200,
    )
    expect({ status: refused.status, body: await refused.json() }).toMatchObject({
      status: 401,
      body: { error: { code: 'token_revoked' } },
    })
    const propagation = await soon(
      () => admin(tokens.propagation, { id: token.id }),
      ({ items }) => items.some((it) => it.acknowledged),
    )
    expect(propagation.items).toMatchObject([{ gateway_id: id, acknowledged: true }])
  })

  test('a rollout arrives by itself and is reported as running', async () => {
    const { admin, id, configuration_id, start } = await setUp()
    const { port } = await start()
    await soon(
      () => admin(gateways.get, { id }),
      (gateway) => gateway.stream_connected,
    )
    await admin(configurations.createVersion, { id: configuration_id, yaml: yaml('0.2.0') })
    await admin(configurations.rollout, { gateway_ids: [id], version: '0.2.0' })
    const running = await soon(
      () => admin(gateways.get, { id }),
      (gateway) => gateway.running_version === '0.2.0',
    )
    expect(running).toMatchObject({ status: 'healthy', config_source: 'live', last_error: null })
    const config = await (await fetch(`http://127.0.0.1:${port}/keeptrusts/config`)).json()
    expect(config).toMatchObject({ pack: { version: '0.2.0' } })
  })

  test('a changed setting arrives by itself: payloads are captured from then on and can be revealed', async () => {
    const { admin, id, start } = await setUp()
    const { port } = await start()
    await soon(
      () => admin(gateways.get, { id }),
      (gateway) => gateway.stream_connected,
    )
    const { key } = await admin(tokens.create, { name: 'app', token_type: 'gateway' })
    await admin(settings.updateSecurity, { payload_capture: 'full' })
    const captured = await soon(
      async () => {
        await chat(port, key)
        return (await admin(events.list, {})).items.find(({ payload }) => payload.capture === 'full')
      },
      (event) => event !== undefined,
    )
    const { request } = await admin(events.reveal, { id: captured?.event_id ?? '', reason: 'test' })
    expect(atob(request ?? '')).toContain('gpt-test')
  })

  test('one that was stopped counts as degraded or offline, and goes on where it stopped', async () => {
    const { admin, id, start } = await setUp()
    const first = await start()
    const { key } = await admin(tokens.create, { name: 'app', token_type: 'gateway' })
    await soon(
      () => chat(first.port, key),
      ({ status }) => status === 200,
    )
    await first.stop('test')
    expect((await admin(gateways.get, { id })).status).not.toBe('healthy')
    const second = await start()
    expect((await chat(second.port, key)).status).toBe(200)
    const { items } = await soon(
      () => admin(events.list, {}),
      (page) => page.items.length === 2,
    )
    expect(items.map((event) => event.gateway_seq)).toEqual([2, 1])
  })
})
