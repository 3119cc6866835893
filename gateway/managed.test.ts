import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, describe, expect, test } from 'vitest'
import { FakeControlPlane, STARTER_YAML } from './fake-control-plane'
import { type RunningGateway, startLocalGateway, startManagedGateway } from './run'
import type { ManagedRunOptions } from './run-options'
import { windowOf } from './spend/fake-budgets'
import { budget, spendOf } from './spend/spend-testing'
import { postChat } from './testing'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function newDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'kt-gateway-'))
  undo.push(() => rm(path, { recursive: true, force: true }))
  return path
}

async function newControlPlane(): Promise<FakeControlPlane> {
  const plane = await new FakeControlPlane().listen()
  undo.push(() => plane.close().catch(() => undefined))
  return plane
}

type Started = RunningGateway & { url: string; logged: () => Record<string, unknown>[]; dataDirectory: string }

async function startGateway(plane: FakeControlPlane, change: Partial<ManagedRunOptions> = {}): Promise<Started> {
  const dataDirectory = change.dataDirectory ?? (await newDirectory())
  const lines: string[] = []
  const gateway = await startManagedGateway({
    listen: '127.0.0.1:0',
    gatewayId: 'gw_test',
    apiUrl: plane.url,
    token: plane.gatewayToken,
    pollIntervalSeconds: 300,
    environment: {},
    log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    ...change,
    dataDirectory,
  })
  undo.push(() => gateway.stop('test'))
  return {
    ...gateway,
    dataDirectory,
    url: `http://127.0.0.1:${gateway.port}`,
    logged: () => lines.map((line) => JSON.parse(line)),
  }
}

const CHAT = { model: 'gpt-test', messages: [{ role: 'user', content: 'Hi' }] }
const chat = async ({ url }: Started, secret: string) => {
  const response = await postChat(url, secret, CHAT)
  return { status: response.status, code: ((await response.json()) as { error?: { code: string } }).error?.code }
}

async function soon<T>(read: () => T | Promise<T>, isRight: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read()
    if (isRight(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('a managed gateway', () => {
  test('serves what its control plane assigns, reports it, and delivers every event', async () => {
    const plane = await newControlPlane()
    const secret = plane.addKey()
    const gateway = await startGateway(plane)

    expect(await chat(gateway, secret)).toEqual({ status: 200, code: undefined })
    const [event] = await soon(
      () => [...plane.events.values()],
      (events) => events.length === 1,
    )
    expect(event).toMatchObject({ gateway_id: 'gw_test', gateway_seq: 1, config_version: '0.1.0', token_id: 'tok_0' })
    const beat = await soon(
      () => plane.beats.at(-1),
      (last) => last?.running_version === '0.1.0',
    )
    expect(beat).toMatchObject({ ready: true, config_source: 'live', running_generation: 1, last_error: null })
    expect(gateway.logged().map((line) => line.msg)).toContain('config loaded starter@0.1.0')
  })

  test('asks with the tag of what it has, and takes a change from the next poll when there is no push', async () => {
    const plane = await newControlPlane()
    plane.mute = true
    const gateway = await startGateway(plane, { pollIntervalSeconds: 0.05 })
    await soon(
      () => plane.requests,
      (all) => all.some(({ conditional, status }) => conditional && status === 304),
    )

    plane.bundle = plane.signer.bundle({ generation: 2 }, STARTER_YAML('0.2.0'), '0.2.0')
    await soon(
      () => plane.beats.at(-1),
      (beat) => beat?.running_version === '0.2.0',
    )
    expect(gateway.isReady()).toBe(true)
  })

  test('asks more often while nothing can be pushed, and learns of a budget although it knew of none', async () => {
    const plane = await newControlPlane()
    plane.refusesStreams = true
    const secret = plane.addKey()
    const gateway = await startGateway(plane, { pollWithoutPushSeconds: 0.05 })
    expect((await chat(gateway, secret)).status).toBe(200)

    plane.budgets.limit(windowOf('bud_org'), '0')
    plane.spend = spendOf({
      unknown_price: 'hold_default',
      unknown_price_usd: '0.100000000',
      budgets: [budget('bud_org')],
    }).told
    const refused = await soon(
      () => chat(gateway, secret),
      ({ status }) => status !== 200,
    )
    expect(refused).toEqual({ status: 402, code: 'budget_exceeded' })
    expect(plane.streams.size).toBe(0)
  })

  test('applies a rollout at once when it is pushed', async () => {
    const plane = await newControlPlane()
    const gateway = await startGateway(plane)
    await soon(
      () => plane.streams.size,
      (count) => count === 1,
    )

    plane.rollOut(2, '0.3.0')
    await soon(
      () => plane.beats.at(-1),
      (beat) => beat?.running_generation === 2,
    )
    const config = await (await fetch(`${gateway.url}/keeptrusts/config`)).json()
    expect(config).toMatchObject({ pack: { name: 'starter', version: '0.3.0' } })
  })

  test('refuses a revoked key as soon as it is pushed, and acknowledges the revision', async () => {
    const plane = await newControlPlane()
    const secret = plane.addKey()
    const other = plane.addKey()
    const gateway = await startGateway(plane)
    await soon(
      () => plane.streams.size,
      (count) => count === 1,
    )
    expect((await chat(gateway, secret)).status).toBe(200)

    plane.revoke(secret)
    await soon(
      () => plane.beats.at(-1),
      (beat) => beat?.keys_revision === plane.keysRevision,
    )
    expect(await chat(gateway, secret)).toEqual({ status: 401, code: 'token_revoked' })
    expect((await chat(gateway, other)).status).toBe(200)
  })

  test('a pushed change after a gap counts at once, but is acknowledged only when the rest is known', async () => {
    const plane = await newControlPlane()
    const secret = plane.addKey()
    const gateway = await startGateway(plane)
    await soon(
      () => plane.streams.size,
      (count) => count === 1,
    )

    plane.addKey() // a change that nobody pushed
    plane.revoke(secret)
    await soon(
      () => chat(gateway, secret),
      ({ status }) => status === 401,
    )
    await soon(
      () => plane.beats.at(-1),
      (beat) => beat?.keys_revision === plane.keysRevision,
    )
  })

  test('keeps the running configuration and says why when a bundle does not pass', async () => {
    const plane = await newControlPlane()
    const gateway = await startGateway(plane)
    await soon(
      () => plane.streams.size,
      (count) => count === 1,
    )

    plane.rollOut(2, '0.2.0', '    - id: x\n      provider: nobody\n')
    const beat = await soon(
      () => plane.beats.at(-1),
      (last) => last !== undefined && last.last_error !== null,
    )
    expect(beat).toMatchObject({ running_generation: 1, last_error: { code: 'configuration_invalid', generation: 2 } })
    expect(gateway.isReady()).toBe(true)

    plane.rollOut(3, '0.2.1')
    await soon(
      () => plane.beats.at(-1),
      (last) => last?.running_generation === 3 && last.last_error === null,
    )
  })

  test('starts from its disk when the control plane is away, and delivers later what it recorded meanwhile', async () => {
    const plane = await newControlPlane()
    const secret = plane.addKey()
    const first = await startGateway(plane)
    const { dataDirectory } = first
    await first.stop('test')
    await plane.close()

    const gateway = await startGateway(plane, { dataDirectory })
    expect((await chat(gateway, secret)).status).toBe(200)
    expect(gateway.logged().map((line) => line.msg)).toContain(
      'control plane not available; starting from what is on disk',
    )

    await plane.listen()
    await soon(
      () => plane.events.size,
      (count) => count === 1,
    )
  })

  test('falls back to the bundle before when the newest on disk is damaged', async () => {
    const plane = await newControlPlane()
    const first = await startGateway(plane)
    await soon(
      () => plane.streams.size,
      (count) => count === 1,
    )
    plane.rollOut(2, '0.2.0')
    await soon(
      () => plane.beats.at(-1),
      (beat) => beat?.running_generation === 2,
    )
    await first.stop('test')
    await plane.close()
    const bundles = join(first.dataDirectory, 'bundles')
    const newest = join(bundles, (await readdir(bundles)).sort().at(-1) ?? '')
    await writeFile(newest, (await readFile(newest, 'utf8')).replace('payload', 'pAyload'))

    const gateway = await startGateway(plane, { dataDirectory: first.dataDirectory })
    const config = await (await fetch(`${gateway.url}/keeptrusts/config`)).json()
    expect(config).toMatchObject({ pack: { version: '0.1.0' } })
  })

  test('keeps three bundles', async () => {
    const plane = await newControlPlane()
    const gateway = await startGateway(plane)
    await soon(
      () => plane.streams.size,
      (count) => count === 1,
    )
    for (const generation of [2, 3, 4, 5]) {
      plane.rollOut(generation, `0.${generation}.0`)
      await soon(
        () => plane.beats.at(-1),
        (beat) => beat?.running_generation === generation,
      )
    }
    expect((await readdir(join(gateway.dataDirectory, 'bundles'))).length).toBe(3)
  })

  test.each([
    ['nobody listens', 'gone', /KEEPTRUSTS_API_URL/],
    ['its token is refused', 401, /KEEPTRUSTS_GATEWAY_TOKEN/],
    ['its token may not', 403, /purpose gateway_runtime/],
    ['it is not registered', 404, /kt gateway register gw_test/],
    ['the control plane fails', 503, /KEEPTRUSTS_API_URL/],
  ] as const)('exits on its first start with what to check when %s', async (_, fault, message) => {
    const plane = await newControlPlane()
    if (fault === 'gone') await plane.close()
    else plane.failWith = fault
    const failure = await startGateway(plane).catch((error) => error)
    expect(failure).toMatchObject({ name: 'GatewayStartError', code: 'no_configuration', exitCode: 5 })
    expect(failure.message).toMatch(message)
  })

  test('waits, not ready, for its first rollout', async () => {
    const plane = await newControlPlane()
    plane.bundle = null
    const gateway = await startGateway(plane)
    expect(gateway.isReady()).toBe(false)
    await soon(
      () => plane.streams.size,
      (count) => count === 1,
    )
    plane.rollOut(1, '0.1.0')
    await soon(gateway.isReady, (ready) => ready)
  })

  test('opens the stream again after it was lost, and fetches what it missed', async () => {
    const plane = await newControlPlane()
    const gateway = await startGateway(plane)
    await soon(
      () => plane.streams.size,
      (count) => count === 1,
    )
    for (const stream of plane.streams) stream.destroy()
    plane.bundle = plane.signer.bundle({ generation: 2 }, STARTER_YAML('0.2.0'), '0.2.0')
    await soon(
      () => plane.beats.at(-1),
      (beat) => beat?.running_generation === 2,
    )
    expect(gateway.isReady()).toBe(true)
  })

  test.each([600_000, -600_000])(
    'judges expiry by the time of the control plane, %i ms from its own',
    async (ahead) => {
      const plane = await newControlPlane()
      plane.clockAheadMs = ahead
      const dead = plane.addKey({ expires_at_ms: Date.now() + ahead - 5_000 })
      const alive = plane.addKey({ expires_at_ms: Date.now() + ahead + 60_000 })
      const first = await startGateway(plane)
      expect(await chat(first, dead)).toEqual({ status: 401, code: 'token_expired' })
      expect((await chat(first, alive)).status).toBe(200)

      await first.stop('test')
      await plane.close()
      const offline = await startGateway(plane, { dataDirectory: first.dataDirectory })
      expect((await chat(offline, dead)).status).toBe(401)
      expect((await chat(offline, alive)).status).toBe(200)
    },
  )

  test('trusts no keys that are older than the organisation allows', async () => {
    const plane = await newControlPlane()
    plane.settings = { ...plane.settings, max_offline_key_age_seconds: 1 }
    const secret = plane.addKey()
    const first = await startGateway(plane)
    await first.stop('test')
    await plane.close()
    await writeContactAge(first.dataDirectory, 3_600_000)

    const gateway = await startGateway(plane, { dataDirectory: first.dataDirectory })
    expect(await chat(gateway, secret)).toEqual({ status: 503, code: 'not_ready' })
  })

  test('refuses a data directory that another gateway uses, and names the holder', async () => {
    const plane = await newControlPlane()
    const { dataDirectory } = await startGateway(plane)
    const failure = await startGateway(plane, { dataDirectory }).catch((error) => error)
    expect(failure).toMatchObject({ code: 'data_directory_in_use' })
    expect(failure.message).toContain(`process ${process.pid}`)
  })

  test('finishes what it began, delivers it and says goodbye when it is told to stop', async () => {
    const plane = await newControlPlane()
    const secret = plane.addKey()
    const gateway = await startGateway(plane)
    const calls = Array.from({ length: 20 }, () => chat(gateway, secret))
    await Promise.all(calls)
    await gateway.stop('test')
    expect(plane.events.size).toBe(20)
    expect(plane.beats.at(-1)).toMatchObject({ ready: false, spool_depth: 0 })
  })

  test('sends requests to the debug upstream and says so loudly', async () => {
    const plane = await newControlPlane()
    plane.rollOut(1, '0.1.0', '    - id: openai\n      provider: openai\n      models: [gpt-9]\n')
    const gateway = await startGateway(plane, {
      upstreamUrl: 'http://127.0.0.1:9/v1',
      environment: { OPENAI_API_KEY: 'sk-x' },
    })
    expect(gateway.logged().some((line) => String(line.msg).includes('DEBUG OVERRIDE'))).toBe(true)
  })
})

describe('a gateway on a local file', () => {
  test('serves loopback without a key when the file says so, and keeps its events', async () => {
    const directory = await newDirectory()
    const path = join(directory, 'policy-config.yaml')
    await writeFile(path, STARTER_YAML('1.0.0', 'gateway:\n  anonymous: loopback\n'))
    const gateway = await startLocalGateway({
      listen: '127.0.0.1:0',
      gatewayId: 'gw_file',
      dataDirectory: join(directory, 'data'),
      policyConfigPath: path,
      environment: {},
      log: pino({ level: 'silent' }),
    })
    undo.push(() => gateway.stop('test'))
    const response = await postChat(`http://127.0.0.1:${gateway.port}`, null, CHAT)
    expect(response.status).toBe(200)
  })

  test('does not start on a file with errors, and shows each with its line', async () => {
    const directory = await newDirectory()
    const path = join(directory, 'policy-config.yaml')
    await writeFile(path, STARTER_YAML('1.0.0').replace('chain: []', 'chain: [pii-detecter]'))
    const failure = await startLocalGateway({
      listen: '127.0.0.1:0',
      gatewayId: 'gw_file',
      dataDirectory: join(directory, 'data'),
      policyConfigPath: path,
      log: pino({ level: 'silent' }),
    }).catch((error) => error)
    expect(failure).toMatchObject({ code: 'invalid_configuration', exitCode: 2 })
    expect(failure.message).toMatch(/policy-config\.yaml:6:11 error E001/)
  })
})

async function writeContactAge(dataDirectory: string, ageMs: number): Promise<void> {
  const { LastKnownGood } = await import('./last-known-good')
  await new LastKnownGood(dataDirectory, () => {}).writeContactMs(Date.now() - ageMs)
}
