import { PEM_UNITS_MAX, SECRET_UNITS_MAX } from './secrets'

/** Names, signs and blanks before a secret, and what ties its beginning to what stands before. */
export const SECRET_LOOK_BEHIND = 240

const BLANK = /\s/
const PEM_BEGIN = '-----BEGIN '
const PEM_END = '-----END '

/** Where a credential may still begin or grow: in the last word, or in a private key that has not ended. */
export function secretPendingFrom(text: string): number {
  const edge = Math.max(0, text.length - SECRET_UNITS_MAX)
  let at = text.length
  while (at > edge && !BLANK.test(text.charAt(at - 1))) at--
  // The head of a key has blanks: it may be cut anywhere in "-----BEGIN RSA PRIVATE KEY-----".
  const dashes = text.lastIndexOf('-----', at)
  if (dashes >= 0 && dashes >= text.length - 60 && PEM_BEGIN.startsWith(text.slice(dashes, dashes + PEM_BEGIN.length)))
    at = dashes
  const begin = text.lastIndexOf(PEM_BEGIN)
  if (begin === -1 || begin < text.length - PEM_UNITS_MAX) return at
  const end = text.indexOf(PEM_END, begin)
  const closing = end === -1 ? -1 : text.indexOf('-----', end + PEM_END.length)
  // A key that ends in the last word is held with it.
  return closing !== -1 && closing + 5 <= at ? at : Math.min(at, begin)
}
