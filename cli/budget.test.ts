import { PassThrough } from 'node:stream'
import { beforeEach, expect, test } from 'vitest'
import { type Budget, budgets, type Raise } from '@/lib/contract/budgets'
import { type Team, teams } from '@/lib/contract/teams'
import { AppError } from '@/lib/errors'
import { runCli } from './program'
import { contractServer } from './testing'

const server = contractServer()

/** In this process, without a terminal. */
async function kt(...args: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const env = { KEEPTRUSTS_API_URL: server.url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test', HOME: '/nowhere' }
  const code = await runCli(['budget', ...args], { stdin, stdout, stderr, env })
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const BUDGET = budgets.create.example.output as Budget
const RAISE = budgets.raise.example.output as Raise
const READ = budgets.get.example.output as Budget & { held: []; raises: Raise[] }
const TEAM: Team = { ...(teams.create.example.output as Team), id: 'team_finance', name: 'Finance' }
const inputs = (name: string) => server.asked.filter((one) => one.name === name).map(({ input }) => input)

beforeEach(() => {
  server.on(teams.list, () => ({ items: [TEAM], next_cursor: null }))
  server.on(budgets.list, () => ({ items: [BUDGET], next_cursor: null }))
  server.on(budgets.get, () => ({ ...READ, raises: [RAISE] }))
  server.on(budgets.create, () => BUDGET)
  server.on(budgets.update, () => ({ ...BUDGET, version: 2 }))
  server.on(budgets.raise, () => RAISE)
  server.on(budgets.endRaise, () => ({ ...RAISE, ended_at: '2026-03-21T12:00:00.000Z' }))
  server.on(budgets.delete, ({ id }) => ({ id }))
  server.on(budgets.releaseHeld, ({ id }) => ({ lease_id: id, released_usd: '12.000000000' }))
})

test('list shows what is committed, held and left; json is what the API answers', async () => {
  const { code, stdout } = await kt('list')
  expect(code).toBe(0)
  const [head, row] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/))
  expect(head).toEqual([
    'NAME',
    'SCOPE',
    'WINDOW',
    'LIMIT',
    'COMMITTED',
    'HELD',
    'REMAINING',
    'RESETS',
    'REFUSES',
    'ID',
  ])
  expect(row?.slice(0, 7)).toEqual([
    'Finance, monthly',
    'team=team_finance',
    'month',
    '2500.00',
    '1310.25',
    '12.00',
    '1177.75',
  ])
  expect(JSON.parse((await kt('list', '--json')).stdout)).toEqual({ items: [BUDGET], next_cursor: null })
})

test('get finds a budget by name or id, and shows what gateways hold and what was raised', async () => {
  for (const which of [BUDGET.id, BUDGET.name]) {
    const { code, stdout } = await kt('get', which)
    expect(code).toBe(0)
    expect(stdout).toContain('Held: 12.00 by proxy_production_01 until 2026-03-20T12:06:00Z (open, lse_')
    expect(stdout).toContain('Raise: 500.00 until 2026-03-27T12:00:00Z: Quarter end (Ada, approved by Grace; rse_')
    expect(stdout).toContain('Thresholds: 50 % (reached), 80 %, 100 %')
  }
  expect(await kt('get', 'Nobody')).toMatchObject({ code: 3, stdout: '' })
})

test('create says everything that was asked for, and nothing else', async () => {
  await kt('create', '--name', 'All', '--limit', '10')
  await kt(
    ...[
      'create',
      '--name',
      'One',
      '--limit',
      '2500',
      '--team',
      'Finance',
      '--model',
      'gpt-4o',
      '--window',
      'week',
      '--watch',
    ],
    ...['--time-zone', 'Europe/Vienna', '--anchor', '2026-01-01', '--rollover', 'cap', '--rollover-cap', '5'],
    ...['--thresholds', '50,100', '--on-unavailable', 'allow', '--idempotency-key', 'once'],
  )
  expect(inputs('budgets.create')).toEqual([
    budgets.create.input.parse({ name: 'All', limit_usd: '10' }),
    {
      name: 'One',
      limit_usd: '2500',
      scope: { team_id: 'team_finance', model: 'gpt-4o' },
      hard: false,
      window: 'week',
      time_zone: 'Europe/Vienna',
      anchor: '2026-01-01',
      rollover: 'cap',
      rollover_cap_usd: '5',
      thresholds: [50, 100],
      on_unavailable: 'allow',
    },
  ])
  expect(server.asked.at(-1)?.headers['idempotency-key']).toBe('once')
})

test('update changes what was said, of the version that stands or of the one that was looked at', async () => {
  await kt('update', BUDGET.name, '--limit', '3000', '--thresholds', 'none', '--anchor', 'none', '--refuse')
  await kt('update', BUDGET.id, '--everything', '--if-version', '7')
  const { id } = BUDGET
  expect(inputs('budgets.update')).toEqual([
    { id, version: 1, limit_usd: '3000', thresholds: [], anchor: null, hard: true },
    { id, version: 7, scope: {} },
  ])
  server.on(budgets.update, () => {
    throw new AppError('conflict', 'Somebody changed it meanwhile.')
  })
  expect((await kt('update', id, '--limit', '1')).code).not.toBe(0)
})

test('raise, end-raise, release and delete do what they say', async () => {
  const raised = await kt(
    'raise',
    BUDGET.name,
    '--amount',
    '500',
    '--reason',
    'Quarter end',
    '--until',
    '7d',
    '--approved-by',
    'Grace',
  )
  expect(raised.stdout).toMatch(/^Finance, monthly: Raise: 500\.00 until /)
  expect(inputs('budgets.raise')).toEqual([
    { id: BUDGET.id, amount_usd: '500', reason: 'Quarter end', approved_by: 'Grace', expires_at: '7d' },
  ])
  expect((await kt('end-raise', BUDGET.id, RAISE.id)).stdout).toContain('until 2026-03-21T12:00:00Z (ended)')
  expect((await kt('release', 'lse_1', '--reason', 'The machine is gone')).stdout).toBe('Taken back: 12.00\n')
  expect((await kt('delete', BUDGET.name)).stdout).toBe('Budget deleted: Finance, monthly\n')
  expect(inputs('budgets.delete')).toEqual([{ id: BUDGET.id }])
})
