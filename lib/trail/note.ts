import { fromBase64, fromHex, toBase64, toHex, utf8 } from './encoding'
import { type Primitives, portable } from './primitives'

/** C2SP signed-note asks for room for 16 signatures of nearly 5 kB. */
export const NOTE_BYTES_MAX = 131_072
export const NOTE_SIGNATURES_MAX = 64

/** Signature types of C2SP signed-note that are understood here. */
export const ED25519 = 0x01
export const COSIGNATURE_V1 = 0x04

/** `keyId`: 8 hex digits. With type 0x04 the key is a witness's (C2SP tlog-cosignature). */
export type NoteKey = {
  name: string
  type: typeof ED25519 | typeof COSIGNATURE_V1
  publicKey: Uint8Array
  keyId: string
}
/** One signature line; `bytes` is what follows the key id. */
export type NoteSignature = { name: string; keyId: string; bytes: Uint8Array }
export type Note = { text: string; signatures: NoteSignature[] }
/** `time`: when a witness signed, in seconds since 1970; null for other keys. */
export type Verified = { key: NoteKey; time: number | null }

export class NoteRefused extends Error {
  override readonly name = 'NoteRefused'
}

const DASH = '\u2014'

/**
 * A key that may sign notes. Its id is the start of SHA-256 over name, newline, type and public key.
 *
 * @throws RangeError when the name is empty, has spaces or `+`, or the key is not 32 bytes
 */
export function noteKey(
  name: string,
  publicKey: Uint8Array,
  type: NoteKey['type'] = ED25519,
  primitives: Primitives = portable,
): NoteKey {
  if (!isKeyName(name)) throw new RangeError('A key name is not empty and has neither spaces nor "+".')
  if (publicKey.length !== 32) throw new RangeError('An Ed25519 public key has 32 bytes.')
  const hash = primitives.sha256(joined(utf8(`${name}\n`), Uint8Array.of(type), publicKey))
  return { name, type, publicKey, keyId: toHex(hash.subarray(0, 4)) }
}

/** `<name>+<key id>+<base64 of type and key>`, as C2SP signed-note and golang.org/x/mod/sumdb/note write it. */
export const formatNoteKey = (key: NoteKey): string =>
  `${key.name}+${key.keyId}+${toBase64(joined(Uint8Array.of(key.type), key.publicKey))}`

/** Null when it is no key of a type understood here, or its id is not its own. */
export function parseNoteKey(text: string, primitives: Primitives = portable): NoteKey | null {
  // A plus sign may occur in base64, never in a name.
  const match = /^([^+]{1,1000})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{44})$/.exec(text)
  const bytes = match && fromBase64(match[3] ?? '')
  const type = bytes?.[0]
  if (!match || !bytes || bytes.length !== 33 || (type !== ED25519 && type !== COSIGNATURE_V1)) return null
  const name = match[1] ?? ''
  if (!isKeyName(name)) return null
  const key = noteKey(name, bytes.slice(1), type, primitives)
  return key.keyId === match[2] ? key : null
}

/**
 * Text and signatures of a note (C2SP signed-note), none of them verified.
 *
 * @throws NoteRefused when it is no note, or beyond the limits above
 */
export function parseNote(note: string): Note {
  if (note.length > NOTE_BYTES_MAX || utf8(note).length > NOTE_BYTES_MAX) throw new NoteRefused('The note is too long.')
  if (!note.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(note)) {
    throw new NoteRefused('The note has characters that no note has.')
  }
  // The text may have empty lines; the last one ends it.
  const end = note.lastIndexOf('\n\n')
  if (end === -1 || !note.endsWith('\n')) throw new NoteRefused('The note has no signatures.')
  const lines = note.slice(end + 2, -1).split('\n')
  if (lines.length > NOTE_SIGNATURES_MAX) throw new NoteRefused('The note has too many signatures.')
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) }
}

/**
 * The text of a note and who has verifiably signed it. Signatures by other keys are ignored, one that repeats is
 * counted once.
 *
 * @throws NoteRefused when no known key has signed, or what is said to be by a known key is not
 */
export function openNote(
  note: string,
  keys: readonly NoteKey[],
  primitives: Primitives = portable,
): { text: string; verified: Verified[] } {
  const { text, signatures } = parseNote(note)
  const verified = new Map<NoteKey, Verified>()
  for (const signature of signatures) {
    const key = keys.find(({ name, keyId }) => name === signature.name && keyId === signature.keyId)
    if (!key) continue
    const time = verifySignature(key, text, signature.bytes, primitives)
    if (time === false) throw new NoteRefused(`The signature of ${key.name} is not valid.`)
    if (!verified.has(key)) verified.set(key, { key, time })
  }
  if (verified.size === 0) throw new NoteRefused('No known key has signed the note.')
  return { text, verified: [...verified.values()] }
}

/** The line by which a key signs; `bytes` as `signedText` or `cosignedText` asked for. */
export const signatureLine = ({ name, keyId }: NoteKey, bytes: Uint8Array): string =>
  `${DASH} ${name} ${toBase64(joined(fromHex(keyId) ?? new Uint8Array(), bytes))}\n`

/** @throws NoteRefused when the result is no note */
export function composeNote(text: string, lines: readonly string[]): string {
  const note = `${text}\n${lines.join('')}`
  const parsed = parseNote(note)
  if (parsed.text !== text || lines.length !== parsed.signatures.length) throw new NoteRefused('That is no note.')
  return note
}

/** What a witness signs at a time in seconds (C2SP tlog-cosignature). */
export const cosignedText = (text: string, time: number): string => `cosignature/v1\ntime ${time}\n${text}`

/** The signature of a witness: 8 bytes of time, big-endian, and 64 of Ed25519. */
export function cosignature(time: number, signature: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(time))
  return joined(bytes, signature)
}

/** False when it does not verify, else the time of a witness or null. */
function verifySignature(key: NoteKey, text: string, bytes: Uint8Array, primitives: Primitives): number | null | false {
  if (key.type === ED25519) return primitives.verifyEd25519(key.publicKey, utf8(text), bytes) ? null : false
  if (bytes.length !== 72) return false
  const time = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0))
  if (!Number.isSafeInteger(time)) return false
  return primitives.verifyEd25519(key.publicKey, utf8(cosignedText(text, time)), bytes.subarray(8)) ? time : false
}

function parseSignature(line: string): NoteSignature {
  const [dash, name = '', encoded = '', ...rest] = line.split(' ')
  const bytes = fromBase64(encoded)
  if (dash !== DASH || rest.length > 0 || !isKeyName(name) || !bytes || bytes.length < 5) {
    throw new NoteRefused('The note has a line among its signatures that is none.')
  }
  return { name, keyId: toHex(bytes.subarray(0, 4)), bytes: bytes.slice(4) }
}

const isKeyName = (name: string) => name !== '' && name.isWellFormed() && !/[\s+\u0085]/u.test(name)

function joined(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
