import { sql } from 'drizzle-orm'
import { index, integer, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { instant } from '../columns'

export const configurations = pgTable(
  'configurations',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    latestVersion: text('latest_version').notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    updatedAt: instant('updated_at').notNull().default(sql`now()`),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] }), uniqueIndex('configurations_name').on(t.orgId, t.name)],
)

/** Immutable once written. */
export const configurationVersions = pgTable(
  'configuration_versions',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    configurationId: text('configuration_id').notNull(),
    version: text('version').notNull(),
    yaml: text('yaml').notNull(),
    sha256: text('sha256').notNull(),
    note: text('note'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    createdById: text('created_by_id').notNull(),
    createdByName: text('created_by_name').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    uniqueIndex('configuration_versions_version').on(t.orgId, t.configurationId, t.version),
  ],
)

/** Every signed bundle a gateway was told to run, by generation. */
export const bundles = pgTable(
  'bundles',
  {
    orgId: text('org_id').notNull(),
    gatewayId: text('gateway_id').notNull(),
    generation: integer('generation').notNull(),
    rolloutId: text('rollout_id').notNull(),
    configurationId: text('configuration_id').notNull(),
    version: text('version').notNull(),
    kid: text('kid').notNull(),
    /** Base64 of the signed JSON, verbatim. */
    payload: text('payload').notNull(),
    signature: text('signature').notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.gatewayId, t.generation] }),
    index('bundles_by_rollout').on(t.orgId, t.rolloutId),
  ],
)
