import type { Term } from './policy'

/** Three characters of five bits each: the table fits into the first cache of a processor. */
const GRAM_BITS = 5
const GRAM_MASK = (1 << (3 * GRAM_BITS)) - 1

/** A term may begin with these three characters, but only where a word may begin. */
const IN_WORDS_NEVER = 1
const ANYWHERE = 2

const CODES = 1 << GRAM_BITS
const BLANK = 26
const DIGIT = 27
/** Where all is over, and control characters. */
const REST = 28

/** Which three ASCII characters, in either case, a term may begin with. It never says no to the beginning of a term. */
export class Grams {
  readonly #codes = new Uint8Array(256).fill(REST)
  readonly #table = new Uint8Array(GRAM_MASK + 1)

  /** @param literals of the terms, normalised, with single blanks */
  constructor(terms: readonly Term[], literals: readonly string[]) {
    for (let unit = 0x21; unit < 0x7f; unit++) this.#codes[unit] = REST + (unit % (CODES - REST))
    for (let letter = 0; letter < 26; letter++) {
      this.#codes[0x41 + letter] = letter
      this.#codes[0x61 + letter] = letter
    }
    this.#codes.fill(DIGIT, 0x30, 0x3a)
    for (const blank of [0x09, 0x0a, 0x0d, 0x20]) this.#codes[blank] = BLANK
    for (const [index, literal] of literals.entries()) {
      const term = terms[index]
      if (literal === '' || term === undefined || literal.charCodeAt(0) > 0x7f) continue
      const isBound = term.wholeWord || (term.isOnlyAtWordStart === true && /^[a-z0-9]/.test(literal))
      this.#add(literal, isBound ? IN_WORDS_NEVER : ANYWHERE)
    }
  }

  /**
   * Fills `found` with the places from `from` to `to` where a term may begin.
   *
   * @param bytes with two more behind `to`
   * @returns how many
   */
  candidates(bytes: Uint8Array, from: number, to: number, found: Int32Array): number {
    const codes = this.#codes
    const table = this.#table
    let count = 0
    let gram = ((codes[bytes[from] as number] as number) << GRAM_BITS) | (codes[bytes[from + 1] as number] as number)
    for (let at = from; at < to; at++) {
      gram = ((gram << GRAM_BITS) | (codes[bytes[at + 2] as number] as number)) & GRAM_MASK
      const wanted = table[gram] as number
      if (wanted === 0) continue
      if (wanted === IN_WORDS_NEVER && isWordByte(bytes, at - 1) && isWordByte(bytes, at)) continue
      found[count] = at
      count += 1
    }
    return count
  }

  #add(literal: string, wanted: number): void {
    const first = this.#codesAt(literal, 0)
    for (const a of first) {
      for (const b of this.#codesAt(literal, 1)) {
        // One blank of a term may be several in a text.
        const third = b === BLANK ? [...this.#codesAt(literal, 2), BLANK] : this.#codesAt(literal, 2)
        for (const c of third) {
          const gram = (a << (2 * GRAM_BITS)) | (b << GRAM_BITS) | c
          this.#table[gram] = Math.max(this.#table[gram] ?? 0, wanted)
        }
      }
    }
  }

  /** All of them behind the end of a literal. */
  #codesAt(literal: string, at: number): readonly number[] {
    return at < literal.length ? [this.#codes[literal.charCodeAt(at) & 0x7f] ?? REST] : ALL_CODES
  }
}

const ALL_CODES = Array.from({ length: CODES }, (_, code) => code)

const WORD_BYTES = new Uint8Array(256)
WORD_BYTES.fill(1, 0x30, 0x3a)
WORD_BYTES.fill(1, 0x41, 0x5b)
WORD_BYTES.fill(1, 0x61, 0x7b)

/** A letter or digit of ASCII; before and behind the text there is none. */
export const isWordByte = (bytes: Uint8Array, at: number): boolean => at >= 0 && WORD_BYTES[bytes[at] as number] === 1

/** Of normal text: tab, line end or blank. */
export const isBlank = (bytes: Uint8Array, at: number): boolean => {
  const byte = bytes[at]
  return byte === 0x20 || (byte !== undefined && byte >= 9 && byte <= 13)
}
