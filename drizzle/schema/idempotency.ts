import { sql } from 'drizzle-orm'
import { index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant } from '../columns'

/** What a POST with an `Idempotency-Key` answered, for 24 hours. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    orgId: text('org_id').notNull(),
    actorId: text('actor_id').notNull(),
    endpoint: text('endpoint').notNull(),
    key: text('key').notNull(),
    /** SHA-256 of the canonical input, hex. */
    fingerprint: text('fingerprint').notNull(),
    status: integer('status'),
    /** The answer, encrypted: it may hold a secret that is shown once. See control-plane/auth/sealing.ts. */
    sealedAnswer: text('sealed_answer'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.actorId, t.endpoint, t.key] }),
    index('idempotency_keys_by_age').on(t.orgId, t.createdAt),
  ],
)
