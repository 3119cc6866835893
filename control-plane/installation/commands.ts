import { sql } from 'drizzle-orm'
import { users } from '@/drizzle/schema/members'
import { installation } from '@/drizzle/schema/organizations'
import { newId } from '@/lib/ids'
import { appendAudit } from '../audit/append'
import { hashPassword } from '../auth/password'
import type { Services } from '../context'
import { insertOrganization } from '../organization/commands'
import { systemActor, systemRequest } from '../system'

export type FirstOwner = { adminEmail: string; adminPassword: string; organizationName?: string }

/** Any constant will do; it only has to be ours. */
const ADVISORY_LOCK = 4_117_210_019

/**
 * Makes the organisation of a fresh installation and its first owner. Whoever comes second, be it another start or
 * another replica, finds it made and changes nothing.
 *
 * @returns `created` is true for the one call that made it
 */
export async function ensureInstallation(
  { db }: Pick<Services, 'db'>,
  { adminEmail, adminPassword, organizationName = 'My organization' }: FirstOwner,
): Promise<{ orgId: string; created: boolean }> {
  const known = await findInstallation({ db })
  if (known) return { orgId: known, created: false }

  const passwordHash = await hashPassword(adminPassword)
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${ADVISORY_LOCK})`)
    const [row] = await tx.select().from(installation)
    if (row) return { orgId: row.defaultOrganization, created: false }
    const orgId = newId('org')
    await insertOrganization(tx, { orgId, name: organizationName })
    await tx.insert(users).values({
      orgId,
      id: newId('usr'),
      email: adminEmail.toLowerCase(),
      name: 'Administrator',
      roleId: 'role_owner',
      passwordHash,
    })
    await tx.insert(installation).values({ defaultOrganization: orgId })
    await appendAudit(
      { tx, actor: systemActor(orgId), request: systemRequest() },
      {
        action: 'organization.created',
        target: { type: 'organization', id: orgId, name: organizationName },
        after: { owner: adminEmail.toLowerCase() },
      },
    )
    return { orgId, created: true }
  })
}

/** The organisation of this installation, or undefined before the first start. */
export async function findInstallation({ db }: Pick<Services, 'db'>): Promise<string | undefined> {
  const [row] = await db.select().from(installation)
  return row?.defaultOrganization
}
