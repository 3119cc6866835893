import { sql } from 'drizzle-orm'
import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { REPRICING_STATES, type RepricedModel } from '@/lib/contract/model-pricing'
import type { Prices, Tier } from '@/lib/contract/price-shapes'
import type { Override } from '@/lib/prices/overrides'
import { instant } from '../columns'

/** Public prices of every release that has run here, so that the price of an old event can be read again. Nobody's own. */
export const priceCatalogues = pgTable('price_catalogues', {
  version: text('version').primaryKey(),
  /** The rows as JSON. */
  content: text('content').notNull(),
  createdAt: instant('created_at').notNull().default(sql`now()`),
})

/** Versions of an organisation's own prices. A version is what it changed, on top of all before. */
export const priceBooks = pgTable(
  'price_books',
  {
    orgId: text('org_id').notNull(),
    version: integer('version').notNull(),
    note: text('note'),
    /** How many rows and rates it changed. */
    changes: integer('changes').notNull(),
    createdAt: instant('created_at').notNull(),
    createdBy: text('created_by').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.version] })],
)

/** What an organisation pays for a model from a moment on. The newest version of a row is the one that counts. */
export const priceOverrides = pgTable(
  'price_overrides',
  {
    orgId: text('org_id').notNull(),
    bookVersion: integer('book_version').notNull(),
    provider: text('provider').notNull(),
    /** A name, or the beginning of names with a `*` at its end. */
    model: text('model').notNull(),
    effectiveFrom: instant('effective_from').notNull(),
    currency: text('currency').notNull(),
    /** Null takes the row away again. */
    prices: jsonb('prices').$type<Prices>(),
    tiers: jsonb('tiers').$type<Tier[]>().notNull(),
    /** The most tokens of an answer; null when nothing was said of it. */
    maxOutputTokens: integer('max_output_tokens'),
  },
  (t) => [
    primaryKey({
      name: 'price_overrides_pk',
      columns: [t.orgId, t.bookVersion, t.provider, t.model, t.effectiveFrom],
    }),
    index('price_overrides_by_model').on(t.orgId, t.provider, t.model, t.effectiveFrom, t.bookVersion),
  ],
)

/** What one unit of another currency is worth in US dollars, from a day on. */
export const currencyRates = pgTable(
  'currency_rates',
  {
    orgId: text('org_id').notNull(),
    bookVersion: integer('book_version').notNull(),
    currency: text('currency').notNull(),
    /** `YYYY-MM-DD`, from its first moment in UTC. */
    effectiveOn: text('effective_on').notNull(),
    /** A decimal. */
    usd: text('usd').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.bookVersion, t.currency, t.effectiveOn] })],
)

/** What calls of the past cost at other prices. Taken up again where it was left. */
export const repricings = pgTable(
  'repricings',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    dryRun: boolean('dry_run').notNull(),
    since: instant('since').notNull(),
    until: instant('until').notNull(),
    /** The last event that it looks at: what is recorded later has the newer prices. */
    lastSeq: bigint('last_seq', { mode: 'number' }).notNull(),
    bookVersion: text('book_version').notNull(),
    /** Of the organisation's own prices. */
    ownVersion: integer('own_version').notNull(),
    overrides: jsonb('overrides').$type<Override[]>().notNull(),
    note: text('note'),
    state: text('state', { enum: REPRICING_STATES }).notNull(),
    /** Where it is: events up to here have been looked at. */
    doneAt: instant('done_at'),
    doneSeq: bigint('done_seq', { mode: 'number' }),
    eventsDone: bigint('events_done', { mode: 'number' }).notNull().default(0),
    eventsTotal: bigint('events_total', { mode: 'number' }),
    models: jsonb('models').$type<RepricedModel[]>().notNull().default([]),
    error: text('error'),
    createdAt: instant('created_at').notNull(),
    createdById: text('created_by_id').notNull(),
    createdByName: text('created_by_name').notNull(),
    finishedAt: instant('finished_at'),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] })],
)
