import type { LeaseAsk, SourceState } from '@/lib/contract/spend-leases'
import { usdOfNano } from '@/lib/money'
import { smallestOf } from '@/lib/spend/extremes'
import { isoOf } from '../budgets/period'
import { sliceOf } from './slice'
import type { Source, Sources } from './sources'

/** What became of a group: everything that it needs at least was given; or nothing, and then how all of its sources stand. */
export type GroupOutcome = { short: Source[]; states: SourceState[] }

/**
 * Gives to a group out of sources that are locked, and notes in them what was given: all that it needs at least, or nothing
 * more. What was given before without the gateway having seen it counts.
 */
export function grantGroup(asks: readonly LeaseAsk[], sources: Sources, gateways: number): GroupOutcome {
  const needs = asks.flatMap((ask) => {
    const source = sources.of(ask)
    return source.exists ? [needOf(ask, source)] : []
  })
  const short = needs.filter(
    ({ source, want, least }) => want > 0n && (source.isClosed || source.room.remaining < least),
  )
  if (short.length > 0) {
    return { short: short.map(({ source }) => source), states: needs.map(({ source }) => stateOf(source)) }
  }
  for (const { source, want, least, seen } of needs) {
    const { room, perMinute, lease } = source
    const slice = source.isClosed ? 0n : sliceOf({ want, least, remaining: room.remaining, gateways, perMinute })
    source.unseen -= seen
    room.give(slice)
    source.held += slice
    source.grantedNow += slice
    lease.granted += slice
  }
  return { short: [], states: [] }
}

function needOf(ask: LeaseAsk, source: Source) {
  const wanted = BigInt(ask.want)
  const seen = smallestOf(source.unseen, wanted)
  const want = wanted - seen
  const least = smallestOf(BigInt(ask.least), wanted) - seen
  return { source, want, least: least > 0n ? least : 0n, seen }
}

const stateOf = ({ source, limit, committed, held, resetsMs }: Source): SourceState => ({
  source,
  limit_usd: usdOfNano(limit),
  committed_usd: usdOfNano(committed),
  held_usd: usdOfNano(held),
  resets_at: resetsMs === null ? null : isoOf(resetsMs),
})
