const HOUR_MS = 3_600_000
/** Rows of one part: what has to be done again after a crash. */
export const PART_ROWS = 500_000
/** A file of any size has no more; its parts become larger then. */
const PARTS_MAX = 1_000

/**
 * Cuts a range of time where about `PART_ROWS` rows are full, by how many there are in each hour. An hour with more is cut
 * evenly. Counts may be wrong: they bound how much one part holds, and nothing depends on them.
 *
 * @param hours in order, each with its start
 * @returns the ends of all parts and, first, the start of the range: two instants at least
 */
export function planParts(since: string, until: string, hours: readonly { at: string; rows: number }[]): string[] {
  const total = hours.reduce((sum, { rows }) => sum + rows, 0)
  const rowsMax = Math.max(PART_ROWS, Math.ceil((2 * total) / PARTS_MAX))
  const cuts: number[] = []
  let filled = 0
  for (const { at, rows } of hours) {
    const start = Date.parse(at)
    if (filled > 0 && filled + rows > rowsMax) {
      cuts.push(start)
      filled = 0
    }
    const pieces = Math.ceil(rows / rowsMax)
    for (let piece = 1; piece < pieces; piece++) cuts.push(start + Math.floor((HOUR_MS * piece) / pieces))
    filled = pieces > 1 ? Math.ceil(rows / pieces) : filled + rows
  }
  const from = Date.parse(since)
  const to = Date.parse(until)
  const within = [...new Set(cuts)].filter((cut) => cut > from && cut < to)
  return [since, ...within.map((cut) => new Date(cut).toISOString()), until]
}
