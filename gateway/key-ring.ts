import type { GatewayKey, GatewayPush } from '@/lib/contract/gateways'
import type { Snapshot } from './snapshot'

type KeysPush = Extract<GatewayPush, { kind: 'keys' }>
type Ring = Pick<Snapshot, 'keys' | 'keysRevision'>

export const ringOf = (keys: readonly GatewayKey[], keysRevision: number): Ring => ({
  keys: new Map(keys.map((key) => [key.hash, key])),
  keysRevision,
})

/**
 * The ring after a pushed change of one key: all secrets of that key are replaced by the pushed ones.
 *
 * @returns `isGap` when a change in between is missing. The pushed one then counts already, for a revocation must not
 *   wait, but the revision stays: it promises that everything up to it is known.
 */
export function withPush(ring: Ring, push: KeysPush): { ring: Ring; isGap: boolean } {
  if (push.keys_revision <= ring.keysRevision) return { ring, isGap: false }
  const keys = new Map([...ring.keys].filter(([, key]) => key.token_id !== push.token_id))
  for (const key of push.keys) keys.set(key.hash, key)
  const isGap = push.keys_revision !== ring.keysRevision + 1
  return { ring: { keys, keysRevision: isGap ? ring.keysRevision : push.keys_revision }, isGap }
}
