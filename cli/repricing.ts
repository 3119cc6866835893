import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { z } from 'zod'
import type { Client } from '@/lib/client'
import { modelPricing, type RepricedModel, type Repricing } from '@/lib/contract/model-pricing'
import { AppError } from '@/lib/errors'
import { integer } from './arguments'
import { addCommand, type Kt } from './command'
import { dollars } from './dollars'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import { type Column, createTable } from './print'
import { createProgress } from './progress'
import { confirm, isInteractive } from './prompt'
import { cellTime } from './text'
import { pricesOf } from './unit-prices'

type Times = { since: string; until?: string; note?: string; idempotencyKey?: string }

const POLL_MS = 500

const MODELS: Column<RepricedModel>[] = [
  { header: 'PROVIDER', cell: ({ provider }) => provider },
  { header: 'MODEL', cell: ({ model }) => model },
  { header: 'REQUESTS', cell: ({ requests }) => String(requests) },
  { header: 'CHANGED', cell: ({ changed }) => String(changed) },
  { header: 'BEFORE', cell: ({ before_usd }) => dollars(before_usd) },
  { header: 'AFTER', cell: ({ after_usd }) => dollars(after_usd) },
  { header: 'UNPRICED', cell: ({ unpriced_after }) => String(unpriced_after) },
]

const REPRICINGS: Column<Repricing>[] = [
  { header: 'ID', cell: ({ id }) => id },
  { header: 'CREATED', cell: (one) => cellTime(one.created_at, '-') },
  { header: 'BY', cell: (one) => one.created_by },
  { header: 'WHAT', cell: (one) => (one.dry_run ? 'told' : 'adjusted') },
  { header: 'SINCE', cell: (one) => cellTime(one.since, '-') },
  { header: 'UNTIL', cell: (one) => cellTime(one.until, '-') },
  { header: 'STATE', cell: ({ state }) => state },
  { header: 'CHANGED', cell: ({ changed }) => String(changed) },
  { header: 'BEFORE', cell: ({ before_usd }) => dollars(before_usd) },
  { header: 'AFTER', cell: ({ after_usd }) => dollars(after_usd) },
]

export function addRepricing(io: Io, group: Command): void {
  addCommand<Times>(io, group, {
    name: 'what-if',
    summary: 'Say what calls of the past cost at the prices in force, or at others; changes nothing',
    setUp: (command) =>
      addTimes(command)
        .argument('[provider]', 'such as openai')
        .argument('[model]', 'its name, or the beginning of names and a *')
        .argument('[unit=amount...]', 'prices to try, such as input=0.6 output=3.6'),
    run: async (kt, { since, until, note }, [provider, model, ...units]) => {
      if (provider !== undefined && (model === undefined || units.length === 0)) {
        throw new AppError('invalid_request', 'Prices to try need a provider, a model and at least one unit=amount.')
      }
      const tried = model === undefined || provider === undefined ? [] : [{ provider, model, prices: pricesOf(units) }]
      await follow(kt, { since, until, note, set: tried, dry_run: true })
    },
  })
  addCommand<Times & { yes?: boolean }>(io, group, {
    name: 'reprice',
    summary: 'Adjust what calls of the past cost to the prices in force; events stay as they were recorded',
    setUp: (command) =>
      addTimes(command)
        .option('--idempotency-key <key>', 'asked again with the same key, it is done once and answered the same')
        .option('--yes', 'do not ask'),
    run: async (kt, { since, until, note, yes, idempotencyKey }) => {
      if (!yes && isInteractive(kt.io)) {
        const isAgreed = await confirm(kt.io, 'Ledger, usage and budgets are adjusted. Go on?')
        if (!isAgreed) throw new AppError('conflict', 'Nothing was changed.')
      }
      await follow(kt, { since, until, note, dry_run: false }, idempotencyKey)
    },
  })
  addCommand<{ limit: number }>(io, group, {
    name: 'repricings',
    summary: 'List what was reckoned again, newest first',
    setUp: (command) => command.option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), 50),
    run: async ({ api, print }, { limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(modelPricing.listRepricings, position))
      print.list(page, REPRICINGS, 'Nothing was reckoned again.')
    },
  })
}

const addTimes = (command: Command): Command =>
  command
    .requiredOption('--since <time>', 'calls that began then or later: RFC 3339, or such as 30d')
    .option('--until <time>', 'and before this; now when absent')
    .option('--note <text>', 'stands with it')

async function follow(
  { io, api, print }: Kt,
  input: z.input<typeof modelPricing.reprice.input>,
  idempotencyKey?: string,
): Promise<void> {
  const call = await api()
  const { id } = await call(modelPricing.reprice, input, { idempotencyKey })
  const seen = await untilOver(io, call, id)
  print.record(seen, [
    ...(seen.models.length > 0 ? createTable(MODELS).format(seen.models, true) : []),
    `${seen.changed} of ${seen.events_done} calls ${seen.dry_run ? 'would cost' : 'cost'} something else: ${dollars(seen.before_usd)} before, ${dollars(seen.after_usd)} after.`,
  ])
  if (seen.state === 'failed') throw new Exit(EXIT.failed)
}

async function untilOver(io: Io, call: Client, id: string): Promise<Repricing> {
  const progress = createProgress(io, 'Reckoning again')
  try {
    for (;;) {
      const seen = await call(modelPricing.getRepricing, { id })
      progress.show(seen.events_done, seen.events_total)
      if (seen.state === 'done' || seen.state === 'failed') return seen
      await sleep(POLL_MS)
    }
  } finally {
    progress.end()
  }
}
