import { eq } from 'drizzle-orm'
import { securitySettings } from '@/drizzle/schema/organizations'
import type { SecuritySettings } from '@/lib/contract/settings'
import type { Transaction } from '../database'

/** In force for an organisation. */
export async function securityOf(tx: Transaction, orgId: string): Promise<SecuritySettings> {
  const [row] = await tx.select().from(securitySettings).where(eq(securitySettings.orgId, orgId))
  if (!row) throw new Error(`Organisation ${orgId} has no security settings.`)
  return {
    session_idle_minutes: row.sessionIdleMinutes,
    session_absolute_hours: row.sessionAbsoluteHours,
    key_lifetime_days_max: row.keyLifetimeDaysMax,
    key_expiry_required: row.keyExpiryRequired,
    payload_capture: row.payloadCapture,
    events_retention_days: row.eventsRetentionDays,
    payloads_retention_days: row.payloadsRetentionDays,
    max_offline_key_age_seconds: row.maxOfflineKeyAgeSeconds,
    updated_at: row.updatedAt,
  }
}
