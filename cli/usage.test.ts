import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { type Invoice, type MonthReport, type MonthState, usage } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import { runCli } from './program'
import { contractServer, terminal } from './testing'

const server = contractServer()
let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kt-usage-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const env = () => ({ KEEPTRUSTS_API_URL: server.url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test', HOME: '/nowhere' })
const input = (at = -1) => server.asked.at(at)?.input

/** In this process, without a terminal. */
async function kt(...args: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const code = await runCli(args, { stdin, stdout, stderr, env: env() })
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const { total: SUMS, groups } = usage.read.example.output as z.output<typeof usage.read.output>
const ANSWER: z.input<typeof usage.read.output> = {
  since: '2026-03-01T00:00:00.000Z',
  until: '2026-03-03T00:00:00.000Z',
  total: { ...SUMS, unpriced: 3 },
  previous_since: '2026-02-27T00:00:00.000Z',
  previous: { ...SUMS, cost_usd: '2.500000000' },
  groups: [
    ...groups,
    { by: { team_id: 'team_old' }, names: {}, sums: { ...SUMS, cost_usd: '0.000000001' }, previous: SUMS },
    { by: { team_id: '' }, names: {}, sums: SUMS, previous: null },
  ],
  rest: { groups: 7, sums: SUMS },
  points: [{ at: '2026-03-01T00:00:00.000Z', by: { team_id: 'team_finance' }, sums: SUMS }],
}

describe('kt usage', () => {
  test('shows what each group used and cost, the others and all, beside the time before', async () => {
    server.on(usage.read, () => ANSWER)
    const { code, stdout, stderr } = await kt(
      ...['usage', '--since', '2026-03-01', '--until', '2026-03-03', '--group-by', 'team_id', '--compare'],
      ...['--filter', 'verdict!=block', '--time-zone', 'Europe/Vienna', '--limit', '3'],
    )
    expect(code).toBe(0)
    expect(stdout).toBe(
      [
        'TEAM_ID   REQUESTS  ERRORS  INPUT   OUTPUT  COST USD     BEFORE USD',
        'Finance   1200      12      410000  96000   31.25        -',
        'team_old  1200      12      410000  96000   0.000000001  31.25',
        '-         1200      12      410000  96000   31.25        -',
        '7 others  1200      12      410000  96000   31.25        -',
        'Total     1200      12      410000  96000   31.25        2.50\n',
      ].join('\n'),
    )
    expect(stderr).toBe('3 requests used tokens whose price is unknown: their cost is in no sum.\n')
    expect(input()).toEqual({
      since: '2026-03-01',
      until: '2026-03-03',
      group_by: 'team_id',
      compare: 'previous',
      filter: 'verdict!=block',
      interval: 'all',
      time_zone: 'Europe/Vienna',
      limit: 3,
    })
  })

  test('shows a row for each interval when one is asked for, and the answer itself as JSON', async () => {
    server.on(usage.read, () => ANSWER)
    const { stdout } = await kt('usage', '--interval', 'day', '--group-by', 'team_id')
    expect(
      stdout
        .split('\n')
        .slice(0, 4)
        .map((line) => line.replace(/ {2,}/g, '|')),
    ).toEqual([
      'FROM|TEAM_ID|REQUESTS|ERRORS|INPUT|OUTPUT|COST USD',
      '2026-03-01T00:00:00|Finance|1200|12|410000|96000|31.25',
      '7 others|1200|12|410000|96000|31.25',
      'Total|1200|12|410000|96000|31.25',
    ])
    expect(input()).toMatchObject({ since: '30d', interval: 'day', compare: 'none', time_zone: 'UTC' })
    expect(JSON.parse((await kt('usage', '--json')).stdout)).toEqual(ANSWER)
  })

  test('as CSV is what the API answers, byte for byte', async () => {
    const csv = '\ufeffat,requests\r\n2026-03-01T00:00:00.000Z,1\r\n'
    server.on(usage.csv, () => csv)
    const { code, stdout } = await kt('usage', '--csv', '--interval', 'week', '--group-by', 'model,team_id')
    expect({ code, stdout }).toEqual({ code: 0, stdout: csv })
    expect(input()).toEqual({ since: '30d', interval: 'week', time_zone: 'UTC', group_by: 'model,team_id' })
    const file = join(dir, 'usage.csv')
    expect((await kt('usage', '--to', file)).stdout).toMatch(/usage\.csv: 44 bytes, SHA-256 [0-9a-f]{64}\n$/)
    expect(await readFile(file, 'utf8')).toBe(csv)
    expect(await kt('usage', '--to', file)).toMatchObject({ code: 2, stderr: expect.stringContaining('exists') })
  })

  test('passes on what cannot be answered, and refuses what does not exist', async () => {
    server.on(usage.read, () => {
      throw new AppError('unprocessable', 'Usage is not told apart by "latency_ms".')
    })
    expect(await kt('usage', '--filter', 'latency_ms>1')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('latency_ms'),
    })
    for (const args of [['--group-by', 'colour'], ['--interval', 'minute'], ['nonsense'], ['--limit', '0']]) {
      expect((await kt('usage', ...args)).code, args.join(' ')).toBe(2)
    }
  })
})

describe('kt usage months', () => {
  const { items: MONTHS } = usage.months.example.output as { items: MonthState[] }
  const [MONTH] = MONTHS as [MonthState]
  const REPORT: MonthReport = {
    ...MONTH,
    by_model: [{ provider: 'openai', model: 'gpt-5.4', cost_usd: '1310.250000000', requests: 48_210, unpriced: 0 }],
    by_team: [{ team_id: 'team_finance', name: 'Finance', cost_usd: '1310.250000000', requests: 48_210, unpriced: 0 }],
    by_key: [{ token_id: 'tok_1', token_name: 'app', cost_usd: '1310.250000000', requests: 48_210, unpriced: 0 }],
    late: [{ month: '2026-01', cost_usd: '0.500000000', transactions: 2 }],
  }

  test('lists them, and shows the report of one', async () => {
    server.on(usage.months, () => ({ items: MONTHS, next_cursor: null }))
    server.on(usage.month, () => REPORT)
    expect((await kt('usage', 'months')).stdout).toMatch(/^MONTH .*\n2026-02 {2}closed {2}1310\.25 /)
    const { stdout } = await kt('usage', 'month', '2026-02')
    expect(stdout).toContain('2026-02: closed by Ada at 2026-03-02T09:00:00Z\n')
    expect(stdout).toContain('Of this month, posted later: 0.41 USD\n')
    for (const row of [/openai gpt-5\.4 +48210 +1310\.25/, /Finance +48210/, /app +48210/, /2026-01 +2 +0\.50/]) {
      expect(stdout).toMatch(row)
    }
    expect(JSON.parse((await kt('usage', 'month', '2026-02', '--json')).stdout)).toEqual(REPORT)
    expect(stdout).not.toContain('Without a known price')
    const [part] = REPORT.by_model as [MonthReport['by_model'][number]]
    server.on(usage.month, () => ({ ...REPORT, by_model: [{ ...part, unpriced: 44 }] }))
    expect((await kt('usage', 'month', '2026-02')).stdout).toContain(
      'Without a known price, and in no sum: 44 requests\n',
    )
    server.on(usage.month, () => ({ ...REPORT, closed_at: null, closed_by: null }))
    expect((await kt('usage', 'month', '2026-02')).stdout).toContain('2026-02: closed, with a later month: ')
  })

  test('closes one: a terminal is asked first and told its sum, a script is not', async () => {
    server.on(usage.month, () => REPORT)
    server.on(usage.closeMonth, () => MONTH)
    const { code, stdout } = await kt('usage', 'close-month', '2026-02', '--note', 'Books', '--idempotency-key', 'k1')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '2026-02 is closed: 1310.25 USD in 48210 transactions.\n' })
    expect(input()).toEqual({ month: '2026-02', note: 'Books' })
    expect(server.asked.at(-1)?.headers['idempotency-key']).toBe('k1')

    const asked = server.asked.length
    const { io, screen } = terminal({ 'never opened again': 'n\r' }, env())
    expect(await runCli(['usage', 'close-month', '2026-02'], io)).toBe(1)
    expect(screen()).toContain('Close 2026-02 with 1310.25 USD in 48210 transactions?')
    expect(server.asked.slice(asked).map(({ name }) => name)).toEqual(['usage.month'])
    server.on(usage.closeMonth, () => {
      throw new AppError('conflict', 'Months are closed in order: 2026-01 is first.')
    })
    expect(await kt('usage', 'close-month', '2026-02')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('2026-01 is first'),
    })
  })
})

describe('kt usage invoices', () => {
  const COMPARED = usage.importInvoice.example.output as z.input<typeof usage.importInvoice.output>

  test('imports a file, tells the differences, and lists and shows what was kept', async () => {
    server.on(usage.importInvoice, () => COMPARED)
    server.on(usage.invoices, () => usage.invoices.example.output as { items: Invoice[]; next_cursor: null })
    server.on(usage.invoice, () => usage.invoice.example.output as z.input<typeof usage.invoice.output>)
    const file = join(dir, 'invoice.csv')
    await writeFile(file, 'date,amount\n2026-02-01,1\n')
    const args = ['usage', 'import-invoice', file, '--month', '2026-02', '--provider', 'openai', '--note', 'INV-7']
    const { code, stdout } = await kt(...args)
    expect(code).toBe(0)
    expect(stdout).toContain('openai 2026-02: 1311.02 USD in 112 rows, ours 1310.25 USD, difference 0.77 USD\n')
    expect(stdout).toMatch(/gpt-5\.4-mini {2}app-production {2}1200 +31\.27 +31\.25 +0\.02\n$/)
    expect(input()).toEqual({
      month: '2026-02',
      provider: 'openai',
      format: 'auto',
      content: 'date,amount\n2026-02-01,1\n',
      note: 'INV-7',
      dry_run: false,
    })
    expect((await kt('usage', 'invoices', '--month', '2026-02')).stdout).toMatch(/^ID .*\ninv_/)
    expect((await kt('usage', 'invoice', COMPARED.id ?? '')).stdout).toContain('difference 0.77 USD')
  })

  test('tells what cannot be read by file and line, with exit code 2', async () => {
    server.on(usage.importInvoice, () => ({
      ...COMPARED,
      id: null,
      skipped: 4,
      problems: [{ line: 3, message: '"x\u001b[31m" is no amount.' }],
    }))
    const file = join(dir, 'bad.csv')
    await writeFile(file, 'date,amount\n')
    const args = ['usage', 'import-invoice', file, '--month', '2026-02', '--provider', 'openai', '--dry-run']
    const { code, stdout, stderr } = await kt(...args)
    expect(code).toBe(2)
    expect(stdout).toMatch(/^Nothing was kept\.\n4 rows were left out/)
    expect(stderr).toBe(`${file}:3: "x\\u001b[31m" is no amount.\n`)
    expect(input()).toMatchObject({ dry_run: true })
    expect(
      (await kt('usage', 'import-invoice', join(dir, 'none.csv'), '--month', '2026-02', '--provider', 'x')).code,
    ).toBe(2)
    expect((await kt('usage', 'import-invoice', file, '--provider', 'x')).code).toBe(2)
  })
})
