import { and, count, eq, gte, inArray, lt, lte } from 'drizzle-orm'
import { events } from '@/drizzle/schema/events'
import { orgCounters } from '@/drizzle/schema/organizations'
import { repricings } from '@/drizzle/schema/prices'
import { resolveWhen } from '@/lib/contract/fields'
import { type modelPricing, type NewOverride, REPRICING_DAYS_MAX } from '@/lib/contract/model-pricing'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { type Override, RateMissing } from '@/lib/prices/overrides'
import { PriceBook } from '@/lib/prices/price-book'
import { appendAudit } from '../../audit/append'
import type { Context, Services } from '../../context'
import type { Transaction } from '../../database'
import { toInstant } from '../../instant'
import type { Input } from '../../routes'
import { inTenant } from '../../tenant'
import { assertOfOrganization } from '../commands'
import { priceTableOf } from '../price-table'
import { ownPrices, ownPricesAt } from '../queries'
import { type Adjustment, adjust } from './adjust/commands'
import { costAgain, KEPT } from './cost-again'
import { findRepricing, nextCalls, type RepricingRow, toRepricing } from './queries'
import { repriceQueue } from './queues'
import { RepricedModels } from './repriced-models'

/** Looked at in one transaction. While one adjusts, nothing of the organisation is recorded. */
const CALLS_PER_STEP = 1_000
const DAY_MS = 86_400_000
const UNFINISHED = ['queued', 'running'] as const

export async function reprice(ctx: Context, input: Input<typeof modelPricing.reprice>) {
  const { tx, actor, request, services } = ctx
  assertOfOrganization(actor)
  const { orgId } = actor
  const since = resolveWhen(input.since, request.now)
  const until = resolveWhen(input.until ?? '0s', request.now)
  if (since >= until) throw new AppError('unprocessable', 'since: must be before until')
  if (until.getTime() - since.getTime() > REPRICING_DAYS_MAX * DAY_MS) {
    throw new AppError('unprocessable', `No more than ${REPRICING_DAYS_MAX} days at once.`)
  }
  if (!input.dry_run && input.set.length > 0) {
    throw new AppError('unprocessable', 'set: only for a dry run. To adjust, make these prices a version first.')
  }
  const { own } = await ownPrices(tx, orgId)
  const overrides = input.set.map((row) => settled(row, since))
  const { version } = bookWith(own, overrides)
  const [counters] = await tx.select({ seq: orgCounters.seq }).from(orgCounters).where(eq(orgCounters.orgId, orgId))
  const [row] = await tx
    .insert(repricings)
    .values({
      orgId,
      id: newId('rpr'),
      dryRun: input.dry_run,
      since: toInstant(since),
      until: toInstant(until),
      lastSeq: counters?.seq ?? 0,
      bookVersion: version,
      ownVersion: own.version,
      overrides,
      note: input.note ?? null,
      state: 'queued',
      createdAt: toInstant(request.now),
      createdById: actor.id,
      createdByName: actor.name,
    })
    .returning()
  if (!row) throw new Error('The repricing was not stored.')
  await services.jobs.sendIn(tx, repriceQueue, { orgId, id: row.id })
  await appendAudit(ctx, {
    action: input.dry_run ? 'model_pricing.repricing_asked' : 'model_pricing.repricing_started',
    target: { type: 'repricing', id: row.id, name: row.note },
    after: { since: row.since, until: row.until, version, prices: overrides.length },
  })
  return toRepricing(row)
}

/** What somebody would have paid holds for all of the time that is asked about, unless it says from when on. */
const settled = ({ effective_from, ...row }: NewOverride, since: Date): Override => ({
  ...row,
  effective_from: toInstant(effective_from === undefined ? since : resolveWhen(effective_from, since)),
})

/** @throws AppError for a price in a currency without a rate */
function bookWith(own: Awaited<ReturnType<typeof ownPrices>>['own'], overrides: readonly Override[]): PriceBook {
  const isReplaced = (one: Override) =>
    overrides.some((other) => other.provider === one.provider && other.model === one.model)
  try {
    return new PriceBook(
      priceTableOf({ ...own, overrides: [...own.overrides.filter((one) => !isReplaced(one)), ...overrides] }),
    )
  } catch (cause) {
    if (cause instanceof RateMissing) throw new AppError('unprocessable', cause.message, { cause })
    throw cause
  }
}

/** The job. What was looked at is noted with what was adjusted, so whoever takes over after a crash goes on from there. */
export async function runRepricing(
  services: Services,
  { orgId, id }: { orgId: string; id: string },
  { signal }: { signal: AbortSignal },
): Promise<void> {
  await inTenant(services.db, orgId, (tx) => begin(tx, orgId, id))
  while (await inTenant(services.db, orgId, (tx) => step(tx, orgId, id))) signal.throwIfAborted()
}

/** When all attempts were in vain. What was adjusted stays, and says so. */
export async function failRepricing({ db }: Services, { orgId, id }: { orgId: string; id: string }): Promise<void> {
  const error = 'It could not be carried out to its end. The log says why.'
  await inTenant(db, orgId, (tx) =>
    change(tx, orgId, id, { state: 'failed', error, finishedAt: toInstant(Date.now()) }),
  )
}

async function begin(tx: Transaction, orgId: string, id: string): Promise<void> {
  const row = await findRepricing(tx, orgId, id)
  if (row.eventsTotal !== null) return
  const [counted] = await tx
    .select({ total: count() })
    .from(events)
    .where(
      and(
        eq(events.orgId, orgId),
        gte(events.occurredAt, row.since),
        lt(events.occurredAt, row.until),
        lte(events.seq, row.lastSeq),
      ),
    )
  await change(tx, orgId, id, { state: 'running', eventsTotal: counted?.total ?? 0 })
}

/** @returns whether there may be more */
async function step(tx: Transaction, orgId: string, id: string): Promise<boolean> {
  const { dryRun } = await findRepricing(tx, orgId, id)
  // Two that adjust at once would both find what the other is about to correct.
  if (!dryRun) await tx.select().from(orgCounters).where(eq(orgCounters.orgId, orgId)).for('update')
  const row = await findRepricing(tx, orgId, id)
  if (row.state === 'done' || row.state === 'failed') return false
  const { own } = await ownPricesAt(tx, orgId, row.ownVersion)
  const book = bookWith(own, row.overrides)
  const calls = await nextCalls(tx, row, CALLS_PER_STEP)
  const models = new RepricedModels(row.models)
  const adjustments: Adjustment[] = []
  for (const { at, event, cost } of calls) {
    const after = costAgain(event, book)
    if (after === KEPT || event.provider === null) continue
    const model = event.model ?? event.model_requested ?? ''
    // That nobody knows a price by now takes nothing back, and what turns out to be free has nothing to adjust.
    const isKept = after === null || (after === 0n && cost === null)
    models.add({ provider: event.provider, model, before: cost, after: isKept ? cost : after })
    if (!isKept && after !== cost) adjustments.push({ event, at, before: cost, after })
  }
  if (!row.dryRun && adjustments.length > 0) await adjust(tx, row, adjustments)
  await change(tx, orgId, id, progress(row, calls, models))
  return calls.length === CALLS_PER_STEP
}

function progress(row: RepricingRow, calls: readonly { at: string; seq: number }[], models: RepricedModels) {
  const last = calls.at(-1)
  const isOver = calls.length < CALLS_PER_STEP
  return {
    models: models.list,
    eventsDone: row.eventsDone + calls.length,
    ...(last === undefined ? {} : { doneAt: last.at, doneSeq: last.seq }),
    ...(isOver ? { state: 'done' as const, finishedAt: toInstant(Date.now()) } : {}),
  }
}

const change = (tx: Transaction, orgId: string, id: string, values: Partial<typeof repricings.$inferInsert>) =>
  tx
    .update(repricings)
    .set(values)
    .where(and(eq(repricings.orgId, orgId), eq(repricings.id, id), inArray(repricings.state, [...UNFINISHED])))
