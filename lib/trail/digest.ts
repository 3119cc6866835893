import { parseJson } from '../parse-json'
import { canonicalJson } from './canonical'
import { fromBase64, fromUtf8, toBase64, toHex, utf8 } from './encoding'
import { type Primitives, portable } from './primitives'
import { SIZE_MAX } from './tree'

export const DIGEST_BYTES_MAX = 8_192

/**
 * What is signed at the end of each period: which leaves it added, and the root over all leaves up to then.
 *
 * It covers the leaves whose seq is in [seq_start, seq_end]; of an empty period seq_start is seq_end + 1. Leaf n has
 * index n - 1, so `tree_size` is `seq_end`. Times are RFC 3339 in UTC.
 */
export type Digest = {
  v: 1
  origin: string
  org: string
  digest_id: string
  /** Contiguous from 0. */
  number: number
  period_start: string
  period_end: string
  seq_start: number
  seq_end: number
  event_count: number
  tree_size: number
  /** Hex. */
  root_hash: string
  /** Earliest and latest time at which an event of the period happened, in milliseconds; null when it is empty. */
  oldest_event_time: string | null
  newest_event_time: string | null
  /** The three are null in digest 0 only. Hash: hex, over the exact bytes. Signature: base64. */
  prev_digest_id: string | null
  prev_digest_sha256: string | null
  prev_signature: string | null
  kid: string
  alg: 'Ed25519'
  /** Where the digest is kept: one that is found elsewhere was moved. */
  storage_key: string
}

/** A digest as it is kept: its exact bytes, and the signature over them in base64. */
export type SignedDigest = { body: string; signature: string }

/** The exact bytes that are signed, hashed and stored. They begin with `{`, unlike all else that the key signs. */
export const digestBytes = (digest: Digest): Uint8Array => utf8(canonicalJson(digest))

/** Hex, over the exact bytes; `prev_digest_sha256` of the digest that follows. */
export const digestSha256 = (body: Uint8Array | string, primitives: Primitives = portable): string =>
  toHex(primitives.sha256(typeof body === 'string' ? utf8(body) : body))

export const isDigestSignature = (
  body: string,
  signature: string,
  publicKey: Uint8Array,
  primitives: Primitives = portable,
): boolean => {
  const bytes = fromBase64(signature)
  return bytes !== null && primitives.verifyEd25519(publicKey, utf8(body), bytes)
}

/** The same aside, as far as the primitives can. */
export const isDigestSignatureAside = (
  { body, signature }: SignedDigest,
  publicKey: Uint8Array,
  { verifyEd25519, verifyEd25519Aside }: Primitives,
): boolean | Promise<boolean> => {
  const bytes = fromBase64(signature)
  return bytes !== null && (verifyEd25519Aside ?? verifyEd25519)(publicKey, utf8(body), bytes)
}

/**
 * Reads exactly what `digestBytes` writes. Anything else is refused: repeated or unknown fields, other orders or
 * spacing, trailing bytes, and numbers that contradict each other.
 */
export function parseDigest(bytes: Uint8Array | string): Digest | null {
  if (bytes.length > DIGEST_BYTES_MAX) return null
  const text = typeof bytes === 'string' ? bytes : fromUtf8(bytes)
  if (text === null) return null
  let value: unknown
  try {
    value = parseJson(text)
  } catch {
    return null
  }
  // Written again it must be the same text: that leaves one form per digest.
  return isDigest(value) && canonicalJson(value) === text ? value : null
}

const id = /^[a-z]{1,10}_[A-Za-z0-9_-]{1,64}$/
const hex = (digits: number) => new RegExp(`^[0-9a-f]{${digits}}$`)
const TIME = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z$/

const isText = (pattern: RegExp) => (value: unknown) => typeof value === 'string' && pattern.test(value)
const isPlain = (value: unknown) =>
  typeof value === 'string' && value.length > 0 && value.length <= 1_024 && !/[\u0000-\u001f\u007f]/.test(value)
/** `Date.parse` reads the 30th of February as the 2nd of March. */
const isTime = (value: unknown) =>
  typeof value === 'string' && TIME.test(value) && new Date(value).toISOString().slice(0, 19) === value.slice(0, 19)
const isCount = (value: unknown) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= SIZE_MAX
const isSignature = (value: unknown) => typeof value === 'string' && fromBase64(value)?.length === 64
const orNull = (accepts: (value: unknown) => boolean) => (value: unknown) => value === null || accepts(value)

const FIELDS: Record<keyof Digest, (value: unknown) => boolean> = {
  v: (value) => value === 1,
  origin: isPlain,
  org: isText(id),
  digest_id: isText(id),
  number: isCount,
  period_start: isTime,
  period_end: isTime,
  seq_start: isCount,
  seq_end: isCount,
  event_count: isCount,
  tree_size: isCount,
  root_hash: isText(hex(64)),
  oldest_event_time: orNull(isTime),
  newest_event_time: orNull(isTime),
  prev_digest_id: orNull(isText(id)),
  prev_digest_sha256: orNull(isText(hex(64))),
  prev_signature: orNull(isSignature),
  kid: isText(hex(32)),
  alg: (value) => value === 'Ed25519',
  storage_key: isPlain,
}

function isDigest(value: unknown): value is Digest {
  if (typeof value !== 'object' || value === null) return false
  const names = Object.keys(FIELDS) as (keyof Digest)[]
  if (Object.keys(value).length !== names.length) return false
  if (!names.every((name) => Object.hasOwn(value, name) && FIELDS[name](Reflect.get(value, name)))) return false
  return agrees(value as Digest)
}

/** Whether its numbers and nulls can all be true at once. */
function agrees(digest: Digest): boolean {
  const previous = [digest.prev_digest_id, digest.prev_digest_sha256, digest.prev_signature]
  const times = [digest.oldest_event_time, digest.newest_event_time]
  return (
    digest.seq_start >= 1 &&
    digest.event_count === digest.seq_end - digest.seq_start + 1 &&
    digest.tree_size === digest.seq_end &&
    Date.parse(digest.period_start) <= Date.parse(digest.period_end) &&
    previous.every((member) => (member === null) === (digest.number === 0)) &&
    times.every((time) => (time === null) === (digest.event_count === 0)) &&
    (digest.number > 0 || digest.seq_start === 1)
  )
}

/** Signed by whoever holds the key: bytes in, 64 bytes of signature out. */
export async function signDigest(
  digest: Digest,
  sign: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<SignedDigest> {
  const bytes = digestBytes(digest)
  const body = fromUtf8(bytes)
  if (body === null || !parseDigest(body)) throw new RangeError('This is no digest.')
  return { body, signature: toBase64(await sign(bytes)) }
}
