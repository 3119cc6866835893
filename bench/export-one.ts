import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import pino from 'pino'
import type { Services } from '../control-plane/context'
import { openDatabase } from '../control-plane/database'
import { insertExport } from '../control-plane/exports/commands'
import { fileOf } from '../control-plane/exports/download'
import { readExport } from '../control-plane/exports/queries'
import { runExport } from '../control-plane/exports/run/run-export'
import { Jobs } from '../control-plane/jobs/jobs'
import { DiskDriver } from '../control-plane/objects/disk-driver'
import { ObjectStore } from '../control-plane/objects/object-store'
import { PushHub } from '../control-plane/push'
import { asSystem } from '../control-plane/system'
import type { ExportFormat } from '../lib/contract/export-shapes'
import { type Consumed, startMeasure } from './consumed'

/** What one process measured of one export; sizes in bytes, times in seconds. */
export type ExportMeasure = Consumed & {
  rows: number
  bytes: number
  /** From the question for the finished file to its first bytes. */
  firstByteSeconds: number
}

/** Argument: the format, or `bare` for reading the stored lines and dropping them. Prints an ExportMeasure in JSON. */
const [format = 'bare'] = process.argv.slice(2)
const { BENCH_APP_URL: url = '', BENCH_ORG_ID: orgId = '' } = process.env
const measure = format === 'bare' ? await measureBare() : await measureExport(format as ExportFormat)
process.stdout.write(`${JSON.stringify(measure)}\n`)
process.exit(0)

async function measureBare(): Promise<ExportMeasure> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query("select set_config('app.org_id', $1, false)", [orgId])
  const consumed = startMeasure()
  const query = `copy (select line from events where org_id = ${client.escapeLiteral(orgId)}) to stdout (format binary)`
  const stream = client.query(copyTo(query))
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) bytes += chunk.length
  const measured = consumed()
  const { rows } = await client.query<{ count: string }>('select count(*) as count from events where org_id = $1', [
    orgId,
  ])
  await client.end()
  return { ...measured, rows: Number(rows[0]?.count), bytes, firstByteSeconds: 0 }
}

async function measureExport(format: ExportFormat): Promise<ExportMeasure> {
  const handle = openDatabase(url, { poolMax: 4 })
  const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-export-'))
  const log = pino({ level: 'error' })
  const jobs = new Jobs({ url, log, works: false })
  const objects = new ObjectStore(await DiskDriver.open(directory))
  // What an export uses of them.
  const services = { db: handle.db, log, jobs, objects, hub: new PushHub() } as unknown as Services
  try {
    const now = Date.now()
    const since = new Date(now - 365 * 86_400_000).toISOString()
    const until = new Date(now + 86_400_000).toISOString()
    const made = await asSystem(services, orgId, (ctx) =>
      insertExport(ctx, {
        type: 'events',
        format,
        filter: '',
        fields: null,
        purpose: '',
        teamId: null,
        since,
        until,
        scheduleId: null,
      }),
    )
    const consumed = startMeasure()
    const run = { id: 'bench', attempt: 1, isLastAttempt: false, signal: new AbortController().signal }
    await runExport(services, { org_id: orgId, export_id: made.id }, run)
    const measured = consumed()
    const askedMs = performance.now()
    const [row, file] = await asSystem(services, orgId, async ({ tx }) => {
      const found = await readExport(tx, orgId, made.id)
      if (found?.state !== 'completed') throw new Error(`The export is ${found?.state}: ${found?.error}`)
      return [found, await fileOf({ tx, services }, found, undefined)] as const
    })
    for await (const _ of file.read(undefined, new AbortController().signal)) break
    const firstByteSeconds = (performance.now() - askedMs) / 1_000
    return { ...measured, rows: row.rowsDone, bytes: row.bytes, firstByteSeconds }
  } finally {
    await jobs.close()
    await handle.close()
    await rm(directory, { recursive: true, force: true })
  }
}
