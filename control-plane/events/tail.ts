import { setTimeout as delay } from 'node:timers/promises'
import type { events } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { type FilterTerm, matchesFilter, parseFilter } from '@/lib/filter'
import { isUnavailable } from '../database'
import type { Stream, StreamContext, StreamOperation } from '../routes'
import { Subscription } from '../subscription'
import { inTenant } from '../tenant'
import { eventsAfter, lastSeq } from './queries'

type Tail = Stream<typeof events.tail>

const PAGE = 200
/** Looks for itself this often, should an announcement be lost. */
const LOOK_INTERVAL_MS = 15_000
const RETRY_AFTER_MS = 1_000

/**
 * Events as they are recorded, each once and in order of `seq`. Announcements only say that there is something to read,
 * so what is sent always comes from the table at the reader's pace: a slow reader holds no memory and misses nothing.
 */
export const tailEvents: StreamOperation<typeof events.tail> = async (ctx, { filter, after }) => {
  const terms = parseFilter(filter ?? '')
  const { actor, services, signal, lastEventId } = ctx
  // Heard from before the start is fixed, so nothing can fall between the two.
  const subscription = new Subscription(services.hub, actor.orgId, signal)
  const start =
    startOf(lastEventId) ?? after ?? (await inTenant(services.db, actor.orgId, (tx) => lastSeq(tx, actor.orgId)))
  return follow(ctx, subscription, terms, start)
}

async function* follow(ctx: StreamContext, subscription: Subscription, terms: FilterTerm[], start: number): Tail {
  const { actor, services } = ctx
  for (let position = start; ; ) {
    const from = position
    const page = await whileAway(ctx, () =>
      inTenant(services.db, actor.orgId, (tx) => eventsAfter(tx, actor, from, PAGE)),
    )
    if (page === null) return
    for (const event of page.events) {
      if (matchesFilter(event, terms)) yield { id: String(event.seq), data: event }
    }
    position = page.position
    if (!page.more && !(await hasMore(subscription, position))) return
  }
}

/** Waits for news of events after this position; false when the stream has ended. */
async function hasMore(subscription: Subscription, position: number): Promise<boolean> {
  for (;;) {
    const heard = await subscription.next(LOOK_INTERVAL_MS)
    if (heard === null) return false
    if (heard === 'idle' || heard.kind === 'missed') return true
    if (heard.kind === 'events' && heard.lastSeq > position) return true
  }
}

/** Tries until the database answers; null when the stream ends first. */
async function whileAway<T>({ signal, services }: StreamContext, read: () => Promise<T>): Promise<T | null> {
  while (!signal.aborted) {
    try {
      return await read()
    } catch (thrown) {
      if (!isUnavailable(thrown)) throw thrown
      services.log.warn({ err: thrown }, 'events cannot be read for a stream, trying again')
      await delay(RETRY_AFTER_MS, undefined, { signal }).catch(() => undefined)
    }
  }
  return null
}

function startOf(lastEventId: string | null): number | undefined {
  if (lastEventId === null) return undefined
  if (!/^\d{1,15}$/.test(lastEventId))
    throw new AppError('invalid_request', 'Last-Event-ID must be the seq of an event.')
  return Number(lastEventId)
}
