import { connectionOf, type Transaction } from '../../../database'

/** A table with sums of one UTC day, `YYYY-MM-DD`, that are not those of its events; `sums` says how many. */
export type DifferingSums = { table: string; day: string; sums: number }

const TABLES = ['usage_hourly', 'usage_daily', 'usage_dimensions_hourly', 'usage_dimensions_daily']

/** Days of which there are any sums by dimension, from the first on. */
export async function daysWithSums(tx: Transaction, orgId: string): Promise<string[]> {
  const { rows } = await connectionOf(tx).query<{ day: string }>(
    `select distinct to_char(at at time zone 'UTC', 'YYYY-MM-DD') as day
     from (${TABLES.map((table) => `select at from ${table} where org_id = $1`).join(' union all ')}) as sums order by day`,
    [orgId],
  )
  return rows.map(({ day }) => day)
}

const SUMS = [
  'events',
  'unpriced',
  'errors',
  'cache_hits',
  'tokens_input',
  'tokens_output',
  'tokens_total',
  'cost_nano_usd',
]
/** Beyond this a sum is no longer kept exactly: `rollupsOf` of tokens, `capped` of money. */
const exactMax = (sum: string) => (sum === 'cost_nano_usd' ? '4000000000000000000' : '9007199254740991')

const sums = (each: (name: string) => string) => SUMS.map(each).join(', ')
const ofDay = (column: string) =>
  `org_id = $1 and ${column} >= $2::timestamptz and ${column} < $2::timestamptz + interval '1 day'`

/**
 * How many groups of two lists of rows do not come to the same; both have `key` columns and the sums. Each list is added up by
 * itself: of both in one there would be twice as many sums to add to for each row.
 */
const differing = (table: string, keys: string, found: string, stated: string) => `
  select '${table}' as "table", count(*)::integer as sums
  from (select ${keys}, ${sums((name) => `sum(${name}) as ${name}`)} from ${found} group by ${keys}) as found
  full join (
    select ${keys}, ${sums((name) => `sum(${name}) as ${name}, max(${name}) as most_${name}`)}
    from ${stated} where ${ofDay('at')} group by ${keys}
  ) as stated using (${keys})
  where ${SUMS.map((name) => `(coalesce(found.${name}, 0) <> coalesce(stated.${name}, 0) and coalesce(most_${name}, 0) < ${exactMax(name)})`).join(' or ')}
  having count(*) > 0`

const byDimension = (table: string) => `(
  select at, dimension, value, ${sums((name) => name)} from ${table}
  cross join lateral (values ('team_id', team_id), ('provider', provider), ('model', model), ('verdict', verdict),
    ('reason_code', reason_code)) as d (dimension, value)
  where ${ofDay('at')}) as split`

/**
 * Rows are told apart by `combo`, the hash of all that they are kept by. Sums by a single dimension are compared with those by
 * all of them, which are compared with the events.
 */
const DIFFERING = `
  with adjusted as (
    select t.event_id, coalesce(sum(e.amount_nano_usd), 0) as amount
    from ledger_transactions t
    left join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id and e.account_id = 'spend'
    where t.org_id = $1 and t.kind = 'adjust' and t.occurred_at >= $2::timestamptz
      and t.occurred_at < $2::timestamptz + interval '1 day'
    group by 1
  ), called as materialized (
    select date_bin('1 hour', occurred_at, 'epoch') as at, $2::timestamptz as day, combo, count(*) as events,
      count(*) filter (where tokens_total is not null and cost_nano_usd is null and amount is null) as unpriced,
      count(*) filter (where status_code >= 400) as errors, count(*) filter (where cache_hit) as cache_hits,
      coalesce(sum(tokens_input), 0) as tokens_input, coalesce(sum(tokens_output), 0) as tokens_output,
      coalesce(sum(tokens_total), 0) as tokens_total,
      sum(coalesce(cost_nano_usd, 0) + coalesce(amount, 0)) as cost_nano_usd
    from events left join adjusted using (event_id) where ${ofDay('occurred_at')} group by 1, 3
  )
  ${differing('usage_hourly', 'at, combo', 'called', 'usage_hourly')}
  union all
  ${differing('usage_daily', 'at, combo', `(select day as at, combo, ${sums((name) => name)} from called) as days`, 'usage_daily')}
  union all
  ${differing('usage_dimensions_hourly', 'at, dimension, value', byDimension('usage_hourly'), 'usage_dimensions_hourly')}
  union all
  ${differing('usage_dimensions_daily', 'at, dimension, value', byDimension('usage_daily'), 'usage_dimensions_daily')}`

/**
 * Tables whose sums of a UTC day are not those of its events: how many, of which tokens, and of how much money, corrections of
 * the ledger included. One statement sees one moment, so that nothing that is being recorded is missing in one of them.
 */
export async function differingSums(tx: Transaction, orgId: string, day: string): Promise<DifferingSums[]> {
  const { rows } = await connectionOf(tx).query<Omit<DifferingSums, 'day'>>(DIFFERING, [orgId, `${day}T00:00:00Z`])
  return rows.map((row) => ({ ...row, day }))
}
