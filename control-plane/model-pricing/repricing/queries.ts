import { and, desc, eq, lt } from 'drizzle-orm'
import { z } from 'zod'
import { repricings } from '@/drizzle/schema/prices'
import type { DecisionEvent } from '@/lib/contract/events'
import type { modelPricing, Repricing } from '@/lib/contract/model-pricing'
import { toPage } from '@/lib/contract/page'
import { AppError } from '@/lib/errors'
import { type NanoUsd, nanoUsd, nanoUsdOf, usdOfNano } from '@/lib/money'
import { parseJson } from '@/lib/parse-json'
import type { Context } from '../../context'
import { cursorsOf } from '../../cursor'
import { connectionOf, type Transaction } from '../../database'
import type { Input } from '../../routes'
import { assertOfOrganization } from '../commands'

/** Newest first. */
export async function listRepricings(ctx: Context, input: Input<typeof modelPricing.listRepricings>) {
  const { tx, actor } = ctx
  assertOfOrganization(actor)
  const cursors = cursorsOf(ctx, 'modelPricing.listRepricings', input)
  const before = cursors.decode(z.string())
  const rows = await tx
    .select()
    .from(repricings)
    .where(and(eq(repricings.orgId, actor.orgId), before === undefined ? undefined : lt(repricings.id, before)))
    .orderBy(desc(repricings.id))
    .limit(input.limit + 1)
  return toPage(rows.map(toRepricing), input.limit, ({ id }) => cursors.encode(id))
}

export async function getRepricing({ tx, actor }: Context, { id }: Input<typeof modelPricing.getRepricing>) {
  assertOfOrganization(actor)
  return toRepricing(await findRepricing(tx, actor.orgId, id))
}

export async function findRepricing(tx: Transaction, orgId: string, id: string): Promise<RepricingRow> {
  const [row] = await tx
    .select()
    .from(repricings)
    .where(and(eq(repricings.orgId, orgId), eq(repricings.id, id)))
  if (!row) throw new AppError('not_found', 'There is no such repricing.')
  return row
}

export type RepricingRow = typeof repricings.$inferSelect

export function toRepricing(row: RepricingRow): Repricing {
  const sum = (of: 'before_usd' | 'after_usd') =>
    usdOfNano(row.models.reduce((total, one) => total + nanoUsdOf(one[of]), 0n))
  return {
    id: row.id,
    dry_run: row.dryRun,
    since: row.since,
    until: row.until,
    version: row.bookVersion,
    note: row.note,
    state: row.state,
    events_done: row.eventsDone,
    events_total: row.eventsTotal,
    changed: row.models.reduce((total, { changed }) => total + changed, 0),
    before_usd: sum('before_usd'),
    after_usd: sum('after_usd'),
    models: row.models,
    error: row.error,
    created_at: row.createdAt,
    created_by: row.createdByName,
    finished_at: row.finishedAt,
  }
}

/** A call as it was recorded, and what it costs by now, earlier adjustments included; null: nobody knows. */
export type RecordedCall = { at: string; seq: number; event: DecisionEvent; cost: NanoUsd | null }

/** The next calls of a repricing, in order of time. */
export async function nextCalls(tx: Transaction, row: RepricingRow, limit: number): Promise<RecordedCall[]> {
  const { rows } = await connectionOf(tx).query<{
    at: string
    seq: string
    line: string
    cost: string | null
    adjusted: string | null
  }>(
    `with calls as (
       select occurred_at, seq, event_id, line, cost_nano_usd from events
       where org_id = $1 and occurred_at >= $2 and occurred_at < $3 and (occurred_at, seq) > ($4, $5) and seq <= $6
       order by occurred_at, seq limit $7
     ), adjusted as (
       select t.event_id, sum(e.amount_nano_usd) as amount
       from ledger_transactions t
       join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id and e.account_id = 'spend'
       where t.org_id = $1 and t.kind = 'adjust' and t.event_id = any(array(select event_id from calls))
       group by 1
     )
     select to_char(occurred_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, seq, line, cost_nano_usd as cost, amount as adjusted
     from calls left join adjusted using (event_id) order by occurred_at, seq`,
    [row.orgId, row.since, row.until, row.doneAt ?? '-infinity', row.doneSeq ?? 0, row.lastSeq, limit],
  )
  return rows.map(({ at, seq, line, cost, adjusted }) => ({
    at,
    seq: Number(seq),
    event: parseJson(line) as DecisionEvent,
    cost: cost === null && adjusted === null ? null : nanoUsd(BigInt(cost ?? 0) + BigInt(adjusted ?? 0)),
  }))
}
