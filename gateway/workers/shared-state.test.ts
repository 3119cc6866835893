import { describe, expect, test } from 'vitest'
import type { GatewayKey } from '@/lib/contract/gateways'
import { STARTER_YAML } from '../fake-control-plane'
import { emptySnapshot, type Snapshot, SnapshotStore } from '../snapshot'
import { Feed } from './feed'
import { PROTOCOL, type StateChange, type ToWorker } from './messages'
import { changeBetween, SharedStore, takeChange } from './shared-state'

const COMPILING = { environment: {}, upstreamUrl: undefined }
const key = (name: string, change: Partial<GatewayKey> = {}): GatewayKey => ({
  hash: name,
  token_id: `tok_${name}`,
  token_secret_id: `sec_${name}`,
  token_name: name,
  purpose: 'general',
  team_id: null,
  agent_id: null,
  allowed_models: null,
  allowed_providers: null,
  expires_at_ms: null,
  ends_at_ms: null,
  dead: null,
  ...change,
})
const ring = (...keys: GatewayKey[]) => new Map(keys.map((each) => [each.hash, each]))
/** As it arrives over the channel between two processes. */
const sent = (change: StateChange): StateChange => JSON.parse(JSON.stringify(change))

function primaryWith(change: Partial<Snapshot>): SharedStore {
  const store = new SharedStore(emptySnapshot())
  store.swap({ orgId: 'org_test', lastContactMs: performance.now(), ...change })
  return store
}

async function configOf(version: string): Promise<NonNullable<Snapshot['config']>> {
  const yaml = STARTER_YAML(version)
  const worker = new SnapshotStore(emptySnapshot())
  const change = changeBetween(null, emptySnapshot())
  const source = { id: 'cfg_test', name: 'starter', version, generation: 1, source: 'live' as const, yaml }
  await takeChange(worker, { ...change, config: source }, COMPILING)
  const { config } = worker.current
  if (config === null) throw new Error('It does not compile.')
  return { ...config, yaml }
}

describe('a worker', () => {
  test('knows after the first change what the primary knows, on the same clocks', async () => {
    const primary = primaryWith({ config: await configOf('0.1.0'), keys: ring(key('a'), key('b')), keysRevision: 7 })
    const worker = new SnapshotStore(emptySnapshot())
    await takeChange(worker, sent(changeBetween(null, primary.current)), COMPILING)
    const { config, lastContactMs, timeOriginMs, ...rest } = worker.current
    const { config: wanted, lastContactMs: contact, timeOriginMs: origin, ...restWanted } = primary.current
    expect(rest).toEqual(restWanted)
    expect(config).toMatchObject({ version: '0.1.0', generation: 1, source: 'live', id: 'cfg_test' })
    expect(config?.compiled.targets.map(({ id }) => id)).toEqual(wanted?.compiled.targets.map(({ id }) => id))
    expect(Math.abs((lastContactMs ?? 0) - (contact ?? 0))).toBeLessThan(1)
    expect(Math.abs(timeOriginMs - origin)).toBeLessThan(1)
  })

  test('hears of a revoked key alone, not of the others nor of the configuration', async () => {
    const primary = primaryWith({ config: await configOf('0.1.0'), keys: ring(key('a'), key('b'), key('c')) })
    const before = primary.current
    const worker = new SnapshotStore(emptySnapshot())
    await takeChange(worker, sent(changeBetween(null, before)), COMPILING)
    const keys = new Map(before.keys)
    keys.delete('c')
    keys.set('a', key('a', { dead: 'token_revoked' }))
    primary.swap({ keys, keysRevision: 8 })

    const change = sent(changeBetween(before, primary.current))
    expect(change.keys).toEqual({ changed: [key('a', { dead: 'token_revoked' })], gone: ['c'] })
    expect(change).not.toHaveProperty('config')
    const { config } = worker.current
    await takeChange(worker, change, COMPILING)
    expect(worker.current.keys).toEqual(keys)
    expect(worker.current.keysRevision).toBe(8)
    expect(worker.current.config).toBe(config)
  })

  test('keeps what it has when a configuration does not compile', async () => {
    const worker = new SnapshotStore(emptySnapshot())
    const before = worker.current
    const config = { id: null, name: 'x', version: '1.0.0', generation: 2, source: 'live' as const, yaml: 'pack: {}' }
    await expect(takeChange(worker, { ...changeBetween(null, before), config }, COMPILING)).rejects.toThrow()
    expect(worker.current).toBe(before)
  })
})

describe('the feed of a worker', () => {
  function feedOf(primary: SharedStore) {
    const messages: Extract<ToWorker, { kind: 'state' }>[] = []
    const feed = new Feed(
      () => primary.current,
      (message) => {
        if (message.kind === 'state') messages.push(message)
      },
    )
    primary.onChange = () => feed.offer()
    return { feed, messages }
  }

  test('has one message under way, however often things change, and the next one holds all of it', () => {
    const primary = primaryWith({})
    const { feed, messages } = feedOf(primary)
    feed.offer()
    for (let revision = 1; revision <= 1_000; revision++) primary.swap({ keysRevision: revision })
    expect(messages.length).toBe(1)
    feed.settle(1, false)
    expect(messages.map(({ change }) => change.keysRevision)).toEqual([0, 1_000])
    expect(messages.map(({ protocol }) => protocol)).toEqual([PROTOCOL, PROTOCOL])
    feed.settle(2, false)
    expect(messages.length).toBe(2)
    expect(feed.isCurrent).toBe(true)
    expect(feed.taken).toBe(primary.current)
  })

  test('goes on from what the worker has when it refused a change', () => {
    const primary = primaryWith({ keys: ring(key('a')) })
    const { feed, messages } = feedOf(primary)
    feed.offer()
    feed.settle(1, true)
    expect(feed.taken).toBeNull()
    primary.swap({ keysRevision: 2 })
    expect(messages.at(-1)?.change.keys).toEqual({ all: [key('a')] })
  })

  test('who waits until the worker has what is in force hears of that, not of what was under way, or of a refusal', async () => {
    const primary = primaryWith({})
    const { feed } = feedOf(primary)
    feed.offer()
    primary.swap({ keysRevision: 1 })
    let has = false
    const caughtUp = feed.caughtUp().then(() => (has = true))
    feed.settle(1, false)
    await new Promise((resolve) => setImmediate(resolve))
    expect(has).toBe(false)
    feed.settle(2, false)
    await caughtUp
    await feed.caughtUp()
    primary.swap({ keysRevision: 2 })
    const refused = feed.caughtUp()
    feed.settle(3, true)
    await refused
  })

  test('an answer to an earlier message counts for nothing', () => {
    const primary = primaryWith({})
    const { feed } = feedOf(primary)
    feed.offer()
    feed.settle(0, false)
    expect(feed.isCurrent).toBe(false)
  })
})
