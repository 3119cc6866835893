import { type SQL, sql } from 'drizzle-orm'
import { teams } from '@/drizzle/schema/members'
import { tokens } from '@/drizzle/schema/tokens'
import type { UsageSums } from '@/lib/contract/usage'
import { executePrepared, type Transaction } from '../database'
import { countedBy } from './counted/queries'
import { METRICS, type Metric, sumsBy } from './metrics'
import type { Question } from './question'
import { type Group, pointsOf, readPoints, tally, type Usage } from './tally'

type Row = Record<Metric, string>
/** Values and names of the dimensions, and all points of the group (`readPoints`). */
type GroupRow = Record<'d0' | 'd1' | 'points', string> & Record<'n0' | 'n1', string | null>
type RankedRow = Row & GroupRow & { kind: 'total' | 'group' | 'rest'; groups: string }

/** So many points are added up and ranked here, which is soonest; more stay in the database, because nobody else is answered meanwhile. */
const FEW_POINTS = 6_000
/** One more, which tells that there are more; in the text of the statement, because a plan for any number of rows is made for a tenth of all. */
const FEW = sql.raw(String(FEW_POINTS + 1))

/**
 * What was used, in intervals and by dimensions: the `limit` dearest groups, and what the others come to. Whole days and
 * hours of UTC come from the sums that are kept as events are recorded; what is cut by a bound from the events themselves
 * and what their costs were adjusted by.
 *
 * @throws AppError `unprocessable` when too many events would have to be read, or some of them are no longer there
 */
export async function sumUsage(
  tx: Transaction,
  question: Question,
  most: { limit: number; pointsMax: number },
): Promise<Usage> {
  const { counted, isPlain } = await countedBy(tx, question)
  const grouped = (points: SQL) => sql`
    select d0, d1, ${namesOf(question)}, ${POINTS} as points
    from (select * from ${points} as point limit ${FEW}) as point group by d0, d1`
  const rows = isPlain
    ? await executePrepared<GroupRow>(tx, grouped(sql`(${counted})`))
    : // Counted first: for a few of all rows PostgreSQL would read them in the order of an index, which takes twice as long.
      (await tx.execute<GroupRow>(sql`with counted as materialized (${counted}) ${grouped(sql`counted`)}`)).rows
  const read = rows.map((row) => groupOf(question, row))
  const size = read.reduce((sum, { points }) => sum + points.length, 0)
  return size <= FEW_POINTS ? tally(read, most) : rankMany(tx, question, counted, most)
}

async function rankMany(
  tx: Transaction,
  question: Question,
  counted: SQL,
  { limit, pointsMax }: { limit: number; pointsMax: number },
): Promise<Usage> {
  const { rows } = await tx.execute<RankedRow>(sql`
    with counted as materialized (${counted}), summed as materialized (
      select d0, d1, ${SUMMED.counted} from counted group by d0, d1
    ), ranked as materialized (
      select *, row_number() over (order by cost desc, requests desc, d0 collate "C", d1 collate "C") as place
      from summed where requests <> 0 or cost <> 0
    ), point as (
      select counted.*, ranked.place from counted join ranked using (d0, d1)
      where ranked.place <= ${limit} and (counted.requests <> 0 or counted.cost <> 0)
      order by counted."interval", ranked.place limit ${pointsMax + 1}
    ), listed as (
      select place, ${POINTS} as points from point group by place
    )
    select 'total' as kind, '' as d0, '' as d1, null as n0, null as n1, ${SUMMED.summed}, 0 as groups, 0 as place, '' as points
    from summed
    union all
    select 'group', d0, d1, ${namesOf(question)}, ${RANKED}, 1, place, coalesce(points, '')
    from ranked left join listed using (place) where place <= ${limit}
    union all
    select 'rest', '', '', null, null, ${SUMMED.ranked}, count(*), 0, '' from ranked where place > ${limit}
    order by kind, place`)
  const of = (kind: RankedRow['kind']) => rows.filter((row) => row.kind === kind)
  const [total] = of('total')
  const [rest] = of('rest')
  const groups = of('group').map((row) => ({ ...groupOf(question, row), sums: sumsOf(row) }))
  const points = pointsOf(groups)
  return {
    total: sumsOf(total),
    groups,
    rest: rest && Number(rest.groups) > 0 ? { groups: Number(rest.groups), sums: sumsOf(rest) } : null,
    points: points.slice(0, pointsMax),
    hasMore: points.length > pointsMax,
  }
}

/** Sums over all of the time of a question: of everything, and of some of its groups in their order. */
export async function sumGroups(
  tx: Transaction,
  question: Question,
  groups: readonly Group[],
): Promise<{ total: UsageSums; groups: UsageSums[] }> {
  const { counted } = await countedBy(tx, question)
  const [first, second] = [0, 1].map((at) => sql.param(groups.map(({ values }) => values[at] ?? '')))
  const { rows } = await tx.execute<Row>(sql`
    with counted as materialized (${counted})
    select 'total' as kind, 0 as place, ${SUMMED.counted} from counted
    union all
    select 'group', wanted.place, ${SUMMED.counted}
    from unnest(${first}::text[], ${second}::text[]) with ordinality as wanted (d0, d1, place)
    left join counted using (d0, d1) group by wanted.place
    order by kind desc, place`)
  const [total, ...others] = rows
  return { total: sumsOf(total), groups: others.map(sumsOf) }
}

/** As keys and teams are called now, beside their ids in `d0` and `d1`; null of whatever has no name. */
function namesOf({ actor: { orgId }, dimensions }: Question): SQL {
  const [n0, n1] = [sql`d0`, sql`d1`].map((id, at) => {
    const dimension = dimensions[at]
    if (dimension !== 'token_id' && dimension !== 'team_id') return sql`null`
    const table = dimension === 'token_id' ? tokens : teams
    return sql`(select ${table.name} from ${table} where ${table.orgId} = ${orgId} and ${table.id} = ${id})`
  })
  return sql`${n0} as n0, ${n1} as n1`
}

export async function teamNames(tx: Transaction, orgId: string, ids: readonly string[]): Promise<Map<string, string>> {
  const wanted = sql.param([...new Set(ids)])
  const rows = await executePrepared<{ id: string; name: string }>(
    tx,
    sql`select id, name from ${teams} where ${teams.orgId} = ${orgId} and ${teams.id} = any(${wanted}::text[])`,
  )
  return new Map(rows.map(({ id, name }) => [id, name]))
}

const listOf = (each: (name: Metric) => string): SQL => sql.raw(METRICS.map(each).join(', '))
const summed = (from: string): SQL => listOf((name) => `sum(${from}.${name}) as ${name}`)
const SUMMED = { counted: summed('counted'), summed: summed('summed'), ranked: summed('ranked') }
const RANKED = listOf((name) => `ranked.${name}`)
/**
 * One text for all points of a group: a row for each would take longer to carry than to count, and to print numbers as the
 * fields of a row takes half as long as to print them one by one.
 */
const POINTS = sql.raw(
  `string_agg(row(point."interval", ${METRICS.map((name) => `point.${name}`).join(', ')})::text, ';')`,
)

const sumsOf = (row: Row | undefined): UsageSums => sumsBy((name) => row?.[name] ?? '0')

const groupOf = ({ dimensions }: Question, { d0, d1, n0, n1, points }: GroupRow) => ({
  values: [d0, d1].slice(0, dimensions.length),
  names: [n0, n1].slice(0, dimensions.length),
  points: readPoints(points),
})
