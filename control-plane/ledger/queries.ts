import { and, desc, eq, inArray, sql } from 'drizzle-orm'
import { activity } from '@/drizzle/schema/activity'
import { SPEND_DEFAULTS } from '@/lib/contract/wallets'
import { type NanoUsd, nanoUsd } from '@/lib/money'
import { connectionOf, type Transaction } from '../database'

/** The clocks by which months begin and end. */
export async function reportZone(tx: Transaction, orgId: string): Promise<string> {
  const { rows } = await connectionOf(tx).query<{ time_zone: string }>({
    name: 'report_zone',
    text: 'select time_zone from spend_settings where org_id = $1',
    values: [orgId],
  })
  return rows[0]?.time_zone ?? SPEND_DEFAULTS.time_zone
}

/** An account whose balance is not the sum of its entries. */
export type Difference = { account: string; balance: NanoUsd; entries: NanoUsd }
export type LedgerCheck = {
  /** Of all entries: 0. */
  sum: NanoUsd
  /** As many as are shown. */
  differences: Difference[]
}

export const DIFFERENCES_MAX = 100
/** All entries are added up, which takes about a second for three million of them. */
const CHECK_WITHIN_MS = 120_000

/** Adds up the ledger again and compares it with every balance, as both stood at one moment. */
export async function checkLedger(tx: Transaction, orgId: string): Promise<LedgerCheck> {
  await tx.execute(sql`select set_config('statement_timeout', ${String(CHECK_WITHIN_MS)}, true)`)
  const { rows } = await tx.execute<{
    sum: string
    differences: { account: string; balance: string; entries: string }[]
  }>(sql`
    with sums as materialized (
      select account_id as account, sum(amount_nano_usd) as entries from ledger_entries
      where org_id = ${orgId} group by account_id
    ), accounts as (
      select id as account, balance_nano_usd as balance from ledger_accounts where org_id = ${orgId}
    ), differing as (
      select account, coalesce(balance, 0) as balance, coalesce(entries, 0) as entries
      from accounts full join sums using (account)
      where coalesce(balance, 0) <> coalesce(entries, 0)
      order by account limit ${DIFFERENCES_MAX}
    )
    select (select coalesce(sum(entries), 0) from sums)::text as sum,
      (select coalesce(json_agg(json_build_object(
        'account', account, 'balance', balance::text, 'entries', entries::text)), '[]') from differing) as differences`)
  const [row] = rows
  if (!row) throw new Error('The database did not add up the ledger.')
  return {
    sum: nanoUsd(BigInt(row.sum)),
    differences: row.differences.map(({ account, balance, entries }) => ({
      account,
      balance: nanoUsd(BigInt(balance)),
      entries: nanoUsd(BigInt(entries)),
    })),
  }
}

export const IMBALANCE = 'ledger.imbalance'
export const BALANCED = 'ledger.balanced'
/** What entries about the ledger as a whole are about. */
export const LEDGER = { type: 'ledger', id: 'ledger' }

/** What was said last of whether the ledger adds up; undefined when nothing ever was. */
export async function lastVerdict(tx: Transaction, orgId: string) {
  const [row] = await tx
    .select({ action: activity.action, after: activity.after })
    .from(activity)
    .where(
      and(eq(activity.orgId, orgId), eq(activity.targetId, LEDGER.id), inArray(activity.action, [IMBALANCE, BALANCED])),
    )
    .orderBy(desc(activity.seq))
    .limit(1)
  return row
}
