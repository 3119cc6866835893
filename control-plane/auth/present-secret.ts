import pg from 'pg'
import type { tokens } from '@/drizzle/schema/tokens'
import type { Permission, RoleId } from '@/lib/contract/permissions'

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
export type PresentedSession = {
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

/** Asks for the key that has this secret, if any, and binds the rest of the transaction to its organisation. */
export const presentKey = (hash: string): string => `select * from present_key(${pg.escapeLiteral(hash)})`

/** Asks for the session that has this secret, if any, and binds the rest of the transaction to its organisation. */
export const presentSession = (hash: string): string => `select * from present_session(${pg.escapeLiteral(hash)})`
