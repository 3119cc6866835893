import { isSteadyPoint } from './normalise'

const SIGN = 1
const OTHER = 2
/** By code point of the first two planes; 0 is not looked up yet. */
const kinds = new Uint8Array(0x20000)

/**
 * Punctuation and symbols beyond ASCII that normalisation leaves as they are: quotes, dashes, currencies, arrows, emoji. A
 * text that has nothing else beyond ASCII can be read as if it were ASCII: no word, no number and no code has them inside.
 */
export function isSign(point: number): boolean {
  const known = kinds[point] ?? OTHER
  return known === 0 ? lookUp(point) : known === SIGN
}

const PUNCTUATION_OR_SYMBOL = /[\p{P}\p{S}]/u
/** People write them within numbers. */
const isHyphen = (point: number) => point >= 0x2010 && point <= 0x2012

/** In UTF-8, half a surrogate pair looks like it. */
const REPLACEMENT = 0xfffd

function lookUp(point: number): boolean {
  const isOther = point < 0x80 || point === REPLACEMENT || isHyphen(point)
  const is = !isOther && PUNCTUATION_OR_SYMBOL.test(String.fromCodePoint(point)) && isSteadyPoint(point)
  kinds[point] = is ? SIGN : OTHER
  return is
}

/** The signs of a text that has no words beyond ASCII, one after the other. */
export const signsIn = (text: string): string => text.replace(/\p{ASCII}+/gu, '')
