import { compilePattern } from '@/lib/policy/engine/pattern'
import type { Detection, View } from '@/lib/policy/engine/policy'

/** A regular expression and the name under which a match is recorded. */
export type NamedPattern = { source: string; rule: string }

export type PatternSearch = {
  find(view: View): Detection[]
  findIn(view: View, part: number): Detection[]
}

/** Names for the patterns of a configuration: their place, because their text would end up in records. */
export const numbered = (sources: readonly string[], rule: string): NamedPattern[] =>
  sources.map((source, index) => ({ source, rule: `${rule}[${index}]` }))

/** Looks for regular expressions, without regard to case, in the normalised text of each part. */
export function patternSearch(named: readonly NamedPattern[]): PatternSearch {
  const compiled = named.map(({ source, rule }) => ({ rule, pattern: compilePattern(source, { ignoreCase: true }) }))
  const findIn = (view: View, part: number): Detection[] => {
    const normal = view.normal(part)
    return compiled.flatMap(({ rule, pattern }) =>
      pattern.spans(normal.text).map(({ start, end }) => ({ rule, part, ...normal.origin(start, end) })),
    )
  }
  return { findIn, find: (view) => view.readable().flatMap(({ index }) => findIn(view, index)) }
}
