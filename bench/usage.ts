import pg from 'pg'
import { asSystem } from '../control-plane/system'
import { createToken } from '../control-plane/tokens/commands'
import { startBenchDatabase } from './events/database'
import { generateEvents } from './events/generate'
import { startBenchPlane } from './events/plane'
import { measure } from './events/read'

const DAY_MS = 86_400_000
const DAYS = 90
const ROUNDS = 200

/**
 * How long questions about usage take through the API, without a network between, over as many generated events as
 * `BENCH_EVENT_ROWS` says (1,000,000, or several numbers with commas between) in 90 days; and beside them the bare statement over
 * the same rows of the sums by day, without intervals, ranks or names.
 */
export async function benchUsage(): Promise<string> {
  const parts = ['## Usage']
  for (const rows of (process.env.BENCH_EVENT_ROWS ?? '1000000').split(',')) parts.push(await benchSize(Number(rows)))
  return parts.join('\n\n')
}

async function benchSize(count: number): Promise<string> {
  const database = await startBenchDatabase()
  try {
    const plane = await startBenchPlane(database.url)
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const endMs = Math.floor(Date.now() / DAY_MS) * DAY_MS
    await generateEvents(client, { orgId: plane.orgId, count, days: DAYS, endMs, seed: 7 })
    await client.query(
      'vacuum (freeze, analyze) events, usage_hourly, usage_daily, usage_totals, usage_dimensions_hourly, usage_dimensions_daily',
    )
    // What loading has left to be written would be written while it is asked.
    await client.query('checkpoint')
    const { key } = await asSystem(plane.services, plane.orgId, (ctx) =>
      createToken(ctx, { name: 'finance', token_type: 'access', permissions: ['spend:read'], scope: 'org' }),
    )
    const results = await measure({ fetch: plane.fetch, key }, questions(endMs))
    const bare = await bareTimes(client, plane.orgId, endMs)
    const { rows } = await client.query<{ days: string; hours: string }>(
      'select (select count(*) from usage_daily) as days, (select count(*) from usage_hourly) as hours',
    )
    await client.end()
    await plane.close()
    return [
      `### ${count.toLocaleString('en')} events of one organisation in ${DAYS} days: ${rows[0]?.days} rows of sums by day, ${rows[0]?.hours} by hour`,
      '',
      '| question | p50 ms | p95 ms |',
      '|---|---|---|',
      ...[bare, ...results].map((row) => `| ${row.name} | ${row.p50.toFixed(1)} | ${row.p95.toFixed(1)} |`),
    ].join('\n')
  } finally {
    await database.stop()
  }
}

function questions(endMs: number) {
  const since = new Date(endMs - DAYS * DAY_MS).toISOString()
  const until = new Date(endMs).toISOString()
  const ask = (name: string, query: Record<string, string>, path = '/v1/usage') => ({
    name,
    path,
    query: { since, until, ...query },
  })
  const byTeam = { interval: 'day', group_by: 'team_id' }
  return [
    ask('90 days by day and team', byTeam),
    ask('90 days by day and team, Europe/Vienna', { ...byTeam, time_zone: 'Europe/Vienna' }),
    ask('90 days by day and team, America/Los_Angeles', { ...byTeam, time_zone: 'America/Los_Angeles' }),
    ask('90 days by day and team, one filter', { ...byTeam, filter: 'verdict=allow' }),
    ask('90 days by day and team, compared', { ...byTeam, compare: 'previous' }),
    ask('90 days by month, key and model', { interval: 'month', group_by: 'token_id,model' }),
    ask('7 days by hour', { interval: 'hour', since: new Date(endMs - 7 * DAY_MS).toISOString() }),
    ask('7 days by day and team, Asia/Kolkata', {
      ...byTeam,
      time_zone: 'Asia/Kolkata',
      since: new Date(endMs - 7 * DAY_MS).toISOString(),
    }),
  ]
}

async function bareTimes(client: pg.Client, orgId: string, endMs: number) {
  const times: number[] = []
  for (let round = 0; round < ROUNDS && times.reduce((sum, ms) => sum + ms, 0) < 10_000; round++) {
    const startedAt = performance.now()
    await client.query(
      "select at, value, sum(events), sum(cost_nano_usd) from usage_dimensions_daily where org_id = $1 and dimension = 'team_id' and at >= $2 and at < $3 group by 1, 2",
      [orgId, new Date(endMs - DAYS * DAY_MS), new Date(endMs)],
    )
    times.push(performance.now() - startedAt)
  }
  const sorted = times.slice(Math.floor(times.length / 10)).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { name: 'bare SQL: the sums by day, by day and team', p50: at(0.5), p95: at(0.95) }
}
