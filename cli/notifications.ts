import type { Command } from 'commander'
import { type Notification, notifications } from '@/lib/contract/notifications'
import { integer } from './arguments'
import { addCommand } from './command'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import type { Column } from './print'
import { cellTime } from './text'

const COLUMNS: Column<Notification>[] = [
  { header: 'TIME', cell: (one) => cellTime(one.at, '-') },
  { header: 'SEVERITY', cell: (one) => one.severity },
  { header: 'KIND', cell: (one) => one.kind },
  { header: 'ABOUT', cell: (one) => one.target.name ?? one.target.id },
  { header: 'READ', cell: (one) => (one.read ? 'yes' : 'no') },
  { header: 'SEQ', cell: (one) => String(one.seq) },
]

export function addNotificationsGroup(io: Io, program: Command): void {
  const group = program.command('notifications').description('What you are told of without looking for it')
  addCommand<{ limit: number }>(io, group, {
    name: 'list',
    summary: 'List notifications, newest first',
    setUp: (command) => command.option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), 50),
    run: async ({ api, print }, { limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(notifications.list, position))
      print.list(page, COLUMNS, 'Nothing to tell you.')
    },
  })
  addCommand<{ until?: number }>(io, group, {
    name: 'read',
    summary: 'Mark notifications as read, for you alone',
    setUp: (command) =>
      command.option(
        '--until <seq>',
        'this one and all before it; all when absent',
        integer(0, Number.MAX_SAFE_INTEGER),
      ),
    run: async ({ api, print }, { until = Number.MAX_SAFE_INTEGER }) => {
      const marked = await (await api())(notifications.markRead, { until_seq: until })
      print.record(marked, [`Unread: ${marked.unread}`])
    },
  })
}
