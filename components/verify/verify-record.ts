import type { z } from 'zod'
import type { trail } from '@/lib/contract/trail'
import { openCheckpoint } from '@/lib/trail/checkpoint'
import { fromBase64, toHex, utf8 } from '@/lib/trail/encoding'
import { NoteRefused } from '@/lib/trail/note'
import { verifyInclusion } from '@/lib/trail/proof'
import { leafHash } from '@/lib/trail/tree'
import type { Check } from './check-list'
import { knownSigners, type SaidKeys } from './known-signers'

export type RecordProof = {
  inclusion: z.output<typeof trail.inclusion.output>
  key: SaidKeys
}

/** `line` is made from what the page shows: so what is proven is what the reader sees. */
export type ShownRecord = { line: string; seq: number }

/** Checks a record against what the log has signed, here: the server's own findings are not asked for. */
export function verifyRecord({ line, seq }: ShownRecord, { inclusion, key }: RecordProof): Check[] {
  const hash = leafHash(utf8(line))
  const isSame = toHex(hash) === inclusion.leaf_hash
  const leaf: Check = {
    name: 'Leaf hash',
    state: isSame ? 'pass' : 'fail',
    detail: isSame
      ? `What this page shows hashes to the recorded ${inclusion.leaf_hash}.`
      : `What this page shows hashes to ${toHex(hash)}; recorded was ${inclusion.leaf_hash}. It was changed after it was recorded.`,
  }
  const { keys, check } = knownSigners(key)
  const root = openedRoot(inclusion, key.origin, keys)
  return [leaf, inclusionCheck(hash, seq, inclusion, root.hash), root.check, check]
}

function inclusionCheck(
  hash: Uint8Array,
  seq: number,
  { tree_size: size, proof }: RecordProof['inclusion'],
  root: Uint8Array | null,
): Check {
  const name = 'Place in the tree'
  if (!root) return { name, state: 'unknown', detail: 'Without a signed root there is nothing to compare with.' }
  const hashes = proof.map((text) => fromBase64(text) ?? new Uint8Array())
  const holds = verifyInclusion({ index: seq - 1, size, leafHash: hash, proof: hashes, root })
  return {
    name,
    state: holds ? 'pass' : 'fail',
    detail: holds
      ? `Leaf ${seq - 1} of ${size}: ${hashes.length} hashes lead from it to the signed root ${toHex(root)}.`
      : `Leaf ${seq - 1} of ${size}: from what this page shows, no way leads to the signed root ${toHex(root)}.`,
  }
}

function openedRoot(
  { checkpoint, tree_size: size }: RecordProof['inclusion'],
  origin: string,
  keys: Parameters<typeof openCheckpoint>[2],
): { hash: Uint8Array | null; check: Check } {
  const name = 'Signed checkpoint'
  const refused = (detail: string) => ({ hash: null, check: { name, state: 'fail' as const, detail } })
  if (checkpoint === null) return refused('The server has none of this size.')
  try {
    const opened = openCheckpoint(checkpoint, origin, keys)
    if (opened.size !== size) return refused(`It is of ${opened.size} records, the proof of ${size}.`)
    return {
      hash: opened.root,
      check: { name, state: 'pass', detail: `A key of ${origin} has signed the root of ${size} records.` },
    }
  } catch (thrown) {
    if (!(thrown instanceof NoteRefused)) throw thrown
    return refused(thrown.message)
  }
}
