import { fromBase64, toBase64 } from './encoding'
import { type NoteKey, NoteRefused, openNote, parseNote, type Verified } from './note'
import { type Primitives, portable } from './primitives'
import { HASH_BYTES, isSize } from './tree'

/** A root that its log vouches for (C2SP tlog-checkpoint). */
export type Checkpoint = { origin: string; size: number; root: Uint8Array; extensions: string[] }

/** The origin of an organisation's log, and the name of its key in notes. */
export const originOf = (orgId: string): string => `keeptrusts/${orgId}`

/**
 * The text of a note: origin, size, root, and a line per extension.
 *
 * @throws RangeError when a checkpoint cannot say this
 */
export function formatCheckpoint({
  origin,
  size,
  root,
  extensions = [],
}: Omit<Checkpoint, 'extensions'> & {
  extensions?: readonly string[]
}): string {
  const text = `${[origin, String(size), toBase64(root), ...extensions].join('\n')}\n`
  if (!parseCheckpoint(text)) throw new RangeError('A checkpoint has an origin, a size and a root of 32 bytes.')
  return text
}

/** Null when it is not exactly a checkpoint: sizes without leading zeros, no empty lines. */
export function parseCheckpoint(text: string): Checkpoint | null {
  if (!text.endsWith('\n')) return null
  const [origin = '', size = '', root = '', ...extensions] = text.slice(0, -1).split('\n')
  const hash = fromBase64(root)
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || !isSize(Number(size))) return null
  if (!hash || hash.length !== HASH_BYTES || extensions.includes('')) return null
  return { origin, size: Number(size), root: hash, extensions }
}

/**
 * The checkpoint of a note that one of these keys has signed.
 *
 * @throws NoteRefused when it is none, no known key has signed it, or it is of another log
 */
export function openCheckpoint(
  note: string,
  origin: string,
  keys: readonly NoteKey[],
  primitives: Primitives = portable,
): Checkpoint & { verified: Verified[] } {
  const { text, verified } = openNote(note, keys, primitives)
  return { ...ofOrigin(text, origin), verified }
}

/**
 * What a note says without looking at its signatures: to find out which log it is about.
 *
 * @throws NoteRefused
 */
export function readCheckpoint(note: string): Checkpoint {
  const checkpoint = parseCheckpoint(parseNote(note).text)
  if (!checkpoint) throw new NoteRefused('The note is no checkpoint.')
  return checkpoint
}

function ofOrigin(text: string, origin: string): Checkpoint {
  const checkpoint = parseCheckpoint(text)
  if (!checkpoint) throw new NoteRefused('The note is no checkpoint.')
  if (checkpoint.origin !== origin)
    throw new NoteRefused(`The checkpoint is of ${checkpoint.origin}, not of ${origin}.`)
  return checkpoint
}
