import type { GatewayPush, gateways } from '@/lib/contract/gateways'
import { isUnavailable } from '../database'
import type { PushSignal } from '../push'
import type { Stream, StreamContext, StreamOperation } from '../routes'
import { Subscription } from '../subscription'
import { inTenant } from '../tenant'
import { gatewayKeysOf, revisionOfKey } from '../tokens/queries'
import { assertSpeaksFor, markStream } from './commands'
import { noSuchGateway } from './queries'

const PING_INTERVAL_MS = 10_000

/** Open streams by gateway, of one process: one that was replaced must not take the mark from its successor. */
const open = new WeakMap<StreamContext['services'], Map<string, number>>()

/**
 * Tells a gateway what changes: keys as they are now, `resync` for all else, and a ping every 10 s so that silence means
 * a broken line. The first ping goes out after the subscription has begun: what changes from then on is told.
 */
export const streamGateway: StreamOperation<typeof gateways.stream> = async (ctx, { id }) => {
  const { actor, services, signal } = ctx
  assertSpeaksFor(actor, id)
  const subscription = new Subscription(services.hub, actor.orgId, signal)
  const exists = await inTenant(services.db, actor.orgId, (tx) => markStream(tx, actor.orgId, id, true))
  if (!exists) throw noSuchGateway(id)
  count(ctx, id, 1)
  const leave = () => {
    if (count(ctx, id, -1) === 0) void unmark(ctx, id)
  }
  if (signal.aborted) leave()
  else signal.addEventListener('abort', leave, { once: true })
  return pushes(ctx, subscription, id)
}

async function* pushes(ctx: StreamContext, subscription: Subscription, id: string): Stream<typeof gateways.stream> {
  yield { data: ping() }
  for (;;) {
    const heard = await subscription.next(PING_INTERVAL_MS)
    if (heard === null) return
    const push = heard === 'idle' ? ping() : await pushFor(ctx, heard, id)
    if (push) yield { data: push }
  }
}

const ping = (): GatewayPush => ({ kind: 'ping', server_time: new Date().toISOString() })

async function pushFor(ctx: StreamContext, heard: PushSignal, id: string): Promise<GatewayPush | null> {
  switch (heard.kind) {
    case 'key':
      return keysPush(ctx, heard.tokenId)
    case 'bundle':
      return heard.gatewayId === id ? { kind: 'resync' } : null
    case 'recall':
      return heard.except === id ? null : { kind: 'recall', sources: heard.sources }
    case 'settings':
    case 'missed':
      return { kind: 'resync' }
    case 'events':
      return null
  }
}

/** While the keys cannot be read, the gateway is asked to fetch them itself, which it repeats until it succeeds. */
async function keysPush({ actor: { orgId }, services }: StreamContext, tokenId: string): Promise<GatewayPush> {
  try {
    return await inTenant(services.db, orgId, async (tx) => {
      // That of this key, not of all: another key may have changed since, and is not in this push.
      const revision = await revisionOfKey(tx, orgId, tokenId)
      if (revision === undefined) return { kind: 'resync' }
      const keys = await gatewayKeysOf(tx, orgId, tokenId)
      return { kind: 'keys', token_id: tokenId, keys, keys_revision: revision }
    })
  } catch (thrown) {
    if (!isUnavailable(thrown)) throw thrown
    services.log.warn({ err: thrown }, 'keys cannot be read for a stream, asking the gateway to fetch them')
    return { kind: 'resync' }
  }
}

function count({ actor, services }: StreamContext, id: string, change: 1 | -1): number {
  const counts = open.get(services) ?? new Map<string, number>()
  open.set(services, counts)
  const key = `${actor.orgId}/${id}`
  const now = (counts.get(key) ?? 0) + change
  if (now === 0) counts.delete(key)
  else counts.set(key, now)
  return now
}

async function unmark({ actor, services }: StreamContext, id: string): Promise<void> {
  try {
    await inTenant(services.db, actor.orgId, (tx) => markStream(tx, actor.orgId, id, false))
  } catch (thrown) {
    // The next heartbeat says it as well, and an offline gateway is never shown as connected.
    services.log.debug({ err: thrown, gateway_id: id }, 'the end of a stream could not be noted')
  }
}
