import type { TrailDigestSummary } from '@/lib/contract/trail-shapes'

type Place = Pick<TrailDigestSummary, 'number' | 'period_start' | 'period_end'>

/** Digests that should be there and are not. `first` is null when it is not known how far back they are missing. */
export type DigestGap = { id: string; first: number | null; last: number; since: string; until: string }

type GapOptions = {
  /** The beginning of what was asked for, where nothing older is to be expected among the digests. */
  from: string | null
}

/** Numbers are contiguous and each period begins where the one before ends: whatever is between two digests is missing. */
export function digestGaps(newestFirst: readonly Place[], { from }: GapOptions): DigestGap[] {
  const gaps: DigestGap[] = []
  for (const [i, newer] of newestFirst.entries()) {
    const older = newestFirst[i + 1]
    if (older && newer.number - older.number > 1) {
      gaps.push(gapOf(older.number + 1, newer.number - 1, older.period_end, newer.period_start))
    }
  }
  const oldest = newestFirst.at(-1)
  if (oldest && oldest.number > 0 && from !== null && Date.parse(oldest.period_start) > Date.parse(from)) {
    gaps.push(gapOf(null, oldest.number - 1, from, oldest.period_start))
  }
  return gaps
}

const gapOf = (first: number | null, last: number, since: string, until: string): DigestGap => ({
  id: `gap_${last}`,
  first,
  last,
  since,
  until,
})

/** `digest 41`, `digests 41 to 43`, `digests up to 43`. */
export function gapWords({ first, last }: DigestGap): string {
  if (first === null) return `digests up to ${last}`
  return first === last ? `digest ${last}` : `digests ${first} to ${last}`
}
