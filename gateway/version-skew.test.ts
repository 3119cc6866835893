import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { BundleError, verifyBundle } from './bundle'
import { BundleSigner } from './fake-control-plane'
import { followPushStream } from './push-stream'
import { fetchRuntimeState } from './runtime-state'

const signer = new BundleSigner()
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const KEY = {
  hash: 'a'.repeat(64),
  token_id: 'tok_1',
  token_secret_id: 'sec_1',
  token_name: 'one',
  purpose: 'general',
  team_id: null,
  agent_id: null,
  allowed_models: null,
  allowed_providers: null,
  expires_at_ms: null,
  ends_at_ms: null,
  dead: null,
}
const STATE = {
  gateway_id: 'gw_test',
  org_id: 'org_test',
  server_time: '2026-03-20T12:00:00.000Z',
  desired_version: null,
  desired_generation: 1,
  bundle: signer.bundle(),
  signing_keys: [{ kid: signer.kid, public_key: signer.publicKey }],
  settings: { payload_capture: 'none', max_offline_key_age_seconds: 86_400 },
  keys_revision: 1,
  keys: [KEY],
  prices: null,
  spend: null,
}

async function serve(type: string, body: string): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': type })
    response.write(body)
    if (type === 'application/json') response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undo.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => server.closeAllConnections(),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const fetchState = async (state: object) =>
  fetchRuntimeState(
    { apiUrl: await serve('application/json', JSON.stringify(state)), token: 'kt_ak_test', gatewayId: 'gw_test' },
    null,
    new AbortController().signal,
  )

describe('a control plane that is newer than the gateway', () => {
  test.each([
    ['the runtime state', { ...STATE, later: 1 }],
    ['its settings', { ...STATE, settings: { ...STATE.settings, later: 1 } }],
    ['a key', { ...STATE, keys: [{ ...KEY, later: 1 }] }],
    ['a signing key', { ...STATE, signing_keys: [{ ...STATE.signing_keys[0], later: 1 }] }],
    ['prices, in a way that cannot be read', { ...STATE, prices: { version: 'v', rows: [], later: 1 } }],
    ['the wrapping of a bundle', { ...STATE, bundle: { ...STATE.bundle, later: 1 } }],
  ])('may add to %s, which changes nothing', async (_, state) => {
    expect((await fetchState(state))?.state).toEqual(STATE)
  })

  test('may tell of budgets in a way that cannot be read: those in force stay, and the rest is taken', async () => {
    const state = { ...STATE, spend: { unknown_price: 'ask_somebody', budgets: [], wallets: null } }
    expect((await fetchState(state))?.state).toEqual({ ...STATE, spend: undefined })
  })

  test.each([
    ['the signed payload', (payload: object) => ({ ...payload, later: 1 })],
    [
      'the configuration in it',
      (payload: { configuration: object }) => ({ ...payload, configuration: { ...payload.configuration, later: 1 } }),
    ],
  ])('may not add to %s: what is signed is understood whole or not applied', (_, change) => {
    const payload = JSON.parse(Buffer.from(STATE.bundle.payload, 'base64').toString('utf8'))
    const bundle = signer.sign(Buffer.from(JSON.stringify(change(payload))))
    const pinned = { kid: signer.kid, public_key: signer.publicKey }
    const expected = { pinned, gatewayId: 'gw_test', orgId: 'org_test', running: null, gatewayVersion: '0.1.0' }
    expect(() => verifyBundle(bundle, expected)).toThrow(BundleError)
  })

  test('may push what the gateway does not know: it asks, and the stream stays open', async () => {
    const frames = [
      { kind: 'later', what: 1 },
      { kind: 'ping', server_time: STATE.server_time, later: 1 },
    ]
    const apiUrl = await serve(
      'text/event-stream',
      frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(''),
    )
    const stop = new AbortController()
    const pushes: unknown[] = []
    const losses: unknown[] = []
    const both = Promise.withResolvers<void>()
    const ended = followPushStream(
      {
        apiUrl,
        token: 'kt_ak_test',
        gatewayId: 'gw_test',
        silenceMsMax: 60_000,
        onOpen: () => {},
        onPush(push) {
          pushes.push(push)
          if (pushes.length === 2) both.resolve()
        },
        onLoss: (cause) => losses.push(cause),
      },
      stop.signal,
    )
    await both.promise
    expect(pushes).toEqual([{ kind: 'resync' }, { kind: 'ping', server_time: STATE.server_time }])
    expect(losses).toEqual([])
    stop.abort()
    await ended
  })

  test('is not read on for ever when it answers too much', async () => {
    const large = { ...STATE, later: 'x'.repeat(33 * 1_048_576) }
    await expect(fetchState(large)).rejects.toThrow(/Cannot reach the control plane.*larger than 32 MiB/)
  })
})
