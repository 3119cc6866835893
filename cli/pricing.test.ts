import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { z } from 'zod'
import { modelPricing } from '@/lib/contract/model-pricing'
import { AppError } from '@/lib/errors'
import { runCli } from './program'
import { contractServer, terminal } from './testing'

const server = contractServer()
let file = ''
beforeAll(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'kt-pricing-')), 'prices.csv')
  await writeFile(file, 'provider,model,input\n')
})
afterAll(() => rm(join(file, '..'), { recursive: true, force: true }))

const env = () => ({ KEEPTRUSTS_API_URL: server.url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test', HOME: '/nowhere' })
async function kt(...args: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const code = await runCli(['pricing', ...args], { stdin, stdout, stderr, env: env() })
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}
const asked = () => server.asked.map(({ name }) => name)

const LIST = modelPricing.list.example.output as z.input<typeof modelPricing.list.output>
const READ = modelPricing.preview.example.output as z.input<typeof modelPricing.preview.output>
const MADE = modelPricing.createVersion.example.output as z.input<typeof modelPricing.createVersion.output>
const CHANGED =
  /openai {4}gpt-5\.4-mini {2}2026-03-01T00:00:00 {2}input=0\.75 .* max_output_tokens=128000 \(catalogue\) {2}input=0\.6 .* USD\n$/

beforeEach(() => {
  server.on(modelPricing.list, () => LIST)
  server.on(modelPricing.preview, () => READ)
  server.on(modelPricing.createVersion, () => MADE)
})

test('list and get show what a model costs and who says so; versions, who changed it', async () => {
  server.on(modelPricing.effective, ({ model }) => {
    const [price] = LIST.items
    if (model === 'unknown' || !price) throw new AppError('not_found', 'Nobody has said what unknown of openai costs.')
    const tiers = [{ above_input_tokens: 200_000, prices: { input: '1.2' } }]
    return { ...price, tiers, max_output_tokens: 64_000 }
  })
  const versions = modelPricing.listVersions.example.output as z.input<typeof modelPricing.listVersions.output>
  server.on(modelPricing.listVersions, () => versions)
  const { code, stdout } = await kt('list', '--search', 'mini', '--source', 'override', '--at', '7d')
  expect({ code, lines: stdout.split('\n').map((line) => line.replace(/ {2,}/g, '|')) }).toEqual({
    code: 0,
    lines: [
      'PROVIDER|MODEL|SOURCE|FROM|INPUT|OUTPUT|OTHERS',
      'openai|gpt-5.4-mini|override|2026-03-01T00:00:00|0.6|3.6|cached_input=0.06',
      '',
    ],
  })
  expect(server.asked.at(-1)?.input).toMatchObject({ search: 'mini', source: 'override', at: '7d' })
  expect((await kt('get', 'openai', 'gpt-5.4-mini')).stdout).toBe(
    [
      'openai gpt-5.4-mini: input=0.6 cached_input=0.06 output=3.6',
      'Above 200,000 input tokens: input=1.2',
      'Answers: up to 64000 tokens',
      'From: 2026-03-01T00:00:00Z',
      'Source: override, genai-prices-0.1.8-1afcf9efbc81/2\n',
    ].join('\n'),
  )
  expect((await kt('get', 'openai', 'unknown')).code).toBe(3)
  expect((await kt('versions')).stdout).toMatch(/^VERSION .*\n2 .* Ada .*Contract 2026\n$/)
  expect(JSON.parse((await kt('versions', '--json')).stdout)).toEqual(versions)
})

test('preview says what would change, by line what cannot be read, and changes nothing', async () => {
  const { code, stdout } = await kt('preview', file)
  expect(code).toBe(0)
  expect(stdout).toMatch(CHANGED)
  expect(server.asked.at(-1)?.input).toEqual({ format: 'csv', content: 'provider,model,input\n' })
  server.on(modelPricing.preview, () => ({ ...READ, problems: [{ line: 4, message: 'prices.input: no decimal' }] }))
  expect(await kt('preview', file, '--format', 'json')).toMatchObject({
    code: 2,
    stderr: `${file}:4: prices.input: no decimal\n`,
  })
  expect((await kt('import', file)).code).toBe(2)
  expect(asked()).not.toContain('modelPricing.createVersion')
})

test('import makes a version of what was previewed, upon the one that was looked at', async () => {
  const { code, stdout } = await kt('import', file, '--note', 'Contract 2026', '--idempotency-key', 'k1')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Version 2 of the organisation's own prices is in force\.\n/)
  expect(stdout).toMatch(CHANGED)
  expect(server.asked.at(-1)).toMatchObject({
    name: 'modelPricing.createVersion',
    input: { base_version: 1, note: 'Contract 2026', set: READ.set, remove: [], rates: [] },
    headers: { 'idempotency-key': 'k1' },
  })
  const { io, screen } = terminal({ 'Make this version?': 'n\r' }, env())
  const before = server.asked.length
  expect(await runCli(['pricing', 'import', file], io)).toBe(1)
  expect(screen()).toContain('gpt-5.4-mini')
  expect(asked().slice(before)).toEqual(['modelPricing.preview'])
})

test('set names the units that it sets', async () => {
  const { code } = await kt(
    ...['set', 'openai', 'gpt-5.4*', 'input=0.6', 'output=3.6', 'cached_input=0.06', 'web_search=10'],
    ...['--effective-from', '2026-03-01', '--currency', 'EUR', '--note', 'Contract', '--max-output-tokens', '9000'],
  )
  expect(code).toBe(0)
  expect(server.asked.at(-1)?.input).toMatchObject({
    note: 'Contract',
    set: [
      {
        provider: 'openai',
        model: 'gpt-5.4*',
        effective_from: '2026-03-01',
        currency: 'EUR',
        prices: { input: '0.6', output: '3.6', cached_input: '0.06', web_search: '10' },
        max_output_tokens: 9_000,
      },
    ],
  })
  for (const wrong of ['cached=1', 'input', 'input=1=2', '=1']) {
    expect(await kt('set', 'openai', 'm', 'output=1', wrong)).toMatchObject({ code: 2 })
  }
  expect((await kt('set', 'openai', 'm', 'input=1', 'input=2')).code).toBe(2)
  expect((await kt('set', 'openai', 'm')).code).toBe(2)
  expect((await kt('set', 'openai', 'm', 'input=1', '--max-output-tokens', '0')).code).toBe(2)
})

test('set-rate says what currencies are worth from a day on, and rates lists it', async () => {
  const { code, stdout } = await kt(
    ...[
      'set-rate',
      'EUR=1.0833',
      'CHF=1.12',
      '--effective-on',
      '2026-03-01',
      '--note',
      'March',
      '--idempotency-key',
      'k2',
    ],
  )
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: [
      "Version 2 of the organisation's own prices is in force.",
      'One EUR is 1.0833 dollars from 2026-03-01 on.',
      'One CHF is 1.12 dollars from 2026-03-01 on.\n',
    ].join('\n'),
  })
  expect(server.asked.at(-1)).toMatchObject({
    name: 'modelPricing.createVersion',
    input: {
      note: 'March',
      set: [],
      rates: [
        { currency: 'EUR', effective_on: '2026-03-01', usd: '1.0833' },
        { currency: 'CHF', effective_on: '2026-03-01', usd: '1.12' },
      ],
    },
    headers: { 'idempotency-key': 'k2' },
  })
  const before = server.asked.length
  for (const wrong of ['EUR', 'EUR=', '=1', 'EUR=1=2']) {
    expect((await kt('set-rate', wrong, '--effective-on', '2026-03-01')).code).toBe(2)
  }
  expect((await kt('set-rate', 'EUR=1')).code).toBe(2)
  expect(server.asked).toHaveLength(before)
  const listed = modelPricing.listRates.example.output as z.input<typeof modelPricing.listRates.output>
  server.on(modelPricing.listRates, () => listed)
  expect((await kt('rates', '--currency', 'EUR')).stdout).toMatch(/^CURRENCY .*USD\nEUR +2026-03-01 +1\.083333333\n$/)
  expect(server.asked.at(-1)?.input).toMatchObject({ currency: 'EUR' })
})

const REPRICING = modelPricing.reprice.example.output as z.input<typeof modelPricing.reprice.output>

test('what-if tries prices and tells by model what calls would have cost', async () => {
  server.on(modelPricing.reprice, () => ({ ...REPRICING, state: 'queued' as const }))
  server.on(modelPricing.getRepricing, () => REPRICING)
  const tried = ['openai', 'gpt-5.4-mini*', 'input=0.6']
  const { code, stdout } = await kt('what-if', ...tried, '--since', '2026-02-01', '--until', '2026-03-01')
  expect(code).toBe(0)
  expect(stdout.split('\n').map((line) => line.replace(/ {2,}/g, '|'))).toEqual([
    'PROVIDER|MODEL|REQUESTS|CHANGED|BEFORE|AFTER|UNPRICED',
    'openai|gpt-5.4-mini|48210|48210|1310.25|1048.20|0',
    '48210 of 48210 calls would cost something else: 1310.25 before, 1048.20 after.',
    '',
  ])
  expect(server.asked.find(({ name }) => name === 'modelPricing.reprice')?.input).toMatchObject({
    since: '2026-02-01',
    until: '2026-03-01',
    dry_run: true,
    set: [{ provider: 'openai', model: 'gpt-5.4-mini*', prices: { input: '0.6' } }],
  })
  expect((await kt('what-if', 'openai', '--since', '7d')).code).toBe(2)
  expect((await kt('what-if', 'openai', 'gpt-5.4-mini', '--since', '7d')).code).toBe(2)
  expect((await kt('what-if')).code).toBe(2)
})

test('reprice asks before it adjusts, once for each key, and what is not agreed to is not asked for', async () => {
  server.on(modelPricing.reprice, () => REPRICING)
  server.on(modelPricing.getRepricing, () => ({ ...REPRICING, dry_run: false }))
  const asksFor = async (answer: string) => {
    const { io } = terminal({ 'Ledger, usage and budgets are adjusted': `${answer}\r` }, env())
    const before = server.asked.length
    const code = await runCli(['pricing', 'reprice', '--since', '7d', '--idempotency-key', 'k3'], io)
    return { code, asked: asked().slice(before), headers: server.asked[before]?.headers }
  }
  expect(await asksFor('n')).toEqual({ code: 1, asked: [], headers: undefined })
  expect(await asksFor('y')).toMatchObject({
    code: 0,
    asked: ['modelPricing.reprice', 'modelPricing.getRepricing'],
    headers: { 'idempotency-key': 'k3' },
  })
})

test('reprice adjusts by the prices in force, and a failure of it is one', async () => {
  server.on(modelPricing.reprice, () => REPRICING)
  server.on(modelPricing.getRepricing, () => ({ ...REPRICING, dry_run: false, state: 'failed' as const, error: 'No.' }))
  const { code, stdout } = await kt('reprice', '--since', '7d', '--yes')
  expect(code).toBe(1)
  expect(stdout).toContain('48210 of 48210 calls cost something else')
  expect(server.asked.findLast(({ name }) => name === 'modelPricing.reprice')?.input).toMatchObject({
    since: '7d',
    dry_run: false,
  })
  server.on(modelPricing.listRepricings, () => ({ items: [REPRICING], next_cursor: null }))
  expect((await kt('repricings')).stdout).toContain('rpr_019a6f0e1c2d7000a1b2c3d4e5f60718')
})
