import { sql } from 'drizzle-orm'
import { type events as contract, EVENT_FACET_FIELDS, type EventFacetField } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import type { Context } from '../../context'
import type { Input } from '../../routes'
import { conditionOf, EVENT_COLUMNS, isFacetField, type Rollup, rollupColumn } from '../queries'
import { type Counting, countsByField, countsOfEvents, countsOfFields, countsOfRollups } from './queries'
import { DAY_MS, rangeOf } from './range'

type Ranked = { field: EventFacetField; value: string; count: string; values: string; total: string }

/** Events by the values of fields that rollups are kept by: the most frequent values of each, and how many others. */
export async function countFacets({ tx, actor, request }: Context, input: Input<typeof contract.facets>) {
  const fields = fieldsOf(input.fields)
  const range = rangeOf(input, request.now, 30 * DAY_MS)
  const condition = conditionOf(actor, input.filter)
  const counting = { tx, orgId: actor.orgId, condition, range }
  const { valued, complete, countedSinceMs } = await countsOf(counting, fields)
  const { rows } = await tx.execute<Ranked>(sql`
    with valued as materialized (${valued}), ranked as (
      select field, value, sum(count) as count,
        row_number() over (partition by field order by sum(count) desc, value collate "C") as place,
        count(*) over (partition by field) as "values",
        sum(sum(count)) over (partition by field) as total
      from valued
      group by field, value
      having sum(count) > 0
    )
    select field, value, count, "values", total from ranked where place <= ${input.limit} order by field, place`)
  return {
    since: new Date(range.sinceMs).toISOString(),
    until: new Date(range.untilMs).toISOString(),
    total: Number(rows[0]?.total ?? 0),
    items: fields.map((field) =>
      facetOf(
        field,
        rows.filter((row) => row.field === field),
      ),
    ),
    complete,
    counted_since: new Date(countedSinceMs).toISOString(),
  }
}

/** `valued`: rows of `field`, `value` and `count`, which may name the same more than once. */
async function countsOf(counting: Counting, fields: EventFacetField[]) {
  const kept = countsOfFields(counting, fields)
  if (kept !== null) return { valued: kept, complete: true, countedSinceMs: counting.range.sinceMs }
  const dimensions = fields.map((field) => ({
    ofEvents: sql`coalesce(${EVENT_COLUMNS[field]}, '')`,
    ofRollup: (u: Rollup) => sql`${rollupColumn(u, field)}`,
  }))
  const { source, ...counted } = counting.condition.isExact
    ? countsOfRollups(counting, dimensions, true)
    : await countsOfEvents(counting, dimensions)
  return { valued: countsByField(fields, source), ...counted }
}

function facetOf(field: EventFacetField, rows: Ranked[]) {
  const values = rows.map(({ value, count }) => ({ value, count: Number(count) }))
  const shown = values.reduce((sum, { count }) => sum + count, 0)
  const [first] = rows
  const rest = { values: Number(first?.values ?? 0) - values.length, count: Number(first?.total ?? 0) - shown }
  return { field, values, rest }
}

/** @throws AppError `invalid_request` that names the fields there are */
function fieldsOf(text: string): EventFacetField[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))]
  const unknown = names.find((name) => !isFacetField(name))
  if (unknown === undefined) return names.filter(isFacetField)
  const message = `No counts are kept by "${unknown}"; choose from ${EVENT_FACET_FIELDS.join(', ')}.`
  throw new AppError('invalid_request', message, { errors: [{ path: 'fields', message }] })
}
