import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { Client } from '@/lib/client'
import {
  EXPORT_FORMATS,
  type Export,
  type ExportFormat,
  type ExportSummary,
  type ExportType,
} from '@/lib/contract/export-shapes'
import { exports } from '@/lib/contract/exports'
import { commaList, integer } from './arguments'
import { addCommand, type Kt } from './command'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import type { Column } from './print'
import { bytesText, createProgress } from './progress'
import { saveDownload } from './save-download'
import { cellTime } from './text'

type ExportOptions = {
  format: ExportFormat
  since: string
  until?: string
  filter?: string
  fields?: string[]
  purpose?: string
}
type CreateOptions = ExportOptions & { type: ExportType; dateFrom?: string; dateTo?: string; wait?: boolean }
type SaveOptions = { to?: string; force?: boolean }
type WhichOptions = { id?: string }

const POLL_MS = [100, 200, 300, 500, 1_000, 2_000]
const TYPES = ['events', 'activity', 'escalations', 'audit-log'] as const

const COLUMNS: Column<ExportSummary>[] = [
  { header: 'ID', cell: (one) => one.id },
  { header: 'TYPE', cell: (one) => one.type },
  { header: 'FORMAT', cell: (one) => one.format },
  { header: 'FROM', cell: (one) => cellTime(one.since, '-') },
  { header: 'TO', cell: (one) => cellTime(one.until, '-') },
  { header: 'ROWS', cell: (one) => String(one.rows_done) },
  { header: 'SIZE', cell: (one) => bytesText(one.bytes) },
  { header: 'STATE', cell: (one) => one.state },
]

export function addExportJobsGroup(io: Io, program: Command): void {
  const group = program.command('export-jobs').alias('export').description('Files of events and activity of any size')
  addCreate(io, group)
  addCommand<{ limit: number }>(io, group, {
    name: 'list',
    summary: 'List exports, newest first',
    setUp: (command) => command.option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), 50),
    run: async ({ api, print }, { limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(exports.list, position))
      print.list(page, COLUMNS, 'No exports.')
    },
  })
  addOne(io, group, 'get', 'Show an export with its manifest', async ({ api, print }, id) =>
    print.data(await (await api())(exports.get, { id })),
  )
  addOne(io, group, 'cancel', 'Stop an export that waits or runs', async ({ api, print }, id) => {
    const one = await (await api())(exports.cancel, { id })
    print.record(one, [`${one.id} is ${one.state}.`])
  })
  addOne(io, group, 'delete', 'Delete an export and its files', async ({ api, print }, id) => {
    const gone = await (await api())(exports.delete, { id })
    print.record(gone, [`${gone.id} is deleted.`])
  })
  addDownload(io, group)
}

function addCreate(io: Io, group: Command): void {
  addCommand<CreateOptions & SaveOptions>(io, group, {
    name: 'create',
    summary: 'Begin an export; with --wait or --to, download it when it is ready',
    setUp: (command) =>
      addExportOptions(command)
        .addOption(
          new Option('--type <type>', 'what to export; audit-log is activity')
            .choices(TYPES)
            .argParser((text) => (text === 'audit-log' ? 'activity' : text))
            .default('events'),
        )
        .option('--date-from <time>', 'the same as --since')
        .option('--date-to <time>', 'the same as --until')
        .option('--wait', 'until it is ready'),
    run: async (kt, { type, dateFrom, dateTo, wait, to, force, ...options }) => {
      const call = await kt.api()
      const since = dateFrom ?? options.since
      const begun = await beginExport(call, type, { ...options, since, until: dateTo ?? options.until })
      if (!wait && to === undefined) return kt.print.record(begun, [`${begun.id} is ${begun.state}.`, nextStep(begun)])
      const ready = await awaitExport(kt.io, call, begun)
      if (to === undefined) return kt.print.record(ready, [...factsOf(ready), nextStep(ready)])
      await download(kt, ready.id, { to, force }, ready)
    },
  })
}

/** `kt events export` and `kt activity export`: begin, wait and download in one go. */
export function addExportCommand(io: Io, group: Command, type: ExportType): void {
  addCommand<ExportOptions & SaveOptions>(io, group, {
    name: 'export',
    summary: `Export ${type} to a file (JSON, JSON Lines, CSV or Parquet)`,
    setUp: addExportOptions,
    run: async (kt, { to, force, ...options }) => {
      const call = await kt.api()
      const ready = await awaitExport(kt.io, call, await beginExport(call, type, options))
      await download(kt, ready.id, { to, force }, ready)
    },
  })
}

/** The options of a definition, and where the file goes. */
const addExportOptions = (command: Command): Command =>
  command
    .addOption(new Option('--format <format>', 'of the file').choices(EXPORT_FORMATS).default('json'))
    .option('--since <time>', 'RFC 3339, or how long ago, such as 24h', '24h')
    .option('--until <time>', 'RFC 3339, or how long ago; now when absent')
    .option('--filter <terms>', 'field=value, !=, >, <, ~ (contains); comma for or, space for and')
    .option('--fields <list>', 'only these, in this order', commaList)
    .option('--purpose <text>', 'what it is for; stands in the manifest and in the activity')
    .option('--to <file>', 'where to write it; - is stdout')
    .option('--force', 'replace a file that is there')

const beginExport = (
  call: Client,
  type: ExportType,
  { format, since, until, filter, fields, purpose }: ExportOptions,
): Promise<Export> => call(exports.create, { type, format, time_window: { since, until }, filter, fields, purpose })

/** Asks until it is ready. An export that comes to another end ends the command. */
async function awaitExport(io: Io, call: Client, begun: Export): Promise<Export> {
  const progress = createProgress(io, 'Exporting rows')
  let seen = begun
  try {
    for (let asked = 0; seen.state === 'queued' || seen.state === 'running'; asked++) {
      progress.show(seen.rows_done, seen.rows_total)
      await sleep(POLL_MS[Math.min(asked, POLL_MS.length - 1)])
      seen = await call(exports.get, { id: seen.id })
    }
  } finally {
    progress.end()
  }
  if (seen.state === 'completed') return seen
  io.stderr.write(`kt: The export ${seen.id} is ${seen.state}${seen.error ? `: ${seen.error}` : '.'}\n`)
  throw new Exit(EXIT.failed)
}

/** Downloads a file and says so; on stdout the file is all there is. */
async function download(
  { api, io, print }: Kt,
  id: string,
  { to, force = false, part }: SaveOptions & { part?: string },
  known?: Export,
): Promise<void> {
  const call = await api()
  const saved = await saveDownload(io, await call.download(exports.download, { id, part }), { to, force })
  if (saved.file === null) return
  const facts = known ? factsOf(known) : []
  print.record({ id, ...saved }, [`${saved.file}: ${bytesText(saved.bytes)}, SHA-256 ${saved.sha256}`, ...facts])
}

function addDownload(io: Io, group: Command): void {
  addCommand<SaveOptions & WhichOptions & { part?: string }>(io, group, {
    name: 'download',
    summary: 'Download an export that is ready, and check it against its SHA-256',
    setUp: (command) =>
      addWhich(command)
        .option('--part <part>', 'the number of one part, or manifest.json')
        .option('--to <file>', 'where to write it; - is stdout; its own name when absent')
        .option('--force', 'replace a file that is there'),
    run: (kt, { id, ...options }, [named]) => download(kt, id ?? named ?? '', options),
  })
}

function addOne(io: Io, group: Command, name: string, summary: string, run: (kt: Kt, id: string) => Promise<void>) {
  addCommand<WhichOptions>(io, group, {
    name,
    summary,
    setUp: addWhich,
    run: (kt, { id }, [named]) => run(kt, id ?? named ?? ''),
  })
}

const addWhich = (command: Command): Command =>
  command.argument('[id]', 'id of the export, such as exp_019a...').option('--id <id>', 'the same')

const factsOf = ({ id, rows_done, bytes, cost_usd, unpriced, manifest }: Export): string[] => [
  `${id}: ${rows_done} rows, ${bytesText(bytes)}${cost_usd === null ? '' : `, ${cost_usd} USD`}${unpriced ? `, ${unpriced} rows without a known price` : ''}`,
  ...(manifest?.trail.uncovered ? ['Its newest rows are not covered by a digest yet.'] : []),
]

const nextStep = ({ id }: Export) => `Next: kt export-jobs download ${id}`
