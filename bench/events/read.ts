import pg from 'pg'
import { startBenchDatabase } from './database'
import { type Generated, generateEvents } from './generate'
import { type BenchPlane, startBenchPlane } from './plane'
import { benchTail } from './tail'

const ROUNDS = 200
const DAY_MS = 86_400_000

type Question = { name: string; path: string; query: Record<string, string> }
type Measured = { name: string; rows: number; p50: number; p95: number; complete: string }

/**
 * How long pages, histograms and facets take through the API, without a network between, over as many generated events as
 * `BENCH_EVENT_ROWS` says (1,000,000, or several numbers with commas between), and beside them the bare statement: the
 * newest 50 lines by their index. Then how soon a follower reads what is recorded.
 */
export async function benchEvents(): Promise<string> {
  const parts = ['## Reading events']
  for (const rows of (process.env.BENCH_EVENT_ROWS ?? '1000000').split(',')) parts.push(await benchSize(Number(rows)))
  return parts.join('\n\n')
}

async function benchSize(count: number): Promise<string> {
  const database = await startBenchDatabase()
  try {
    const plane = await startBenchPlane(database.url)
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const endMs = Math.floor(Date.now() / 1_000) * 1_000
    const generated = await generateEvents(client, { orgId: plane.orgId, count, days: 30, endMs, seed: 7 })
    await client.query(
      'vacuum (freeze, analyze) events, usage_hourly, usage_daily, usage_totals, usage_dimensions_hourly, usage_dimensions_daily',
    )
    // What loading has left to be written would be written while it is asked.
    await client.query('checkpoint')
    const bare = await bareTimes(client, plane.orgId)
    const results = await measure(plane, questionsOn(generated))
    const { rows } = await client.query<{ bytes: string }>('select pg_database_size(current_database()) as bytes')
    const tail = await benchTail(plane)
    await client.end()
    await plane.close()
    return [
      `### Reading, ${count.toLocaleString('en')} events of one organisation in 30 days`,
      '',
      '| question | events shown | p50 ms | p95 ms | complete |',
      '|---|---|---|---|---|',
      ...[bare, ...results].map(
        (row) => `| ${row.name} | ${row.rows} | ${row.p50.toFixed(1)} | ${row.p95.toFixed(1)} | ${row.complete} |`,
      ),
      '',
      'Following, 1,000 events/s recorded in batches of 50 meanwhile:',
      '',
      tail,
      '',
      `${(Number(rows[0]?.bytes) / count).toFixed(0)} bytes of database per event, indexes and rollups included.`,
    ].join('\n')
  } finally {
    await database.stop()
  }
}

/** From what everybody asks to what hardly anything answers. */
export function questionsOn({ keys }: Pick<Generated, 'keys'>): Question[] {
  const [common, second] = keys
  const rare = keys.at(-1)
  const list = (name: string, filter: string, more: Record<string, string> = {}) => ({
    name,
    path: '/v1/events',
    query: { limit: '50', ...(filter ? { filter } : {}), ...more },
  })
  return [
    list('page, no filter', ''),
    list('page, 3 filters, common', `verdict=allow team_id=${common?.team} provider=${common?.models[0]?.provider}`),
    list('page, 3 filters, 30 days', `verdict=block token_name=${common?.name} reason_code=prompt.injection`, {
      since: '30d',
    }),
    list('page, 3 filters, rare', `verdict=escalate team_id=${second?.team} model=${second?.models.at(-1)?.model}`),
    list('page, 3 filters, a rare key', `verdict=block token_name=${rare?.name} provider!=mistral`),
    list('page, 3 filters, nothing', `verdict=escalate token_name=${rare?.name} model~embedding`),
    list('page, one agent', 'agent_id=agent-7'),
    list('page, a field without counts, common', 'verdict=allow latency_ms>5000'),
    list('page, a field without counts, nothing', 'latency_ms<0'),
    { name: 'histogram, 24 hours', path: '/v1/events/histogram', query: { since: '24h' } },
    { name: 'histogram, 7 days', path: '/v1/events/histogram', query: { since: '7d' } },
    { name: 'histogram, 30 days', path: '/v1/events/histogram', query: { since: '30d' } },
    {
      name: 'histogram, 30 days, 2 filters',
      path: '/v1/events/histogram',
      query: { since: '30d', filter: `verdict=block team_id=${second?.team}` },
    },
    { name: 'facets, 30 days', path: '/v1/events/facets', query: { since: '30d' } },
    {
      name: 'facets, 30 days, 2 filters',
      path: '/v1/events/facets',
      query: { since: '30d', filter: `verdict=block team_id=${second?.team}` },
    },
  ]
}

/**
 * One after the other, so that each has the machine for itself. All of them are asked for a while before any is counted, as in a
 * process that has been running: what V8 finds often it compiles.
 */
export async function measure(
  plane: Pick<BenchPlane, 'fetch' | 'key'>,
  questions: readonly Question[],
): Promise<Measured[]> {
  for (const question of questions) await ask(plane, question, { rounds: ROUNDS / 4, msMax: 1_000 })
  const results: Measured[] = []
  for (const question of questions) {
    const { times, answer } = await ask(plane, question, { rounds: ROUNDS, msMax: 10_000 })
    const complete = answer.complete === false ? 'no' : 'yes'
    results.push({
      name: question.name,
      rows: question.path === '/v1/events' ? (answer.items?.length ?? 0) : 0,
      complete,
      ...percentiles(times),
    })
  }
  return results
}

/** Milliseconds of each time that it was asked, and the last answer. */
async function ask(
  plane: Pick<BenchPlane, 'fetch' | 'key'>,
  { name, path, query }: Question,
  { rounds, msMax }: { rounds: number; msMax: number },
) {
  const url = `http://bench${path}?${new URLSearchParams(query)}`
  const headers = { authorization: `Bearer ${plane.key}` }
  const times: number[] = []
  let answer: { items?: unknown[]; complete?: boolean } = {}
  for (let round = 0; round < rounds && times.reduce((sum, ms) => sum + ms, 0) < msMax; round++) {
    const startedAt = performance.now()
    const response = await plane.fetch(new Request(url, { headers }))
    const text = await response.text()
    times.push(performance.now() - startedAt)
    if (!response.ok) throw new Error(`${name}: ${text}`)
    answer = JSON.parse(text)
  }
  return { times, answer }
}

async function bareTimes(client: pg.Client, orgId: string): Promise<Measured> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    await client.query(
      'select line from events where org_id = $1 and occurred_at >= $2 order by occurred_at desc, seq desc limit 50',
      [orgId, new Date(Date.now() - 7 * DAY_MS)],
    )
    times.push(performance.now() - startedAt)
  }
  return { name: 'bare SQL: the newest 50 lines', rows: 50, complete: 'yes', ...percentiles(times) }
}

function percentiles(times: number[]): { p50: number; p95: number } {
  const sorted = times.slice(Math.floor(times.length / 10)).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95) }
}
