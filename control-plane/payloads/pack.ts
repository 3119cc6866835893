import { createCipheriv, createDecipheriv, createSecretKey, hash, randomFillSync } from 'node:crypto'
import type { PayloadPart } from './queries'

/** Of one object. What is more goes into the next one: a verification reads them whole. */
export const PACK_BYTES_MAX = 8 * 1_048_576
const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES

/** Whose content it is. It is authenticated with the content, so that no part can be shown as another. */
export type PartName = { orgId: string; eventId: string; part: PayloadPart }
/** Where a part lies in a pack, and the only key that opens it: base64 of 32 bytes. */
export type PartPlace = { key: string; packOffset: number; packLength: number }
/** Places are in the order of the parts that were given. */
export type Pack = { bytes: Buffer; sha256: string; places: PartPlace[] }

/**
 * Puts parts one after the other, each by itself as nonce (12 bytes), AES-256-GCM of its content, tag (16 bytes) (NIST SP
 * 800-38D), each under a key of its own. Without the key, what lies there is noise to everybody, however many other keys of
 * the pack they have: that is how one part is erased and the others stay.
 *
 * @returns packs of up to PACK_BYTES_MAX; more only when a single part is larger
 */
export function packsOf(parts: readonly (PartName & { content: Buffer })[]): Pack[] {
  const secrets = randomFillSync(Buffer.allocUnsafeSlow(parts.length * (KEY_BYTES + NONCE_BYTES)))
  const packs: Pack[] = []
  let pieces: Buffer[] = []
  let places: PartPlace[] = []
  let size = 0
  const close = () => {
    if (places.length === 0) return
    const bytes = Buffer.concat(pieces, size)
    packs.push({ bytes, sha256: hash('sha256', bytes, 'hex'), places })
    pieces = []
    places = []
    size = 0
  }
  for (const [at, { content, ...name }] of parts.entries()) {
    const packLength = content.length + OVERHEAD_BYTES
    if (size + packLength > PACK_BYTES_MAX) close()
    const secret = secrets.subarray(at * (KEY_BYTES + NONCE_BYTES), (at + 1) * (KEY_BYTES + NONCE_BYTES))
    const key = secret.subarray(0, KEY_BYTES)
    const nonce = secret.subarray(KEY_BYTES)
    // Node finds out that bytes are no key object by failing twice, which takes longer than to encrypt.
    const cipher = createCipheriv(CIPHER, createSecretKey(key), nonce, { authTagLength: TAG_BYTES }).setAAD(
      associatedData(name),
    )
    pieces.push(nonce, cipher.update(content), cipher.final(), cipher.getAuthTag())
    places.push({ key: key.toString('base64'), packOffset: size, packLength })
    size += packLength
  }
  close()
  return packs
}

/** The content of a part as it lies in its pack; null when it is not what was put there under this name and key. */
export function openPart(sealed: Buffer, name: PartName, key: string): Buffer | null {
  const secret = Buffer.from(key, 'base64')
  if (sealed.length < OVERHEAD_BYTES || secret.length !== KEY_BYTES) return null
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv(CIPHER, createSecretKey(secret), nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(associatedData(name)).setAuthTag(sealed.subarray(-TAG_BYTES))
  const content = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES))
  try {
    return Buffer.concat([content, decipher.final()])
  } catch {
    // Node says no more than that the tag does not fit, which is the answer.
    return null
  }
}

/** No id holds a line feed. */
const associatedData = ({ orgId, eventId, part }: PartName) => Buffer.from(`${orgId}\n${eventId}\n${part}`)
