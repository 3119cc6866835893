import type { Command } from 'commander'
import type { Client } from '@/lib/client'
import { TEAMS_MAX, type Team, teams } from '@/lib/contract/teams'
import { AppError } from '@/lib/errors'
import { integer } from './arguments'
import { addCommand, type Kt } from './command'
import type { Io } from './io'
import { collectPages } from './pages'
import type { Column } from './print'
import { confirm, isInteractive } from './prompt'
import { cellTime, printable } from './text'

const COLUMNS: Column<Team>[] = [
  { header: 'NAME', cell: ({ name }) => name },
  { header: 'ID', cell: ({ id }) => id },
  { header: 'CREATED', cell: (team) => cellTime(team.created_at, '-') },
]

export function addTeamGroup(io: Io, program: Command): void {
  const group = program.command('team').alias('teams').description('Teams, which have members, keys and a wallet')
  addCommand<{ limit: number }>(io, group, {
    name: 'list',
    summary: 'List teams by name',
    setUp: (command) => command.option('--limit <count>', 'at most so many', integer(1, TEAMS_MAX), TEAMS_MAX),
    run: async ({ api, print }, { limit }) => {
      const call = await api()
      print.list(await collectPages(limit, (position) => call(teams.list, position)), COLUMNS, 'There are no teams.')
    },
  })
  addCommand<{ name: string }>(io, group, {
    name: 'create',
    summary: 'Make a team',
    setUp: (command) => command.requiredOption('--name <name>', 'unique among teams'),
    run: async ({ api, print }, { name }) => {
      const team = await (await api())(teams.create, { name })
      print.record(team, ['Team created:', `Name: ${team.name}`, `Id: ${team.id}`])
    },
  })
  addCommand<{ name: string }>(io, group, {
    name: 'rename',
    summary: 'Rename a team; the record keeps its id',
    setUp: (command) =>
      command.argument('<team>', 'id or name').requiredOption('--name <name>', 'what it is called from now on'),
    run: async ({ api, print }, { name }, [which]) => {
      const call = await api()
      const before = await findTeam(call, which ?? '')
      const team = await call(teams.rename, { id: before.id, name })
      print.record(team, [`${before.name} is called ${team.name} now.`])
    },
  })
  addCommand<{ yes?: boolean }>(io, group, {
    name: 'delete',
    summary: 'Delete a team that has no members, no live keys and no money',
    setUp: (command) => command.argument('<team>', 'id or name').option('--yes', 'do not ask'),
    run: async (kt, { yes }, [which]) => {
      const call = await kt.api()
      const team = await findTeam(call, which ?? '')
      if (!yes && !(await agreesToDelete(kt, team))) throw new AppError('conflict', 'Nothing was deleted.')
      kt.print.record(await call(teams.delete, { id: team.id }), [`Team deleted: ${team.name}`])
    },
  })
}

/** By id, or by its whole name. */
export async function findTeam(call: Client, which: string): Promise<Team> {
  const { items } = await collectPages(TEAMS_MAX, (position) => call(teams.list, position))
  const team = items.find(({ id }) => id === which) ?? items.find(({ name }) => name === which)
  if (team) return team
  throw new AppError('not_found', `There is no team "${which}". \`kt team list\` shows what there is.`)
}

/** Scripts run without a terminal: there nobody is asked. */
async function agreesToDelete({ io }: Kt, { name }: Team): Promise<boolean> {
  return !isInteractive(io) || confirm(io, `Delete the team "${printable(name)}"? What it did stays in the record.`)
}
