import { eq, sql } from 'drizzle-orm'
import { activity } from '@/drizzle/schema/activity'
import { orgCounters } from '@/drizzle/schema/organizations'
import { newId } from '@/lib/ids'
import type { Actor, RequestInfo } from '../context'
import type { Transaction } from '../database'

export type AuditEntry = {
  /** `resource.verb` in the past tense, such as `token.revoked`. */
  action: string
  target: { type: string; id: string; name?: string | null }
  /** Only what changed. Never a secret or its hash. */
  before?: Record<string, unknown>
  after?: Record<string, unknown>
  outcome?: 'success' | 'denied'
}

/**
 * Records a change in the transaction that makes it: both happen or neither does.
 * Locks the organisation's counters until the transaction ends, so call it last.
 */
export async function appendAudit(
  { tx, actor, request }: { tx: Transaction; actor: Actor; request: RequestInfo },
  { action, target, before, after, outcome = 'success' }: AuditEntry,
): Promise<void> {
  const [counter] = await tx
    .update(orgCounters)
    .set({ activitySeq: sql`${orgCounters.activitySeq} + 1` })
    .where(eq(orgCounters.orgId, actor.orgId))
    .returning({ seq: orgCounters.activitySeq })
  if (!counter) throw new Error(`Organisation ${actor.orgId} has no counters.`)
  await tx.insert(activity).values({
    orgId: actor.orgId,
    seq: counter.seq,
    id: newId('act'),
    actorType: actor.type,
    actorId: actor.id,
    actorName: actor.name,
    action,
    targetType: target.type,
    targetId: target.id,
    targetName: target.name ?? null,
    before: before ?? null,
    after: after ?? null,
    source: request.source,
    ip: request.ip,
    requestId: request.id,
    outcome,
  })
}
