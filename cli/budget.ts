import { type Command, Option } from 'commander'
import type { z } from 'zod'
import type { Client } from '@/lib/client'
import { type Budget, budgets, type Held, type Raise } from '@/lib/contract/budgets'
import { BUDGET_WINDOWS, ON_UNAVAILABLE, ROLLOVERS, type SpendScope } from '@/lib/contract/spend-shapes'
import { AppError } from '@/lib/errors'
import { commaList, integer } from './arguments'
import { addCommand, type Kt } from './command'
import { dollars } from './dollars'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import type { Column } from './print'
import { confirm, isInteractive } from './prompt'
import { findTeam } from './team'
import { cellTime, printable, toSeconds } from './text'

type Definition = Omit<z.input<typeof budgets.create.input>, 'name' | 'limit_usd'>
type DefinitionOptions = {
  name?: string
  limit?: string
  team?: string
  user?: string
  agent?: string
  token?: string
  model?: string
  provider?: string
  everything?: boolean
  watch?: boolean
  refuse?: boolean
  window?: Definition['window']
  timeZone?: string
  anchor?: string
  rollover?: Definition['rollover']
  rolloverCap?: string
  thresholds?: number[]
  onUnavailable?: Definition['on_unavailable']
}
type Once = { idempotencyKey?: string }

const COLUMNS: Column<Budget>[] = [
  { header: 'NAME', cell: ({ name }) => name },
  { header: 'SCOPE', cell: ({ scope }) => scopeText(scope) },
  { header: 'WINDOW', cell: ({ window }) => window },
  { header: 'LIMIT', cell: ({ current }) => dollars(current.limit_usd) },
  { header: 'COMMITTED', cell: ({ current }) => dollars(current.committed_usd) },
  { header: 'HELD', cell: ({ current }) => dollars(current.held_usd) },
  { header: 'REMAINING', cell: ({ current }) => dollars(current.remaining_usd) },
  { header: 'RESETS', cell: ({ current }) => cellTime(current.resets_at, 'never') },
  { header: 'REFUSES', cell: ({ hard }) => (hard ? 'yes' : 'no') },
  { header: 'ID', cell: ({ id }) => id },
]

export function addBudgetGroup(io: Io, program: Command): void {
  const group = program.command('budget').alias('budgets').description('What may be spent by whom in which time')
  addReads(io, group)
  addChanges(io, group)
  addRaises(io, group)
}

function addReads(io: Io, group: Command): void {
  addCommand<{ limit: number }>(io, group, {
    name: 'list',
    summary: 'List budgets with what is committed, held and left, newest first',
    setUp: (command) => command.option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), ROWS_MAX),
    run: async ({ api, print }, { limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(budgets.list, position))
      print.list(page, COLUMNS, 'There are no budgets. `kt budget create` makes one.')
    },
  })
  addCommand(io, group, {
    name: 'get',
    summary: 'Show one budget, with what each gateway holds and what was raised',
    setUp: addWhich,
    run: async ({ api, print }, _options, [which = '']) => {
      const call = await api()
      const budget = await call(budgets.get, { id: (await findBudget(call, which)).id })
      print.record(budget, [...lines(budget), ...budget.held.map(heldLine), ...budget.raises.map(raiseLine)])
    },
  })
}

function addChanges(io: Io, group: Command): void {
  addCommand<DefinitionOptions & Once & { name: string; limit: string }>(io, group, {
    name: 'create',
    summary: 'Make a budget; what its window has cost so far counts',
    setUp: (command) =>
      addOnce(
        addDefinition(
          command
            .requiredOption('--name <name>', 'unique among budgets')
            .requiredOption('--limit <dollars>', 'of each window, such as 2500'),
        ),
      ),
    run: async ({ api, print }, { idempotencyKey, ...options }) => {
      const call = await api()
      const wanted = { ...(await definitionOf(call, options)), name: options.name, limit_usd: options.limit }
      const budget = await call(budgets.create, wanted, { idempotencyKey })
      print.record(budget, [`Budget created: ${budget.id}`, ...lines(budget)])
    },
  })
  addCommand<DefinitionOptions & { ifVersion?: number }>(io, group, {
    name: 'update',
    summary: 'Change a budget; another scope, window, zone or anchor begins a window at once',
    setUp: (command) =>
      addDefinition(
        addWhich(command).option('--name <name>', 'another name').option('--limit <dollars>', 'of each window'),
      )
        .option('--everything', 'count all requests of the organisation')
        .addOption(new Option('--refuse', 'refuse requests beyond the limit').conflicts('watch'))
        .option(
          '--if-version <number>',
          'change it only when this is its newest version',
          integer(1, Number.MAX_SAFE_INTEGER),
        ),
    run: async ({ api, print }, { ifVersion, ...options }, [which = '']) => {
      const call = await api()
      const { id, version } = await findBudget(call, which)
      const changes = { ...(await definitionOf(call, options)), name: options.name, limit_usd: options.limit }
      const budget = await call(budgets.update, { id, version: ifVersion ?? version, ...changes })
      print.record(budget, lines(budget))
    },
  })
  addCommand<{ yes?: boolean }>(io, group, {
    name: 'delete',
    summary: 'Delete a budget: it refuses nothing from then on',
    setUp: (command) => addWhich(command).option('--yes', 'do not ask'),
    run: async (kt, { yes }, [which = '']) => {
      const call = await kt.api()
      const budget = await findBudget(call, which)
      if (!yes && !(await agreesToDelete(kt, budget))) throw new AppError('conflict', 'Nothing was deleted.')
      kt.print.record(await call(budgets.delete, { id: budget.id }), [`Budget deleted: ${budget.name}`])
    },
  })
}

function addRaises(io: Io, group: Command): void {
  addCommand<Once & { amount: string; reason: string; until: string; approvedBy?: string }>(io, group, {
    name: 'raise',
    summary: 'Raise the limit of the window that is open, for a while',
    setUp: (command) =>
      addOnce(
        addWhich(command)
          .requiredOption('--amount <dollars>', 'by so much')
          .requiredOption('--reason <text>', 'kept in the activity log')
          .requiredOption('--until <time>', 'RFC 3339, or in which time, such as 24h or 7d')
          .option('--approved-by <name>', 'who agreed, when it is not you'),
      ),
    run: async ({ api, print }, { amount, reason, until, approvedBy, idempotencyKey }, [which = '']) => {
      const call = await api()
      const budget = await findBudget(call, which)
      const wanted = { id: budget.id, amount_usd: amount, reason, approved_by: approvedBy, expires_at: until }
      const raise = await call(budgets.raise, wanted, { idempotencyKey })
      print.record(raise, [`${budget.name}: ${raiseLine(raise)}`])
    },
  })
  addCommand(io, group, {
    name: 'end-raise',
    summary: 'End a raise before its time',
    setUp: (command) => addWhich(command).argument('<raise>', 'id of the raise, such as rse_019a...'),
    run: async ({ api, print }, _options, [which = '', raiseId = '']) => {
      const call = await api()
      const { id } = await findBudget(call, which)
      const raise = await call(budgets.endRaise, { id, raise_id: raiseId })
      print.record(raise, [raiseLine(raise)])
    },
  })
  addCommand<{ reason: string }>(io, group, {
    name: 'release',
    summary: 'Take back what a gateway holds that will not come back, before its time',
    setUp: (command) =>
      command
        .argument('<lease>', 'id of the lease, as `kt budget get` shows it')
        .requiredOption('--reason <text>', 'kept in the activity log'),
    run: async ({ api, print }, { reason }, [id = '']) => {
      const released = await (await api())(budgets.releaseHeld, { id, reason })
      print.record(released, [`Taken back: ${dollars(released.released_usd)}`])
    },
  })
}

const addWhich = (command: Command): Command => command.argument('<budget>', 'its name or its id')

const addOnce = (command: Command): Command =>
  command.option('--idempotency-key <key>', 'repeating the command with the same key does nothing twice')

const addDefinition = (command: Command): Command =>
  command
    .option('--team <team>', 'count requests of this team: its id or name')
    .option('--user <id>', 'of this user, as callers say in x-user-id')
    .option('--agent <id>', 'of this agent')
    .option('--token <id>', 'with this key')
    .option('--model <name>', 'that ask for this model')
    .option('--provider <name>', 'that this provider answers')
    .option('--watch', 'refuse nothing, only tell of thresholds')
    .addOption(new Option('--window <window>', 'month unless stated').choices(BUDGET_WINDOWS))
    .option('--time-zone <zone>', 'in which windows begin at midnight, such as Europe/Vienna; UTC unless stated')
    .option('--anchor <day>', 'a day on which a window begins, such as 2026-01-15; none: as the calendar has it')
    .addOption(new Option('--rollover <rule>', 'what becomes of what is left').choices(ROLLOVERS))
    .option('--rollover-cap <dollars>', 'with --rollover cap: at most so much')
    .option('--thresholds <list>', 'per cent of the limit to tell of, such as 50,80,100; none: nothing', percents)
    .addOption(new Option('--on-unavailable <rule>', 'what a gateway does that can ask nobody').choices(ON_UNAVAILABLE))

const percents = (text: string): number[] => (text === 'none' ? [] : commaList(text).map(integer(1, 1_000)))

/** Only what was said. Saying any part of a scope says all of it. */
async function definitionOf(call: Client, options: DefinitionOptions): Promise<Partial<Definition>> {
  const scope = {
    team_id: options.team === undefined ? undefined : (await findTeam(call, options.team)).id,
    user_id: options.user,
    agent_id: options.agent,
    token_id: options.token,
    model: options.model,
    provider: options.provider,
  }
  const isScoped = options.everything === true || Object.values(scope).some((part) => part !== undefined)
  return {
    ...(isScoped ? { scope } : {}),
    ...(options.watch ? { hard: false } : {}),
    ...(options.refuse ? { hard: true } : {}),
    window: options.window,
    time_zone: options.timeZone,
    ...(options.anchor === undefined ? {} : { anchor: options.anchor === 'none' ? null : options.anchor }),
    rollover: options.rollover,
    rollover_cap_usd: options.rolloverCap,
    thresholds: options.thresholds,
    on_unavailable: options.onUnavailable,
  }
}

/** By id, or by name: names are unique. */
async function findBudget(call: Client, which: string): Promise<Budget> {
  if (/^bud_[0-9a-z]{1,60}$/.test(which)) return call(budgets.get, { id: which })
  const { items } = await collectPages(ROWS_MAX, (position) => call(budgets.list, position))
  const found = items.find(({ name }) => name === which)
  if (!found) {
    throw new AppError('not_found', `There is no budget named "${which}". \`kt budget list\` shows what there is.`)
  }
  return found
}

/** Scripts run without a terminal: there nobody is asked. */
async function agreesToDelete({ io }: Kt, { name, current }: Budget): Promise<boolean> {
  if (!isInteractive(io)) return true
  const state = `${dollars(current.committed_usd)} of ${dollars(current.limit_usd)} committed`
  return confirm(io, `Delete the budget "${printable(name)}" (${state})? It refuses nothing from then on.`)
}

function lines({ name, scope, hard, window, time_zone, anchor, current, next_resets, ...rest }: Budget): string[] {
  const { projected_usd: projected, projected_exhaustion_at: exhausted } = current
  const reached = current.thresholds_reached.map(({ percent }) => percent)
  return [
    `Name: ${name}`,
    `Counts: ${scopeText(scope)}`,
    `Window: ${window}, ${time_zone}${anchor ? `, from ${anchor} on` : ''}; resets ${cellTime(current.resets_at, 'never')}`,
    `Limit: ${dollars(current.limit_usd)}${hard ? '' : ' (watched only)'}`,
    ...(isSome(current.carried_usd) ? [`Carried over: ${dollars(current.carried_usd)}`] : []),
    ...(isSome(current.raised_usd) ? [`Raised by: ${dollars(current.raised_usd)}`] : []),
    `Committed: ${dollars(current.committed_usd)}`,
    `Held by gateways: ${dollars(current.held_usd)}`,
    `Remaining: ${dollars(current.remaining_usd)}`,
    ...(isSome(current.excess_usd) ? [`Beyond the limit: ${dollars(current.excess_usd)}`] : []),
    ...(projected ? [`At its end, at this pace: ${dollars(projected)}`] : []),
    ...(exhausted ? [`Limit reached, at this pace: ${toSeconds(exhausted)}`] : []),
    `Thresholds: ${rest.thresholds.map((percent) => `${percent} %${reached.includes(percent) ? ' (reached)' : ''}`).join(', ') || 'none'}`,
    `Next resets: ${next_resets.map(toSeconds).join(', ') || 'never'}`,
    `Rollover: ${rest.rollover}${rest.rollover_cap_usd ? `, at most ${dollars(rest.rollover_cap_usd)}` : ''}`,
    `Without the control plane: ${rest.on_unavailable}`,
    `Version: ${rest.version}`,
  ]
}

/** One that is in use ends at its time unless it is renewed; of one that was not, what is left is waited for. */
const heldLine = ({ amount_usd, gateway_id, lease_id, state, expires_at, held_until }: Held): string =>
  `Held: ${dollars(amount_usd)} by ${gateway_id} until ${toSeconds(state === 'open' ? expires_at : held_until)} (${state}, ${lease_id})`

const raiseLine = (raise: Raise): string =>
  `Raise: ${dollars(raise.amount_usd)} until ${toSeconds(raise.ended_at ?? raise.expires_at)}${raise.ended_at ? ' (ended)' : ''}: ${raise.reason} (${raise.created_by.name}${raise.approved_by ? `, approved by ${raise.approved_by}` : ''}; ${raise.id})`

function scopeText(scope: SpendScope): string {
  const parts = Object.entries(scope).map(([part, value]) => `${part.replace(/_id$/, '')}=${value}`)
  return parts.join(' ') || 'everything'
}

const isSome = (usd: string): boolean => /[1-9]/.test(usd)
