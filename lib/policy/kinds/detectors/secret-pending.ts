import { wholeCharacter } from '@/lib/policy/stream/pending'
import { plainForm } from './plain-form'
import { PEM_UNITS_MAX, SECRET_UNITS_MAX } from './secrets'

/** Names, signs and blanks before a secret, and what ties its beginning to what stands before. */
export const SECRET_LOOK_BEHIND = 240

const BLANK = /\s/
const PEM_BEGIN = '-----BEGIN '
/** The last ones of an end may be the first ones of what begins behind it. */
const PEM_DASHES = 5
const PEM_END = /-----END [A-Z0-9 ]{0,40}-----/g

/** Behind its name a phrase of several words comes, which is one secret. */
const PHRASE_NAME = /passphrase|seed phrase|recovery phrase|mnemonic/i
/** From its name to the end of the longest. */
const PHRASE_UNITS_MAX = 360
/** The one token that has a blank in it. */
const TOKEN_HEAD = 'FlyV1 '

/** Where a credential may still begin or grow: in the last word, in a phrase, or in a private key that has not ended. */
export function secretPendingFrom(text: string): number {
  const plain = plainForm(text)
  const at = plainPendingFrom(plain.text)
  if (at >= plain.text.length) return wholeCharacter(text, text.length)
  return wholeCharacter(text, plain.origin(at, plain.text.length).start)
}

function plainPendingFrom(text: string): number {
  const edge = Math.max(0, text.length - SECRET_UNITS_MAX)
  let at = text.length
  while (at > edge && !BLANK.test(text.charAt(at - 1))) at--
  if (text.endsWith(TOKEN_HEAD, at)) at -= TOKEN_HEAD.length
  const phrase = text.slice(-PHRASE_UNITS_MAX).search(PHRASE_NAME)
  if (phrase !== -1) at = Math.min(at, Math.max(0, text.length - PHRASE_UNITS_MAX) + phrase)
  const begin = text.indexOf(PEM_BEGIN, Math.max(0, text.length - PEM_UNITS_MAX))
  return begin === -1 || begin >= at ? at : openKeyFrom(text, begin, at)
}

/** The first key of which the end has not come; one that ends in the last word is held with it. */
function openKeyFrom(text: string, firstBegin: number, at: number): number {
  let open = firstBegin
  PEM_END.lastIndex = firstBegin
  for (let end = PEM_END.exec(text); end !== null; end = PEM_END.exec(text)) {
    if (end.index + end[0].length > at) break
    open = text.indexOf(PEM_BEGIN, end.index + end[0].length - PEM_DASHES)
    if (open === -1) return at
    PEM_END.lastIndex = open
  }
  return Math.min(at, open)
}
