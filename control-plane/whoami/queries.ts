import type { Context } from '../context'
import { getOrganization } from '../organization/queries'

export async function getWhoami(ctx: Context) {
  const { actor } = ctx
  if (actor.type === 'system') throw new Error('The installation itself does not ask who it is.')
  const { id, name } = await getOrganization(ctx)
  return {
    actor: { type: actor.type, id: actor.id, name: actor.name, email: actor.email },
    organization: { id, name },
    role_id: actor.roleId,
    permissions: [...actor.permissions],
    scope: actor.scope,
    team_id: actor.teamId,
  }
}
