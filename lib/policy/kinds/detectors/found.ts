import type { Span } from '@/lib/policy/engine/policy'

/** A place in a text and the class of what stands there, such as `email`. */
export type Found = Span & { rule: string }

/**
 * One span per place: what overlaps becomes one, named after the longest part.
 *
 * Every detector decides about each place on its own and never skips what another one took. So the outcome does not
 * depend on where reading began, which is what lets a stream be read in windows.
 */
export function joinOverlaps(found: Found[]): Found[] {
  if (found.length < 2) return found
  found.sort((a, b) => a.start - b.start || b.end - a.end)
  const joined: Found[] = []
  let longest = 0
  for (const { start, end, rule } of found) {
    const last = joined.at(-1)
    if (!last || start >= last.end) {
      joined.push({ start, end, rule })
      longest = end - start
      continue
    }
    if (end - start > longest) {
      last.rule = rule
      longest = end - start
    }
    last.end = Math.max(last.end, end)
  }
  return joined
}
