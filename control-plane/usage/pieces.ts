import { DAY_MS, floorTo, HOUR_MS, type Range } from '../events/counts/range'

/** From where a piece is read: rollups of whole days and hours of UTC, or events one by one. */
export type Source = 'days' | 'hours' | 'events'

/**
 * Time that is read once: what is found there is added to the interval `plus` and taken from `minus`. Null: to and from none
 * of them. What is read as a day or an hour belongs to the interval that most of it lies in; what lies in others is moved
 * there, and so as little as possible is read a second time.
 */
export type Piece = Range & { plus: number | null; minus: number | null }
export type Pieces = Record<Source, Piece[]>

/**
 * The pieces of which intervals are made up exactly. Interval `i` is `[bounds[i], bounds[i + 1])`; bounds ascend and need not
 * lie at hours. Events are read for less than an hour at once, and for no more than half of one around each bound.
 */
export function piecesOf(bounds: readonly number[]): Pieces {
  const pieces: Pieces = { days: [], hours: [], events: [] }
  const end = bounds.at(-1) ?? 0
  const partsIn = partReader(bounds)
  for (let day = floorTo(bounds[0] ?? 0, DAY_MS); day < end; day += DAY_MS) {
    const parts = partsIn(day, day + DAY_MS)
    const owner = largestOf(parts)
    // A day of many intervals has no owner: all of it would be moved.
    const base = owner.untilMs - owner.sinceMs >= DAY_MS / 2 ? owner.at : null
    if (base !== null) add(pieces.days, { sinceMs: day, untilMs: day + DAY_MS, plus: base, minus: null })
    if (parts.length > 1 || base === null) {
      for (let hour = day; hour < day + DAY_MS; hour += HOUR_MS)
        addHour(pieces, hour, partsIn(hour, hour + HOUR_MS), base)
    }
  }
  return pieces
}

function addHour(pieces: Pieces, hour: number, parts: Part[], base: number | null): void {
  const { at: owner } = largestOf(parts)
  if (owner !== base) add(pieces.hours, { sinceMs: hour, untilMs: hour + HOUR_MS, plus: owner, minus: base })
  for (const { at, ...part } of parts) if (at !== owner) add(pieces.events, { ...part, plus: at, minus: owner })
}

/** What continues the piece before is one with it. */
function add(pieces: Piece[], next: Piece): void {
  const last = pieces.at(-1)
  const continues = last?.untilMs === next.sinceMs && last.plus === next.plus && last.minus === next.minus
  if (continues) last.untilMs = next.untilMs
  else pieces.push(next)
}

/** Time in one interval; null is outside of all. */
type Part = Range & { at: number | null }

function largestOf(parts: Part[]): Part {
  const [first, ...others] = parts
  if (!first) throw new Error('There is no time in no time.')
  return others.reduce((largest, part) => (lengthOf(part) > lengthOf(largest) ? part : largest), first)
}
const lengthOf = ({ sinceMs, untilMs }: Range) => untilMs - sinceMs

/** Tells of which intervals stretches of time are, which must be asked for in ascending order. */
function partReader(bounds: readonly number[]): (sinceMs: number, untilMs: number) => Part[] {
  let passed = 0
  return (sinceMs, untilMs) => {
    while (passed > 0 && (bounds[passed - 1] ?? 0) > sinceMs) passed -= 1
    while (passed < bounds.length && (bounds[passed] ?? 0) <= sinceMs) passed += 1
    const parts: Part[] = []
    for (let [next, from] = [passed, sinceMs]; from < untilMs; next += 1) {
      const until = Math.min(bounds[next] ?? untilMs, untilMs)
      parts.push({ sinceMs: from, untilMs: until, at: next === 0 || next === bounds.length ? null : next - 1 })
      from = until
    }
    return parts
  }
}
