import type { users } from '@/drizzle/schema/members'
import { ROLES } from '@/lib/contract/permissions'
import type { Actor } from '../context'

/** A member as the one who asks. `sessionId` is null where no session is behind it yet, as while signing in. */
export const memberActor = (
  user: Pick<typeof users.$inferSelect, 'id' | 'email' | 'name' | 'orgId' | 'roleId' | 'teamId'>,
  sessionId: string | null,
): Actor => ({
  type: 'user',
  id: user.id,
  name: user.name,
  email: user.email,
  orgId: user.orgId,
  permissions: new Set(ROLES[user.roleId]?.permissions ?? []),
  roleId: user.roleId,
  scope: 'org',
  teamId: user.teamId,
  gatewayId: null,
  memberId: user.id,
  sessionId,
})
