/** Rows of the table, kept between calls: allocating them would cost more than filling them. */
let rows = [new Int32Array(256), new Int32Array(256), new Int32Array(256)] as const

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
  const width = right.length + 2
  if (rows[0].length < width) rows = [new Int32Array(width), new Int32Array(width), new Int32Array(width)]
  let [beforeLast, last, current]: [Int32Array, Int32Array, Int32Array] = [...rows]
  for (let column = 0; column < width; column++) last[column] = Math.min(column, tooFar)
  let bestBefore = 0
  for (let row = 1; row <= left.length; row++) {
    const from = Math.max(1, row - max)
    const to = Math.min(right.length, row + max)
    const letter = left.charCodeAt(row - 1)
    const letterBefore = left.charCodeAt(row - 2)
    // What lies just outside the band is too far by definition.
    current[from - 1] = from === 1 && row <= max ? row : tooFar
    current[to + 1] = tooFar
    let best = current[from - 1] ?? tooFar
    for (let column = from; column <= to; column++) {
      const other = right.charCodeAt(column - 1)
      let cost = (last[column - 1] ?? tooFar) + (letter === other ? 0 : 1)
      cost = Math.min(cost, (last[column] ?? tooFar) + 1, (current[column - 1] ?? tooFar) + 1)
      if (row > 1 && column > 1 && letterBefore === other && letter === right.charCodeAt(column - 2)) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? tooFar) + 1)
      }
      current[column] = Math.min(cost, tooFar)
      best = Math.min(best, cost)
    }
    // A swap looks two rows back, so one hopeless row is not yet the end.
    if (best > max && bestBefore > max) return tooFar
    bestBefore = best
    const oldest = beforeLast
    beforeLast = last
    last = current
    current = oldest
  }
  return last[right.length] ?? tooFar
}
