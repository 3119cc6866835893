import pg from 'pg'
import { EXPORT_FORMATS } from '../../lib/contract/export-shapes'
import { startBenchDatabase } from '../events/database'
import { generateEvents } from '../events/generate'
import { startBenchPlane } from '../events/plane'
import type { ExportMeasure } from '../export-one'
import { outputOf } from '../processes'

const ROUNDS = 3
const MEGA = 1_000_000

/**
 * How long an export of all events of an organisation takes, from the first byte read to the manifest, and what memory it
 * needs; each in a process of its own, PostgreSQL beside it. `bare` reads the stored lines and drops them. `BENCH_EVENT_ROWS` says
 * of how many (1,000,000).
 */
export async function benchExports(): Promise<string> {
  const count = Number(process.env.BENCH_EVENT_ROWS ?? MEGA)
  const database = await startBenchDatabase()
  try {
    const plane = await startBenchPlane(database.url)
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const endMs = Math.floor(Date.now() / 1_000) * 1_000
    await generateEvents(client, { orgId: plane.orgId, count, days: 30, endMs, seed: 11 })
    await client.query('vacuum (freeze, analyze) events, usage_hourly, usage_daily')
    await client.query('checkpoint')
    await client.end()
    const env = { ...process.env, BENCH_APP_URL: plane.url, BENCH_ORG_ID: plane.orgId }
    const rows: string[] = []
    for (const format of ['bare', ...EXPORT_FORMATS]) {
      const measures: ExportMeasure[] = []
      for (let round = 0; round < (count > MEGA ? 1 : ROUNDS); round++) measures.push(await measure(format, env))
      rows.push(rowOf(format, measures))
    }
    await plane.close()
    return [
      `### Exports of ${count.toLocaleString('en')} events`,
      '',
      '| format | s (best, median, worst) | rows/s | CPU s | bytes/row | base MB | peak MB | first byte ms |',
      '|---|---|---|---|---|---|---|---|',
      ...rows,
    ].join('\n')
  } finally {
    await database.stop()
  }
}

async function measure(format: string, env: NodeJS.ProcessEnv): Promise<ExportMeasure> {
  return JSON.parse(await outputOf('export-one', [format], env)) as ExportMeasure
}

function rowOf(format: string, measures: ExportMeasure[]): string {
  const sorted = measures.toSorted((a, b) => a.seconds - b.seconds)
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (!middle) throw new Error('Nothing was measured.')
  const seconds = [sorted[0], middle, sorted.at(-1)].map((one) => one?.seconds.toFixed(2)).join(', ')
  const peak = Math.max(...measures.map(({ peakRss }) => peakRss))
  const cells = [
    format,
    seconds,
    Math.round(middle.rows / middle.seconds).toLocaleString('en'),
    middle.cpuSeconds.toFixed(2),
    Math.round(middle.bytes / middle.rows),
    Math.round(middle.baseRss / MEGA),
    Math.round(peak / MEGA),
    (middle.firstByteSeconds * 1_000).toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}
