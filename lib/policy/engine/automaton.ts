import { isInAsciiWord, isWholeWord, startOf, WHITE_SPACE } from './normal-position'
import type { Term } from './policy'
import { HITS_MAX, type OnHit, ScanRefused } from './scan'

/** In place of a state at which a term ends. */
const NOBODY = -1
/**
 * Entries of the table of shallow states: 1 MB, as much as the cache of a core holds. Deeper states follow hashed edges and
 * failure links.
 */
const DENSE_ENTRIES_MAX = 1 << 18

/** Looks for any number of literals in one pass over a normal text (Aho and Corasick, 1975). */
export class Automaton {
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
  }

  /**
   * Hits in the order of their ends; of those with one end the longest first.
   *
   * @throws ScanRefused
   */
  scan(normal: string, onHit: OnHit): void {
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

  /** Once per scan and term. */
  #isFirst(term: number): boolean {
    if (this.#lastScans[term] === this.#scans) return false
    this.#lastScans[term] = this.#scans
    return true
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
