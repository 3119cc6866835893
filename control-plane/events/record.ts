import { connectionOf, type Transaction } from '../database'
import { announce } from '../push'
import { arrivalsOf } from './arrivals'
import { withEventColumns } from './event-columns'
import type { GoodEvent } from './judge-event'
import { queryLarge } from './large-query'
import { isLineOf, isSameLine } from './line'
import { rollupsOf } from './rollups'

/**
 * `recorded` now; `before`, with the same content; or refused in `conflict`, because another event has its id. Of several
 * events with one id the first one recorded stands.
 */
export type Outcome = 'recorded' | 'before' | 'conflict'

/**
 * Records events of one organisation, in the order given, under contiguous numbers. Locks the organisation's counters until
 * the transaction ends, so whatever is slow has to be done before.
 *
 * @returns the outcome of each, in order
 */
export async function recordEvents(
  tx: Transaction,
  orgId: string,
  events: readonly GoodEvent[],
  { isReplay = false }: { isReplay?: boolean } = {},
): Promise<Outcome[]> {
  const first = new Map<string, GoodEvent>()
  for (const each of events) if (!first.has(each.event.event_id)) first.set(each.event.event_id, each)
  const known = await recordNew(tx, orgId, first, isReplay)
  const lines = await linesOf(tx, orgId, known)
  return events.map((each) => {
    const id = each.event.event_id
    const line = lines.get(id)
    if (line !== undefined) return isLineOf(each.line, line) ? 'before' : 'conflict'
    const standing = first.get(id)
    if (standing === each) return 'recorded'
    return standing && isSameLine(standing.line, each.line) ? 'before' : 'conflict'
  })
}

/** @returns the events that were recorded before */
async function recordNew(tx: Transaction, orgId: string, byId: ReadonlyMap<string, GoodEvent>, isReplay: boolean) {
  const known: GoodEvent[] = []
  let fresh = [...byId.values()]
  // Once more without what turned out to be known; since the counters are locked by then, nothing is added to that.
  for (let attempt = 0; attempt < 2 && fresh.length > 0; attempt++) {
    const answer = await call(tx, orgId, fresh, isReplay)
    if (answer.known === null) {
      await announce(tx, { orgId, kind: 'events', lastSeq: Number(answer.last_seq) })
      return known
    }
    const ids = new Set(answer.known)
    known.push(...fresh.filter(({ event }) => ids.has(event.event_id)))
    fresh = fresh.filter(({ event }) => !ids.has(event.event_id))
  }
  if (fresh.length > 0) throw new Error('The database does not say which events it knows.')
  return known
}

async function call(tx: Transaction, orgId: string, fresh: readonly GoodEvent[], isReplay: boolean) {
  const [answer] = await withEventColumns(fresh, (columns) =>
    queryLarge<{ known: string[] | null; last_seq: string | null }>(connectionOf(tx), {
      name: 'record_events',
      text: RECORD_EVENTS,
      values: [orgId, ...columns, rollupsOf(fresh), arrivalsOf(fresh, { isReplay })],
    }),
  )
  if (!answer) throw new Error('The database did not say what it recorded.')
  return answer
}

const PARAMETERS = Array.from({ length: 37 }, (_, index) => `$${index + 1}`).join(', ')
const RECORD_EVENTS = `select known, last_seq from record_events(${PARAMETERS})`

/** The stored lines of events, by id. */
async function linesOf(tx: Transaction, orgId: string, known: readonly GoodEvent[]): Promise<Map<string, string>> {
  if (known.length === 0) return new Map()
  const { rows } = await connectionOf(tx).query<{ event_id: string; line: string }>(
    // One by one: a month that nobody has analyzed yet seems short enough to be read whole.
    `select e.event_id, e.line from unnest($2::text[], $3::timestamptz[]) as sent (id, at) cross join lateral (
       select event_id, line from events where org_id = $1 and event_id = sent.id and occurred_at = sent.at limit 1) as e`,
    [
      orgId,
      known.map(({ event }) => event.event_id),
      known.map(({ occurredMs }) => new Date(occurredMs).toISOString()),
    ],
  )
  return new Map(rows.map(({ event_id, line }) => [event_id, line]))
}
