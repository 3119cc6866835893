import type { Command } from 'commander'
import { type CurrencyRate, modelPricing } from '@/lib/contract/model-pricing'
import { AppError } from '@/lib/errors'
import { integer } from './arguments'
import { addCommand } from './command'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import type { Column } from './print'

const RATES: Column<CurrencyRate>[] = [
  { header: 'CURRENCY', cell: ({ currency }) => currency },
  { header: 'FROM', cell: ({ effective_on }) => effective_on },
  { header: 'USD', cell: ({ usd }) => usd },
]

type SetOptions = { effectiveOn: string; note?: string; idempotencyKey?: string }

export function addCurrencyRates(io: Io, group: Command): void {
  addCommand<{ currency?: string; limit: number }>(io, group, {
    name: 'rates',
    summary: 'List what other currencies are worth in US dollars, from which day on',
    setUp: (command) =>
      command
        .option('--currency <code>', 'only this one')
        .option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), ROWS_MAX),
    run: async ({ api, print }, { currency, limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(modelPricing.listRates, { currency, ...position }))
      print.list(page, RATES, 'No rates.')
    },
  })
  addCommand<SetOptions>(io, group, {
    name: 'set-rate',
    summary: 'Set what other currencies are worth in US dollars, from a day on',
    setUp: (command) =>
      command
        .argument('<currency=usd...>', 'what one of it is worth, such as EUR=1.0833')
        .requiredOption('--effective-on <date>', 'from the first moment of this day in UTC, such as 2026-03-01')
        .option('--note <text>', 'stands with the version')
        .option('--idempotency-key <key>', 'asked again with the same key, it is done once and answered the same'),
    run: async ({ api, print }, { effectiveOn, note, idempotencyKey }, words) => {
      const rates = words.map((word) => rateOf(word, effectiveOn))
      const made = await (await api())(modelPricing.createVersion, { note, rates }, { idempotencyKey })
      const said = rates.map(({ currency, usd }) => `One ${currency} is ${usd} dollars from ${effectiveOn} on.`)
      print.record(made, [`Version ${made.version} of the organisation's own prices is in force.`, ...said])
    },
  })
}

function rateOf(word: string | undefined, effectiveOn: string): CurrencyRate {
  const [currency, usd, ...others] = word?.split('=') ?? []
  if (!currency || !usd || others.length > 0) {
    throw new AppError('invalid_request', `"${word}" is no currency with what it is worth, such as EUR=1.0833.`)
  }
  return { currency, effective_on: effectiveOn, usd }
}
