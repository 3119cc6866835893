import type { DecisionEvent } from '@/lib/contract/events'

/** More rows than this at the top are better read again as a page. */
export const SHOWN_MAX = 500
export const HELD_MAX = 200

/** What came by the tail, newest first: `shown` above the rows of the list, `held` behind the button. */
export type TailBuffer = {
  shown: readonly DecisionEvent[]
  held: readonly DecisionEvent[]
  /** How many wait, also those beyond HELD_MAX that were let go. */
  heldCount: number
}

export const NOTHING: TailBuffer = { shown: [], held: [], heldCount: 0 }

/** Takes in arrivals, oldest first. What is known already changes nothing. */
export function receive(buffer: TailBuffer, arrived: readonly DecisionEvent[], isHolding: boolean): TailBuffer {
  const known = new Set([...buffer.shown, ...buffer.held].map(({ event_id }) => event_id))
  const fresh = arrived.filter(({ event_id }) => !known.has(event_id) && known.add(event_id)).toReversed()
  if (fresh.length === 0) return buffer
  if (!isHolding && buffer.heldCount === 0) return { ...buffer, shown: [...fresh, ...buffer.shown].slice(0, SHOWN_MAX) }
  const held = [...fresh, ...buffer.held].slice(0, HELD_MAX)
  return { ...buffer, held, heldCount: buffer.heldCount + fresh.length }
}

/** Moves what waits to the rows. Not for an overflown buffer: some of it is gone. */
export const release = ({ shown, held }: TailBuffer): TailBuffer => ({
  shown: [...held, ...shown].slice(0, SHOWN_MAX),
  held: [],
  heldCount: 0,
})

/** Whether rows are missing between the buffer and the list, so that the list must be read again from the top. */
export const isOverflown = ({ shown, held, heldCount }: TailBuffer): boolean =>
  heldCount > held.length || shown.length + held.length > SHOWN_MAX || shown.length === SHOWN_MAX

/** Lets go of what a page, read again from the top, has by now. */
export function settle(buffer: TailBuffer, pageSeqMax: number): TailBuffer {
  const isNewer = ({ seq }: DecisionEvent) => seq > pageSeqMax
  if (buffer.shown.every(isNewer) && buffer.held.every(isNewer)) return buffer
  return { ...buffer, shown: buffer.shown.filter(isNewer) }
}

/** The rows of the page: arrivals first, each event once. */
export function mergeRows(shown: readonly DecisionEvent[], listed: readonly DecisionEvent[]): DecisionEvent[] {
  const seen = new Set<string>()
  return [...shown, ...listed].filter(({ event_id }) => !seen.has(event_id) && seen.add(event_id))
}
