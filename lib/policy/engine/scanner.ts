import { asciiBytes } from './ascii-bytes'
import { Grams, isBlank, isWordByte } from './grams'
import { isInAsciiWord, isWholeWord, startOf, WHITE_SPACE } from './normal-position'
import { normalise } from './normalise'
import type { Term } from './policy'

/** Called for every occurrence of every term, overlapping ones too; offsets are those of the normal text. */
export type OnHit = (term: number, start: number, end: number) => void

/**
 * Looks for any number of literals in one pass over a normal text (Aho and Corasick, 1975).
 *
 * ASCII, which nearly all text is, goes another way to the same hits: places where three characters could begin a term are
 * found without following the automaton, and only from there it is followed. When that does not pay, as in text that is
 * made of beginnings of terms, the automaton reads it all.
 */
export type Scanner = {
  /**
   * Hits in the order of their ends; of those with one end the longest first.
   *
   * @param normal normal text, or ASCII in any case
   * @throws ScanRefused when there are more than HITS_MAX
   */
  scan(normal: string, onHit: OnHit): void
}

export class ScanRefused extends Error {
  override readonly name = 'ScanRefused'
}

/** In place of a state at which a term ends. */
const NOBODY = -1
/** More hits than this in one text are not listed but refused, so that nobody works on half of them. */
const HITS_MAX = 100_000
/** Entries of the table of shallow states: 8 MB. Deeper states follow hashed edges and failure links. */
const DENSE_ENTRIES_MAX = 1 << 21

/**
 * Terms are normalised as texts are. Any run of white space counts as one blank, in terms and in texts.
 * An empty term matches nowhere.
 */
export function buildScanner(terms: readonly Term[]): Scanner {
  const literals = terms.map(({ text }) => normalise(text).text.replace(/\s+/g, ' '))
  return literals.every((literal) => literal === '') ? NOTHING : new Automaton(terms, literals)
}

const NOTHING: Scanner = { scan: () => {} }

/** Most steps that following candidates may take per character before the automaton reads the whole text. */
const STEPS_PER_UNIT = 8

/** So much of a text is searched for candidates before they are followed. */
const BLOCK = 4_096
const CANDIDATES = new Int32Array(BLOCK)

/** Sorts triples by end, then by start, as the automaton finds them. They nearly are: only terms in terms are not. */
function inOrder(hits: number[]): readonly number[] {
  for (let i = 3; i < hits.length; i += 3) {
    let at = i
    while (at > 0 && isBefore(hits, i, at - 3)) at -= 3
    if (at === i) continue
    if (i - at > MOVE_MAX) return sorted(hits)
    const [term, start, end] = [hits[i], hits[i + 1], hits[i + 2]] as [number, number, number]
    hits.copyWithin(at + 3, at, i)
    hits[at] = term
    hits[at + 1] = start
    hits[at + 2] = end
  }
  return hits
}

const MOVE_MAX = 96

const isBefore = (hits: readonly number[], a: number, b: number) => {
  const ends = (hits[a + 2] as number) - (hits[b + 2] as number)
  return ends < 0 || (ends === 0 && (hits[a + 1] as number) < (hits[b + 1] as number))
}

function sorted(hits: readonly number[]): readonly number[] {
  const order = Array.from({ length: hits.length / 3 }, (_, i) => 3 * i)
  order.sort((a, b) => (isBefore(hits, a, b) ? -1 : isBefore(hits, b, a) ? 1 : 0))
  return order.flatMap((i) => hits.slice(i, i + 3))
}

class Automaton implements Scanner {
  /** Class of a UTF-16 unit; 0 for what occurs in no term. */
  readonly #classes = new Uint16Array(65_536)
  readonly #classCount: number
  /** States are numbered breadth first, so the shallow ones come first. */
  readonly #dense: Int32Array
  readonly #denseStates: number
  readonly #edges: EdgeTable
  readonly #fail: Int32Array
  readonly #depth: Int32Array
  /** The nearest state on the way of suffixes, itself included, at which a term ends; NOBODY when there is none. */
  readonly #reports: Int32Array
  readonly #termsAt: ReadonlyMap<number, readonly number[]>
  readonly #terms: readonly Term[]
  readonly #space: number
  /** Class of an ASCII character in either case. */
  readonly #asciiClasses = new Uint16Array(128)
  readonly #grams: Grams
  /** In which scan a term was found last, of those whose first hit is enough. */
  readonly #lastScans: Float64Array
  #scans = 0

  constructor(terms: readonly Term[], literals: readonly string[]) {
    this.#terms = terms
    this.#lastScans = new Float64Array(terms.length)
    this.#classCount = this.#numberClasses(literals)
    this.#space = this.#classes[0x20] ?? 0
    const trie = growTrie(literals, this.#classes)
    const states = trie.parent.length
    this.#edges = trie.edges
    this.#depth = trie.depth
    this.#termsAt = trie.termsAt
    this.#fail = new Int32Array(states)
    this.#reports = new Int32Array(states).fill(NOBODY)
    this.#denseStates = Math.max(1, Math.min(states, Math.floor(DENSE_ENTRIES_MAX / this.#classCount)))
    this.#dense = new Int32Array(this.#denseStates * this.#classCount)
    this.#link(trie)
    for (let unit = 0; unit < 128; unit++) {
      this.#asciiClasses[unit] = this.#classes[unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit] ?? 0
    }
    this.#grams = new Grams(terms, literals)
  }

  scan(text: string, onHit: OnHit): void {
    const bytes = asciiBytes(text)
    const hits = bytes === null ? null : this.#scanBytes(bytes, text.length)
    if (hits !== null) {
      for (let i = 0; i < hits.length; i += 3) onHit(hits[i] as number, hits[i + 1] as number, hits[i + 2] as number)
    } else this.#scanAll(bytes === null ? text : text.toLowerCase(), onHit)
  }

  /** Term, start and end of each hit; null when too much of the text looks like beginnings of terms. */
  #scanBytes(bytes: Uint8Array, length: number): readonly number[] | null {
    this.#scans += 1
    const hits: number[] = []
    let stepsLeft = STEPS_PER_UNIT * length + 256
    for (let from = 0; from < length; from += BLOCK) {
      const count = this.#grams.candidates(bytes, from, Math.min(length, from + BLOCK), CANDIDATES)
      for (let i = 0; i < count; i++) {
        stepsLeft -= this.#follow(bytes, CANDIDATES[i] as number, length, hits)
        if (stepsLeft < 0) return null
      }
    }
    return hits.length > 3 ? inOrder(hits) : hits
  }

  /** Terms that begin at `start`. @returns the steps it took */
  #follow(bytes: Uint8Array, start: number, length: number, hits: number[]): number {
    const classes = this.#asciiClasses
    const depths = this.#depth
    const reports = this.#reports
    const dense = this.#dense
    const denseStates = this.#denseStates
    const classCount = this.#classCount
    const space = this.#space
    let state = 0
    let depth = 0
    let last = -1
    let i = start
    for (; i < length; i++) {
      const kind = classes[bytes[i] as number] as number
      if (kind === space && last === space && space !== 0) {
        // A term that begins with a blank begins at the last of a run.
        if (depth === 1) break
        continue
      }
      last = kind
      state = state < denseStates ? (dense[state * classCount + kind] as number) : this.#step(state, kind)
      depth += 1
      // A failure link was taken: what goes on here began later.
      if (depths[state] !== depth) break
      if (reports[state] === state) this.#keep(state, bytes, start, i + 1, hits)
    }
    return i - start + 1
  }

  #keep(state: number, bytes: Uint8Array, start: number, end: number, hits: number[]): void {
    // A blank alone is found once in a run.
    if (this.#depth[state] === 1 && isBlank(bytes, start) && start > 0 && isBlank(bytes, start - 1)) return
    for (const term of this.#termsAt.get(state) ?? []) {
      const { wholeWord, isOnlyAtWordStart, isFirstOnly } = this.#terms[term] as Term
      if (wholeWord && (isWordByte(bytes, start - 1) || isWordByte(bytes, end))) continue
      if (isOnlyAtWordStart === true && isWordByte(bytes, start - 1) && isWordByte(bytes, start)) continue
      if (isFirstOnly === true && !this.#isFirst(term)) continue
      hits.push(term, start, end)
      if (hits.length > 3 * HITS_MAX) throw new ScanRefused(`more than ${HITS_MAX} terms in one text`)
    }
  }

  /** Once per scan and term. */
  #isFirst(term: number): boolean {
    if (this.#lastScans[term] === this.#scans) return false
    this.#lastScans[term] = this.#scans
    return true
  }

  #scanAll(normal: string, onHit: OnHit): void {
    this.#scans += 1
    // Fields are read once: this loop runs over every character that anybody sends.
    const classes = this.#classes
    const dense = this.#dense
    const denseStates = this.#denseStates
    const reports = this.#reports
    const classCount = this.#classCount
    const space = this.#space
    let state = 0
    let last = -1
    let hits = 0
    for (let i = 0; i < normal.length; i++) {
      const kind = classes[normal.charCodeAt(i)] as number
      if (kind === space && last === space && space !== 0) continue
      last = kind
      state = state < denseStates ? (dense[state * classCount + kind] as number) : this.#step(state, kind)
      if (reports[state] === NOBODY) continue
      hits = this.#report(state, normal, i + 1, onHit, hits)
      if (hits > HITS_MAX) throw new ScanRefused(`more than ${HITS_MAX} terms in one text`)
    }
  }

  #step(from: number, kind: number): number {
    let state = from
    while (state >= this.#denseStates) {
      const next = this.#edges.get(state, kind)
      if (next !== 0) return next
      state = this.#fail[state] ?? 0
    }
    return this.#dense[state * this.#classCount + kind] ?? 0
  }

  #report(at: number, normal: string, end: number, onHit: OnHit, hitsBefore: number): number {
    let hits = hitsBefore
    for (let state = this.#reports[at] ?? NOBODY; state !== NOBODY; ) {
      const start = startOf(normal, end, this.#depth[state] ?? 0)
      for (const term of this.#termsAt.get(state) ?? []) {
        const known = this.#terms[term]
        if (known?.wholeWord && !isWholeWord(normal, start, end)) continue
        if (known?.isOnlyAtWordStart && isInAsciiWord(normal, start)) continue
        if (known?.isFirstOnly && !this.#isFirst(term)) continue
        onHit(term, start, end)
        hits += 1
      }
      state = state === 0 ? NOBODY : (this.#reports[this.#fail[state] ?? 0] ?? NOBODY)
    }
    return hits
  }

  /** White space is one class. */
  #numberClasses(literals: readonly string[]): number {
    let count = 1
    for (const literal of literals) {
      for (let i = 0; i < literal.length; i++) {
        const unit = literal.charCodeAt(i)
        if (this.#classes[unit] === 0) this.#classes[unit] = count++
      }
    }
    const space = this.#classes[0x20] ?? 0
    if (space !== 0) for (const unit of WHITE_SPACE) this.#classes[unit] = space
    return count
  }

  /** Breadth first: the failure state of a child is found one step from that of its parent. */
  #link({ parent, kindOf, edges, termsAt }: Trie): void {
    for (let state = 0; state < parent.length; state++) {
      const kind = kindOf[state] ?? 0
      const above = parent[state] ?? 0
      if (state > 0) this.#fail[state] = above === 0 ? 0 : this.#step(this.#fail[above] ?? 0, kind)
      const fail = this.#fail[state] ?? 0
      this.#reports[state] = termsAt.has(state) ? state : state === 0 ? NOBODY : (this.#reports[fail] ?? NOBODY)
      if (state >= this.#denseStates) continue
      const row = state * this.#classCount
      for (let next = 1; next < this.#classCount; next++) {
        const child = edges.get(state, next)
        if (child !== 0) this.#dense[row + next] = child
        else if (state !== 0) this.#dense[row + next] = this.#step(fail, next)
      }
    }
  }
}

type Trie = {
  parent: readonly number[]
  /** Class on the edge from the parent. */
  kindOf: readonly number[]
  depth: Int32Array
  edges: EdgeTable
  termsAt: ReadonlyMap<number, readonly number[]>
}

/** All terms grow by one character at a time, so that states are numbered breadth first. */
function growTrie(literals: readonly string[], classes: Uint16Array): Trie {
  const edges = new EdgeTable(literals.reduce((sum, literal) => sum + literal.length, 0))
  const parent = [0]
  const kindOf = [0]
  const depth = [0]
  const termsAt = new Map<number, number[]>()
  const at = new Int32Array(literals.length)
  let growing = literals.flatMap((literal, term) => (literal === '' ? [] : [term]))
  for (let level = 0; growing.length > 0; level++) {
    const still: number[] = []
    for (const term of growing) {
      const literal = literals[term] ?? ''
      const state = at[term] ?? 0
      const kind = classes[literal.charCodeAt(level)] ?? 0
      let child = edges.get(state, kind)
      if (child === 0) {
        child = parent.length
        parent.push(state)
        kindOf.push(kind)
        depth.push(level + 1)
        edges.set(state, kind, child)
      }
      at[term] = child
      if (level + 1 < literal.length) still.push(term)
      else termsAt.set(child, [...(termsAt.get(child) ?? []), term])
    }
    growing = still
  }
  return { parent, kindOf, depth: Int32Array.from(depth), edges, termsAt }
}

/** (state, class) to child state, by open addressing; at most half full. */
class EdgeTable {
  readonly #states: Int32Array
  readonly #kinds: Uint16Array
  readonly #children: Int32Array
  readonly #mask: number

  constructor(edgesMax: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, edgesMax * 2)))
    this.#mask = size - 1
    this.#states = new Int32Array(size)
    this.#kinds = new Uint16Array(size)
    this.#children = new Int32Array(size)
  }

  /** 0 when there is no such edge: nothing leads back to the root. */
  get(state: number, kind: number): number {
    for (let slot = this.#slot(state, kind); ; slot = (slot + 1) & this.#mask) {
      const child = this.#children[slot] ?? 0
      if (child === 0 || (this.#states[slot] === state && this.#kinds[slot] === kind)) return child
    }
  }

  set(state: number, kind: number, child: number): void {
    let slot = this.#slot(state, kind)
    while (this.#children[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#states[slot] = state
    this.#kinds[slot] = kind
    this.#children[slot] = child
  }

  #slot(state: number, kind: number): number {
    const mixed = Math.imul(state, 0x9e3779b1) ^ Math.imul(kind, 0x85ebca6b)
    return (mixed ^ (mixed >>> 15)) & this.#mask
  }
}
