import { compilePattern } from '@/lib/policy/engine/pattern'
import type { Detection, Term, TermHit, View } from '@/lib/policy/engine/policy'

/** A regular expression and the name under which a match is recorded. */
export type NamedPattern = {
  source: string
  rule: string
  /** Every match has one of these literals in it. */
  signs?: readonly string[]
}

export type PatternSearch = {
  /** The signs of all patterns. A policy with any must have these terms and no others. */
  terms: readonly Term[]
  find(view: View): Detection[]
  findIn(view: View, part: number): Detection[]
}

/** Names for the patterns of a configuration: their place, because their text would end up in records. */
export const numbered = (sources: readonly string[], rule: string): NamedPattern[] =>
  sources.map((source, index) => ({ source, rule: `${rule}[${index}]` }))

/** Looks for regular expressions, without regard to case, in the normalised text of each part. */
export function patternSearch(named: readonly NamedPattern[]): PatternSearch {
  const compiled = named.map(({ source, rule, signs }) => ({
    rule,
    pattern: compilePattern(source, { ignoreCase: true }),
    hasSigns: signs !== undefined,
  }))
  const owners = named.flatMap(({ signs = [] }, place) => signs.map(() => place))
  const findIn = (view: View, part: number): Detection[] => {
    const hits = owners.length === 0 ? NO_HITS : view.hits(part)
    const found: Detection[] = []
    for (const [place, { rule, pattern, hasSigns }] of compiled.entries()) {
      if (hasSigns && !hits.some(({ term }) => owners[term] === place)) continue
      const normal = view.normal(part)
      for (const { start, end } of pattern.spans(normal.text)) found.push({ rule, part, ...normal.origin(start, end) })
    }
    return found
  }
  return {
    terms: named.flatMap(({ signs = [] }) => signs.map((text) => ({ text, wholeWord: false, isFirstOnly: true }))),
    findIn,
    find: (view) => view.readable().flatMap(({ index }) => findIn(view, index)),
  }
}

const NO_HITS: readonly TermHit[] = []
