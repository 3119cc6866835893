import { parseJson } from '../parse-json'
import { type ArchiveFile, writeArchive } from './archive'
import { bundleReadme } from './bundle-readme'
import { canonicalJson } from './canonical'
import { DIGEST_BYTES_MAX } from './digest'
import { fromBase64, fromUtf8, toHex, utf8 } from './encoding'
import { KEYS_MAX, pemOf, type TrailKey } from './keys'
import { NOTE_BYTES_MAX } from './note'
import { type Primitives, portable } from './primitives'
import { PROOF_HASHES_MAX } from './proof'

/** Lines, digests and payloads of one request: far more than any has. */
const PARTS_MAX = 1_000
export const BUNDLE_BYTES_MAX = 67_108_864

/** One record: `line` is the exact text that was hashed. `proof`: inclusion in the checkpoint's tree, base64. */
export type BundleEvent = { seq: number; leaf_index: number; line: string; proof: string[] }

/**
 * Captured content of an event. `content_sha256` is the commitment in its line: SHA-256 over the salt, if there is one,
 * and then the bytes. Of erased content neither salt nor bytes are left. `file` is its name in the archive, null when
 * the bytes are not handed over.
 */
export type BundlePayload = {
  event_id: string
  part: 'request' | 'response'
  state: 'kept' | 'erased'
  /** Base64. */
  salt: string | null
  content_sha256: string
  file: string | null
}

/** A digest that covers one of the events. `proof`: consistency of its tree with the checkpoint's, base64. */
export type BundleDigest = { digest_id: string; number: number; body: string; signature: string; proof: string[] }

/** All that is needed to prove what was recorded about one request, to somebody who has nothing but a fingerprint. */
export type EvidenceBundle = {
  version: 1
  org: string
  origin: string
  request_id: string
  events: BundleEvent[]
  payloads: BundlePayload[]
  digests: BundleDigest[]
  /** C2SP signed note. */
  checkpoint: string
  keys: TrailKey[]
}

/** Name of a payload's file in the archive. */
export const payloadFile = (eventId: string, part: 'request' | 'response'): string => `payloads/${eventId}.${part}`

/** SHA-256 over the salt, if there is one, and then the bytes; hex. */
export function contentCommitment(
  salt: Uint8Array | null,
  bytes: Uint8Array,
  primitives: Primitives = portable,
): string {
  const whole = new Uint8Array((salt?.length ?? 0) + bytes.length)
  if (salt) whole.set(salt)
  whole.set(bytes, salt?.length ?? 0)
  return toHex(primitives.sha256(whole))
}

/**
 * The files of a bundle, in order: `README.txt`, `bundle.json` (everything but payloads), copies for other tools of what
 * is in it (`checkpoint.txt`, `events/`, `digests/`, `keys/`), `payloads/`, and `manifest.json` with the SHA-256 and the
 * size of each.
 *
 * @param payloads bytes by name of file
 * @throws RangeError when a payload's bytes are not given
 */
export function bundleFiles(
  bundle: EvidenceBundle,
  payloads: ReadonlyMap<string, Uint8Array>,
  primitives: Primitives = portable,
): ArchiveFile[] {
  const files: ArchiveFile[] = [
    { name: 'README.txt', bytes: utf8(bundleReadme(bundle)) },
    { name: 'bundle.json', bytes: utf8(canonicalJson(bundle)) },
    { name: 'checkpoint.txt', bytes: utf8(bundle.checkpoint) },
  ]
  for (const { seq, line } of bundle.events) files.push({ name: `events/${padded(seq)}.json`, bytes: utf8(line) })
  for (const { number, body, signature } of bundle.digests) {
    files.push({ name: `digests/${padded(number)}.json`, bytes: utf8(body) })
    files.push({ name: `digests/${padded(number)}.sig`, bytes: fromBase64(signature) ?? new Uint8Array() })
  }
  for (const { kid, public_key } of bundle.keys) {
    files.push({ name: `keys/${kid}.pem`, bytes: utf8(pemOf(fromBase64(public_key) ?? new Uint8Array())) })
  }
  for (const { file } of bundle.payloads) {
    if (file === null) continue
    const bytes = payloads.get(file)
    if (!bytes) throw new RangeError(`The bytes of ${file} are not given.`)
    files.push({ name: file, bytes })
  }
  return [...files, { name: 'manifest.json', bytes: utf8(manifestOf(files, primitives)) }]
}

/** The archive of a bundle: the same bundle is the same bytes. */
export const bundleArchive = (
  bundle: EvidenceBundle,
  payloads: ReadonlyMap<string, Uint8Array>,
  primitives: Primitives = portable,
): Uint8Array => writeArchive(bundleFiles(bundle, payloads, primitives))

/** Reads exactly what `bundleFiles` writes as `bundle.json`; null for anything else. Signatures are not looked at. */
export function parseBundle(bytes: Uint8Array | string): EvidenceBundle | null {
  if (bytes.length > BUNDLE_BYTES_MAX) return null
  const text = typeof bytes === 'string' ? bytes : fromUtf8(bytes)
  if (text === null) return null
  let value: unknown
  try {
    value = parseJson(text)
  } catch {
    return null
  }
  // First the shape, which has no depth: only then is it written again.
  return isBundle(value) && canonicalJson(value) === text ? value : null
}

const manifestOf = (files: readonly ArchiveFile[], primitives: Primitives) =>
  canonicalJson({
    version: 1,
    files: files.map(({ name, bytes }) => ({ name, sha256: toHex(primitives.sha256(bytes)), size: bytes.length })),
  })

/** Names sort as numbers do, and none is taken for an index. */
const padded = (value: number) => String(value).padStart(16, '0')

type Check = (value: unknown) => boolean

const isText =
  (max = 1_024): Check =>
  (value) =>
    typeof value === 'string' && value.length <= max
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const matches =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value)
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const listOf =
  (check: Check, max = PARTS_MAX): Check =>
  (value) =>
    Array.isArray(value) && value.length <= max && value.every(check)
const isHash: Check = (value) => typeof value === 'string' && fromBase64(value)?.length === 32
const isProof = listOf(isHash, PROOF_HASHES_MAX)

/** Exactly these members. */
const shape =
  (members: Record<string, Check>): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    const names = Object.keys(value)
    if (names.length !== Object.keys(members).length) return false
    return names.every((name) => Object.hasOwn(members, name) && members[name]?.(Reflect.get(value, name)))
  }

const NAME = /^[A-Za-z0-9_-]{1,80}$/

const isShaped = shape({
  version: (value) => value === 1,
  org: matches(NAME),
  origin: isText(),
  request_id: isText(),
  events: listOf(shape({ seq: isCount, leaf_index: isCount, line: isText(BUNDLE_BYTES_MAX), proof: isProof })),
  payloads: listOf(
    shape({
      event_id: matches(NAME),
      part: matches(/^(request|response)$/),
      state: matches(/^(kept|erased)$/),
      salt: orNull((value) => typeof value === 'string' && (fromBase64(value)?.length ?? 0) > 0),
      content_sha256: matches(/^[0-9a-f]{64}$/),
      file: orNull(isText()),
    }),
  ),
  digests: listOf(
    shape({
      digest_id: matches(NAME),
      number: isCount,
      body: isText(DIGEST_BYTES_MAX),
      signature: (value) => typeof value === 'string' && fromBase64(value)?.length === 64,
      proof: isProof,
    }),
  ),
  checkpoint: isText(NOTE_BYTES_MAX),
  keys: listOf(
    shape({
      kid: matches(/^[0-9a-f]{32}$/),
      public_key: (value) => typeof value === 'string' && value.length <= 200 && fromBase64(value) !== null,
      not_before: isText(40),
      not_after: orNull(isText(40)),
      predecessor_kid: orNull(matches(/^[0-9a-f]{32}$/)),
      predecessor_signature: orNull(isText(200)),
    }),
    KEYS_MAX,
  ),
})

function isBundle(value: unknown): value is EvidenceBundle {
  if (!isShaped(value)) return false
  const { payloads } = value as EvidenceBundle
  return payloads.every(({ event_id, part, file, state }) => {
    if (state === 'erased') return file === null
    return file === null || file === payloadFile(event_id, part)
  })
}
