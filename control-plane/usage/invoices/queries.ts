import { and, desc, eq, lt } from 'drizzle-orm'
import { z } from 'zod'
import { invoices } from '@/drizzle/schema/invoices'
import { toPage } from '@/lib/contract/page'
import type { usage as contract, Invoice } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import { printFilter } from '@/lib/filter'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import type { Context } from '../../context'
import { cursorsOf } from '../../cursor'
import { conditionOf } from '../../events/queries'
import type { Input } from '../../routes'
import { rangeOfMonth } from '../months/calendar'
import { seesAll } from '../months/queries'
import { sumUsage } from '../queries'
import type { OurLine } from './compare'

/** Newest first. */
export async function listInvoices(ctx: Context, input: Input<typeof contract.invoices>) {
  const { tx, actor } = ctx
  seesAll(actor)
  const cursors = cursorsOf(ctx, 'usage.invoices', input)
  const before = cursors.decode(z.string())
  const rows = await tx
    .select()
    .from(invoices)
    .where(
      and(
        eq(invoices.orgId, actor.orgId),
        input.month === undefined ? undefined : eq(invoices.month, input.month),
        before === undefined ? undefined : lt(invoices.id, before),
      ),
    )
    .orderBy(desc(invoices.id))
    .limit(input.limit + 1)
  return toPage(rows.map(toInvoice), input.limit, ({ id }) => cursors.encode(id))
}

export async function getInvoice({ tx, actor }: Context, { id }: Input<typeof contract.invoice>) {
  seesAll(actor)
  const [row] = await tx
    .select()
    .from(invoices)
    .where(and(eq(invoices.orgId, actor.orgId), eq(invoices.id, id)))
  if (!row) throw new AppError('not_found', 'There is no such invoice.')
  return { ...toInvoice(row), differences: row.differences }
}

export const toInvoice = (row: typeof invoices.$inferSelect): Invoice => ({
  id: row.id,
  month: row.month,
  provider: row.provider,
  format: row.format,
  rows: row.rows,
  invoice_usd: usdOfNano(row.invoiceTotal),
  ours_usd: usdOfNano(row.ourTotal),
  difference_usd: usdOfNano(row.invoiceTotal - row.ourTotal),
  note: row.note,
  created_at: row.createdAt,
  created_by: { id: row.createdById, name: row.createdByName },
})

/** What requests to a provider cost that began in a month by UTC, by model and key as it was called then. */
export async function recordedOf({ tx, actor }: Context, provider: string, month: string): Promise<OurLine[]> {
  const { sinceMs, untilMs } = rangeOfMonth(month, 'UTC')
  const { groups, rest } = await sumUsage(
    tx,
    {
      actor,
      condition: conditionOf(actor, printFilter([{ field: 'provider', operator: '=', values: [provider] }])),
      dimensions: ['model', 'token_name'],
      bounds: [sinceMs, untilMs],
      timeZone: 'UTC',
    },
    { limit: GROUPS_MAX, pointsMax: 0 },
  )
  const others = rest ? [{ values: ['*', '*'], sums: rest.sums }] : []
  return [...groups, ...others].map(({ values: [model = '', key = ''], sums }) => ({
    model,
    key,
    amount: nanoUsdOf(sums.cost_usd),
    requests: sums.requests,
  }))
}

/** The dearest; what the others cost is compared as one. */
const GROUPS_MAX = 10_000
