import { type Command, Option } from 'commander'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { integer } from './arguments'
import { addCommand, type Kt } from './command'
import { addExportCommand } from './export-jobs'
import { followEvents } from './follow-events'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import type { Column } from './print'
import { cellTime } from './text'

type ListOptions = { filter?: string; since?: string; until?: string; limit: number }
type TailOptions = { filter?: string; limit?: number; follow: boolean }

/** How many earlier events `kt events tail` shows when no limit is given. */
const TAIL_BACKLOG = 10

const COLUMNS: Column<DecisionEvent>[] = [
  { header: 'TIME', cell: (event) => cellTime(event.timestamp, '-'), minWidth: 19 },
  { header: 'VERDICT', cell: (event) => event.verdict, minWidth: 8 },
  { header: 'STATUS', cell: (event) => String(event.status_code) },
  { header: 'TOKEN', cell: (event) => event.token_name ?? event.identity, minWidth: 16 },
  { header: 'MODEL', cell: (event) => event.model ?? event.model_requested ?? '-', minWidth: 12 },
  { header: 'TOKENS', cell: (event) => (event.tokens ? String(event.tokens.input + event.tokens.output) : '-') },
  { header: 'MS', cell: (event) => String(Math.round(event.latency.total_ms)), minWidth: 5 },
  { header: 'REASON', cell: (event) => event.reason_code, minWidth: 8 },
  { header: 'EVENT', cell: (event) => event.event_id },
]

export function addEventsGroup(io: Io, program: Command): void {
  const group = program.command('events').description('What the gateways decided')
  addTail(io, group)
  addList(io, group)
  addExportCommand(io, group, 'events')
  addCommand(io, group, {
    name: 'get',
    summary: 'Show one event with everything that was recorded',
    setUp: (command) => command.argument('<id>', 'event id, such as evt_019a...'),
    run: async ({ api, print }, _options, [id = '']) => {
      const call = await api()
      print.data(await call(events.get, { id }))
    },
  })
}

function addList(io: Io, group: Command): void {
  addCommand<ListOptions>(io, group, {
    name: 'list',
    summary: 'List events, newest first',
    setUp: (command) =>
      addFilter(command)
        .option('--since <time>', 'RFC 3339, or how long ago, such as 24h')
        .option('--until <time>', 'RFC 3339, or how long ago')
        .option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), 50),
    run: async ({ api, print }, { filter, since, until, limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(events.list, { filter, since, until, ...position }))
      print.list(page, COLUMNS, 'No events match.')
    },
  })
}

function addTail(io: Io, group: Command): void {
  addCommand<TailOptions>(io, group, {
    name: 'tail',
    summary: 'Show the newest events, then follow',
    setUp: (command) =>
      addFilter(command)
        .option('--limit <count>', 'end after so many, counting the earlier ones shown first', integer(1, ROWS_MAX))
        .addOption(new Option('--no-follow', 'show only what is there')),
    run: tail,
  })
}

/** Earlier events first, up to the limit, then live ones until the limit or Ctrl-C. */
async function tail({ io, api, print }: Kt, { filter, limit, follow }: TailOptions): Promise<void> {
  const call = await api()
  // The head is read before the backlog, so that whatever is recorded in between comes by the stream.
  const head = (await call(events.list, { limit: 1 })).items[0]?.seq ?? 0
  const backlog = await collectPages(limit ?? TAIL_BACKLOG, (position) => call(events.list, { filter, ...position }))
  const show = print.stream(COLUMNS)
  for (const event of backlog.items.toReversed()) show(event)

  const left = (limit ?? Number.POSITIVE_INFINITY) - backlog.items.length
  if (!follow || left <= 0) return
  const shown = new Set(backlog.items.filter(({ seq }) => seq > head).map(({ seq }) => seq))
  await followEvents(io, call, { filter, after: head, skip: shown, count: left, show })
}

const addFilter = (command: Command): Command =>
  command.option('--filter <terms>', 'field=value, !=, >, <, ~ (contains); comma for or, space for and')
