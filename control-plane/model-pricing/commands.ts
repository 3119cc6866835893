import { eq } from 'drizzle-orm'
import { orgCounters } from '@/drizzle/schema/organizations'
import { currencyRates, priceBooks, priceOverrides } from '@/drizzle/schema/prices'
import { resolveWhen } from '@/lib/contract/fields'
import {
  type modelPricing,
  type NewOverride,
  OVERRIDES_MAX,
  type PriceChange,
  RATES_MAX,
} from '@/lib/contract/model-pricing'
import { TERMS_MAX } from '@/lib/contract/price-shapes'
import { AppError } from '@/lib/errors'
import { type CurrencyRate, type Override, RateMissing, rowsOfOverrides } from '@/lib/prices/overrides'
import { appendAudit } from '../audit/append'
import type { Actor, Context } from '../context'
import { announce } from '../push'
import type { Input } from '../routes'
import { changesOf } from './changes'
import type { OwnPrices } from './price-table'
import { ownPrices, toVersion } from './queries'
import { readImport } from './read-import'

/** The activity entry shows so many changes; the version holds all. */
const CHANGES_SHOWN_MAX = 50

/** Gateways are told at once. What was recorded stays as it is. */
export async function createPriceVersion(ctx: Context, input: Input<typeof modelPricing.createVersion>) {
  const { tx, actor, request } = ctx
  assertOfOrganization(actor)
  // Versions follow each other: two people who change prices at once are not to undo each other unseen.
  await tx.select().from(orgCounters).where(eq(orgCounters.orgId, actor.orgId)).for('update')
  const { own, book } = await ownPrices(tx, actor.orgId)
  if (input.base_version !== undefined && input.base_version !== own.version) {
    throw new AppError(
      'conflict',
      `Prices were changed meanwhile: the newest version is ${own.version}. Look at it first.`,
    )
  }
  const set = input.set.map((row) => settled(row, request.now))
  mustBeKnown([...set.map(({ currency }) => currency), ...input.rates.map(({ currency }) => currency)])
  const removed = input.remove.map((row) => ({ ...row, effective_from: standing(own, row).effective_from }))
  const next = withChanges(own, set, removed, input.rates)
  const changes = changesOf(own, book, set, removed)
  if (changes.length === 0 && input.rates.length === 0) throw new AppError('unprocessable', 'This changes nothing.')
  mustFit(next)

  const scope = { orgId: actor.orgId, bookVersion: own.version + 1 }
  const [row] = await tx
    .insert(priceBooks)
    .values({
      orgId: actor.orgId,
      version: own.version + 1,
      note: input.note ?? null,
      changes: changes.length + input.rates.length,
      createdAt: request.now.toISOString(),
      createdBy: actor.name,
    })
    .returning()
  if (!row) throw new Error('The version was not stored.')
  const rows = changes.map(({ provider, model, effective_from, after }) => ({
    ...scope,
    provider,
    model,
    effectiveFrom: effective_from,
    currency: after?.currency ?? 'USD',
    prices: after?.prices ?? null,
    tiers: after?.tiers ?? [],
    maxOutputTokens: after?.max_output_tokens ?? null,
  }))
  if (rows.length > 0) await tx.insert(priceOverrides).values(rows)
  const rates = input.rates.map(({ currency, effective_on, usd }) => ({
    ...scope,
    currency,
    effectiveOn: effective_on,
    usd,
  }))
  if (rates.length > 0) await tx.insert(currencyRates).values(rates)
  await announce(tx, { orgId: actor.orgId, kind: 'settings' })
  await appendAudit(ctx, {
    action: 'model_pricing.changed',
    target: { type: 'price_version', id: String(row.version), name: row.note },
    after: {
      changes: changes.slice(0, CHANGES_SHOWN_MAX),
      changed: changes.length,
      rates: input.rates.slice(0, CHANGES_SHOWN_MAX),
    },
  })
  return { ...toVersion(row), items: changes }
}

/** What everybody pays, and paid, is no affair of one team. */
export function assertOfOrganization({ scope }: Actor): void {
  if (scope !== 'team') return
  throw new AppError('forbidden', 'A key of a team neither changes prices nor reckons calls again.')
}

/** What a list would change. Nothing is changed. */
export async function previewPrices(
  { tx, actor, request }: Context,
  { format, content }: Input<typeof modelPricing.preview>,
) {
  const { own, book } = await ownPrices(tx, actor.orgId)
  const { rows, problems } = readImport(format, content)
  const seen = new Set<string>()
  const set: NewOverride[] = []
  for (const { line, row } of rows) {
    const whole = settled(row, request.now)
    const objection = objectionTo(whole, own, seen)
    if (objection === null) set.push({ ...whole, tiers: [...whole.tiers] })
    else problems.push({ line, message: `${row.provider} ${row.model}: ${objection}` })
  }
  const items: PriceChange[] = changesOf(
    own,
    book,
    set.map((row) => settled(row, request.now)),
    [],
  )
  return { base_version: own.version, items, set, problems: problems.sort((a, b) => a.line - b.line) }
}

function objectionTo(row: Override, own: OwnPrices, seen: Set<string>): string | null {
  if (seen.has(keyOf(row))) return 'is there twice.'
  seen.add(keyOf(row))
  if (!CURRENCIES.has(row.currency)) return `there is no currency ${row.currency}.`
  try {
    rowsOfOverrides([row], own.rates)
    return null
  } catch (cause) {
    if (!(cause instanceof RateMissing)) throw cause
    return cause.message
  }
}

const settled = ({ effective_from, ...row }: NewOverride, now: Date): Override => ({
  ...row,
  effective_from: resolveWhen(effective_from ?? '0s', now).toISOString(),
})

type Key = Pick<Override, 'provider' | 'model' | 'effective_from'>
const keyOf = ({ provider, model, effective_from }: Key) => `${provider} ${model} ${Date.parse(effective_from)}`

/** @throws AppError when it is not there */
function standing(own: OwnPrices, row: Key): Override {
  const found = own.overrides.find((one) => keyOf(one) === keyOf(row))
  if (!found) {
    throw new AppError(
      'unprocessable',
      `There is no own price of ${row.provider} ${row.model} from ${row.effective_from}.`,
    )
  }
  return found
}

function withChanges(
  own: OwnPrices,
  set: readonly Override[],
  removed: readonly Key[],
  rates: readonly CurrencyRate[],
): OwnPrices {
  const keys = [...set, ...removed].map(keyOf)
  const twice = keys.find((key, at) => keys.indexOf(key) !== at)
  if (twice !== undefined)
    throw new AppError('unprocessable', `${twice.split(' ').slice(0, 2).join(' ')} is there twice.`)
  const days = rates.map(({ currency, effective_on }) => `${currency} ${effective_on}`)
  if (new Set(days).size < days.length) throw new AppError('unprocessable', 'A rate is there twice.')
  const gone = new Set(keys)
  const replaced = new Set(days)
  return {
    version: own.version + 1,
    overrides: [...own.overrides.filter((one) => !gone.has(keyOf(one))), ...set],
    rates: [...own.rates.filter((one) => !replaced.has(`${one.currency} ${one.effective_on}`)), ...rates],
  }
}

/** Whatever is stored can be put into a table for gateways: checked here, so that it cannot fail there. */
function mustFit({ overrides, rates }: OwnPrices): void {
  if (overrides.length > OVERRIDES_MAX) throw new AppError('unprocessable', `No more than ${OVERRIDES_MAX} own prices.`)
  if (rates.length > RATES_MAX) throw new AppError('unprocessable', `No more than ${RATES_MAX} rates.`)
  try {
    for (const { provider, model, terms } of rowsOfOverrides(overrides, rates)) {
      if (terms.length > TERMS_MAX) {
        throw new AppError('unprocessable', `${provider} ${model} would change more than ${TERMS_MAX} times.`)
      }
      const amounts = terms.flatMap(({ prices, tiers }) =>
        [prices, ...tiers.map((tier) => tier.prices)].flatMap(Object.values),
      )
      if (amounts.some((usd) => !/^\d{1,9}(\.|$)/.test(usd))) {
        throw new AppError('unprocessable', `${provider} ${model} would cost more than there is.`)
      }
    }
  } catch (cause) {
    if (cause instanceof RateMissing) throw new AppError('unprocessable', cause.message, { cause })
    throw cause
  }
}

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

function mustBeKnown(currencies: readonly string[]): void {
  const unknown = currencies.find((code) => !CURRENCIES.has(code))
  if (unknown !== undefined) throw new AppError('unprocessable', `There is no currency ${unknown}.`)
}
