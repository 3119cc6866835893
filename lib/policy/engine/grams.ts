import type { Term } from './policy'

/** Three characters of five bits each: the table fits into the first cache of a processor. */
const GRAM_BITS = 5
const GRAM_UNITS = 3
const GRAM_MASK = (1 << (GRAM_UNITS * GRAM_BITS)) - 1

/** What a term that may begin with three characters is like. */
const ANYWHERE = 1
const AT_WORD_START = 2
/** Too short for its key to be known. */
const IS_SHORT = 4

/** Ordinary prose has the first three characters of some term at every ninth place, the first six at every thirtieth. */
const KEY_UNITS = 6
const KEY_MASK = (1 << (KEY_UNITS * GRAM_BITS)) - 1
const LATER_BITS = (KEY_UNITS - GRAM_UNITS) * GRAM_BITS
const SHORT_BITS = (KEY_UNITS - 2) * GRAM_BITS
const HASH_BITS = 16

const CODES = 1 << GRAM_BITS
const CODE_MASK = CODES - 1
const BLANK = 26
const DIGIT = 27
/** Where all is over, and control characters. */
const REST = 28

/** Places where a term may begin, and the keys under which those terms are; NO_KEY where none of that length may. */
export type Candidates = { places: Int32Array; keys: Int32Array; shortKeys: Int32Array }

export const NO_KEY = -1

/**
 * Which ASCII characters, in either case, a term may begin with. It never says no to the beginning of a term.
 *
 * A key is made of the codes of six characters; a short key, for terms that have fewer, of those of the first two. Several
 * characters share a code.
 */
export class Grams {
  readonly #codes = new Uint8Array(256).fill(REST)
  readonly #table = new Uint8Array(GRAM_MASK + 1)
  /** A bit for each hash of the key of a term. */
  readonly #hashes = new Uint8Array(1 << (HASH_BITS - 3))

  /** @param literals of the terms, ASCII in lower case with single blanks; there is nothing to find for an empty one */
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
      if (literal === '' || term === undefined) continue
      const isBound = term.wholeWord || (term.isOnlyAtWordStart === true && /^[a-z0-9]/.test(literal))
      this.#add(literal, isBound ? AT_WORD_START : ANYWHERE)
    }
  }

  /**
   * Fills `found` with the places from `from` to `to` where a term may begin.
   *
   * @param bytes with KEY_UNITS more behind `to`
   * @returns how many
   */
  candidates(bytes: Uint8Array, from: number, to: number, found: Candidates): number {
    const { places, keys, shortKeys } = found
    const codes = this.#codes
    const table = this.#table
    const hashes = this.#hashes
    let count = 0
    /** Codes of the next KEY_UNITS characters. */
    let next = 0
    /** Where the second of two blanks stands. */
    let doubled = -1
    for (let at = from - KEY_UNITS + 1; at < to; at++) {
      const ahead = at + KEY_UNITS - 1
      const code = codes[bytes[ahead] as number] as number
      if (code === BLANK && (next & CODE_MASK) === BLANK) doubled = ahead
      next = ((next << GRAM_BITS) | code) & KEY_MASK
      if (at < from) continue
      const wanted = table[next >>> LATER_BITS] as number
      if (wanted === 0) continue
      if ((wanted & ANYWHERE) === 0 && isWordByte(bytes, at - 1) && isWordByte(bytes, at)) continue
      // One blank of a term may be several in a text.
      const key = doubled > at ? this.#keyAt(bytes, at) : next
      const hash = hashOf(key)
      const isKnown = ((hashes[hash >> 3] as number) & (1 << (hash & 7))) !== 0
      if (!isKnown && (wanted & IS_SHORT) === 0) continue
      places[count] = at
      keys[count] = isKnown ? key : NO_KEY
      shortKeys[count] = (wanted & IS_SHORT) === 0 ? NO_KEY : key >>> SHORT_BITS
      count += 1
    }
    return count
  }

  /** Of a term: none when it is too short to have one. */
  keyOf(literal: string): readonly number[] {
    if (literal.length < KEY_UNITS) return []
    let key = 0
    for (let at = 0; at < KEY_UNITS; at++) key = (key << GRAM_BITS) | (this.#codesAt(literal, at)[0] ?? REST)
    return [key]
  }

  /** Of a term that has no key. */
  shortKeysOf(literal: string): readonly number[] {
    if (literal === '' || literal.length >= KEY_UNITS) return []
    return this.#codesAt(literal, 0).flatMap((a) => this.#codesAt(literal, 1).map((b) => (a << GRAM_BITS) | b))
  }

  /** As a term would have it: with single blanks. What is behind the end of the text makes no difference to any term. */
  #keyAt(bytes: Uint8Array, start: number): number {
    let key = 0
    let last = REST
    for (let at = start, units = 0; units < KEY_UNITS; at++) {
      const code = this.#codes[bytes[at] ?? 0] as number
      if (code === BLANK && last === BLANK) continue
      key = (key << GRAM_BITS) | code
      last = code
      units += 1
    }
    return key
  }

  #add(literal: string, wanted: number): void {
    const isShort = literal.length < KEY_UNITS
    for (const a of this.#codesAt(literal, 0)) {
      for (const b of this.#codesAt(literal, 1)) {
        // One blank of a term may be several in a text.
        const third = b === BLANK ? [...this.#codesAt(literal, 2), BLANK] : this.#codesAt(literal, 2)
        for (const c of third) {
          const gram = (a << (2 * GRAM_BITS)) | (b << GRAM_BITS) | c
          this.#table[gram] = (this.#table[gram] ?? 0) | wanted | (isShort ? IS_SHORT : 0)
        }
      }
    }
    for (const key of this.keyOf(literal)) {
      const hash = hashOf(key)
      this.#hashes[hash >> 3] = (this.#hashes[hash >> 3] ?? 0) | (1 << (hash & 7))
    }
  }

  /** All of them behind the end of a literal. */
  #codesAt(literal: string, at: number): readonly number[] {
    return at < literal.length ? [this.#codes[literal.charCodeAt(at)] ?? REST] : ALL_CODES
  }
}

const hashOf = (codes: number) => Math.imul(codes, 0x9e3779b1) >>> (32 - HASH_BITS)

const ALL_CODES = Array.from({ length: CODES }, (_, code) => code)

const WORD_BYTES = new Uint8Array(256)
WORD_BYTES.fill(1, 0x30, 0x3a)
WORD_BYTES.fill(1, 0x41, 0x5b)
WORD_BYTES.fill(1, 0x61, 0x7b)

/** A letter or digit of ASCII; before and behind the text there is none. */
export const isWordByte = (bytes: Uint8Array, at: number): boolean => at >= 0 && WORD_BYTES[bytes[at] as number] === 1
