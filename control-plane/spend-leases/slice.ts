import { largestOf, smallestOf } from '@/lib/spend/extremes'

type Wanted = {
  want: bigint
  /** With less than this, nothing is wanted. */
  least: bigint
  /** Neither spent nor held. */
  remaining: bigint
  /** That may ask for the same. */
  gateways: number
  /** What the one that asks used up in a minute, as far as is known; null before it has used any. */
  perMinute: bigint | null
}

/** One that uses little is still given enough for so many requests, */
const REQUESTS_AHEAD = 4n
/** and one of which nothing is known for so many: should it never come back, no more than that is held. */
const REQUESTS_AT_FIRST = 16n

/**
 * How much of what remains one gateway is given at once: no more than it wants, no more than it uses up in a minute, and no
 * more than half of its share, so that slices shrink as the limit nears; but as much as it needs at least while that is there.
 * A multiple of that, so that no gateway is left with less than it can use.
 *
 * @returns nano-dollars; 0 when it gets nothing
 */
export function sliceOf({ want, least, remaining, gateways, perMinute }: Wanted): bigint {
  if (want <= 0n || remaining <= 0n || remaining < least) return 0n
  const share = remaining / (2n * BigInt(Math.max(1, gateways)))
  const pace = perMinute === null ? REQUESTS_AT_FIRST * least : largestOf(perMinute, REQUESTS_AHEAD * least)
  const slice = largestOf(least, smallestOf(share, pace))
  return smallestOf(want, least > 0n ? slice - (slice % least) : slice)
}
