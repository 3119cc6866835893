import { type Checkpoint, openCheckpoint, readCheckpoint } from '@/lib/trail/checkpoint'
import { areEqual, fromBase64, toHex } from '@/lib/trail/encoding'
import { NoteRefused } from '@/lib/trail/note'
import { verifyConsistency } from '@/lib/trail/proof'
import type { Check } from './check-list'
import { knownSigners, type SaidKeys } from './known-signers'

export type Comparison = {
  key: SaidKeys
  latest: { note: string }
  /** Asks for the proof that the tree of `to` records begins with that of `from`; base64. */
  prove: (from: number, to: number) => Promise<string[]>
}

/** Whether the log of today has grown out of a checkpoint that was kept elsewhere. Computed here; only proofs are asked for. */
export async function compareCheckpoint(kept: string, { key, latest, prove }: Comparison): Promise<Check[]> {
  const { keys, check } = knownSigners(key)
  const before = opened('Kept checkpoint', kept, key.origin, keys)
  const now = opened('Latest checkpoint', latest.note, key.origin, keys)
  const checks = [check, before.check, now.check]
  if (!before.checkpoint || !now.checkpoint) return checks
  return [...checks, await growth(before.checkpoint, now.checkpoint, prove)]
}

function opened(name: string, note: string, origin: string, keys: Parameters<typeof openCheckpoint>[2]) {
  const refused = (detail: string) => ({ checkpoint: null, check: { name, state: 'fail' as const, detail } })
  try {
    const said = readCheckpoint(note)
    if (said.origin !== origin) return refused(`WRONG_LOG: it is of ${said.origin}; this is ${origin}.`)
    const checkpoint = openCheckpoint(note, origin, keys)
    const detail = `Signed, over ${checkpoint.size} records with the root ${toHex(checkpoint.root)}.`
    return { checkpoint, check: { name, state: 'pass' as const, detail } }
  } catch (thrown) {
    if (!(thrown instanceof NoteRefused)) throw thrown
    return refused(thrown.message)
  }
}

async function growth(before: Checkpoint, now: Checkpoint, prove: Comparison['prove']): Promise<Check> {
  const name = 'Growth since then'
  if (before.size > now.size) {
    const detail = `ROLLED_BACK: ${before.size} records were signed then, and the log has ${now.size} now. Records were cut off, or a backup was restored.`
    return { name, state: 'fail', detail }
  }
  const forked = `FORKED: the first ${before.size} records of the log are not those that were signed then.`
  if (before.size === now.size) {
    const isSame = areEqual(before.root, now.root)
    return { name, state: isSame ? 'pass' : 'fail', detail: isSame ? 'Both are of the same records.' : forked }
  }
  if (before.size === 0) {
    return { name, state: 'unknown', detail: 'The kept checkpoint is of no records: every log begins with those.' }
  }
  const proof = (await prove(before.size, now.size)).map((hash) => fromBase64(hash) ?? new Uint8Array())
  const holds = verifyConsistency({
    size1: before.size,
    size2: now.size,
    root1: before.root,
    root2: now.root,
    proof,
  })
  const added = now.size - before.size
  const grown = `All ${before.size} records of then are still there unchanged; ${added} ${added === 1 ? 'was' : 'were'} added after them.`
  return { name, state: holds ? 'pass' : 'fail', detail: holds ? grown : forked }
}
