import type { GoodEvent } from './judge-event'

/** Numbers of one spool of a gateway that arrived without a gap between them. */
type Arrival = {
  gateway_id: string
  spool: number
  first_seq: number
  last_seq: number
  /** When the oldest of them occurred; `-infinity` when they are replayed. */
  made_at: string
}

/** Spool s of a gateway gives out s x 2^40 + 1, 2, 3 and so on (gateway/workers/worker-spool.ts). */
const SEQ_PER_SPOOL = 2 ** 40

/** What events say about the numbers of their gateways, for note_arrival (drizzle/functions.sql): JSON, in order. */
export function arrivalsOf(good: readonly GoodEvent[], { isReplay }: { isReplay: boolean }): string {
  const inOrder = good
    .map(({ event: { gateway_id, gateway_seq }, occurredMs }) => ({ gateway_id, gateway_seq, occurredMs }))
    .sort((a, b) =>
      a.gateway_id === b.gateway_id ? a.gateway_seq - b.gateway_seq : a.gateway_id < b.gateway_id ? -1 : 1,
    )
  const arrivals: (Arrival & { madeMs: number })[] = []
  for (const { gateway_id, gateway_seq, occurredMs } of inOrder) {
    const spool = Math.floor(gateway_seq / SEQ_PER_SPOOL)
    const last = arrivals.at(-1)
    const isNext = last?.gateway_id === gateway_id && last.spool === spool && gateway_seq - last.last_seq <= 1
    if (isNext) {
      last.last_seq = gateway_seq
      last.madeMs = Math.min(last.madeMs, occurredMs)
    } else {
      arrivals.push({
        gateway_id,
        spool,
        first_seq: gateway_seq,
        last_seq: gateway_seq,
        made_at: '',
        madeMs: occurredMs,
      })
    }
  }
  return JSON.stringify(
    arrivals.map(({ madeMs, ...arrival }) => ({
      ...arrival,
      made_at: isReplay ? '-infinity' : new Date(madeMs).toISOString(),
    })),
  )
}
