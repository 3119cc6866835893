import { hash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Bundle, RuntimeState } from '@/lib/contract/configurations'
import { Heartbeat } from '@/lib/contract/gateways'
import { BundleSigner, STARTER_YAML } from './fake-control-plane'
import { LastKnownGood } from './last-known-good'
import { RunningConfiguration } from './running-configuration'
import { emptySnapshot, SnapshotStore } from './snapshot'

const signer = new BundleSigner()
const log = { info: () => {}, warn: () => {}, error: () => {} }
let path = ''
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'kt-mutations-'))
})
afterAll(() => rm(path, { recursive: true, force: true }))

/** Numbers that look random and are the same in each run (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const RUNNING = 5
const NEXT = { generation: RUNNING + 1 }
const good = (yaml: string, change: object = NEXT) => signer.bundle(change, yaml, '0.2.0')
const STARTER = STARTER_YAML('0.2.0')
const decoded = (text: string) => Buffer.from(text, 'base64')
const payloadOf = (bundle: Bundle) => JSON.parse(decoded(bundle.payload).toString('utf8'))
/** Signed by the right key, whatever it says. */
const signed = (payload: unknown) => signer.sign(Buffer.from(JSON.stringify(payload)))
const withYaml = (yaml: string) => {
  const payload = payloadOf(good(STARTER))
  return signed({ ...payload, configuration: { ...payload.configuration, yaml, sha256: hash('sha256', yaml, 'hex') } })
}
const withPolicies = (settings: string) =>
  STARTER.replace('chain: []', 'chain: [dlp-filter]').replace(
    'providers:\n',
    `policy:\n  dlp-filter:\n    ${settings}\nproviders:\n`,
  )
const withoutTargets = STARTER.replace(/targets:[\s\S]*$/, 'targets: []\n')
const needingSecret = `${withoutTargets.replace('targets: []\n', '')}targets:\n    - id: openai\n      provider: openai\n      models: [gpt-9]\n      secret_key_ref:\n        env: NOT_SET_HERE\n`

const FIELDS = ['payload', 'signature', 'kid'] as const
/** Each makes one bundle that must not be applied, from a number that makes it different from the others of its kind. */
const MUTATIONS: Record<string, { count: number; make: (n: number, below: (n: number) => number) => Bundle }> = {
  'a bit is flipped in transit': {
    count: 400,
    make(n, below) {
      const bundle = good(STARTER)
      const name = FIELDS[n % 3] ?? 'payload'
      const bytes = Buffer.from(bundle[name])
      const at = below(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(7))
      return { ...bundle, [name]: bytes.toString('latin1') }
    },
  },
  'a bit of the signed bytes is flipped': {
    count: 250,
    make(n, below) {
      const bundle = good(STARTER)
      const name = n % 2 === 0 ? 'payload' : 'signature'
      const bytes = decoded(bundle[name])
      const at = below(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
      return { ...bundle, [name]: bytes.toString('base64') }
    },
  },
  'it is cut short': {
    count: 150,
    make(n, below) {
      const bundle = good(STARTER)
      const name = FIELDS[n % 3] ?? 'payload'
      return { ...bundle, [name]: bundle[name].slice(0, below(bundle[name].length)) }
    },
  },
  'the payload is cut short before it is signed': {
    count: 60,
    make(_, below) {
      const bytes = decoded(good(STARTER).payload)
      return signer.sign(bytes.subarray(0, below(bytes.length - 1)))
    },
  },
  'it is too large': {
    count: 6,
    make: (n) => (n % 2 === 0 ? withYaml('#'.repeat(1_048_577 + n)) : signer.sign(Buffer.alloc(5_000_001 + n, 32))),
  },
  'its content is there ten times': {
    count: 30,
    make(n) {
      const bytes = decoded(good(STARTER, { generation: RUNNING + 1 + n }).payload)
      if (n % 3 === 0) return signer.sign(Buffer.concat(Array.from({ length: 10 }, () => bytes)))
      if (n % 3 === 1) return withYaml(STARTER.repeat(10))
      return withYaml(`${STARTER}${'    - id: sandbox\n      provider: sandbox\n'.repeat(9 + n)}`)
    },
  },
  'it is for somebody else': {
    count: 50,
    make: (n) => good(STARTER, n % 2 ? { ...NEXT, gateway_id: `gw_${n}` } : { ...NEXT, org_id: `org_${n}` }),
  },
  'it is older, or the running generation with other content': {
    count: 50,
    make: (n) => good(STARTER, { generation: 1 + (n % RUNNING), created_at: `2026-03-20T12:00:${10 + n}.000Z` }),
  },
  'it says what this gateway does not know': {
    count: 40,
    make(n) {
      const payload = payloadOf(good(STARTER))
      if (n % 3 === 0) return signed({ ...payload, [`field_${n}`]: n })
      if (n % 3 === 1) return signed({ ...payload, configuration: { ...payload.configuration, [`field_${n}`]: n } })
      return withYaml(`${STARTER}field_${n}: true\n`)
    },
  },
  'its secret cannot be resolved': {
    count: 10,
    make: (n) => withYaml(`${needingSecret}${'#'.repeat(n)}`),
  },
  'its pattern cannot be matched in linear time': {
    count: 16,
    make: (n) =>
      withYaml(
        withPolicies(
          `detect_patterns: ['${['(a+)\\1', '(?=(a+)+)b', '(?<!x)(a|aa)+$', '((a{1000}){1000}){9}'][n % 4]}${'b'.repeat(n)}']`,
        ),
      ),
  },
  'it has no targets': { count: 10, make: (n) => withYaml(`${withoutTargets}${'#'.repeat(n)}`) },
  'its fields have other types': {
    count: 60,
    make(n) {
      const payload = payloadOf(good(STARTER))
      const values = [null, -1, 1.5, 'x'.repeat(n), [], {}, true]
      const names = ['format', 'org_id', 'generation', 'min_gateway_version', 'created_at', 'configuration']
      const name = names[n % names.length] ?? 'format'
      // As an array, a text is no longer the text that was asked for, even of the right content.
      return signed({ ...payload, [name]: [values[n % values.length]] })
    },
  },
}
const COUNT = Object.values(MUTATIONS).reduce((sum, { count }) => sum + count, 0)

test(`of ${COUNT} mutated bundles none is applied, none is a crash, and each is reported with its reason`, async () => {
  const disk = new LastKnownGood(path, () => {})
  await disk.open()
  const store = new SnapshotStore(emptySnapshot())
  const options = { store, disk, gatewayId: 'gw_test', gatewayVersion: '0.1.0', environment: {}, log }
  const running = new RunningConfiguration({ ...options, trustKey: undefined, upstreamUrl: undefined })
  const state = (bundle: Bundle): RuntimeState => ({
    gateway_id: 'gw_test',
    org_id: 'org_test',
    server_time: '2026-03-20T12:00:00.000Z',
    desired_version: '0.2.0',
    desired_generation: RUNNING + 1,
    bundle,
    signing_keys: [{ kid: signer.kid, public_key: signer.publicKey }],
    settings: { payload_capture: 'none', max_offline_key_age_seconds: 86_400 },
    prices: null,
    spend: null,
    keys_revision: 1,
    keys: [],
  })
  await running.take(state(signer.bundle({ generation: RUNNING })))
  const before = store.current.config
  expect(before?.generation).toBe(RUNNING)

  const reasons = new Map<string, Set<string>>()
  const lastError = Heartbeat.shape.last_error.unwrap()
  for (const [name, { count, make }] of Object.entries(MUTATIONS)) {
    const below = numbers(count)
    const codes = new Set<string>()
    for (let n = 0; n < count; n++) {
      const bundle = make(n, below)
      await running.take(state(bundle))
      expect(store.current.config, `${name}, number ${n}`).toBe(before)
      codes.add(lastError.parse(running.lastError).code)
    }
    reasons.set(name, codes)
  }
  expect(COUNT).toBeGreaterThanOrEqual(1_000)
  expect(Object.fromEntries(reasons)).toEqual({
    'a bit is flipped in transit': new Set(['bundle_malformed', 'bundle_key_not_trusted', 'bundle_signature_invalid']),
    'a bit of the signed bytes is flipped': new Set(['bundle_signature_invalid']),
    'it is cut short': new Set(['bundle_malformed', 'bundle_key_not_trusted', 'bundle_signature_invalid']),
    'the payload is cut short before it is signed': new Set(['bundle_malformed']),
    'it is too large': new Set(['bundle_malformed']),
    'its content is there ten times': new Set(['bundle_malformed', 'configuration_invalid']),
    'it is for somebody else': new Set(['bundle_for_another_gateway']),
    'it is older, or the running generation with other content': new Set(['bundle_outdated']),
    'it says what this gateway does not know': new Set(['bundle_malformed', 'configuration_invalid']),
    'its secret cannot be resolved': new Set(['no_usable_target']),
    'its pattern cannot be matched in linear time': new Set(['configuration_invalid']),
    'it has no targets': new Set(['no_usable_target']),
    'its fields have other types': new Set(['bundle_malformed']),
  })

  await running.take(state(good(STARTER)))
  expect(store.current.config?.version).toBe('0.2.0')
  expect(running.lastError).toBeNull()
}, 120_000)
