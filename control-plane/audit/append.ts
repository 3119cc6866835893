import { createHash } from 'node:crypto'
import { eq, sql } from 'drizzle-orm'
import { activity } from '@/drizzle/schema/activity'
import { orgCounters } from '@/drizzle/schema/organizations'
import type { Activity } from '@/lib/contract/activity'
import { newId } from '@/lib/ids'
import { canonicalJson } from '@/lib/trail/canonical'
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
  const [place] = await tx
    .update(orgCounters)
    .set({
      seq: sql`${orgCounters.seq} + 1`,
      recordedAt: sql`greatest(clock_timestamp(), ${orgCounters.recordedAt})`,
    })
    .where(eq(orgCounters.orgId, actor.orgId))
    .returning({ seq: orgCounters.seq, at: orgCounters.recordedAt })
  if (!place) throw new Error(`Organisation ${actor.orgId} has no counters.`)
  const { seq, at } = place
  const entry: Activity = {
    id: newId('act'),
    seq,
    at,
    actor: { type: actor.type, id: actor.id, name: actor.name },
    action,
    target: { type: target.type, id: target.id, name: target.name ?? null },
    before: before ?? null,
    after: after ?? null,
    source: request.source,
    ip: request.ip,
    request_id: request.id,
    outcome,
  }
  const line = canonicalJson({ ...entry, event_type: 'activity', org_id: actor.orgId, recorded_at: at })
  await tx.insert(activity).values({
    orgId: actor.orgId,
    seq,
    id: entry.id,
    line,
    leafHash: createHash('sha256').update(LEAF_PREFIX).update(line).digest(),
    at,
    actorType: actor.type,
    actorId: actor.id,
    actorName: actor.name,
    action,
    targetType: target.type,
    targetId: target.id,
    targetName: entry.target.name,
    before: entry.before,
    after: entry.after,
    source: request.source,
    ip: request.ip,
    requestId: request.id,
    outcome,
  })
}

/** RFC 6962 section 2.1: leaves and nodes hash differently, so that none can be taken for the other. */
const LEAF_PREFIX = Buffer.of(0)
