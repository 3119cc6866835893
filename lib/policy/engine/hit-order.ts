/**
 * Sorts hits, each of them term, start and end, by end and then by start, as an automaton finds them. They nearly are: only
 * terms in terms are not.
 */
export function inOrder(hits: number[]): readonly number[] {
  for (let i = 3; i < hits.length; i += 3) {
    let at = i
    while (at > 0 && isBefore(hits, i, at - 3)) at -= 3
    if (at === i) continue
    if (i - at > MOVE_MAX) return sorted(hits)
    const [term, start, end] = [hits[i], hits[i + 1], hits[i + 2]] as [number, number, number]
    hits.copyWithin(at + 3, at, i)
    hits[at] = term
    hits[at + 1] = start
    hits[at + 2] = end
  }
  return hits
}

const MOVE_MAX = 96

const isBefore = (hits: readonly number[], a: number, b: number) => {
  const ends = (hits[a + 2] as number) - (hits[b + 2] as number)
  return ends < 0 || (ends === 0 && (hits[a + 1] as number) < (hits[b + 1] as number))
}

function sorted(hits: readonly number[]): readonly number[] {
  const order = Array.from({ length: hits.length / 3 }, (_, i) => 3 * i)
  order.sort((a, b) => (isBefore(hits, a, b) ? -1 : isBefore(hits, b, a) ? 1 : 0))
  return order.flatMap((i) => hits.slice(i, i + 3))
}
