import { sql } from 'drizzle-orm'
import { bigint, index, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { type Permission, ROLE_IDS } from '@/lib/contract/permissions'
import { TOKEN_PURPOSES, TOKEN_TYPES } from '@/lib/contract/tokens'
import { instant } from '../columns'

export const tokens = pgTable(
  'tokens',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    tokenType: text('token_type', { enum: TOKEN_TYPES }).notNull(),
    purpose: text('purpose', { enum: TOKEN_PURPOSES }).notNull(),
    scope: text('scope', { enum: ['org', 'team'] }).notNull(),
    teamId: text('team_id'),
    roleId: text('role_id', { enum: ROLE_IDS }),
    permissions: text('permissions').array().$type<Permission[]>().notNull(),
    allowedModels: text('allowed_models').array(),
    allowedProviders: text('allowed_providers').array(),
    agentId: text('agent_id'),
    gatewayId: text('gateway_id'),
    label: text('label'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    createdById: text('created_by_id').notNull(),
    createdByName: text('created_by_name').notNull(),
    /** The member behind the creator, through however many keys; null for what the installation made itself. */
    ownerId: text('owner_id'),
    expiresAt: instant('expires_at'),
    revokedAt: instant('revoked_at'),
    lastUsedAt: instant('last_used_at'),
    /** Value of org_counters.keys_revision at the last change of this key. */
    revision: bigint('revision', { mode: 'number' }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    index('tokens_by_name').on(t.orgId, t.name),
    index('tokens_by_type').on(t.orgId, t.tokenType, t.id),
  ],
)

/** A key has one current secret and, while it is rotated, a previous one. */
export const tokenSecrets = pgTable(
  'token_secrets',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    tokenId: text('token_id').notNull(),
    /** SHA-256 of the whole token, hex. The token itself is stored nowhere. */
    hash: text('hash').notNull(),
    prefix: text('prefix').notNull(),
    last4: text('last4').notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    /** When grace ends (or ended); null for the current secret. */
    endsAt: instant('ends_at'),
    lastUsedAt: instant('last_used_at'),
    useCount: bigint('use_count', { mode: 'number' }).notNull().default(0),
    sourceIps: text('source_ips').array().notNull().default([]),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    uniqueIndex('token_secrets_hash').on(t.orgId, t.hash),
    index('token_secrets_by_hash').on(t.hash),
    index('token_secrets_by_token').on(t.orgId, t.tokenId),
  ],
)
