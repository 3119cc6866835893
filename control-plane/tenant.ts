import { sql } from 'drizzle-orm'
import { organizations } from '@/drizzle/schema/organizations'
import type { Database, Transaction } from './database'

/** Binds the rest of a transaction to one organisation: row-level security shows and accepts no other. */
export async function bindTenant(tx: Transaction, orgId: string): Promise<void> {
  await tx.execute(sql`select set_config('app.org_id', ${orgId}, true)`)
}

/** Lets the rest of a transaction see the members with this e-mail address, to sign one of them in. */
export async function presentEmail(tx: Transaction, email: string): Promise<void> {
  await tx.execute(sql`select set_config('app.sign_in_email', ${email}, true)`)
}

/** All organisations of the installation, for work that no request asked for: it is then done in each by itself. */
export const organizationIds = (db: Database): Promise<string[]> =>
  db.transaction(async (tx) => {
    await tx.execute(sql`select set_config('app.all_organizations', 'on', true)`)
    const { rows } = await tx.execute<{ org_id: string }>(sql`select org_id from organizations order by org_id`)
    return rows.map(({ org_id }) => org_id)
  })

/** One transaction of one organisation, for work that no request asked for. */
export const inTenant = <T>(db: Database, orgId: string, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  db.transaction(async (tx) => {
    await bindTenant(tx, orgId)
    return work(tx)
  })

/** The same for what others wait behind (`promptTransaction`). */
export const inTenantPromptly = <T>(db: Database, orgId: string, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  db.promptTransaction(async (tx) => {
    await bindTenant(tx, orgId)
    return work(tx)
  })

/** The organisations of this installation, for work that is due for each of them. A few; they are not paged. */
export const everyOrganization = (db: Database): Promise<string[]> =>
  db.transaction(async (tx) => {
    await tx.execute(sql`select set_config('app.every_organization', 'on', true)`)
    const rows = await tx.select({ orgId: organizations.orgId }).from(organizations).orderBy(organizations.orgId)
    return rows.map(({ orgId }) => orgId)
  })
