import { type Command, Option } from 'commander'
import type { z } from 'zod'
import { USAGE_DIMENSIONS, USAGE_GROUPS_MAX, USAGE_INTERVALS, type UsageSums, usage } from '@/lib/contract/usage'
import { commaListOf, integer } from './arguments'
import { addCommand, type Kt } from './command'
import { dollars } from './dollars'
import type { Io } from './io'
import { type Column, createTable } from './print'
import { saveDownload } from './save-download'
import { cellTime } from './text'
import { addInvoiceCommands } from './usage-invoices'
import { addMonthCommands } from './usage-months'

type Options = {
  since: string
  until?: string
  groupBy?: string[]
  interval: (typeof USAGE_INTERVALS)[number]
  timeZone: string
  filter?: string
  compare?: boolean
  limit: number
  csv?: boolean
  to?: string
  force?: boolean
}

type Answer = z.output<typeof usage.read.output>
type Row = { at: string | null; cells: string[]; sums: UsageSums; previous: UsageSums | null }

/** `kt usage` answers by itself, and has commands for what follows from it. */
export function addUsageGroup(io: Io, program: Command): void {
  const group = addCommand<Options>(io, program, {
    name: 'usage',
    summary: 'What was used and what it cost; months and invoices',
    setUp: addOptions,
    run: (kt, options) => (options.csv || options.to !== undefined ? saveCsv(kt, options) : show(kt, options)),
  })
  addMonthCommands(io, group)
  addInvoiceCommands(io, group)
}

const addOptions = (command: Command): Command =>
  command
    .option('--since <time>', 'RFC 3339, a date in the time zone, or how long ago', '30d')
    .option('--until <time>', 'likewise; now when absent')
    .option('--group-by <list>', `up to two of ${USAGE_DIMENSIONS.join(', ')}`, commaListOf(USAGE_DIMENSIONS))
    .addOption(new Option('--interval <interval>', 'a row for each').choices(USAGE_INTERVALS).default('all'))
    .option('--time-zone <name>', 'in which days, weeks and months begin, such as Europe/Vienna', 'UTC')
    .option('--filter <terms>', 'field=value, !=, ~ (contains); comma for or, space for and')
    .option('--compare', 'with the time of the same length right before')
    .option('--limit <count>', 'groups, the dearest first', integer(1, USAGE_GROUPS_MAX), 50)
    .option('--csv', 'all points as CSV, as the API answers them')
    .option('--to <file>', 'where to write the CSV; stdout when absent')
    .option('--force', 'replace a file that is there')

const questionOf = ({ since, until, groupBy, interval, timeZone, filter }: Options) => ({
  since,
  until,
  filter,
  group_by: groupBy?.join(','),
  interval,
  time_zone: timeZone,
})

async function saveCsv({ api, io, print }: Kt, { to = '-', force = false, ...options }: Options): Promise<void> {
  const call = await api()
  const saved = await saveDownload(io, await call.download(usage.csv, questionOf(options)), { to, force })
  if (saved.file !== null) print.record(saved, [`${saved.file}: ${saved.bytes} bytes, SHA-256 ${saved.sha256}`])
}

async function show({ api, io, print }: Kt, options: Options): Promise<void> {
  const { compare, limit, interval } = options
  const call = await api()
  const answer = await call(usage.read, { ...questionOf(options), limit, compare: compare ? 'previous' : 'none' })
  if (print.format !== 'table') return print.data(answer)
  const dimensions = options.groupBy ?? []
  const rows = rowsOf(answer, dimensions, interval !== 'all')
  for (const line of createTable(columnsOf(dimensions, interval !== 'all', compare === true)).format(rows, true)) {
    print.line(line)
  }
  if (answer.total.unpriced > 0) {
    io.stderr.write(`${answer.total.unpriced} requests used tokens whose price is unknown: their cost is in no sum.\n`)
  }
}

function rowsOf(answer: Answer, dimensions: readonly string[], withTime: boolean): Row[] {
  const names = new Map(answer.groups.map(({ by, names }) => [JSON.stringify(by), names]))
  const cellsOf = (by: Record<string, string>) =>
    dimensions.map((dimension) => names.get(JSON.stringify(by))?.[dimension] ?? (by[dimension] || '-'))
  const groups = answer.groups.map(({ by, sums, previous }) => ({ at: null, cells: cellsOf(by), sums, previous }))
  const points = answer.points.map(({ at, by, sums }) => ({ at, cells: cellsOf(by), sums, previous: null }))
  const rest = answer.rest && {
    at: null,
    cells: [`${answer.rest.groups} others`],
    sums: answer.rest.sums,
    previous: null,
  }
  const total = { at: null, cells: ['Total'], sums: answer.total, previous: answer.previous }
  return [...(withTime ? points : groups), ...(rest ? [rest] : []), total]
}

function columnsOf(dimensions: readonly string[], withTime: boolean, withPrevious: boolean): Column<Row>[] {
  const time: Column<Row> = {
    header: 'FROM',
    cell: ({ at, cells }) => (at === null ? (cells[0] ?? '') : cellTime(at, '-')),
  }
  const by = (dimensions.length > 0 ? dimensions : withTime ? [] : ['']).map((dimension, place) => ({
    header: dimension.toUpperCase(),
    // Under times, what a row is of stands in their column.
    cell: ({ at, cells }: Row) => (withTime && at === null ? '' : (cells[place] ?? '')),
  }))
  const sum = (header: string, of: (sums: UsageSums) => string): Column<Row> => ({
    header,
    cell: ({ sums }) => of(sums),
  })
  return [
    ...(withTime ? [time] : []),
    ...by,
    sum('REQUESTS', ({ requests }) => String(requests)),
    sum('ERRORS', ({ errors }) => String(errors)),
    sum('INPUT', ({ tokens_input }) => String(tokens_input)),
    sum('OUTPUT', ({ tokens_output }) => String(tokens_output)),
    sum('COST USD', ({ cost_usd }) => dollars(cost_usd)),
    ...(withPrevious
      ? [{ header: 'BEFORE USD', cell: ({ previous }: Row) => (previous ? dollars(previous.cost_usd) : '-') }]
      : []),
  ]
}
