import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { registerGateway } from '../../control-plane/gateways/commands'
import { asSystem } from '../../control-plane/system'
import { createToken } from '../../control-plane/tokens/commands'
import { createConsoleServer } from '../../server/console-server'
import { median } from '../processes'
import type { SenderData, SendOrder, SendReport } from '../send-events'
import { startBenchDatabase } from './database'
import { type BenchPlane, startBenchPlane } from './plane'
import { backendMs, measureTime, type TimePerEvent } from './processor-time'

/** What a request cost is posted to the ledger with its event; the last ones have no price. */
const CASES = [
  { batch: 100, isUnpriced: false },
  { batch: 500, isUnpriced: false },
  { batch: 1_000, isUnpriced: false },
  { batch: 500, isUnpriced: true },
]
const SENDERS = 4
const RUNS = 5
const RUN_MS = 3_000
const WARM_UP_MS = 3_000
/** As an ordinary chat has them. */
const CONTENT_BYTES = 1_536

/**
 * How many events the control plane records per second over HTTP, each batch durable before it is acknowledged: 4 gateways
 * of one organisation, one batch at a time each, from another thread of the same machine as control plane and PostgreSQL.
 * Beside it the bare limit: COPY of the very rows that were recorded, 500 to a transaction, into a table without indexes
 * and row-level security.
 */
export const benchIngest = () =>
  withSender(async (sender, owner) => {
    const rows = await recordedRows(owner)
    const lines: string[] = []
    for (const { batch, isUnpriced } of CASES) {
      const runs: { perSecond: number; ratio: number; report: SendReport; time: TimePerEvent; copyTime: number }[] = []
      for (let run = 0; run < RUNS; run++) {
        const timeOf = await measureTime(owner)
        const report = await sendWith(sender, { batch, durationMs: RUN_MS, isUnpriced })
        const time = await timeOf(report.recorded)
        const perSecond = perSecondOf(report)
        const limit = await copyLimit(owner, rows)
        runs.push({ perSecond, ratio: perSecond / limit.perSecond, report, time, copyTime: limit.microseconds })
      }
      const medianOf = (value: (run: (typeof runs)[number]) => number) => median(runs.map(value)).toFixed(0)
      const middle = runs.toSorted((a, b) => a.perSecond - b.perSecond)[RUNS >> 1]
      const all = runs.map(({ perSecond }) => Math.round(perSecond)).sort((a, b) => a - b)
      const ratio = runs.map((run) => run.ratio).sort((a, b) => a - b)[RUNS >> 1] ?? Number.NaN
      lines.push(
        `| ${batch}${isUnpriced ? ', without prices' : ''} | **${Math.round(middle?.perSecond ?? 0)}** (${all[0]}-${all.at(-1)}) | ${middle?.report.p50Ms.toFixed(0)} / ${middle?.report.p99Ms.toFixed(0)} ms | ${ratio.toFixed(2)} | ${medianOf(({ time }) => time.plane)} | ${medianOf(({ time }) => time.postgres)} | ${medianOf(({ copyTime }) => copyTime)} |`,
      )
    }
    const limits = []
    for (let run = 0; run < RUNS; run++) limits.push((await copyLimit(owner, rows)).perSecond)
    return [
      '## Event ingestion',
      '',
      '| batches of | events/s over HTTP | batch p50 / p99 | of the bare limit | us of processor: control plane | PostgreSQL | bare limit |',
      '|--:|--:|--:|--:|--:|--:|--:|',
      ...lines,
      '',
      `Bare limit: COPY of the same rows into an unindexed table, ${Math.round(limits.toSorted((a, b) => a - b)[RUNS >> 1] ?? 0)} rows/s.`,
      await diskPerEvent(owner),
    ].join('\n')
  })

/**
 * The same with captured content, request and answer of CONTENT_BYTES each, on the disk of an object store in the same
 * machine's temporary directory. Runs with and without content take turns, so that their ratio bears what the machine does.
 */
export const benchContent = () =>
  withSender(async (sender) => {
    const lines: string[] = []
    for (const batch of [100, 500]) {
      const runs: { without: number; report: SendReport; perSecond: number }[] = []
      for (let run = 0; run < RUNS; run++) {
        const without = perSecondOf(await sendWith(sender, { batch, durationMs: RUN_MS }))
        const report = await sendWith(sender, { batch, durationMs: RUN_MS, contentBytes: CONTENT_BYTES })
        runs.push({ without, report, perSecond: perSecondOf(report) })
      }
      const sorted = runs.toSorted((a, b) => a.perSecond - b.perSecond)
      const [first, middle, last] = [sorted[0], sorted[RUNS >> 1], sorted.at(-1)]
      const ratio = runs.map((run) => run.perSecond / run.without).sort((a, b) => a - b)[RUNS >> 1] ?? Number.NaN
      const { p50Ms = Number.NaN, p99Ms = Number.NaN } = middle?.report ?? {}
      const range = `${Math.round(first?.perSecond ?? 0)}-${Math.round(last?.perSecond ?? 0)}`
      lines.push(
        `| ${batch} | **${Math.round(middle?.perSecond ?? 0)}** (${range}) | ${p50Ms.toFixed(0)} / ${p99Ms.toFixed(0)} ms | ${ratio.toFixed(2)} |`,
      )
    }
    return [
      `## Event ingestion with request and answer of ${CONTENT_BYTES} bytes each`,
      '',
      '| batches of | events/s over HTTP | batch p50 / p99 | of the same without content |',
      '|--:|--:|--:|--:|',
      ...lines,
    ].join('\n')
  })

/** A control plane on a fresh database, and four gateways of one organisation in another thread that have sent to it already. */
async function withSender(work: (sender: Worker, owner: pg.Client) => Promise<string>): Promise<string> {
  const database = await startBenchDatabase()
  const plane = await startBenchPlane(database.url)
  const server = createConsoleServer({
    controlPlane: () => plane,
    pages: () => undefined,
    https: false,
    formOrigins: [],
    trustProxy: false,
    onError: (error) => {
      throw error
    },
  })
  const owner = new pg.Client({ connectionString: database.url })
  await owner.connect()
  server.server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  const workerData: SenderData = { url: `http://127.0.0.1:${port}`, gateways: await gatewaysOf(plane) }
  const sender = new Worker(new URL('./bench-send-events.mjs', import.meta.url), { workerData })
  try {
    await sendWith(sender, { batch: 500, durationMs: WARM_UP_MS })
    return await work(sender, owner)
  } finally {
    await sender.terminate()
    await server.close(1_000)
    await owner.end()
    await plane.close()
    await database.stop()
  }
}

const perSecondOf = ({ recorded, elapsedMs }: SendReport) => (recorded / elapsedMs) * 1_000

async function gatewaysOf({ services, orgId }: BenchPlane): Promise<SenderData['gateways']> {
  const gateways: SenderData['gateways'] = []
  for (let n = 0; n < SENDERS; n++) {
    const id = `gw_${n}`
    const { key } = await asSystem(services, orgId, async (ctx) => {
      await registerGateway(ctx, { id })
      const runtime = { token_type: 'access', purpose: 'gateway_runtime', gateway_id: id, scope: 'org' } as const
      return createToken(ctx, { name: `gateway ${n}`, ...runtime })
    })
    gateways.push({ id, key })
  }
  return gateways
}

async function sendWith(sender: Worker, order: SendOrder): Promise<SendReport> {
  sender.postMessage(order)
  const [report] = (await once(sender, 'message')) as [SendReport]
  return report
}

const ROWS_PER_COPY = 500

/** Recorded rows as COPY writes them, 500 to a piece. */
async function recordedRows(owner: pg.Client): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  for (let piece = 0; piece < 20; piece++) {
    const chunks: Buffer[] = []
    const stream = owner.query(
      copyTo(
        `copy (select ${await columns(owner)} from events order by seq desc limit ${ROWS_PER_COPY} offset ${piece * ROWS_PER_COPY}) to stdout`,
      ),
    )
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    pieces.push(Buffer.concat(chunks))
  }
  return pieces
}

async function columns(owner: pg.Client): Promise<string> {
  const { rows } = await owner.query<{ names: string }>(`
    select string_agg(quote_ident(attname), ', ' order by attnum) as names from pg_attribute
    where attrelid = 'events'::regclass and attnum > 0 and not attisdropped and attgenerated = ''`)
  return rows[0]?.names ?? ''
}

/** Rows per second, and microseconds of processor time that PostgreSQL takes for one. */
async function copyLimit(
  owner: pg.Client,
  pieces: readonly Buffer[],
): Promise<{ perSecond: number; microseconds: number }> {
  await owner.query('drop table if exists bare')
  await owner.query('create table bare (like events)')
  await owner.query('alter table bare set (toast_tuple_target = 8160)')
  const into = `copy bare (${await columns(owner)}) from stdin`
  const usedMs = await backendMs(owner)
  const startedAt = performance.now()
  for (const piece of pieces) {
    const stream = owner.query(copyFrom(into))
    stream.end(piece)
    await once(stream, 'finish')
  }
  const elapsedMs = performance.now() - startedAt
  const rows = pieces.length * ROWS_PER_COPY
  return { perSecond: (rows / elapsedMs) * 1_000, microseconds: (((await backendMs(owner)) - usedMs) / rows) * 1_000 }
}

/** Bytes per event, and those of the ledger per event that cost something. */
async function diskPerEvent(owner: pg.Client): Promise<string> {
  const { rows } = await owner.query<{ line: number; rows: number; indexes: number; ledger: number }>(`
    with parts as (select inhrelid::regclass as part from pg_inherits where inhparent = 'events'::regclass),
    counted as (select count(*)::float8 as n, avg(octet_length(line))::float8 as line from events),
    posted as (
      select count(*)::float8 as n, pg_total_relation_size('ledger_transactions') + pg_total_relation_size('ledger_entries') as bytes
      from ledger_transactions)
    select counted.n, line, (select sum(pg_table_size(part)) from parts)::float8 / counted.n as rows,
           (select sum(pg_indexes_size(part)) from parts)::float8 / counted.n as indexes,
           posted.bytes / greatest(posted.n, 1) as ledger from counted, posted`)
  const [{ line = 0, rows: table = 0, indexes = 0, ledger = 0 } = {}] = rows
  const [whole, ...parts] = [table + indexes, line, table - line, indexes, ledger].map((bytes) => Math.round(bytes))
  return `On disk ${whole} bytes per event: line ${parts[0]}, columns and page overhead ${parts[1]}, indexes ${parts[2]}. What it cost takes ${parts[3]} bytes more in the ledger.`
}
