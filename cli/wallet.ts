import { type Command, Option } from 'commander'
import type { Client } from '@/lib/client'
import { UNKNOWN_PRICE_RULES, WALLET_SCOPES, type WalletScope } from '@/lib/contract/spend-shapes'
import {
  type Movement,
  TRANSACTION_KINDS,
  type TransactionKind,
  type Wallet,
  type WalletTransaction,
  wallets,
} from '@/lib/contract/wallets'
import { AppError } from '@/lib/errors'
import { integer } from './arguments'
import { addCommand } from './command'
import { dollars } from './dollars'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import { type Column, createTable } from './print'
import { findTeam } from './team'
import { cellTime } from './text'

type Whose = { team?: string; user?: string }
type Once = { idempotencyKey?: string }
type MoveOptions = Whose & Once & { amount: string; note?: string; dryRun?: boolean }

const WALLETS: Column<Wallet>[] = [
  { header: 'WALLET', cell: ({ id }) => id },
  { header: 'NAME', cell: ({ name }) => name },
  { header: 'BALANCE', cell: (wallet) => dollars(wallet.balance_usd) },
  { header: 'HELD', cell: (wallet) => dollars(wallet.held_usd) },
  { header: 'RECEIVED', cell: (wallet) => dollars(wallet.received_usd) },
  { header: 'SPENT', cell: (wallet) => dollars(wallet.spent_usd) },
  { header: 'STATUS', cell: ({ status }) => status },
]

const MOVES: Column<WalletTransaction>[] = [
  { header: 'POSTED', cell: (row) => cellTime(row.posted_at, '-') },
  { header: 'KIND', cell: ({ kind }) => kind },
  { header: 'AMOUNT', cell: (row) => signed(row.amount_usd) },
  { header: 'HELD', cell: (row) => signed(row.held_change_usd) },
  { header: 'BALANCE', cell: (row) => dollars(row.balance_usd) },
  { header: 'WITH', cell: ({ counterpart }) => counterpart },
  { header: 'BY', cell: ({ actor }) => actor?.name ?? '-' },
  { header: 'FOR', cell: (row) => row.event_id ?? row.note ?? row.lease_id ?? '-' },
]

export function addWalletGroup(io: Io, program: Command): void {
  const group = program.command('wallet').alias('wallets').description('Money of the organisation, its teams and users')
  addReads(io, group)
  addMoves(io, group)
  addCommand(io, group, {
    name: 'check',
    summary: 'Add up the ledger again; exit code 1 when it does not come to zero or to its balances',
    run: async ({ api, print }) => {
      const found = await (await api())(wallets.check, {})
      const differences = found.differences.map(
        ({ account, balance_usd, entries_usd }) =>
          `${account}: the balance says ${dollars(balance_usd)}, its entries ${dollars(entries_usd)}`,
      )
      const verdict = found.balanced
        ? 'The ledger adds up: all entries come to zero, and every balance to the sum of its own.'
        : `The ledger does not add up: all entries come to ${dollars(found.sum_usd)}.`
      print.record(found, [verdict, ...differences])
      if (!found.balanced) throw new Exit(EXIT.failed)
    },
  })
  addCommand<SettingsOptions>(io, group, {
    name: 'settings',
    summary: 'Show how spend is governed; with options, change it',
    setUp: (command) =>
      command
        .addOption(
          new Option('--required <answer>', 'whether every request is paid from a wallet').choices(['yes', 'no']),
        )
        .addOption(
          new Option('--unknown-price <rule>', 'for requests whose price nobody knows').choices(UNKNOWN_PRICE_RULES),
        )
        .option('--unknown-price-usd <dollars>', 'what such a request is taken to cost under hold_default')
        .option('--time-zone <zone>', 'of months, such as Europe/Vienna'),
    run: async ({ api, print }, { required, unknownPrice, unknownPriceUsd, timeZone }) => {
      const call = await api()
      const change = {
        ...(required === undefined ? {} : { wallets_required: required === 'yes' }),
        ...(unknownPrice === undefined ? {} : { unknown_price: unknownPrice }),
        ...(unknownPriceUsd === undefined ? {} : { unknown_price_usd: unknownPriceUsd }),
        ...(timeZone === undefined ? {} : { time_zone: timeZone }),
      }
      const isChange = Object.keys(change).length > 0
      const kept = isChange ? await call(wallets.updateSettings, change) : await call(wallets.settings, {})
      print.record(kept, [
        kept.wallets_required
          ? 'Every request is paid from a wallet: of its user, its team or the organisation.'
          : 'Wallets are not required.',
        `A request whose price nobody knows: ${kept.unknown_price}${kept.unknown_price === 'hold_default' ? `, ${dollars(kept.unknown_price_usd)}` : ''}`,
        `Months: ${kept.time_zone}`,
      ])
    },
  })
}

type SettingsOptions = {
  required?: 'yes' | 'no'
  unknownPrice?: (typeof UNKNOWN_PRICE_RULES)[number]
  unknownPriceUsd?: string
  timeZone?: string
}

function addReads(io: Io, group: Command): void {
  addCommand<{ scope?: WalletScope; limit: number }>(io, group, {
    name: 'list',
    summary: 'List wallets: the organisation first, then teams, then users',
    setUp: (command) =>
      command
        .addOption(new Option('--scope <scope>', 'only these').choices(WALLET_SCOPES))
        .option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), ROWS_MAX),
    run: async ({ api, print }, { scope, limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(wallets.list, { scope, ...position }))
      print.list(page, WALLETS, 'No wallets match.')
    },
  })
  addCommand<Whose>(io, group, {
    name: 'balance',
    summary: 'Show what a user or a team can spend, and from which wallets',
    setUp: addWhose,
    run: async ({ api, print }, whose) => {
      const call = await api()
      const answer = await call(wallets.balance, await holderOf(call, whose))
      if (print.format !== 'table') return print.data(answer)
      print.record(answer, [
        ...createTable(WALLETS).format(answer.cascade, true),
        `Available: ${dollars(answer.available_usd)}`,
      ])
    },
  })
  addCommand<{ since?: string; until?: string; kind?: TransactionKind; limit: number }>(io, group, {
    name: 'transactions',
    summary: 'List what moved on a wallet, newest first',
    setUp: (command) =>
      command
        .argument('[wallet]', 'organization, team:<id> or user:<id>', 'organization')
        .option('--since <time>', 'RFC 3339, or how long ago: 24h, 7d')
        .option('--until <time>', 'likewise')
        .addOption(new Option('--kind <kind>', 'only these').choices(TRANSACTION_KINDS))
        .option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), 50),
    run: async ({ api, print }, { limit, since, until, kind }, [id = 'organization']) => {
      const call = await api()
      const page = await collectPages(limit, (position) =>
        call(wallets.transactions, { id, since, until, kind, ...position }),
      )
      print.list(page, MOVES, 'Nothing has moved.')
    },
  })
}

function addMoves(io: Io, group: Command): void {
  addCommand<Once & { amount: string; note?: string }>(io, group, {
    name: 'credit',
    summary: 'Put money into the wallet of the organisation',
    setUp: addAmount,
    run: async ({ api, print }, { amount, note, idempotencyKey }) => {
      const call = await api()
      const moved = await call(wallets.credit, { amount_usd: amount, note }, { idempotencyKey })
      print.record(moved, movementLines(moved))
    },
  })
  addCommand<Once & { amount: string; note?: string; dryRun?: boolean }>(io, group, {
    name: 'debit',
    summary: 'Take money out of the wallet of the organisation, as far as it is neither allocated, spent nor held',
    setUp: (command) => addDryRun(addAmount(command)),
    run: async ({ api, print }, { amount, note, dryRun, idempotencyKey }) => {
      const call = await api()
      const moved = await call(wallets.debit, { amount_usd: amount, note, dry_run: dryRun }, { idempotencyKey })
      print.record(moved, movementLines(moved))
    },
  })
  addCommand<MoveOptions & { from?: string }>(io, group, {
    name: 'allocate',
    summary: 'Move money down, to the wallet of a team or a user',
    setUp: (command) =>
      addDryRun(addWhose(addAmount(command))).option(
        '--from <wallet>',
        'the wallet that gives: organization unless stated',
      ),
    run: async ({ api, print }, { amount, note, from, dryRun, idempotencyKey, ...whose }) => {
      const call = await api()
      const holder = await holderOf(call, whose)
      const input = { ...holder, amount_usd: amount, from, note, dry_run: dryRun }
      const moved = await call(wallets.allocate, input, { idempotencyKey })
      print.record(moved, movementLines(moved))
    },
  })
  addCommand<MoveOptions & { to?: string }>(io, group, {
    name: 'reclaim',
    summary: 'Move money back up, as far as it is neither spent nor held',
    setUp: (command) =>
      addDryRun(addWhose(addAmount(command))).option(
        '--to <wallet>',
        'the wallet that gets it: organization unless stated',
      ),
    run: async ({ api, print }, { amount, note, to, dryRun, idempotencyKey, ...whose }) => {
      const call = await api()
      const holder = await holderOf(call, whose)
      const input = { ...holder, amount_usd: amount, to, note, dry_run: dryRun }
      const moved = await call(wallets.reclaim, input, { idempotencyKey })
      print.record(moved, movementLines(moved))
    },
  })
}

const addAmount = (command: Command): Command =>
  command
    .requiredOption('--amount <dollars>', 'US dollars, such as 500 or 0.25, with up to nine decimals')
    .option('--note <text>', 'kept with the transaction')
    .option('--idempotency-key <key>', 'asked again with the same key, it is done once and answered the same')

const addWhose = (command: Command): Command =>
  command
    .option('--team <team>', 'id or name of the team')
    .addOption(new Option('--user <id>', 'the user, as callers name it in x-user-id').conflicts('team'))

const addDryRun = (command: Command): Command => command.option('--dry-run', 'say what it would do, and do nothing')

async function holderOf(call: Client, { team, user }: Whose) {
  if (team === '' || user === '') throw new AppError('invalid_request', 'A team or a user has a name.')
  return team === undefined ? { user_id: user } : { team_id: (await findTeam(call, team)).id }
}

function movementLines({ transaction_id, kind, amount_usd, from, to }: Movement): string[] {
  const side = (wallet: Movement['from']) =>
    wallet ? [`${wallet.wallet_id}: ${dollars(wallet.balance_before_usd)} -> ${dollars(wallet.balance_after_usd)}`] : []
  return [
    transaction_id === null ? `It would ${kind} ${dollars(amount_usd)}:` : `${DONE[kind]} ${dollars(amount_usd)}:`,
    ...side(from),
    ...side(to),
    ...(transaction_id === null ? [] : [`Transaction: ${transaction_id}`]),
  ]
}

const DONE: Partial<Record<TransactionKind, string>> = {
  credit: 'Credited',
  debit: 'Debited',
  allocate: 'Allocated',
  reclaim: 'Reclaimed',
}

const signed = (usd: string): string => (/[1-9]/.test(usd) ? `${usd.startsWith('-') ? '' : '+'}${dollars(usd)}` : '-')
