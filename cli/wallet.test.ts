import { PassThrough } from 'node:stream'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Team, teams } from '@/lib/contract/teams'
import { type Movement, type SpendSettings, type Wallet, type WalletTransaction, wallets } from '@/lib/contract/wallets'
import { AppError } from '@/lib/errors'
import { runCli } from './program'
import { contractServer } from './testing'

const server = contractServer()

/** In this process, without a terminal. */
async function kt(line: string) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const env = { KEEPTRUSTS_API_URL: server.url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test', HOME: '/nowhere' }
  const code = await runCli(line.split(' '), { stdin, stdout, stderr, env })
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const TEAM: Team = { ...(teams.create.example.output as Team), id: 'team_finance', name: 'Finance' }
const { items: LISTED } = wallets.list.example.output as { items: Wallet[] }
const MOVED = wallets.allocate.example.output as Movement
const { items: ROWS } = wallets.transactions.example.output as { items: WalletTransaction[] }
const asked = (name: string) => server.asked.filter((one) => one.name === name)

beforeEach(() => {
  server.on(teams.list, () => ({ items: [TEAM], next_cursor: null }))
  server.on(wallets.list, () => ({ items: LISTED, next_cursor: null }))
  server.on(wallets.balance, () => ({ cascade: LISTED, available_usd: '480.000000000' }))
  server.on(wallets.transactions, () => ({ items: ROWS, next_cursor: null }))
  server.on(wallets.allocate, ({ dry_run }) => (dry_run ? { ...MOVED, transaction_id: null } : MOVED))
  server.on(wallets.reclaim, () => ({ ...MOVED, kind: 'reclaim' as const }))
  server.on(wallets.credit, () => wallets.credit.example.output as Movement)
  server.on(wallets.debit, ({ dry_run }) => {
    const debited = wallets.debit.example.output as Movement
    return dry_run ? { ...debited, transaction_id: null } : debited
  })
  server.on(wallets.check, () => wallets.check.example.output as never)
})

describe('kt wallet', () => {
  test('list shows what each wallet has, holds, was given and has spent', async () => {
    const { code, stdout } = await kt('wallet list')
    expect(code).toBe(0)
    expect(stdout).toBe(
      [
        'WALLET             NAME     BALANCE  HELD  RECEIVED  SPENT  STATUS',
        'team:team_finance  Finance  480.00   5.00  500.00    15.00  healthy\n',
      ].join('\n'),
    )
    const asJson = await kt('wallet list --scope team --json')
    expect(JSON.parse(asJson.stdout)).toEqual({ items: LISTED, next_cursor: null })
    expect(asked('wallets.list').at(-1)?.input).toMatchObject({ scope: 'team' })
  })

  test('balance shows the wallets that pay, in order, and what they can', async () => {
    const { stdout } = await kt('wallet balance --team Finance')
    expect(stdout).toMatch(/^WALLET .*\nteam:team_finance .*\nAvailable: 480\.00\n$/)
    expect(asked('wallets.balance').at(-1)?.input).toEqual({ team_id: 'team_finance' })
    await kt('wallet balance --user ada --output yaml')
    expect(asked('wallets.balance').at(-1)?.input).toEqual({ user_id: 'ada' })
  })

  test.each([
    ['all of them stand in the message', 'amount_usd: must be more; note: is too long', ''],
    ['one of them does', 'amount_usd: must be more', ''],
    ['none of them does', 'That cannot be.', 'kt: That cannot be.\n  '],
  ])('says each problem of an answer once when %s', async (_, message, before) => {
    server.on(wallets.credit, () => {
      const errors = [
        { path: 'amount_usd', message: 'must be more' },
        { path: 'note', message: 'is too long' },
      ]
      throw new AppError('unprocessable', message, { errors })
    })
    const { stderr } = await kt('wallet credit --amount 1')
    expect(stderr).toBe(`${before || 'kt: '}amount_usd: must be more\n  note: is too long\n`)
  })

  test('allocate says both sides, before and after, and is done once per key', async () => {
    const { code, stdout } = await kt('wallet allocate --team Finance --amount 500 --idempotency-key approval-17')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: [
        'Allocated 500.00:',
        'organization: 2000.00 -> 1500.00',
        'team:team_finance: 0.00 -> 500.00',
        `Transaction: ${MOVED.transaction_id}\n`,
      ].join('\n'),
    })
    const [{ input, headers } = { input: {}, headers: {} }] = asked('wallets.allocate')
    expect(input).toEqual({ team_id: 'team_finance', amount_usd: '500', dry_run: false })
    expect(headers).toMatchObject({ 'idempotency-key': 'approval-17' })
  })

  test('allocate and reclaim can be tried without moving anything', async () => {
    const { stdout } = await kt('wallet allocate --team team_finance --amount 500 --dry-run')
    expect(stdout).toMatch(/^It would allocate 500\.00:\norganization: /)
    expect(stdout).not.toContain('Transaction')
    await kt('wallet reclaim --user ada --amount 0.25 --to team:team_finance --dry-run --note Back')
    expect(asked('wallets.reclaim').at(-1)?.input).toEqual({
      user_id: 'ada',
      amount_usd: '0.25',
      to: 'team:team_finance',
      note: 'Back',
      dry_run: true,
    })
  })

  test('credit puts money into the wallet of the organisation', async () => {
    const { stdout } = await kt('wallet credit --amount 2000')
    expect(stdout).toMatch(/^Credited 2000\.00:\norganization: 0\.00 -> 2000\.00\nTransaction: ltx_/)
  })

  test('debit takes money out of it again, or says what it would do', async () => {
    const { stdout } = await kt('wallet debit --amount 500 --note Twice --idempotency-key once-1')
    expect(stdout).toMatch(/^Debited 500\.00:\norganization: 2000\.00 -> 1500\.00\nTransaction: ltx_/)
    expect(asked('wallets.debit').at(-1)?.input).toEqual({ amount_usd: '500', note: 'Twice', dry_run: false })
    const { stdout: said } = await kt('wallet debit --amount 500 --dry-run')
    expect(said).toBe('It would debit 500.00:\norganization: 2000.00 -> 1500.00\n')
  })

  test('transactions shows what moved, whole cents and what is below them', async () => {
    server.on(wallets.transactions, () => ({
      items: ROWS.map((row) => ({ ...row, amount_usd: '-0.000000001', held_change_usd: '0.000000001' })),
      next_cursor: null,
    }))
    const { stdout } = await kt('wallet transactions team:team_finance --kind allocate --since 7d')
    expect(stdout.split('\n')[1]).toMatch(
      / allocate {2}-0\.000000001 {2}\+0\.000000001 {2}500\.00 {3}organization {2}Ada {2}First quarter$/,
    )
    expect(asked('wallets.transactions').at(-1)?.input).toMatchObject({ id: 'team:team_finance', kind: 'allocate' })
    await kt('wallet transactions')
    expect(asked('wallets.transactions').at(-1)?.input).toMatchObject({ id: 'organization', limit: 50 })
  })

  test('check ends with 1 when the ledger does not add up, and says where', async () => {
    expect(await kt('wallet check')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^The ledger adds up: /) })
    server.on(wallets.check, () => ({
      balanced: false,
      checked_at: '2026-03-20T12:05:00.000Z',
      sum_usd: '0.000000000',
      differences: [{ account: 'spend', balance_usd: '2.000000000', entries_usd: '1.500000000' }],
    }))
    expect(await kt('wallet check')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('spend: the balance says 2.00, its entries 1.50\n'),
    })
  })

  test('fails with a code that says how', async () => {
    server.on(wallets.allocate, () => {
      throw new AppError('conflict', 'amount_usd: wallet organization has 2.5 US dollars to give.')
    })
    expect(await kt('wallet allocate --user ada --amount 3')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'kt: amount_usd: wallet organization has 2.5 US dollars to give.\n',
    })
    expect(await kt('wallet allocate --user ada --amount -3')).toMatchObject({ code: 2 })
    expect(await kt('wallet allocate --user ada')).toMatchObject({ code: 2 })
    expect(await kt('wallet allocate --team Nobody --amount 3')).toMatchObject({ code: 3 })
    expect(await kt('wallet allocate --team Finance --user ada --amount 3')).toMatchObject({ code: 2 })
    expect(await kt('wallet transactions --kind gift')).toMatchObject({ code: 2 })
  })
})

describe('kt team', () => {
  test('makes, renames, lists and deletes by name or id', async () => {
    server.on(teams.create, ({ name }) => ({ ...TEAM, name }))
    server.on(teams.rename, ({ name }) => ({ ...TEAM, name }))
    server.on(teams.delete, ({ id }) => ({ id }))
    expect((await kt('team list')).stdout).toMatch(/^NAME +ID +CREATED\nFinance +team_finance +2026-03-01T09:00:00\n$/)
    expect((await kt('team create --name Sales')).stdout).toBe('Team created:\nName: Sales\nId: team_finance\n')
    expect((await kt('team rename Finance --name Controlling')).stdout).toBe('Finance is called Controlling now.\n')
    expect((await kt('team delete team_finance')).stdout).toBe('Team deleted: Finance\n')
    expect(asked('teams.delete').at(-1)?.input).toEqual({ id: 'team_finance' })
    expect(await kt('team delete Nobody')).toMatchObject({ code: 3, stderr: expect.stringContaining('kt team list') })
  })

  test('says what is still there of a team that cannot be deleted', async () => {
    server.on(teams.delete, () => {
      throw new AppError(
        'conflict',
        'Team Finance cannot be deleted: its wallet has 5 US dollars, to be reclaimed first.',
      )
    })
    expect(await kt('team delete Finance --yes')).toMatchObject({
      code: 1,
      stderr: 'kt: Team Finance cannot be deleted: its wallet has 5 US dollars, to be reclaimed first.\n',
    })
  })
})

test('settings are shown, and changed by what is said and nothing else', async () => {
  const settings = wallets.settings.example.output as SpendSettings
  server.on(wallets.settings, () => settings)
  server.on(wallets.updateSettings, () => ({
    ...settings,
    wallets_required: true,
    unknown_price: 'hold_default' as const,
  }))
  expect((await kt('wallet settings')).stdout).toBe(
    'Wallets are not required.\nA request whose price nobody knows: flag\nMonths: UTC\n',
  )
  expect((await kt('wallet settings --required yes --unknown-price hold_default')).stdout).toContain(
    'A request whose price nobody knows: hold_default, 0.05',
  )
  expect(server.asked.at(-1)).toMatchObject({
    name: 'wallets.updateSettings',
    input: { wallets_required: true, unknown_price: 'hold_default' },
  })
  await kt('wallet settings --required no --unknown-price deny --unknown-price-usd 0.25 --time-zone Europe/Vienna')
  expect(asked('wallets.updateSettings').at(-1)?.input).toEqual({
    wallets_required: false,
    unknown_price: 'deny',
    unknown_price_usd: '0.25',
    time_zone: 'Europe/Vienna',
  })
  await kt('wallet settings --time-zone UTC')
  expect(asked('wallets.updateSettings').at(-1)?.input).toEqual({ time_zone: 'UTC' })
  const changes = asked('wallets.updateSettings').length
  await kt('wallet settings')
  expect(asked('wallets.updateSettings')).toHaveLength(changes)
  expect((await kt('wallet settings --required perhaps')).code).toBe(2)
})
