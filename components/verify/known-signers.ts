import { type KeyHistory, KeysRefused, readKeyHistory, type TrailKey } from '@/lib/trail/keys'
import { type NoteKey, noteKey } from '@/lib/trail/note'
import type { Check } from './check-list'

/** What a log says of its keys. */
export type SaidKeys = { origin: string; history: readonly TrailKey[] }

export type Signers = { keys: NoteKey[]; check: Check }

/** The keys that a log says are its own, each signed by the one before. Whether they are, only a fingerprint tells. */
export function knownSigners({ origin, history }: SaidKeys): Signers {
  const name = 'Signing keys'
  let read: KeyHistory
  try {
    read = readKeyHistory(history, origin, null)
  } catch (thrown) {
    if (!(thrown instanceof KeysRefused)) throw thrown
    return { keys: [], check: { name, state: 'fail', detail: thrown.message } }
  }
  const keys = [...read.trusted.values()].map(({ raw }) => noteKey(origin, raw))
  const detail =
    keys.length === 1 ? 'One key, from the beginning.' : `${keys.length} keys, each signed by the key before it.`
  return { keys, check: { name, state: 'pass', detail } }
}
