import { type Command, Option } from 'commander'
import type { z } from 'zod'
import type { Client } from '@/lib/client'
import {
  IMPORT_CHARACTERS_MAX,
  type ModelPrice,
  modelPricing,
  type PriceChange,
  type PriceVersion,
} from '@/lib/contract/model-pricing'
import { PRICE_SOURCES, PRICE_UNITS, type PriceSource, type Prices, tierText } from '@/lib/contract/price-shapes'
import { AppError } from '@/lib/errors'
import { integer } from './arguments'
import { addCommand, type Kt } from './command'
import { addCurrencyRates } from './currency-rates'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import { type Column, createTable } from './print'
import { confirm, isInteractive } from './prompt'
import { addRepricing } from './repricing'
import { cellTime, printable, toSeconds } from './text'
import { readTextFile } from './text-file'
import { pricesOf, pricesText } from './unit-prices'

type ListOptions = { search?: string; provider?: string; source?: PriceSource; at?: string; limit: number }
type FileOptions = { format?: 'csv' | 'json' }
type Storing = { note?: string; yes?: boolean; idempotencyKey?: string }
type SetOptions = Storing & {
  input?: string
  output?: string
  price?: Prices
  effectiveFrom?: string
  currency: string
  maxOutputTokens?: number
}

const PRICES: Column<ModelPrice>[] = [
  { header: 'PROVIDER', cell: ({ provider }) => provider },
  { header: 'MODEL', cell: ({ model }) => model },
  { header: 'SOURCE', cell: ({ source, target }) => (target === null ? source : `${source} ${target}`) },
  { header: 'FROM', cell: (price) => cellTime(price.effective_from, '-') },
  { header: 'INPUT', cell: ({ prices }) => prices.input ?? '-' },
  { header: 'OUTPUT', cell: ({ prices }) => prices.output ?? '-' },
  { header: 'OTHERS', cell: ({ prices: { input: _input, output: _output, ...others } }) => pricesText(others) },
]

const VERSIONS: Column<PriceVersion>[] = [
  { header: 'VERSION', cell: ({ version }) => String(version) },
  { header: 'CREATED', cell: (one) => cellTime(one.created_at, '-') },
  { header: 'BY', cell: (one) => one.created_by },
  { header: 'CHANGES', cell: ({ changes }) => String(changes) },
  { header: 'NOTE', cell: ({ note }) => note ?? '-' },
]

const CHANGES: Column<PriceChange>[] = [
  { header: 'PROVIDER', cell: ({ provider }) => provider },
  { header: 'MODEL', cell: ({ model }) => model },
  { header: 'FROM', cell: (change) => cellTime(change.effective_from, '-') },
  {
    header: 'BEFORE',
    cell: ({ before }) => (before === null ? '-' : `${rowText(before)} (${before.source})`),
  },
  { header: 'AFTER', cell: ({ after }) => (after === null ? '-' : `${rowText(after)} ${after.currency}`) },
]

function rowText({ prices, max_output_tokens: cap }: NonNullable<PriceChange['after' | 'before']>): string {
  return cap === null ? pricesText(prices) : `${pricesText(prices)} max_output_tokens=${cap}`
}

export function addPricingGroup(io: Io, program: Command): void {
  const group = program.command('pricing').description('What models cost, and who says so')
  addReads(io, group)
  addChanges(io, group)
  addCurrencyRates(io, group)
  addRepricing(io, group)
}

function addReads(io: Io, group: Command): void {
  addCommand<ListOptions>(io, group, {
    name: 'list',
    summary: 'List what models cost',
    setUp: (command) =>
      command
        .option('--search <text>', 'in names of providers and models')
        .option('--provider <name>', 'only of this one')
        .addOption(new Option('--source <source>', 'only what this one says').choices(PRICE_SOURCES))
        .option('--at <time>', 'in force then; now when absent')
        .option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), ROWS_MAX),
    run: async ({ api, print }, { limit, search, provider, source, at }) => {
      const call = await api()
      const page = await collectPages(limit, (position) =>
        call(modelPricing.list, { search, provider, source, at, ...position }),
      )
      print.list(page, PRICES, 'No prices match.')
    },
  })
  addCommand<{ at?: string }>(io, group, {
    name: 'get',
    summary: 'Show what one model costs; exit code 3 when nobody has said',
    setUp: (command) =>
      command
        .argument('<provider>', 'such as openai')
        .argument('<model>', 'by the name that a caller or the provider uses')
        .option('--at <time>', 'then; now when absent'),
    run: async ({ api, print }, { at }, [provider = '', model = '']) => {
      const price = await (await api())(modelPricing.effective, { provider, model, at })
      print.record(price, [
        `${price.provider} ${price.model}: ${pricesText(price.prices)}`,
        ...price.tiers.map((tier) => `${tierText(tier)}: ${pricesText(tier.prices)}`),
        ...(price.max_output_tokens === null ? [] : [`Answers: up to ${price.max_output_tokens} tokens`]),
        `From: ${price.effective_from === null ? 'always' : toSeconds(price.effective_from)}`,
        `Source: ${price.source}, ${price.version}`,
      ])
    },
  })
  addCommand<{ limit: number }>(io, group, {
    name: 'versions',
    summary: "List versions of the organisation's own prices, newest first",
    setUp: (command) => command.option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), 50),
    run: async ({ api, print }, { limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(modelPricing.listVersions, position))
      print.list(page, VERSIONS, 'No prices of its own.')
    },
  })
}

function addChanges(io: Io, group: Command): void {
  addCommand<FileOptions>(io, group, {
    name: 'preview',
    summary: 'Say what a list of prices would change; exit code 2 when a line cannot be read',
    setUp: addFile,
    run: async (kt, options, [file = '']) => {
      const read = await preview(kt, await kt.api(), file, options)
      kt.print.record(read, changeLines(read.items))
      if (read.problems.length > 0) throw new Exit(EXIT.invalidInput)
    },
  })
  addCommand<FileOptions & Storing>(io, group, {
    name: 'import',
    summary: 'Make a new version of a list of prices; all of it or nothing',
    setUp: (command) => addStoring(addFile(command)),
    run: async (kt, { note, yes, idempotencyKey, ...options }, [file = '']) => {
      const call = await kt.api()
      const { set, items, base_version, problems } = await preview(kt, call, file, options)
      if (problems.length > 0) throw new Exit(EXIT.invalidInput)
      await mustAgree(kt, yes, items)
      await store(kt, call, { base_version, note, set }, idempotencyKey)
    },
  })
  addCommand<SetOptions>(io, group, {
    name: 'set',
    summary: 'Set what the organisation pays for one model',
    setUp: (command) =>
      addStoring(
        command
          .argument('<provider>', 'such as openai')
          .argument('<model>', 'its name, or the beginning of names and a *')
          .argument('<unit=amount...>', `such as input=0.6 output=3.6; units are ${PRICE_UNITS.join(', ')}`)
          .option('--effective-from <time>', 'RFC 3339; now when absent')
          .option('--currency <code>', 'of ISO 4217; others than USD need a rate', 'USD')
          .option(
            '--max-output-tokens <count>',
            'reserved for an answer of which the caller does not say how long it may be',
            integer(1, 10_000_000),
          ),
      ),
    run: async (kt, { note, idempotencyKey, ...options }, [provider = '', model = '', ...units]) => {
      const { effectiveFrom, currency, maxOutputTokens } = options
      const of = { provider, model, effective_from: effectiveFrom, currency }
      const row = { ...of, prices: pricesOf(units), max_output_tokens: maxOutputTokens }
      await store(kt, await kt.api(), { note, set: [row] }, idempotencyKey)
    },
  })
}

const addFile = (command: Command): Command =>
  command
    .argument('<file>', 'rows of prices, see docs/prices.md; - reads standard input')
    .addOption(new Option('--format <format>', 'by the name of the file when absent').choices(['csv', 'json']))

const addStoring = (command: Command): Command =>
  command
    .option('--note <text>', 'stands with the version')
    .option('--idempotency-key <key>', 'asked again with the same key, it is done once and answered the same')
    .option('--yes', 'do not ask')

async function preview({ io }: Kt, call: Client, file: string, { format }: FileOptions) {
  const content = await readTextFile(io, file, IMPORT_CHARACTERS_MAX)
  const read = await call(modelPricing.preview, {
    format: format ?? (file.endsWith('.json') ? 'json' : 'csv'),
    content,
  })
  for (const { line, message } of read.problems) io.stderr.write(`${printable(`${file}:${line}: ${message}`)}\n`)
  return read
}

/** Scripts run it as the documentation prints it, without a terminal: there nobody is asked. */
async function mustAgree({ io }: Kt, yes: boolean | undefined, items: PriceChange[]): Promise<void> {
  if (yes || !isInteractive(io)) return
  for (const line of changeLines(items)) io.stderr.write(`${printable(line)}\n`)
  if (!(await confirm(io, 'Gateways charge by it at once. Make this version?'))) {
    throw new AppError('conflict', 'Nothing was changed.')
  }
}

async function store(
  { print }: Kt,
  call: Client,
  input: z.input<typeof modelPricing.createVersion.input>,
  idempotencyKey: string | undefined,
): Promise<void> {
  const made = await call(modelPricing.createVersion, input, { idempotencyKey })
  print.record(made, [
    `Version ${made.version} of the organisation's own prices is in force.`,
    ...changeLines(made.items),
  ])
}

const changeLines = (items: PriceChange[]): string[] =>
  items.length === 0 ? ['This changes nothing.'] : createTable(CHANGES).format(items, true)
