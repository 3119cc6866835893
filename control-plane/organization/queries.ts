import { and, asc, eq } from 'drizzle-orm'
import { teams } from '@/drizzle/schema/members'
import { organizations } from '@/drizzle/schema/organizations'
import type { Context } from '../context'

export async function getOrganization({ tx, actor }: Context) {
  const [row] = await tx.select().from(organizations).where(eq(organizations.orgId, actor.orgId))
  if (!row) throw new Error(`Organisation ${actor.orgId} has no row.`)
  return { id: row.orgId, name: row.name, created_at: row.createdAt }
}

/** The one that createOrganization makes, unless it was deleted; undefined when all were. */
export async function defaultTeamId({ tx, actor }: Pick<Context, 'tx' | 'actor'>): Promise<string | undefined> {
  const [team] = await tx
    .select({ id: teams.id })
    .from(teams)
    .where(eq(teams.orgId, actor.orgId))
    .orderBy(asc(teams.id))
    .limit(1)
  return team?.id
}

export async function teamExists({ tx, actor }: Context, id: string): Promise<boolean> {
  const [team] = await tx
    .select({ id: teams.id })
    .from(teams)
    .where(and(eq(teams.orgId, actor.orgId), eq(teams.id, id)))
  return team !== undefined
}
