import { eq } from 'drizzle-orm'
import { teams } from '@/drizzle/schema/members'
import { organizations, orgCounters, securitySettings } from '@/drizzle/schema/organizations'
import { trailState } from '@/drizzle/schema/trail'
import type { organization } from '@/lib/contract/organization'
import { SECURITY_DEFAULTS } from '@/lib/contract/settings'
import { newId } from '@/lib/ids'
import { appendAudit } from '../audit/append'
import type { Context, Services } from '../context'
import type { Transaction } from '../database'
import type { Input } from '../routes'
import { bindTenant } from '../tenant'
import { getOrganization } from './queries'

type NewOrganization = { orgId: string; name: string }

/** An organisation with what every one has: counters, security settings and a team. */
export const createOrganization = (services: Pick<Services, 'db'>, organization: NewOrganization): Promise<void> =>
  services.db.transaction((tx) => insertOrganization(tx, organization))

/** Binds the transaction to the new organisation. */
export async function insertOrganization(tx: Transaction, { orgId, name }: NewOrganization): Promise<void> {
  await bindTenant(tx, orgId)
  await tx.insert(organizations).values({ orgId, name })
  await tx.insert(orgCounters).values({ orgId })
  await tx.insert(trailState).values({ orgId })
  await tx.insert(securitySettings).values({
    orgId,
    sessionIdleMinutes: SECURITY_DEFAULTS.session_idle_minutes,
    sessionAbsoluteHours: SECURITY_DEFAULTS.session_absolute_hours,
    keyLifetimeDaysMax: SECURITY_DEFAULTS.key_lifetime_days_max,
    keyExpiryRequired: SECURITY_DEFAULTS.key_expiry_required,
    payloadCapture: SECURITY_DEFAULTS.payload_capture,
    maxOfflineKeyAgeSeconds: SECURITY_DEFAULTS.max_offline_key_age_seconds,
  })
  await tx.insert(teams).values({ orgId, id: newId('team'), name: 'Default' })
}

export async function renameOrganization(ctx: Context, { name }: Input<typeof organization.update>) {
  const { tx, actor } = ctx
  const before = await getOrganization(ctx)
  if (before.name === name) return before
  await tx.update(organizations).set({ name }).where(eq(organizations.orgId, actor.orgId))
  await appendAudit(ctx, {
    action: 'organization.renamed',
    target: { type: 'organization', id: actor.orgId, name },
    before: { name: before.name },
    after: { name },
  })
  return { ...before, name }
}
