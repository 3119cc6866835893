const DAY_MS = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat>()
/** Zones come from callers: what is kept of them is bounded. The database of time zones has some 600. */
const FORMATS_MAX = 700

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  if (formats.size < FORMATS_MAX) formats.set(timeZone, made)
  return made
}

/**
 * What clocks of a time zone show, as if it were UTC: milliseconds since 1970. Years 1970 to 9999.
 *
 * @param timeZone of the IANA database; which of its editions is a matter of Node (`process.versions.tz`)
 */
export function wallOf(ms: number, timeZone: string): number {
  if (timeZone === 'UTC') return ms
  const seconds = Math.floor(ms / 1_000)
  const at: Record<string, number> = {}
  for (const { type, value } of formatOf(timeZone).formatToParts(seconds * 1_000)) at[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = at
  return Date.UTC(year, month - 1, day, hour, minute, second) + (ms - seconds * 1_000)
}

/** How far clocks of a time zone are ahead of UTC. */
export const offsetOf = (ms: number, timeZone: string): number => wallOf(ms, timeZone) - ms

/**
 * The first moment at which clocks of a time zone show this or more. An hour that is passed over when clocks are set
 * forward begins when it would have; of one that comes twice the first is meant.
 */
export function instantOfWall(wall: number, timeZone: string): number {
  const before = offsetOf(wall - DAY_MS, timeZone)
  const after = offsetOf(wall + DAY_MS, timeZone)
  const [early, late] = [wall - Math.max(before, after), wall - Math.min(before, after)]
  if (wallOf(early, timeZone) === wall) return early
  if (wallOf(late, timeZone) === wall && wallOf(late - 1, timeZone) < wall) return late
  // Clocks never show it: it is when they are set.
  let [low, high] = [early - DAY_MS, late + DAY_MS]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (wallOf(middle, timeZone) >= wall) high = middle
    else low = middle + 1
  }
  return low
}

/** So many days later on the calendar, at the same time by the clock. */
export const plusDays = (ms: number, days: number, timeZone: string): number =>
  instantOfWall(wallOf(ms, timeZone) + days * DAY_MS, timeZone)

/** RFC 3339 as clocks of a time zone show it, such as `2026-03-01T00:00:00+01:00`. */
export function localText(ms: number, timeZone: string): string {
  const offsetMinutes = Math.round(offsetOf(ms, timeZone) / 60_000)
  const shown = new Date(ms + offsetMinutes * 60_000).toISOString().replace(/(?:\.000)?Z$/, '')
  const size = Math.abs(offsetMinutes)
  const two = (count: number) => String(count).padStart(2, '0')
  return `${shown}${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}
