import { sql } from 'drizzle-orm'
import { index, integer, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { ROLE_IDS } from '@/lib/contract/permissions'
import { instant } from '../columns'

export const teams = pgTable(
  'teams',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] }), uniqueIndex('teams_name').on(t.orgId, t.name)],
)

export const users = pgTable(
  'users',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    /** Lower case. */
    email: text('email').notNull(),
    name: text('name').notNull(),
    roleId: text('role_id', { enum: ROLE_IDS }).notNull(),
    teamId: text('team_id'),
    /** scrypt, see control-plane/auth/password.ts; null for members who sign in through OpenID only. */
    passwordHash: text('password_hash'),
    disabledAt: instant('disabled_at'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    lastSignInAt: instant('last_sign_in_at'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    uniqueIndex('users_email').on(t.orgId, t.email),
    index('users_by_email').on(t.email),
  ],
)

export const sessions = pgTable(
  'sessions',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    userId: text('user_id').notNull(),
    /** SHA-256 of the opaque session token, hex. */
    hash: text('hash').notNull(),
    method: text('method', { enum: ['password', 'oidc'] }).notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    lastSeenAt: instant('last_seen_at').notNull().default(sql`now()`),
    absoluteExpiresAt: instant('absolute_expires_at').notNull(),
    revokedAt: instant('revoked_at'),
    ip: text('ip'),
    userAgent: text('user_agent'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    uniqueIndex('sessions_hash').on(t.orgId, t.hash),
    index('sessions_by_hash').on(t.hash),
    index('sessions_by_user').on(t.orgId, t.userId),
  ],
)

/** Failed sign-ins per address and per e-mail. Holds no tenant: unknown addresses are counted as well. */
export const signInThrottle = pgTable('sign_in_throttle', {
  key: text('key').primaryKey(),
  failures: integer('failures').notNull(),
  windowStartedAt: instant('window_started_at').notNull(),
  blockedUntil: instant('blocked_until'),
})

/** ID tokens that have opened a session already, until they expire: each opens one. */
export const usedIdTokens = pgTable('used_id_tokens', {
  hash: text('hash').primaryKey(),
  expiresAt: instant('expires_at').notNull(),
})
