import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** `ak` opens the control plane, `gk` opens the gateway, `st` is a console session (never leaves the server side). */
export type TokenKind = 'ak' | 'gk' | 'st'

/** Published, so that secret scanners can find a leaked key: docs/keys.md. */
export const TOKEN_PATTERN = /^kt_(ak|gk|st)_(?:([a-z0-9]{1,12})_)?([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/

/** The longest token there is: `kt_ak_` + 12 label characters + `_` + 43 + 6. */
export const TOKEN_LENGTH_MAX = 68

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * A new secret: `kt_<kind>_[<label>_]` + 43 base62 characters (256 bits) + 6 base62 characters of CRC-32 over all before.
 * The checksum lets a door refuse typing errors and random guesses before it touches a database.
 */
export function createToken(kind: TokenKind, label?: string): string {
  const body = `kt_${kind}_${label ? `${label}_` : ''}${randomBase62(43)}`
  return body + checksum(body)
}

/** What a well-formed token says about itself; null for anything else, whatever it is. Never throws. */
export function parseToken(text: string): { kind: TokenKind; label: string | undefined } | null {
  if (text.length > TOKEN_LENGTH_MAX) return null
  const match = TOKEN_PATTERN.exec(text)
  if (!match || checksum(text.slice(0, -6)) !== match[4]) return null
  return { kind: match[1] as TokenKind, label: match[2] }
}

/** SHA-256 of the whole token, hex. The only form in which a token is stored, cached, compared or sent to a gateway. */
export const hashToken = (token: string): string => hash('sha256', token, 'hex')

/** What may be shown of a token after its creation: enough to recognise it, useless to a thief. */
export const displayParts = (token: string) => ({ prefix: token.slice(0, 12), last4: token.slice(-4) })

function checksum(body: string): string {
  let rest = crc32(body)
  let text = ''
  for (let i = 0; i < 6; i++) {
    text = ALPHABET.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}

/** Rejection sampling: 248 is the largest multiple of 62 in a byte, so every character is equally likely. */
function randomBase62(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(64)) {
      if (byte < 248 && text.length < length) text += ALPHABET.charAt(byte % 62)
    }
  }
  return text
}
