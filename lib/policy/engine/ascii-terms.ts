import { bytesWithStandIns } from './ascii-bytes'
import { type Candidates, Grams, isWordByte, NO_KEY } from './grams'
import { inOrder } from './hit-order'
import { WHITE_SPACE } from './normal-position'
import type { Term } from './policy'
import { HITS_MAX, ScanRefused } from './scan'
import { signsIn } from './signs'

/** Characters that may be compared, per character of the text, before that does not pay. */
const STEPS_PER_UNIT = 8
/** So much of a text is searched for candidates before terms are tried there. */
const BLOCK = 4_096
const FOUND: Candidates = {
  places: new Int32Array(BLOCK),
  keys: new Int32Array(BLOCK),
  shortKeys: new Int32Array(BLOCK),
}

const BLANK = 0x20
const NO_MATCH = -1

/**
 * Terms of ASCII and signs (signs.ts) in texts of the same, in any case. What stands at a place tells which terms may begin
 * there, mostly one or two, and those are compared with it. All that a text is held against lies within some tens of
 * kilobytes, unlike the states of an automaton: on the way of a request other work has emptied the caches, and that is what
 * counts then.
 */
export class AsciiTerms {
  readonly #terms: readonly Term[]
  readonly #grams: Grams
  readonly #byKey: TermLists
  readonly #byShortKey: TermLists
  /** Of each term, those beyond ASCII that it has. */
  readonly #signs: readonly string[]
  #text = ''
  /** In which scan a term was found last, of those whose first hit is enough. */
  readonly #lastScans: Float64Array
  #scans = 0
  #stepsLeft = 0

  /** @param literals of the terms, normalised, with single blanks; those with words beyond ASCII are left out */
  constructor(terms: readonly Term[], literals: readonly string[]) {
    const own = literals.map((literal) => textOf(bytesWithStandIns(literal), literal.length))
    this.#signs = literals.map(signsIn)
    this.#terms = terms
    this.#grams = new Grams(terms, own)
    this.#byKey = new TermLists(own, (literal) => this.#grams.keyOf(literal))
    this.#byShortKey = new TermLists(own, (literal) => this.#grams.shortKeysOf(literal))
    this.#lastScans = new Float64Array(terms.length)
  }

  /**
   * Term, start and end of each hit; null when too much of the text looks like beginnings of terms.
   *
   * @param bytes of the text, as `bytesWithStandIns` gives them
   * @throws ScanRefused
   */
  find(bytes: Uint8Array, text: string): readonly number[] | null {
    this.#text = text
    const hits = this.#hitsIn(bytes, text.length)
    this.#text = ''
    return hits !== null && hits.length > 3 ? inOrder(hits) : hits
  }

  #hitsIn(bytes: Uint8Array, length: number): number[] | null {
    this.#scans += 1
    this.#stepsLeft = STEPS_PER_UNIT * length + 256
    const hits: number[] = []
    for (let from = 0; from < length; from += BLOCK) {
      const count = this.#grams.candidates(bytes, from, Math.min(length, from + BLOCK), FOUND)
      for (let i = 0; i < count; i++) {
        const at = FOUND.places[i] as number
        const key = FOUND.keys[i] as number
        const shortKey = FOUND.shortKeys[i] as number
        if (key !== NO_KEY) this.#tryAll(this.#byKey, key, bytes, at, length, hits)
        if (shortKey !== NO_KEY) this.#tryAll(this.#byShortKey, shortKey, bytes, at, length, hits)
        if (this.#stepsLeft < 0) return null
      }
    }
    return hits
  }

  #tryAll(lists: TermLists, key: number, bytes: Uint8Array, start: number, length: number, hits: number[]): void {
    const { records } = lists
    for (let at = lists.find(key); ; ) {
      const chars = records[at] as number
      if (chars === 0) return
      const end = this.#match(records, at + RECORD_HEAD, chars, bytes, start, length)
      if (end !== NO_MATCH) this.#keep(records[at + 1] as number, bytes, start, end, hits)
      if (this.#stepsLeft < 0) return
      at += RECORD_HEAD + chars
    }
  }

  /** Where the term ends that begins at `start`. One blank of it may be several in the text, but not at its ends. */
  #match(records: Int32Array, begin: number, chars: number, bytes: Uint8Array, start: number, length: number): number {
    const end = begin + chars
    let at = start
    let i = begin
    for (; i < end; i++) {
      const wanted = records[i] as number
      if (i > begin + 1 && records[i - 1] === BLANK) while (at < length && LOWER[bytes[at] as number] === BLANK) at += 1
      if (at >= length || LOWER[bytes[at] as number] !== wanted) break
      at += 1
    }
    this.#stepsLeft -= 1 + at - start
    return i === end ? at : NO_MATCH
  }

  #keep(term: number, bytes: Uint8Array, start: number, end: number, hits: number[]): void {
    const { wholeWord, isOnlyAtWordStart, isFirstOnly } = this.#terms[term] as Term
    const signs = this.#signs[term] as string
    if (signs !== '' && signsIn(this.#text.slice(start, end)) !== signs) return
    if (wholeWord && (isWordByte(bytes, start - 1) || isWordByte(bytes, end))) return
    if (isOnlyAtWordStart === true && isWordByte(bytes, start - 1) && isWordByte(bytes, start)) return
    if (isFirstOnly === true && !this.#isFirst(term)) return
    hits.push(term, start, end)
    if (hits.length > 3 * HITS_MAX) throw new ScanRefused(`more than ${HITS_MAX} terms in one text`)
  }

  /** Once per scan and term. */
  #isFirst(term: number): boolean {
    if (this.#lastScans[term] === this.#scans) return false
    this.#lastScans[term] = this.#scans
    return true
  }
}

/** Empty where there are none. */
const textOf = (ascii: Uint8Array | null, length: number) =>
  ascii === null ? '' : new TextDecoder().decode(ascii.subarray(0, length))

/** Characters as they stand in terms. */
const LOWER = Uint8Array.from({ length: 256 }, (_, unit) => (unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit))
for (const unit of WHITE_SPACE) if (unit < 256) LOWER[unit] = BLANK

/** Before the characters of a term: how many there are, and which term it is. */
const RECORD_HEAD = 2

/** From a key to the terms that have it, by open addressing; at most half full. */
class TermLists {
  /**
   * A list is records one after the other, in the order of the terms, and a zero. Everything about a term stands together,
   * because it is seldom in the caches. The first list is empty.
   */
  readonly records: Int32Array
  /** One more than the key, which is 0 where there is none, then where its list begins. */
  readonly #slots: Int32Array
  readonly #mask: number

  constructor(literals: readonly string[], keysOf: (literal: string) => readonly number[]) {
    const lists = new Map<number, number[]>()
    for (const [term, literal] of literals.entries()) {
      for (const key of keysOf(literal)) {
        const list = lists.get(key)
        if (list === undefined) lists.set(key, [term])
        else list.push(term)
      }
    }
    const size = 2 ** Math.ceil(Math.log2(2 * lists.size + 2))
    this.#mask = size - 1
    this.#slots = new Int32Array(2 * size)
    const records = [0]
    for (const [key, list] of lists) {
      const slot = this.#slotOf(key)
      this.#slots[slot] = key + 1
      this.#slots[slot + 1] = records.length
      for (const term of list) {
        const literal = literals[term] ?? ''
        records.push(literal.length, term)
        for (let i = 0; i < literal.length; i++) records.push(literal.charCodeAt(i))
      }
      records.push(0)
    }
    this.records = Int32Array.from(records)
  }

  /** Where in `records` the list begins. */
  find(key: number): number {
    return this.#slots[this.#slotOf(key) + 1] as number
  }

  /** Where the key is or would be. */
  #slotOf(key: number): number {
    const mixed = Math.imul(key, 0x9e3779b1)
    for (let slot = (mixed ^ (mixed >>> 15)) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const known = this.#slots[2 * slot] as number
      if (known === 0 || known === key + 1) return 2 * slot
    }
  }
}
