import { and, eq, inArray } from 'drizzle-orm'
import { trailVerifications } from '@/drizzle/schema/trail'
import { resolveWhen } from '@/lib/contract/fields'
import type { trail } from '@/lib/contract/trail'
import type { VerificationResult } from '@/lib/contract/trail-shapes'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { appendAudit } from '../../audit/append'
import type { Context, Services } from '../../context'
import { toInstant } from '../../instant'
import type { Input } from '../../routes'
import { inTenant } from '../../tenant'
import { verifyQueue } from '../queues'
import { findVerification, toVerification, VerificationInput } from './queries'
import { type Progress, verifyRange } from './verify-range'

/** What a caller waits for at most before it is handed a job instead. */
const WAIT_MS = 5_000
const PROGRESS_EVERY_MS = 1_000
const UNFINISHED = ['queued', 'running'] as const

export async function verify(ctx: Context, input: Input<typeof trail.verify>) {
  const { tx, actor, request, services } = ctx
  const { orgId } = actor
  const asked = checkedInput(input, request.now)
  const waits = input.wait ?? !input.deep_verify
  const result = waits ? await verifyWithin(ctx, asked) : null
  const id = newId('ver')
  const [row] = await tx
    .insert(trailVerifications)
    .values({
      orgId,
      id,
      input: asked,
      state: result ? 'done' : 'queued',
      result,
      ...(result ? progressOf(result) : {}),
      createdAt: toInstant(request.now),
      createdBy: actor.id,
      finishedAt: result ? toInstant(Date.now()) : null,
    })
    .returning()
  if (!row) throw new Error('The verification was not stored.')
  if (!result) await services.jobs.sendIn(tx, verifyQueue, { orgId, id })
  await appendAudit(ctx, {
    action: 'trail.verification_started',
    target: { type: 'trail_verification', id },
    after: { start_time: asked.start_time, end_time: asked.end_time, deep_verify: asked.deep_verify },
  })
  return toVerification(row)
}

export async function cancelVerification(ctx: Context, { id }: Input<typeof trail.cancelVerification>) {
  const { tx, actor, request } = ctx
  const before = await findVerification(tx, actor.orgId, id)
  const [row] = await tx
    .update(trailVerifications)
    .set({ state: 'cancelled', finishedAt: toInstant(request.now) })
    .where(
      and(
        eq(trailVerifications.orgId, actor.orgId),
        eq(trailVerifications.id, id),
        inArray(trailVerifications.state, [...UNFINISHED]),
      ),
    )
    .returning()
  if (!row) return toVerification(before)
  await appendAudit(ctx, { action: 'trail.verification_cancelled', target: { type: 'trail_verification', id } })
  return toVerification(row)
}

/** The job. Whoever takes over after a crash begins anew: nothing but the result is kept. */
export async function runVerification(
  services: Services,
  { orgId, id }: { orgId: string; id: string },
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const cancelled = new AbortController()
  const ends = AbortSignal.any([signal, cancelled.signal])
  const row = await changeUnfinished(services, orgId, id, { state: 'running' })
  if (!row) return
  let toldAt = 0
  const onProgress = async ({ done, total }: Progress) => {
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) return
    toldAt = performance.now()
    const isWanted = await changeUnfinished(services, orgId, id, { recordsDone: done, recordsTotal: total })
    if (!isWanted) cancelled.abort(new Error('The verification was cancelled.'))
  }
  try {
    const input = VerificationInput.parse(row.input)
    const result = await inTenant(services.db, orgId, (tx) =>
      verifyRange(tx, services, { orgId, input, now: new Date(), signal: ends, onProgress }),
    )
    const finishedAt = toInstant(Date.now())
    await changeUnfinished(services, orgId, id, { state: 'done', result, finishedAt, ...progressOf(result) })
  } catch (thrown) {
    if (!cancelled.signal.aborted) throw thrown
  }
}

/** When all attempts were in vain: about the work, never about the trail. */
export async function failVerification(
  services: Services,
  { orgId, id }: { orgId: string; id: string },
): Promise<void> {
  const error = 'It could not be carried out. The log says why.'
  await changeUnfinished(services, orgId, id, { state: 'failed', error, finishedAt: toInstant(Date.now()) })
}

/** Undefined when it has been cancelled or is done. */
async function changeUnfinished(
  { db }: Services,
  orgId: string,
  id: string,
  change: Partial<typeof trailVerifications.$inferInsert>,
) {
  const [row] = await inTenant(db, orgId, (tx) =>
    tx
      .update(trailVerifications)
      .set(change)
      .where(
        and(
          eq(trailVerifications.orgId, orgId),
          eq(trailVerifications.id, id),
          inArray(trailVerifications.state, [...UNFINISHED]),
        ),
      )
      .returning(),
  )
  return row
}

/** Null when the time was not enough. */
async function verifyWithin({ tx, actor, request, services }: Context, input: VerificationInput) {
  const signal = AbortSignal.timeout(WAIT_MS)
  try {
    return await verifyRange(tx, services, { orgId: actor.orgId, input, now: request.now, signal })
  } catch (thrown) {
    if (signal.aborted && thrown === signal.reason) return null
    throw thrown
  }
}

function checkedInput(input: Input<typeof trail.verify>, now: Date): VerificationInput {
  const start = resolveWhen(input.start_time, now)
  const end = input.end_time === undefined ? now : resolveWhen(input.end_time, now)
  if (start > end) throw new AppError('invalid_request', 'end_time: must not be before start_time')
  return {
    start_time: toInstant(start),
    // What is asked for up to now, or beyond, is asked for to the very end.
    end_time: end >= now ? null : toInstant(end),
    asked_at: toInstant(now),
    deep_verify: input.deep_verify,
    known_checkpoint: input.known_checkpoint ?? null,
  }
}

const progressOf = (result: VerificationResult) => {
  const done = result.records_verified > 0 ? result.records_verified : result.digests_verified
  return { recordsDone: done, recordsTotal: done }
}
