import { areEqual, fromBase64, fromHex, toBase64, toHex, utf8 } from './encoding'
import { type Primitives, portable } from './primitives'

/** Keys in one history: more than one a day for a year. */
export const KEYS_MAX = 400

/**
 * One epoch of a log's key. Times are RFC 3339 in UTC; `not_after` is null while the key is in use, and else the
 * `not_before` of the key that follows. A key signs its successor: `predecessor_signature` is by `predecessor_kid`, over `successionStatement`. Both are null for the first.
 */
export type TrailKey = {
  kid: string
  /** SPKI (RFC 8410), base64. */
  public_key: string
  not_before: string
  not_after: string | null
  predecessor_kid: string | null
  predecessor_signature: string | null
}

/** `raw`: 32 bytes. */
export type Epoch = { kid: string; raw: Uint8Array; notBefore: number; notAfter: number }

/**
 * The keys of a history that can be believed.
 *
 * `trusted`: the pinned key and every one that follows from it by signed succession. `earlier`: keys that lead to the
 * pinned one. Their own word is not enough, because whoever makes up a key can let it sign the pinned one; a digest of
 * theirs counts once the chain of digests leads from it to one of a trusted key.
 */
export type KeyHistory = { trusted: Map<string, Epoch>; earlier: Map<string, Epoch>; pinned: boolean }

/** How a pinned key was named: by the whole fingerprint, or only by its first half. */
export type Pin = { kind: 'fingerprint' | 'kid'; value: string }

const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00)

/** SPKI of 32 bytes of Ed25519 public key (RFC 8410). */
export function spkiOf(raw: Uint8Array): Uint8Array {
  const spki = new Uint8Array(SPKI_PREFIX.length + 32)
  spki.set(SPKI_PREFIX)
  spki.set(raw, SPKI_PREFIX.length)
  return spki
}

/** The 32 bytes of an Ed25519 key; null when it is anything else. */
export const rawKeyOf = (spki: Uint8Array): Uint8Array | null =>
  spki.length === SPKI_PREFIX.length + 32 && areEqual(spki.subarray(0, SPKI_PREFIX.length), SPKI_PREFIX)
    ? spki.slice(SPKI_PREFIX.length)
    : null

/** SHA-256 over the SPKI, hex: what people compare and pin. */
export const fingerprintOf = (spki: Uint8Array, primitives: Primitives = portable): string =>
  toHex(primitives.sha256(spki))

/** The first 16 bytes of the fingerprint, hex: a name, which half the work of a collision would forge. */
export const kidOf = (spki: Uint8Array, primitives: Primitives = portable): string =>
  fingerprintOf(spki, primitives).slice(0, 32)

/** A fingerprint as people write it: upper case, colons and spaces are allowed. Null when it is none. */
export function parsePin(text: string): Pin | null {
  const value = text
    .trim()
    .replaceAll(/[:\s]/g, '')
    .replace(/^sha256/i, '')
    .toLowerCase()
  if (fromHex(value) === null) return null
  if (value.length === 64) return { kind: 'fingerprint', value }
  return value.length === 32 ? { kind: 'kid', value } : null
}

/**
 * What a key signs to name its successor: five lines of text, each ended by a newline.
 *
 * @param origin of the log, as in its checkpoints
 */
export const successionStatement = (
  origin: string,
  predecessorFingerprint: string,
  successorFingerprint: string,
  notBefore: string,
): Uint8Array =>
  utf8(
    `keeptrusts key succession v1\n${origin}\npredecessor ${predecessorFingerprint}\nsuccessor ${successorFingerprint}\nnot_before ${notBefore}\n`,
  )

/** Why a key history is refused. */
export class KeysRefused extends Error {
  override readonly name = 'KeysRefused'
}

/**
 * Follows the successions of a history. Without a pin every key that belongs to the line of the first is taken at the
 * log's own word.
 *
 * @throws KeysRefused when a key is malformed, occurs twice, is not what its kid says, a succession is not signed by
 * the key before, or the pinned key is not among them
 */
export function readKeyHistory(
  keys: readonly TrailKey[],
  origin: string,
  pin: Pin | null,
  primitives: Primitives = portable,
): KeyHistory {
  if (keys.length > KEYS_MAX) throw new KeysRefused(`A history has at most ${KEYS_MAX} keys.`)
  const fingerprints = new Map<string, string>()
  const epochs = new Map<string, Epoch>()
  for (const key of keys) {
    const spki = fromBase64(key.public_key)
    const raw = spki && rawKeyOf(spki)
    if (!spki || !raw) throw new KeysRefused(`Key ${key.kid} is no Ed25519 public key.`)
    const fingerprint = fingerprintOf(spki, primitives)
    if (fingerprint.slice(0, 32) !== key.kid) throw new KeysRefused(`Key ${key.kid} is not the one it says it is.`)
    if (epochs.has(key.kid)) throw new KeysRefused(`Key ${key.kid} occurs twice.`)
    const [notBefore, notAfter] = [
      Date.parse(key.not_before),
      key.not_after === null ? Infinity : Date.parse(key.not_after),
    ]
    if (!(notBefore <= notAfter)) throw new KeysRefused(`Key ${key.kid} has no period.`)
    epochs.set(key.kid, { kid: key.kid, raw, notBefore, notAfter })
    fingerprints.set(key.kid, fingerprint)
  }
  const line = lineOf(keys, origin, epochs, fingerprints, primitives)
  if (!pin) return { trusted: epochs, earlier: new Map(), pinned: false }
  const at = line.findIndex(({ kid }) => fingerprints.get(kid)?.startsWith(pin.value))
  if (at === -1) throw new KeysRefused('The key with the given fingerprint is not in the history.')
  const named = line.map(({ kid }) => [kid, epochs.get(kid) as Epoch] as const)
  return { trusted: new Map(named.slice(at)), earlier: new Map(named.slice(0, at)), pinned: true }
}

/** The keys from first to last, each succession verified. */
function lineOf(
  keys: readonly TrailKey[],
  origin: string,
  epochs: Map<string, Epoch>,
  fingerprints: Map<string, string>,
  primitives: Primitives,
): TrailKey[] {
  const successors = new Map(keys.map((key) => [key.predecessor_kid, key]))
  const line: TrailKey[] = []
  for (let next = successors.get(null); next && line.length < keys.length; next = successors.get(next.kid)) {
    const previous = line.at(-1)
    const signature = next.predecessor_signature === null ? null : fromBase64(next.predecessor_signature)
    if (previous) {
      const [from, to] = [fingerprints.get(previous.kid) ?? '', fingerprints.get(next.kid) ?? '']
      const statement = successionStatement(origin, from, to, next.not_before)
      const signer = epochs.get(previous.kid)?.raw ?? new Uint8Array()
      if (!signature || !primitives.verifyEd25519(signer, statement, signature)) {
        throw new KeysRefused(`Key ${next.kid} is not signed by the key before it.`)
      }
      // Only the beginning of a period is signed, by the key before; so it is what ends that one's period too.
      if (epochs.get(previous.kid)?.notAfter !== epochs.get(next.kid)?.notBefore) {
        throw new KeysRefused(`Key ${next.kid} does not begin when the key before it ends.`)
      }
    } else if (next.predecessor_signature !== null) {
      throw new KeysRefused(`Key ${next.kid} has a signature and nobody who signed.`)
    }
    line.push(next)
  }
  if (line.length !== keys.length) throw new KeysRefused('The keys are not one line of successions.')
  return line
}

/** PEM of a public key (RFC 7468), for tools such as OpenSSL. */
export const pemOf = (spki: Uint8Array): string =>
  `-----BEGIN PUBLIC KEY-----\n${toBase64(spki)}\n-----END PUBLIC KEY-----\n`
