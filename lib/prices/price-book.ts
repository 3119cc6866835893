import type { PriceRow, PriceTable, PriceTerm } from '@/lib/contract/price-shapes'
import { type Matcher, matcherOf } from './match'
import { type Price, priceOf } from './price'

/** Names of a provider that are remembered with what was found for them; more than that are looked up anew. */
const REMEMBERED_MAX = 10_000
const DAY_MS = 86_400_000

/** A price with the words in which it was written. */
export class Entry {
  #price: Price | undefined

  constructor(
    readonly row: PriceRow,
    readonly term: PriceTerm,
    private readonly version: string,
  ) {}

  /** Made when it is first asked for: of a thousand models few are ever called. */
  get price(): Price {
    this.#price ??= priceOf(this.term.prices, this.term.tiers, this.row.source, this.version)
    return this.#price
  }
}

type Term = { fromMs: number; between: { from: number; to: number } | null; entry: Entry }
type Row = { at: number; source: PriceRow['source']; terms: readonly Term[] }
type Found = { overrides: readonly Row[]; catalogue: Row | null }
type Shelf = {
  byName: Map<string, Row[]>
  rules: { row: Row; matches: Matcher }[]
  /** By names that were looked up. */
  found: Map<string, Found>
}

/** A price table, compiled once for many requests. Immutable but for what it remembers. */
export class PriceBook {
  readonly version: string
  readonly #shelves = new Map<string, Shelf>()
  readonly #rows: Row[] = []

  constructor(readonly table: PriceTable) {
    this.version = table.version
    for (const [at, row] of table.rows.entries()) this.#put(row, at)
  }

  /**
   * What a model costs at a moment, in milliseconds since the epoch.
   *
   * @param names of the same model, the best known first: what the provider says it used, then what it was asked for. An
   * organisation's own price for either of them goes before any of the catalogue
   */
  priceOf(provider: string, names: readonly string[], atMs: number): Price | null {
    return this.entryOf(provider, names, atMs)?.price ?? null
  }

  /** The same, with where it stands. */
  entryOf(provider: string, names: readonly string[], atMs: number): Entry | null {
    const found = names.map((name) => this.#lookUp(provider, name))
    for (const { overrides } of found) {
      for (const row of overrides) {
        const entry = inForce(row, atMs)
        if (entry !== null) return entry
      }
    }
    for (const { catalogue } of found) {
      const entry = catalogue === null ? null : inForce(catalogue, atMs)
      if (entry !== null) return entry
    }
    return null
  }

  /**
   * The most tokens that a model answers with at a moment, found as its price is.
   *
   * @returns null when nobody has said
   */
  outputCapOf(provider: string, names: readonly string[], atMs: number): number | null {
    const found = names.map((name) => this.#lookUp(provider, name))
    const rows = [...found.flatMap(({ overrides }) => overrides), ...found.flatMap(({ catalogue }) => catalogue ?? [])]
    for (const row of rows) {
      const cap = inForce(row, atMs)?.term.max_output_tokens
      if (cap !== undefined) return cap
    }
    return null
  }

  /** Of rows for the same name only the one that counts; in the order of the table. */
  entriesAt(atMs: number): Entry[] {
    const entries = new Map<string, Entry>()
    for (const row of this.#rows) {
      const entry = inForce(row, atMs)
      const name = entry === null ? '' : `${entry.row.provider} ${entry.row.model}`
      if (entry !== null && !entries.has(name)) entries.set(name, entry)
    }
    return [...entries.values()]
  }

  #put(row: PriceRow, at: number): void {
    let shelf = this.#shelves.get(row.provider)
    if (shelf === undefined) {
      shelf = { byName: new Map(), rules: [], found: new Map() }
      this.#shelves.set(row.provider, shelf)
    }
    const compiled = { at, source: row.source, terms: row.terms.map((term) => compiledTerm(row, term, this.version)) }
    this.#rows.push(compiled)
    if (!('names' in row.match)) {
      shelf.rules.push({ row: compiled, matches: matcherOf(row.match) })
      return
    }
    for (const name of row.match.names.map((one) => one.toLowerCase())) {
      const same = shelf.byName.get(name)
      if (same === undefined) shelf.byName.set(name, [compiled])
      else same.push(compiled)
    }
  }

  #lookUp(provider: string, name: string): Found {
    const shelf = this.#shelves.get(provider)
    if (shelf === undefined) return NOTHING
    const known = shelf.found.get(name)
    if (known !== undefined) return known
    const found = search(shelf, name.toLowerCase())
    // Names come from callers: what they make up must not fill the memory.
    if (shelf.found.size >= REMEMBERED_MAX) shelf.found.clear()
    shelf.found.set(name, found)
    return found
  }
}

function search(shelf: Shelf, name: string): Found {
  const found = matching(shelf, name)
  if (found.catalogue !== null) return found
  // Some write the date of a model in one piece, and the catalogue with dashes.
  const dashed = name.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3')
  return dashed === name ? found : { ...found, catalogue: matching(shelf, dashed).catalogue }
}

const NOTHING: Found = { overrides: [], catalogue: null }

function matching({ byName, rules }: Shelf, name: string): Found {
  const rows = [...(byName.get(name) ?? [])]
  for (const { row, matches } of rules) if (matches(name)) rows.push(row)
  rows.sort((a, b) => a.at - b.at)
  return {
    overrides: rows.filter(({ source }) => source === 'override'),
    catalogue: rows.find(({ source }) => source === 'catalogue') ?? null,
  }
}

function compiledTerm(row: PriceRow, term: PriceTerm, version: string): Term {
  const { effective_from, between } = term
  return {
    fromMs: effective_from === null ? Number.NEGATIVE_INFINITY : Date.parse(effective_from),
    between: between === null ? null : { from: msOfDay(between.from), to: msOfDay(between.to) },
    entry: new Entry(row, term, version),
  }
}

function msOfDay(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number)
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000
}

function inForce({ terms }: Row, atMs: number): Entry | null {
  for (let at = terms.length - 1; at >= 0; at--) {
    const term = terms[at]
    if (term !== undefined && atMs >= term.fromMs && isWithin(term.between, atMs)) return term.entry
  }
  return null
}

function isWithin(between: Term['between'], atMs: number): boolean {
  if (between === null) return true
  const ofDay = atMs % DAY_MS
  const { from, to } = between
  return to < from ? ofDay >= from || ofDay < to : ofDay >= from && ofDay < to
}
