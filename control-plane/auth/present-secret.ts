import type { tokens } from '@/drizzle/schema/tokens'
import type { Permission, RoleId } from '@/lib/contract/permissions'
import { prepared, type Transaction } from '../database'

/** As drizzle/access.sql answers; times are PostgreSQL's text. */
export type PresentedKey = {
  org_id: string
  secret_id: string
  secret_ends_at: string | null
  id: string
  name: string
  token_type: (typeof tokens.$inferSelect)['tokenType']
  purpose: (typeof tokens.$inferSelect)['purpose']
  scope: (typeof tokens.$inferSelect)['scope']
  team_id: string | null
  role_id: RoleId | null
  permissions: Permission[]
  gateway_id: string | null
  expires_at: string | null
  revoked_at: string | null
  owner_id: string | null
  owner_role_id: RoleId | null
  owner_disabled_at: string | null
}

/** The same of a session and its member. */
type PresentedSession = {
  org_id: string
  session_id: string
  last_seen_at: string
  absolute_expires_at: string
  revoked_at: string | null
  idle_minutes: number
  id: string
  email: string
  name: string
  role_id: RoleId
  team_id: string | null
  disabled_at: string | null
}

/** The key that has this secret, if any; the rest of the transaction is then bound to its organisation. */
export const presentKey = (tx: Transaction, hash: string): Promise<PresentedKey[]> =>
  prepared(tx, { name: 'present_key', text: 'select * from present_key($1)' }, [hash])

/** The session that has this secret, if any; the rest of the transaction is then bound to its organisation. */
export const presentSession = (tx: Transaction, hash: string): Promise<PresentedSession[]> =>
  prepared(tx, { name: 'present_session', text: 'select * from present_session($1)' }, [hash])
