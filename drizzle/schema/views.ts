import { sql } from 'drizzle-orm'
import { boolean, index, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import type { ViewPage } from '@/lib/contract/views'
import { instant } from '../columns'

/** How members look at pages that can be filtered, under names of their own. */
export const savedViews = pgTable(
  'saved_views',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    userId: text('user_id').notNull(),
    page: text('page').$type<ViewPage>().notNull().default('history'),
    name: text('name').notNull(),
    query: text('query').notNull(),
    shared: boolean('shared').notNull().default(false),
    updatedAt: instant('updated_at').notNull().default(sql`now()`),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    uniqueIndex('saved_views_name').on(t.orgId, t.userId, t.page, t.name),
    index('saved_views_shared').on(t.orgId, t.name).where(sql`${t.shared}`),
  ],
)
