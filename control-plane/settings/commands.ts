import { eq } from 'drizzle-orm'
import { orgCounters, securitySettings } from '@/drizzle/schema/organizations'
import type { settings } from '@/lib/contract/settings'
import { appendAudit } from '../audit/append'
import { changesBetween } from '../audit/changes'
import type { Context } from '../context'
import { announce } from '../push'
import type { Input } from '../routes'
import { securityOf } from './queries'

/** Acts at once: sessions and keys are judged by it on their next request, gateways are told. */
export async function updateSecurity(ctx: Context, changes: Input<typeof settings.updateSecurity>) {
  const { tx, actor, request } = ctx
  // Two changes at once follow each other, so that each entry's `before` is what was in force.
  await tx.select().from(orgCounters).where(eq(orgCounters.orgId, actor.orgId)).for('update')
  const now = await securityOf(tx, actor.orgId)
  const changed = changesBetween(now, { ...now, ...changes })
  if (!changed) return now

  await tx
    .update(securitySettings)
    .set({
      sessionIdleMinutes: changes.session_idle_minutes,
      sessionAbsoluteHours: changes.session_absolute_hours,
      keyLifetimeDaysMax: changes.key_lifetime_days_max,
      keyExpiryRequired: changes.key_expiry_required,
      payloadCapture: changes.payload_capture,
      eventsRetentionDays: changes.events_retention_days,
      payloadsRetentionDays: changes.payloads_retention_days,
      maxOfflineKeyAgeSeconds: changes.max_offline_key_age_seconds,
      updatedAt: request.now.toISOString(),
    })
    .where(eq(securitySettings.orgId, actor.orgId))
  await announce(tx, { orgId: actor.orgId, kind: 'settings' })
  await appendAudit(ctx, {
    action: 'settings.security_updated',
    target: { type: 'settings', id: 'security' },
    ...changed,
  })
  return securityOf(tx, actor.orgId)
}
