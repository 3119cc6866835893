import { expect, test } from 'vitest'
import type { GatewayKey } from '@/lib/contract/gateways'
import { ringOf, withPush } from './key-ring'

const key = (token_id: string, hash: string, dead: GatewayKey['dead'] = null): GatewayKey => ({
  hash,
  token_id,
  token_secret_id: `sec_${hash}`,
  token_name: token_id,
  purpose: 'general',
  team_id: null,
  agent_id: null,
  allowed_models: null,
  allowed_providers: null,
  expires_at_ms: null,
  ends_at_ms: null,
  dead,
})
const push = (keys_revision: number, keys: GatewayKey[]) => ({
  kind: 'keys' as const,
  token_id: 'a',
  keys,
  keys_revision,
})
const RING = ringOf([key('a', 'a1'), key('a', 'a2'), key('b', 'b1')], 5)

test('a pushed change replaces all secrets of its key and no other', () => {
  const { ring, isGap } = withPush(RING, push(6, [key('a', 'a1', 'token_revoked')]))
  expect([...ring.keys.values()].map(({ hash, dead }) => [hash, dead])).toEqual([
    ['b1', null],
    ['a1', 'token_revoked'],
  ])
  expect({ revision: ring.keysRevision, isGap }).toEqual({ revision: 6, isGap: false })
})

test('after a gap the change counts, and the revision does not promise what is missing', () => {
  const { ring, isGap } = withPush(RING, push(8, [key('a', 'a1', 'token_revoked')]))
  expect(ring.keys.get('a1')?.dead).toBe('token_revoked')
  expect({ revision: ring.keysRevision, isGap }).toEqual({ revision: 5, isGap: true })
})

test.each([5, 4])('a change that is known already (revision %i) does nothing', (revision) => {
  expect(withPush(RING, push(revision, []))).toEqual({ ring: RING, isGap: false })
})

test('the ring before stays as it was: requests under way finish under it', () => {
  withPush(RING, push(6, []))
  expect(RING.keys.size).toBe(3)
})
