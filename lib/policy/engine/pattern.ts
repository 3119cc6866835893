import { RE2JS, RE2JSException } from 're2js'
import { lengthMaxOf, matchesNothing, type Prefilter, type Program, prefilterOf } from './pattern-program'
import type { Span } from './policy'

/** A regular expression of a configuration. Its cost grows with the length of the text, whatever text and pattern are. */
export type Pattern = {
  /**
   * Leftmost matches that do not overlap, in order.
   *
   * @throws PatternError when there are more than SPANS_MAX
   */
  spans(text: string): Span[]
  test(text: string): boolean
  /** Longest match in UTF-16 units; null when there is no bound. */
  lengthMax: number | null
}

/** Why a pattern cannot be used; `message` is a sentence for whoever wrote it. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
}

const SOURCE_MAX = 2_000
/** Instructions; `.{1000}` has 1,000. */
const PROGRAM_MAX = 2_000
const SPANS_MAX = 10_000

/** How far a search looks beyond what it needs, in UTF-16 units. */
const SLACK = 256
/** Units that searches without a bound may look through in one text; then a match reaches at most REACH. */
const UNBOUNDED_WORK = 8_000_000
const REACH = 2_048

/**
 * RE2 syntax (no look-around, no back-references), matched by re2js in linear time; see
 * docs/decisions/0011-linear-patterns.md. What every match must contain is looked for first by a V8 regex that cannot
 * backtrack, which is where clean text ends.
 *
 * A match of a pattern without a bound is cut after 2,048 characters once a text has cost 8 million steps.
 *
 * @throws PatternError when the source is too long, not RE2, compiles to too much, or matches the empty text
 */
export function compilePattern(source: string, { ignoreCase = false }: { ignoreCase?: boolean } = {}): Pattern {
  if (source.length > SOURCE_MAX) throw new PatternError(`A pattern has at most ${SOURCE_MAX} characters.`)
  const compiled = compile(source, ignoreCase)
  const program: Program = compiled.re2().prog
  if (program.inst.length > PROGRAM_MAX) {
    throw new PatternError(`This pattern is too large: it repeats too much (${program.inst.length} steps).`)
  }
  if (matchesNothing(program)) throw new PatternError('This pattern also matches nothing at all, and so everywhere.')
  return new LinearPattern(compiled, prefilterOf(program), lengthMaxOf(program))
}

function compile(source: string, ignoreCase: boolean): RE2JS {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(source), ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause
    throw new PatternError(`This pattern cannot be used: ${cause.message}.`, { cause })
  }
}

class LinearPattern implements Pattern {
  readonly lengthMax: number | null
  readonly #compiled: RE2JS
  readonly #prefilter: Prefilter | null

  constructor(compiled: RE2JS, prefilter: Prefilter | null, lengthMax: number | null) {
    this.#compiled = compiled
    this.#prefilter = prefilter
    this.lengthMax = lengthMax
  }

  test(text: string): boolean {
    return this.#candidateFrom(text, 0) !== -1 && this.#compiled.test(text)
  }

  spans(text: string): Span[] {
    const found: Span[] = []
    if (!this.test(text)) return found
    let work = 0
    let at = 0
    while (at < text.length) {
      at = this.#candidateFrom(text, at)
      if (at === -1) break
      const reach = this.lengthMax ?? (work < UNBOUNDED_WORK ? text.length : REACH)
      const windowEnd = Math.min(text.length, at + reach + SLACK)
      work += windowEnd - at
      const matcher = this.#compiled.matcher(windowEnd === text.length ? text : text.slice(0, windowEnd))
      const isFound = matcher.find(at)
      // What begins before here is decided by what the window shows.
      const decidedTo = windowEnd === text.length ? windowEnd : windowEnd - reach
      if (!isFound || matcher.start() >= decidedTo) {
        at = decidedTo
        continue
      }
      found.push({ start: matcher.start(), end: matcher.end() })
      if (found.length > SPANS_MAX)
        throw new PatternError(`A pattern matched more than ${SPANS_MAX} times in one text.`)
      at = matcher.end()
    }
    return found
  }

  /** The first place from `at` on where a match may begin; -1 when there is none. */
  #candidateFrom(text: string, at: number): number {
    if (this.#prefilter === null) return at
    const { kind, regex } = this.#prefilter
    regex.lastIndex = at
    const candidate = regex.exec(text)?.index ?? -1
    if (candidate === -1) return -1
    if (kind === 'prefix') return candidate
    return this.lengthMax === null ? at : Math.max(at, candidate - this.lengthMax)
  }
}
