import type { Command } from 'commander'
import { type Activity, activity } from '@/lib/contract/activity'
import { integer } from './arguments'
import { addCommand } from './command'
import { addExportCommand } from './export-jobs'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import type { Column } from './print'
import { cellTime } from './text'

type ListOptions = { filter?: string; since?: string; until?: string; limit: number }

const COLUMNS: Column<Activity>[] = [
  { header: 'TIME', cell: (entry) => cellTime(entry.at, '-') },
  { header: 'ACTOR', cell: (entry) => entry.actor.name },
  { header: 'ACTION', cell: (entry) => entry.action },
  { header: 'TARGET', cell: (entry) => entry.target.name ?? entry.target.id },
  { header: 'SOURCE', cell: (entry) => entry.source },
  { header: 'OUTCOME', cell: (entry) => entry.outcome },
  { header: 'ENTRY', cell: (entry) => entry.id },
]

export function addActivityGroup(io: Io, program: Command): void {
  const group = program.command('activity').description('Who changed what')
  addCommand<ListOptions>(io, group, {
    name: 'list',
    summary: 'List changes, newest first',
    setUp: (command) =>
      command
        .option('--filter <terms>', 'such as "action=token.revoked source=console"')
        .option('--since <time>', 'RFC 3339, or how long ago, such as 24h')
        .option('--until <time>', 'RFC 3339, or how long ago')
        .option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), 50),
    run: async ({ api, print }, { filter, since, until, limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(activity.list, { filter, since, until, ...position }))
      print.list(page, COLUMNS, 'No changes match.')
    },
  })
  addExportCommand(io, group, 'activity')
}
