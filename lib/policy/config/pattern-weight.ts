import type { Path } from '../yaml-source'

/** Steps that all patterns of a file together may compile to. Keeps checking a file to about a second. */
export const PATTERN_WEIGHT_MAX = 20_000
const DEPTH_MAX = 64

/** The pattern with which those of a file become too large together; null when they do not. */
export function patternTooMany(policy: unknown): Path | null {
  let weight = 0
  function visit(value: unknown, path: Path, isPattern: boolean): Path | null {
    if (typeof value === 'string' && isPattern) {
      weight += patternWeight(value)
      return weight > PATTERN_WEIGHT_MAX ? path : null
    }
    if (typeof value !== 'object' || value === null || path.length > DEPTH_MAX) return null
    for (const [key, inner] of Object.entries(value)) {
      const isIndex = Array.isArray(value)
      const found = visit(inner, [...path, isIndex ? Number(key) : key], isIndex ? isPattern : /pattern/.test(key))
      if (found) return found
    }
    return null
  }
  return visit(policy, ['policy'], false)
}

/**
 * About how many steps a regular expression compiles to: one for each character or class, times how often it repeats.
 *
 * Reads any text in one pass; what is no regular expression is refused elsewhere.
 */
export function patternWeight(source: string): number {
  const groups: number[] = []
  let [sum, last] = [0, 0]
  for (let at = 0; at < source.length; at++) {
    const char = source[at]
    if (char === '(') {
      groups.push(sum)
      ;[sum, last] = [0, 0]
    } else if (char === ')' && groups.length > 0) {
      last = Math.max(1, sum)
      sum = (groups.pop() ?? 0) + last
    } else if (char === '{') {
      const [whole, least, most] = /^\{(\d{1,5})(?:,(\d{0,5}))?\}/.exec(source.slice(at, at + 14)) ?? []
      if (whole !== undefined) {
        const times = Math.max(Number(least), Number(most ?? 0), 1)
        sum += last * (times - 1)
        last *= times
        at += whole.length - 1
      }
    } else {
      if (char === '\\') at += /^[pP]\{[^}]{0,40}\}/.exec(source.slice(at + 1, at + 44))?.[0].length ?? 1
      else if (char === '[') at = endOfClass(source, at)
      // A class of Unicode or a set is many ranges.
      last = char === '\\' || char === '[' ? 4 : 1
      sum += last
    }
  }
  return groups.reduce((total, outer) => total + outer, sum)
}

function endOfClass(source: string, start: number): number {
  // A bracket right after the opening one is a member.
  let at = start + (source[start + 1] === '^' ? 2 : 1) + 1
  while (at < source.length && source[at] !== ']') at += source[at] === '\\' ? 2 : 1
  return at
}
