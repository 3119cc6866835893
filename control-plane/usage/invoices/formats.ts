import type { INVOICE_FORMATS } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'

export type Format = Exclude<(typeof INVOICE_FORMATS)[number], 'auto'>

/** A row by the names of its columns, in lower case; '' for what is not there. */
export type Cells = (...names: string[]) => string

/** What a row says, as it stands. `isOurs`: whether it is about what gateways could have asked for. */
export type RawLine = { date: string; model: string; key: string; amount: string; currency: string; isOurs: boolean }

type Reader = {
  /** By which columns the format is known: at least one of each. */
  needs: string[][]
  read: (cell: Cells) => RawLine
}

/** In the order in which they are looked for. */
export const FORMATS: Record<Format, Reader> = {
  /** The export of costs of the usage page: a row per day and what it is grouped by. */
  openai: {
    needs: [['start_time', 'start_time_iso'], ['amount_value']],
    read: (cell) => ({
      date: cell('start_time_iso', 'start_time'),
      // `gpt-5-nano-2025-08-07, input`: what follows the comma is the unit.
      model: cell('line_item').split(',')[0]?.trim() ?? '',
      key: cell('api_key_id', 'project_name', 'project_id'),
      amount: cell('amount_value'),
      currency: cell('amount_currency') || 'USD',
      isOurs: true,
    }),
  },
  /** The export of the cost page of the Console: a row per day, model, key and kind of token. */
  anthropic: {
    needs: [['usage_date_utc'], ['cost_usd']],
    read: (cell) => ({
      date: cell('usage_date_utc'),
      model: cell('model'),
      key: cell('api_key', 'workspace'),
      amount: cell('cost_usd'),
      currency: 'USD',
      isOurs: true,
    }),
  },
  /** Cost details of Cost Management, whose columns differ by agreement: a row per day, resource and meter. */
  azure: {
    needs: [
      ['metername'],
      ['costinusd', 'costinbillingcurrency', 'cost', 'pretaxcost'],
      ['date', 'usagedatetime', 'usagedate'],
    ],
    read: (cell) => {
      const inUsd = cell('costinusd')
      const service = cell('consumedservice', 'metercategory')
      return {
        date: cell('date', 'usagedatetime', 'usagedate'),
        model: cell('metername'),
        key: cell('resourcename') || (cell('resourceid', 'instanceid').split('/').at(-1) ?? ''),
        amount: inUsd || cell('costinbillingcurrency', 'cost', 'pretaxcost'),
        currency: inUsd ? 'USD' : cell('billingcurrency', 'billingcurrencycode', 'currency') || 'USD',
        isOurs: service === '' || /cognitive|openai|foundry|azure ai/i.test(`${service} ${cell('metersubcategory')}`),
      }
    },
  },
  generic: {
    needs: [['date'], ['amount', 'amount_usd', 'cost_usd']],
    read: (cell) => ({
      date: cell('date'),
      model: cell('model'),
      key: cell('key'),
      amount: cell('amount_usd', 'cost_usd', 'amount'),
      currency: cell('currency') || 'USD',
      isOurs: true,
    }),
  },
}

/** @throws AppError `unprocessable` that names the columns that are missing, or those there are */
export function formatOf(asked: Format | 'auto', columns: readonly string[]): Format {
  const missing = (format: Format) =>
    FORMATS[format].needs.find((names) => !names.some((name) => columns.includes(name)))
  const known = Object.keys(FORMATS) as Format[]
  if (asked === 'auto') {
    const found = known.find((format) => missing(format) === undefined)
    if (found !== undefined) return found
    const shown = columns.slice(0, COLUMNS_SHOWN_MAX).join(', ').slice(0, 300)
    throw new AppError(
      'unprocessable',
      `These are not the columns of any known invoice: ${shown}. docs/usage.md says what is read; date, model, key and amount always can be.`,
    )
  }
  const lacking = missing(asked)
  if (lacking === undefined) return asked
  throw new AppError('unprocessable', `An invoice of the format ${asked} has a column ${lacking.join(' or ')}.`)
}

const COLUMNS_SHOWN_MAX = 30
