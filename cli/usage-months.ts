import type { Command } from 'commander'
import { type MonthReport, type MonthState, usage } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import { integer } from './arguments'
import { addCommand } from './command'
import { dollars } from './dollars'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import { type Column, createTable } from './print'
import { confirm, isInteractive } from './prompt'
import { cellTime, toSeconds } from './text'

const MONTHS: Column<MonthState>[] = [
  { header: 'MONTH', cell: ({ month }) => month },
  { header: 'STATE', cell: ({ state }) => state },
  { header: 'COST USD', cell: (one) => dollars(one.cost_usd) },
  { header: 'TRANSACTIONS', cell: ({ transactions }) => String(transactions) },
  { header: 'LATE USD', cell: (one) => dollars(one.late_usd) },
  { header: 'POSTED LATER USD', cell: (one) => dollars(one.posted_later_usd) },
  { header: 'CLOSED', cell: (one) => cellTime(one.closed_at, '-') },
]

export function addMonthCommands(io: Io, group: Command): void {
  addCommand<{ limit: number }>(io, group, {
    name: 'months',
    summary: 'List months with what the ledger holds under each, newest first',
    setUp: (command) => command.option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), 24),
    run: async ({ api, print }, { limit }) => {
      const call = await api()
      print.list(await collectPages(limit, (position) => call(usage.months, position)), MONTHS, 'No months.')
    },
  })
  addCommand(io, group, {
    name: 'month',
    summary: 'Show the report of one month',
    setUp: (command) => command.argument('<month>', 'such as 2026-03'),
    run: async ({ api, print }, _options, [month = '']) => {
      const report = await (await api())(usage.month, { month })
      print.record(report, reportLines(report))
    },
  })
  addCommand<{ note?: string; yes?: boolean; idempotencyKey?: string }>(io, group, {
    name: 'close-month',
    summary: 'Close a month that is over, for good: its figures stay',
    setUp: (command) =>
      command
        .argument('<month>', 'such as 2026-03; months are closed in order')
        .option('--note <text>', 'stands in the activity')
        .option('--idempotency-key <key>', 'asked again with the same key, it is done once and answered the same')
        .option('--yes', 'do not ask'),
    run: async ({ api, print }, { note, yes, idempotencyKey }, [month = '']) => {
      const call = await api()
      // Scripts run it as the documentation prints it, without a terminal: there nobody is asked.
      if (!yes && isInteractive(io)) {
        const { cost_usd, transactions } = await call(usage.month, { month })
        const sums = `${dollars(cost_usd)} USD in ${transactions} transactions`
        const agreed = await confirm(io, `Close ${month} with ${sums}? It is never opened again.`)
        if (!agreed) throw new AppError('conflict', 'Nothing was closed.')
      }
      const closed = await call(usage.closeMonth, { month, note }, { idempotencyKey })
      print.record(closed, [
        `${closed.month} is closed: ${dollars(closed.cost_usd)} USD in ${closed.transactions} transactions.`,
      ])
    },
  })
}

const SHUT = 'closed, with a later month: what is recorded of it is posted under the first that is open'

type Part = { cost_usd: string; requests: number }

function reportLines(report: MonthReport): string[] {
  const closed = report.closed_at && `closed by ${report.closed_by?.name ?? '-'} at ${toSeconds(report.closed_at)}`
  const unpriced = report.by_model.reduce((sum, part) => sum + part.unpriced, 0)
  const tableOf = <T extends Part>(header: string, parts: T[], name: (part: T) => string) =>
    parts.length === 0
      ? []
      : [
          '',
          ...createTable<T>([
            { header, cell: name },
            { header: 'REQUESTS', cell: ({ requests }) => String(requests) },
            { header: 'COST USD', cell: (part) => dollars(part.cost_usd) },
          ]).format(parts, true),
        ]
  return [
    `${report.month}: ${closed || (report.state === 'closed' ? SHUT : report.state)}`,
    `From ${toSeconds(report.starts_at)} to ${toSeconds(report.ends_at)}`,
    `Cost: ${dollars(report.cost_usd)} USD in ${report.transactions} transactions`,
    `Of it late, of earlier months: ${dollars(report.late_usd)} USD in ${report.late_transactions} transactions`,
    `Of this month, posted later: ${dollars(report.posted_later_usd)} USD`,
    ...(unpriced > 0 ? [`Without a known price, and in no sum: ${unpriced} requests`] : []),
    ...tableOf('MODEL', report.by_model, ({ provider, model }) => `${provider || '-'} ${model || '-'}`),
    ...tableOf('TEAM', report.by_team, ({ team_id, name }) => name ?? (team_id || '-')),
    ...tableOf('KEY', report.by_key, ({ token_id, token_name }) => token_name || token_id || '-'),
    ...tableOf(
      'LATE FROM',
      report.late.map(({ transactions, ...late }) => ({ ...late, requests: transactions })),
      ({ month }) => month,
    ),
  ]
}
