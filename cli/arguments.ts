import { InvalidArgumentError } from 'commander'

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
/** A hundred years: far beyond any sensible key and well inside what a date can hold. */
const DURATION_MAX_MS = 36_525 * UNIT_MS.d

/** `90d`, `24h`, `30m`, `2w`, `45s` -> milliseconds. */
export function duration(text: string): number {
  const match = /^(\d{1,9})([smhdw])$/.exec(text)
  const ms = match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : 0
  if (ms <= 0 || ms > DURATION_MAX_MS) {
    throw new InvalidArgumentError('It must be a duration such as 90d, 24h or 30m, up to 100 years.')
  }
  return ms
}

/** An RFC 3339 time with its offset. */
export function instantArgument(text: string): string {
  const isWhole = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text)
  if (!isWhole || Number.isNaN(Date.parse(text))) {
    throw new InvalidArgumentError('It must be an RFC 3339 time such as 2026-07-22T00:00:00Z.')
  }
  return text.toUpperCase()
}

/** `a,b, c` -> `['a', 'b', 'c']`. */
export function commaList(text: string): string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
  if (items.length === 0) throw new InvalidArgumentError('It must name at least one, separated by commas.')
  return [...new Set(items)]
}

/** The same, for names from a closed list. */
export const commaListOf =
  <T extends string>(allowed: readonly T[]) =>
  (text: string): T[] =>
    commaList(text).map((item) => {
      const known = allowed.find((one) => one === item)
      if (known === undefined) throw new InvalidArgumentError(`"${item}" is not one of ${allowed.join(', ')}.`)
      return known
    })

/** A whole number between bounds, both included. */
export const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
    return value
  }
