import { isIP } from 'node:net'
import type { events, GatewayEvent } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { type Database, isUnavailable } from '../database'
import { keepCaptures, type StoredCaptures, storeCaptures } from '../payloads/commands'
import { dropPacks } from '../payloads/object-keeping'
import { CONFLICT, quarantineEvents } from '../quarantine/commands'
import type { BytesContext, BytesOperation } from '../routes'
import { settleEvents } from '../spend/settle-events'
import { inTenantPromptly } from '../tenant'
import { type GoodEvent, isPlausible, judgeEvent } from './judge-event'
import { inLineMemory } from './line-memory'
import { readBatch, type SentEvent } from './read-batch'
import { recordEvents } from './record'
import { Turns } from './turns'

type Refused = { index: number; event_id: string | null; reason: string; sent: SentEvent }
type Good = GoodEvent & { index: number; sent: SentEvent }
type Batch = { ctx: BytesContext; good: Good[]; refused: Refused[]; captured: StoredCaptures | null }
type Recorded = { accepted: GatewayEvent[]; duplicates: number; rejected: Rejected[] }
type Rejected = { index: number; event_id: string | null; reason: string; quarantine_id: string | null }

/**
 * Records a batch. What was recorded before, or occurs twice in the batch, is counted and otherwise ignored. What cannot be
 * recorded goes to the quarantine and holds back nothing.
 *
 * A gateway's clock is believed for finding events, never for ordering the record: `seq` and `recorded_at` are given by the
 * control plane.
 */
export const ingestEvents: BytesOperation<typeof events.ingest> = async (ctx, body) => {
  const { gatewayId, orgId } = ctx.actor
  if (gatewayId === null) {
    throw new AppError('forbidden', 'Events are recorded by gateways: use a key with purpose gateway_runtime.')
  }
  const { events: sent, captures } = readBatch(body)
  const { judged: batch, release } = inLineMemory(body.length, () =>
    judge(sent, ctx, { orgId, gatewayId, now: ctx.request.now }),
  )
  try {
    const { accepted, duplicates, rejected } = await record(ctx, batch, captures)
    countUses(ctx, accepted)
    return { accepted: accepted.length, duplicates, rejected }
  } finally {
    release()
  }
}

function judge(sent: readonly SentEvent[], ctx: BytesContext, rules: Parameters<typeof judgeEvent>[1]): Batch {
  const batch: Batch = { ctx, good: [], refused: [], captured: null }
  for (const [index, each] of sent.entries()) {
    const judged = judgeEvent(each, rules)
    if ('reason' in judged) batch.refused.push({ index, ...judged, sent: each })
    else batch.good.push({ ...judged, index, sent: each })
  }
  return batch
}

/** What brings content along waits for the object store first, which must not keep the others waiting. */
async function record(ctx: BytesContext, batch: Batch, captures: unknown[]): Promise<Recorded> {
  const { actor, services } = ctx
  const turns = turnsOf(services.db)
  if (captures.length === 0) return turns.add(actor.orgId, batch)
  const captured = await storeCaptures(ctx, captures, new Map(batch.good.map((each) => [each.event.event_id, each])))
  try {
    return await turns.add(actor.orgId, { ...batch, captured })
  } finally {
    // Nobody waits for it: what cannot be deleted now is swept.
    void dropPacks(services, captured.kept.unclaimed)
  }
}

/** Events of one transaction: more makes each batch wait longer than it saves. */
const EVENTS_PER_TURN_MAX = 1_000
const turns = new WeakMap<Database, Turns<Batch, Recorded>>()

function turnsOf(db: Database): Turns<Batch, Recorded> {
  const known = turns.get(db)
  if (known) return known
  const made = new Turns((orgId: string, batches: Batch[]) => recordBatches(db, orgId, batches), {
    weightOf: ({ good }) => good.length,
    weightMax: EVENTS_PER_TURN_MAX,
    isOfAll: isUnavailable,
  })
  turns.set(db, made)
  return made
}

const recordBatches = (db: Database, orgId: string, batches: Batch[]): Promise<Recorded[]> =>
  inTenantPromptly(db, orgId, async (tx) => {
    const all = batches.flatMap(({ good }) => good)
    const outcomes = await recordEvents(tx, orgId, all)
    await settleEvents(
      tx,
      orgId,
      all.filter((_, at) => outcomes[at] === 'recorded'),
    )
    const results: Recorded[] = []
    let at = 0
    for (const { ctx, good, refused: bad, captured } of batches) {
      const refused = [...bad]
      const accepted: GatewayEvent[] = []
      let duplicates = 0
      for (const { event, index, sent } of good) {
        const outcome = outcomes[at++]
        if (outcome === 'recorded') accepted.push(event)
        else if (outcome === 'before') duplicates += 1
        else refused.push({ index, event_id: event.event_id, reason: CONFLICT, sent })
      }
      refused.sort((a, b) => a.index - b.index)
      const rejected = await quarantineEvents({ ...ctx, tx }, refused)
      for (const capture of captured?.refused ?? []) rejected.push({ ...capture, quarantine_id: null })
      results.push({ accepted, duplicates, rejected })
    }
    // Last of all, since what is noted here is kept in the object store, also when the rest then fails.
    for (const [at, { captured }] of batches.entries()) {
      const accepted = new Set(results[at]?.accepted.map(({ event_id }) => event_id))
      if (captured) await keepCaptures(tx, orgId, captured.kept, accepted)
    }
    return results
  })

/** Keys are marked as used in a while, together with the uses of access keys: that must not lengthen the lock. */
function countUses({ actor, services, request }: BytesContext, accepted: readonly GatewayEvent[]): void {
  const nowMs = request.now.getTime()
  for (const { token_id, token_secret_id, client_ip, timestamp } of accepted) {
    if (!token_id || !token_secret_id || !TOKEN_ID.test(token_id) || !SECRET_ID.test(token_secret_id)) continue
    const statedMs = Date.parse(timestamp)
    const at = new Date(isPlausible(statedMs, nowMs) ? Math.min(statedMs, nowMs) : nowMs).toISOString()
    services.uses.record(actor.orgId, token_id, token_secret_id, isIP(client_ip) ? client_ip : null, at)
  }
}

const TOKEN_ID = /^tok_[0-9a-z]{1,60}$/
const SECRET_ID = /^sec_[0-9a-z]{1,60}$/
