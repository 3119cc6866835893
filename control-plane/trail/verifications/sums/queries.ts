import { connectionOf, type Transaction } from '../../../database'

/** A table with sums of one UTC day, `YYYY-MM-DD`, that are not those of its events; `sums` says how many. */
export type DifferingSums = { table: string; day: string; sums: number }

/** Days of which there are any sums by dimension, from the first on. */
export async function daysWithSums(tx: Transaction, orgId: string): Promise<string[]> {
  const tables = ['usage_hourly', 'usage_daily', 'usage_dimensions_hourly', 'usage_dimensions_daily']
  const { rows } = await connectionOf(tx).query<{ day: string }>(
    `select distinct to_char(at at time zone 'UTC', 'YYYY-MM-DD') as day
     from (${tables.map((table) => `select at from ${table} where org_id = $1`).join(' union all ')}) as sums order by day`,
    [orgId],
  )
  return rows.map(({ day }) => day)
}

const KEYS = [
  'token_id',
  'token_name',
  'model',
  'verdict',
  'reason_code',
  'provider',
  'agent_id',
  'team_id',
  'user_id',
] as const
const COUNTS = ['events', 'errors', 'cache_hits', 'tokens_input', 'tokens_output', 'tokens_total'] as const
const SUMS = [...COUNTS, 'cost_nano_usd'] as const

/** Beyond this the sums of tokens say nothing any more, and neither do those of money beyond what `capped` lets be. */
const EXACT_MAX = '9007199254740991'

const columns = (names: readonly string[], each = (name: string) => name) => names.map(each).join(', ')
const summed = columns(SUMS, (name) => `sum(${name}) as ${name}`)
/** As one text, whatever the values. */
const keyOf = (names: readonly string[]) => `json_build_array(${columns(names)})::text`
const sumsOf = `array[${columns(COUNTS, (name) => `least(${name}, ${EXACT_MAX})`)}, capped(cost_nano_usd::numeric)]::numeric[]`
const DIMENSIONS = `cross join lateral (values ('team_id', team_id), ('provider', provider), ('model', model)) as d (dimension, value)`

const found = (table: string, unit: 'hour' | 'day', keys: readonly string[], from: string) => `
  select '${table}' as "table", at, ${keyOf(keys)} as key, ${sumsOf} as sums from (
    select date_trunc('${unit}', hour, 'UTC') as at, ${columns(keys)}, ${summed} from ${from}
    group by 1, ${columns(keys)}) as grouped`
const stated = (table: string, keys: readonly string[]) => `
  select '${table}' as "table", at, ${keyOf(keys)} as key, ${sumsOf} as sums from ${table}
  where org_id = $1 and at >= $2::timestamptz and at < $2::timestamptz + interval '1 day'`

const BY_DIMENSION = ['dimension', 'value']

/** Sums that came to nothing, of what was corrected away, are the same as none. */
const DIFFERING = `
  with adjusted as (
    select t.event_id, sum(e.amount_nano_usd) as amount
    from ledger_transactions t
    join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id and e.account_id = 'spend'
    where t.org_id = $1 and t.kind = 'adjust' and t.occurred_at >= $2::timestamptz
      and t.occurred_at < $2::timestamptz + interval '1 day'
    group by 1
  ), called as materialized (
    select date_trunc('hour', occurred_at, 'UTC') as hour,
      ${columns(KEYS, (name) => `coalesce(${name}, '') as ${name}`)},
      count(*) as events, count(*) filter (where status_code >= 400) as errors,
      count(*) filter (where cache_hit) as cache_hits, coalesce(sum(tokens_input), 0) as tokens_input,
      coalesce(sum(tokens_output), 0) as tokens_output, coalesce(sum(tokens_total), 0) as tokens_total,
      sum(coalesce(cost_nano_usd, 0) + coalesce(amount, 0)) as cost_nano_usd
    from events left join adjusted using (event_id)
    where org_id = $1 and occurred_at >= $2::timestamptz and occurred_at < $2::timestamptz + interval '1 day'
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
  ), found as (
    ${[
      found('usage_hourly', 'hour', KEYS, 'called'),
      found('usage_daily', 'day', KEYS, 'called'),
      found('usage_dimensions_hourly', 'hour', BY_DIMENSION, `called ${DIMENSIONS}`),
      found('usage_dimensions_daily', 'day', BY_DIMENSION, `called ${DIMENSIONS}`),
    ].join(' union all ')}
  ), stated as (
    ${[
      stated('usage_hourly', KEYS),
      stated('usage_daily', KEYS),
      stated('usage_dimensions_hourly', BY_DIMENSION),
      stated('usage_dimensions_daily', BY_DIMENSION),
    ].join(' union all ')}
  )
  select "table", count(*)::integer as sums from found full join stated using ("table", at, key)
  where found.sums is distinct from stated.sums
    and not (found.sums is null and stated.sums = array[${columns(SUMS, () => '0')}]::numeric[])
  group by 1 order by 1`

/**
 * Tables whose sums of a UTC day are not those of its events: how many, of which tokens, and of how much money, corrections of
 * the ledger included. One statement sees one moment, so that nothing that is being recorded is missing in one of them.
 */
export async function differingSums(tx: Transaction, orgId: string, day: string): Promise<DifferingSums[]> {
  const { rows } = await connectionOf(tx).query<Omit<DifferingSums, 'day'>>(DIFFERING, [orgId, `${day}T00:00:00Z`])
  return rows.map((row) => ({ ...row, day }))
}
