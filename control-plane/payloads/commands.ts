import { Capture, type events, type GatewayEvent } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { appendAudit } from '../audit/append'
import type { Context } from '../context'
import { connectionOf, type Transaction } from '../database'
import { int4s, texts } from '../events/binary-array'
import { getEvent } from '../events/queries'
import type { Operation } from '../routes'
import { securityOf } from '../settings/queries'
import { inTenant } from '../tenant'
import { type CapturedPart, judgeCapture } from './capture'
import { type KeptPart, type KeptParts, storePayloads } from './object-keeping'
import { type PayloadRow, payloadsOf, recordedAmong } from './queries'
import { readPart } from './read-part'

/** `index` of a refused capture is -1: its event stays as it is. */
export type RefusedCapture = { index: -1; event_id: string | null; reason: string }
export type StoredCaptures = { kept: KeptParts; refused: RefusedCapture[] }

/**
 * Brings the captured bytes of a batch to the object store, before the transaction that records it: nothing may wait for
 * the store that holds a connection or the organisation's counter. What comes of it is kept by `keepCaptures` or dropped by
 * `dropPacks`; where a crash comes in between, it is swept two days later.
 *
 * @param batch events that are about to be recorded, by id
 * @throws AppError `unavailable` when the store cannot take them: the gateway then keeps events and captures and sends both
 * again, so that neither is lost
 */
export async function storeCaptures(
  ctx: Omit<Context, 'tx'>,
  captures: unknown[],
  batch: ReadonlyMap<string, { event: GatewayEvent }>,
): Promise<StoredCaptures> {
  const { actor, services, request } = ctx
  const refused: RefusedCapture[] = []
  const refuse = (event_id: string | null, reason: string) =>
    refused.push({ index: -1, event_id, reason: `capture: ${reason}`.slice(0, 300) })
  // The capture of an event that was recorded before came with it then, and may have been erased since.
  const { payload_capture, seen } = await inTenant(services.db, actor.orgId, async (tx) => ({
    payload_capture: (await securityOf(tx, actor.orgId)).payload_capture,
    seen: await recordedAmong(tx, actor, [...batch.keys()]),
  }))
  const parts: CapturedPart[] = []
  for (const given of captures) {
    const parsed = Capture.safeParse(given)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      refuse(eventIdOf(given), `${issue?.path.join('.')}: ${issue?.message ?? 'invalid'}`)
      continue
    }
    const { event_id } = parsed.data
    const event = batch.get(event_id)?.event
    if (event === undefined) {
      refuse(event_id, 'its event is not in this batch')
    } else if (!seen.has(event_id)) {
      seen.add(event_id)
      const judged = judgeCapture(parsed.data, event, payload_capture)
      if (typeof judged === 'string') refuse(event_id, judged)
      else parts.push(...judged)
    }
  }
  return { kept: await storePayloads(services.objects, actor.orgId, parts, request.now), refused }
}

/**
 * Notes where the content of events is that have just been recorded, in the same transaction. What a pack holds of others
 * cannot be read any more, since nobody keeps its key.
 */
export async function keepCaptures(
  tx: Transaction,
  orgId: string,
  { parts, storedAt, unclaimed }: KeptParts,
  accepted: ReadonlySet<string>,
): Promise<void> {
  const kept = parts.filter(({ eventId }) => accepted.has(eventId))
  if (kept.length === 0) return
  const column = <T>(of: (part: KeptPart) => T): T[] => kept.map(of)
  await connectionOf(tx).query({
    name: 'keep_payloads',
    text: KEEP_PAYLOADS,
    values: [
      orgId,
      storedAt,
      texts(column(({ eventId }) => eventId)),
      texts(column(({ part }) => part)),
      texts(column(({ capture }) => capture)),
      texts(column(({ commitment }) => commitment)),
      texts(column(({ salt }) => salt)),
      int4s(column(({ bytes }) => bytes)),
      texts(column(({ place }) => place?.key ?? null)),
      texts(column(({ place }) => place?.objectKey ?? null)),
      int4s(column(({ place }) => place?.packOffset ?? null)),
      int4s(column(({ place }) => place?.packLength ?? null)),
    ],
  })
  for (const { place } of kept) if (place) unclaimed.delete(place.objectKey)
}

const KEEP_PAYLOADS = `
  insert into payloads (org_id, stored_at, event_id, part, capture, commitment, salt, bytes, key, object_key, pack_offset, pack_length)
  select $1, $2, * from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int4[], $9::text[], $10::text[],
    $11::int4[], $12::int4[])`

/** Shows captured content once it has been checked against the event. Whoever looks leaves an entry with the reason. */
export const revealEvent: Operation<typeof events.reveal> = async (ctx, { id, reason }) => {
  const event = await getEvent(ctx, { id })
  const rows = await payloadsOf(ctx, event.event_id)
  const shown = async (part: 'request' | 'response') => {
    const row = rows.find((one) => one.part === part)
    const content = row && (await shownPart(ctx, row, event.payload[`${part}_captured_sha256`]))
    return content?.toString('base64') ?? null
  }
  const [request, response] = await Promise.all([shown('request'), shown('response')])
  const [known] = rows
  await appendAudit(ctx, { action: 'event.revealed', target: { type: 'event', id: event.event_id }, after: { reason } })
  return {
    capture: event.payload.capture,
    salt: known?.salt ?? null,
    request,
    response,
    erased: known?.erasedAt ? { at: known.erasedAt, by: known.erasedBy ?? '', reason: known.eraseReason ?? '' } : null,
  }
}

/**
 * The content of one part; null when it was not kept or is erased.
 *
 * @param committed what the event says of it, in hex
 * @throws AppError `payload_modified` when what is kept is not that
 */
export async function shownPart({ services, actor }: Context, row: PayloadRow, committed: string | null) {
  const { objectKey, erasedAt, eventId, part } = row
  if (erasedAt !== null || objectKey === null) return null
  const content = await readPart(services.objects, row, committed ?? '')
  if (typeof content !== 'string') return content
  const what = content === 'missing' ? 'is missing from the object store' : 'is not what the event was recorded with'
  services.log.error({ org_id: actor.orgId, event_id: eventId, part, alarm: 'payload.modified' }, `content ${what}`)
  throw new AppError('payload_modified', `The kept ${part} ${what}, so it is not shown. An operator has been told.`)
}

function eventIdOf(given: unknown): string | null {
  if (typeof given !== 'object' || given === null || !('event_id' in given)) return null
  return typeof given.event_id === 'string' ? given.event_id.slice(0, 64) : null
}
