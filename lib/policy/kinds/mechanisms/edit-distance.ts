/**
 * Optimal string alignment distance (insert, delete, replace, swap neighbours), as far as it matters.
 *
 * Only the diagonal band of width `2 * max + 1` is filled, so the cost is `O(max * length)`.
 *
 * @returns the distance, or `max + 1` when it is greater than `max`
 */
export function editDistance(left: string, right: string, max: number): number {
  const tooFar = max + 1
  if (Math.abs(left.length - right.length) > max) return tooFar
  let beforeLast: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => (index <= max ? index : tooFar))
  for (let row = 1; row <= left.length; row++) {
    const from = Math.max(1, row - max)
    const to = Math.min(right.length, row + max)
    const current = new Array<number>(right.length + 1).fill(tooFar)
    if (row <= max) current[0] = row
    let best = current[0] ?? tooFar
    for (let column = from; column <= to; column++) {
      const isSame = left.charCodeAt(row - 1) === right.charCodeAt(column - 1)
      let cost = Math.min(
        (last[column - 1] ?? tooFar) + (isSame ? 0 : 1),
        (last[column] ?? tooFar) + 1,
        (current[column - 1] ?? tooFar) + 1,
      )
      if (row > 1 && column > 1 && isSwapped(left, row, right, column)) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? tooFar) + 1)
      }
      current[column] = Math.min(cost, tooFar)
      best = Math.min(best, cost)
    }
    // A swap looks two rows back, so one hopeless row is not yet the end.
    if (best > max && Math.min(...band(last, from, to)) > max) return tooFar
    beforeLast = last
    last = current
  }
  return last[right.length] ?? tooFar
}

const isSwapped = (left: string, row: number, right: string, column: number) =>
  left.charCodeAt(row - 1) === right.charCodeAt(column - 2) && left.charCodeAt(row - 2) === right.charCodeAt(column - 1)

const band = (row: readonly number[], from: number, to: number) => row.slice(Math.max(0, from - 1), to + 1)
