import { z } from 'zod'

/** RFC 3339 in UTC, as the control plane writes it. */
export const instant = z.iso.datetime({ offset: false })

/** A point in time that a caller gives: RFC 3339 with any offset, or how long ago (`30s`, `15m`, `24h`, `7d`). */
export const when = z
  .string()
  .max(40)
  .refine(
    (text) =>
      RELATIVE.test(text) || (RFC_3339.test(text) && isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text))),
    'must be a time such as 2026-03-31 or 2026-03-31T09:00:00Z, or relative such as 24h or 7d',
  )
  .describe('RFC 3339, or how long ago: `30s`, `15m`, `24h`, `7d`, `2w`.')

/** A date alone means its first moment in UTC. `Date.parse` by itself takes far more, and reads `1` as a year. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/
/** Of 30 February `Date.parse` makes the second of March. */
const isDay = (text: string): boolean => z.iso.date().safeParse(text).success
const RELATIVE = /^(\d{1,6})(s|m|h|d|w)$/
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** Resolves a `when` against `now`. Never before 1970 nor after 9999: beyond, other programs read times differently. */
export function resolveWhen(text: string, now: Date): Date {
  const match = RELATIVE.exec(text)
  const ms = match ? now.getTime() - Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : Date.parse(text)
  return new Date(Math.min(Math.max(ms, 0), LATEST_MS))
}

const LATEST_MS = Date.UTC(9999, 11, 31)

/**
 * A name people give: one line without control characters.
 * Lone surrogates are refused because they cannot be stored or shown as UTF-8 (RFC 3629 section 3), embeddings, overrides
 * and isolates because they turn around what stands beside the name (UAX #9).
 */
export const displayName = z
  .string()
  .trim()
  .min(1)
  .max(80)
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
  .regex(/^[^\p{Cc}\u2028-\u202e\u2066-\u2069]*$/u, 'must not contain control characters')

/** Text as it is, of several lines perhaps: all but what no column of the database can hold. */
export const storedText = z
  .string()
  .refine((text) => text.isWellFormed() && !text.includes('\u0000'), 'must be well-formed Unicode without NUL')

/** Letters, digits and `. _ -`: what is typed in shells and put into URLs and headers. */
export const slug = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, 'must be 1-80 letters, digits, dots, dashes or underscores')

/** Model and provider names travel in headers and metrics, so they are printable ASCII. */
export const modelName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')

export const idOf = (prefix: string) =>
  z
    .string()
    .max(64)
    .regex(new RegExp(`^${prefix}_[0-9a-z]{1,60}$`), `must be an id that begins with ${prefix}_`)

/** Free text that is searched for. */
export const searchText = z.string().trim().max(200)

/** How a field of a filter is compared (lib/filter.ts); `money` is a decimal text of US dollars. */
export type FilterFieldKind = 'text' | 'number' | 'money' | 'boolean'

/** SemVer 2.0.0. */
export const semver = z
  .string()
  .max(64)
  .regex(
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-.]+)?$/,
    'must be a SemVer such as 1.2.0',
  )
