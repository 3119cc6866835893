import { bigint, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { INVOICE_FORMATS, type InvoiceDifference } from '@/lib/contract/usage'
import { instant } from '../columns'

/** What providers said that a month cost, compared with the ledger when it was imported. Never changed. */
export const invoices = pgTable(
  'invoices',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    /** `YYYY-MM`. */
    month: text('month').notNull(),
    provider: text('provider').notNull(),
    format: text('format', { enum: INVOICE_FORMATS }).notNull(),
    rows: integer('rows').notNull(),
    invoiceTotal: bigint('invoice_nano_usd', { mode: 'bigint' }).notNull(),
    ourTotal: bigint('ours_nano_usd', { mode: 'bigint' }).notNull(),
    differences: jsonb('differences').$type<z.infer<typeof InvoiceDifference>[]>().notNull(),
    note: text('note'),
    createdAt: instant('created_at').notNull(),
    createdById: text('created_by_id').notNull(),
    createdByName: text('created_by_name').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] }), index('invoices_by_month').on(t.orgId, t.month)],
)
