import { and, asc, desc, eq, lt, lte, sql } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { bundles } from '@/drizzle/schema/configurations'
import { gateways } from '@/drizzle/schema/gateways'
import { currencyRates, priceBooks, priceOverrides } from '@/drizzle/schema/prices'
import { resolveWhen } from '@/lib/contract/fields'
import type { CurrencyRate, ModelPrice, modelPricing, PriceVersion } from '@/lib/contract/model-pricing'
import { toPage } from '@/lib/contract/page'
import type { PriceTable } from '@/lib/contract/price-shapes'
import { AppError } from '@/lib/errors'
import { type Entry, PriceBook } from '@/lib/prices/price-book'
import type { Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Transaction } from '../database'
import type { Input } from '../routes'
import { targetsOfBundle } from './bundle-targets'
import { listedAs, targetPrices } from './listed-prices'
import { forGateway, type OwnPrices, priceTableOf } from './price-table'

/** A version never changes, so what was made of it is good for ever. By organisation and version. */
const books = new LRUCache<string, { own: OwnPrices; book: PriceBook }>({ max: 50 })
/** Gateways whose targets are listed with their prices. */
const GATEWAYS_MAX = 200

/** Ordered by provider, model and source. */
export async function listModelPrices(ctx: Context, input: Input<typeof modelPricing.list>) {
  const { tx, actor, request } = ctx
  const cursors = cursorsOf(ctx, 'modelPricing.list', input)
  const after = cursors.decode(z.string()) ?? ''
  const at = resolveWhen(input.at ?? '0s', request.now)
  const { book } = await ownPrices(tx, actor.orgId)
  const wanted = input.search?.toLowerCase() ?? ''
  const all = [
    ...(await pricesOfTargets(tx, actor.orgId)),
    ...book.entriesAt(at.getTime()).map((entry) => listedAs(modelPriceOf(entry))),
  ]
  const rows = all
    .filter(({ price }) => input.provider === undefined || price.provider === input.provider)
    .filter(({ price }) => input.source === undefined || price.source === input.source)
    .filter(({ price }) => `${price.provider} ${price.model}`.toLowerCase().includes(wanted))
    .filter(({ key }) => key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const page = toPage(rows.slice(0, input.limit + 1), input.limit, ({ key }) => cursors.encode(key))
  return { ...page, items: page.items.map(({ price }) => price), version: book.version }
}

export async function getEffectivePrice(
  { tx, actor, request }: Context,
  { provider, model, at }: Input<typeof modelPricing.effective>,
): Promise<ModelPrice> {
  const { book } = await ownPrices(tx, actor.orgId)
  const entry = book.entryOf(provider, [model], resolveWhen(at ?? '0s', request.now).getTime())
  if (entry === null) throw new AppError('not_found', `Nobody has said what ${model} of ${provider} costs.`)
  return modelPriceOf(entry)
}

const modelPriceOf = ({ row, term, price }: Entry): ModelPrice => ({
  provider: row.provider,
  model: row.model,
  source: row.source,
  version: price.version,
  effective_from: term.effective_from,
  prices: term.prices,
  tiers: term.tiers,
  max_output_tokens: term.max_output_tokens ?? null,
  target: null,
})

export async function listCurrencyRates(ctx: Context, input: Input<typeof modelPricing.listRates>) {
  const { tx, actor } = ctx
  const cursors = cursorsOf(ctx, 'modelPricing.listRates', input)
  const after = cursors.decode(z.string()) ?? ''
  const { own } = await ownPrices(tx, actor.orgId)
  // Codes and days have one length each, so they sort as one text.
  const keyOf = (rate: CurrencyRate) => `${rate.currency} ${rate.effective_on}`
  const rates = own.rates
    .filter((rate) => (input.currency === undefined || rate.currency === input.currency) && keyOf(rate) > after)
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  return toPage(rates.slice(0, input.limit + 1), input.limit, (rate) => cursors.encode(keyOf(rate)))
}

/** Newest first. */
export async function listPriceVersions(ctx: Context, input: Input<typeof modelPricing.listVersions>) {
  const { tx, actor } = ctx
  const cursors = cursorsOf(ctx, 'modelPricing.listVersions', input)
  const before = cursors.decode(z.number())
  const rows = await tx
    .select()
    .from(priceBooks)
    .where(and(eq(priceBooks.orgId, actor.orgId), before === undefined ? undefined : lt(priceBooks.version, before)))
    .orderBy(desc(priceBooks.version))
    .limit(input.limit + 1)
  return toPage(rows.map(toVersion), input.limit, ({ version }) => cursors.encode(version))
}

export const toVersion = (row: typeof priceBooks.$inferSelect): PriceVersion => ({
  version: row.version,
  note: row.note,
  changes: row.changes,
  created_at: row.createdAt,
  created_by: row.createdBy,
})

/** What a gateway is told. */
export async function priceTableFor(
  tx: Transaction,
  orgId: string,
  providers: ReadonlySet<string>,
  now: Date,
): Promise<PriceTable> {
  const { book } = await ownPrices(tx, orgId)
  return forGateway(book.table, providers, now.getTime())
}

/** The newest version, as it stands. */
export const ownPrices = async (tx: Transaction, orgId: string) =>
  ownPricesAt(tx, orgId, await newestVersion(tx, orgId))

/** As they stood at a version; 0 is before the first. */
export async function ownPricesAt(
  tx: Transaction,
  orgId: string,
  version: number,
): Promise<{ own: OwnPrices; book: PriceBook }> {
  const key = version === 0 ? '' : `${orgId} ${version}`
  const known = books.get(key)
  if (known !== undefined) return known
  const own = version === 0 ? NO_PRICES : await readOwnPrices(tx, orgId, version)
  const made = { own, book: new PriceBook(priceTableOf(own)) }
  books.set(key, made)
  return made
}

const NO_PRICES: OwnPrices = { version: 0, overrides: [], rates: [] }

async function newestVersion(tx: Transaction, orgId: string): Promise<number> {
  const [newest] = await tx
    .select({ version: priceBooks.version })
    .from(priceBooks)
    .where(eq(priceBooks.orgId, orgId))
    .orderBy(desc(priceBooks.version))
    .limit(1)
  return newest?.version ?? 0
}

/** Of each row the newest that is not newer than the version; bounded by OVERRIDES_MAX, because commands are. */
async function readOwnPrices(tx: Transaction, orgId: string, version: number): Promise<OwnPrices> {
  const { provider, model, effectiveFrom, bookVersion } = priceOverrides
  const rows = await tx
    .selectDistinctOn([provider, model, effectiveFrom])
    .from(priceOverrides)
    .where(and(eq(priceOverrides.orgId, orgId), lte(bookVersion, version)))
    .orderBy(asc(provider), asc(model), asc(effectiveFrom), desc(bookVersion))
  const rates = await tx
    .selectDistinctOn([currencyRates.currency, currencyRates.effectiveOn])
    .from(currencyRates)
    .where(and(eq(currencyRates.orgId, orgId), lte(currencyRates.bookVersion, version)))
    .orderBy(asc(currencyRates.currency), asc(currencyRates.effectiveOn), desc(currencyRates.bookVersion))
  return {
    version,
    overrides: rows.flatMap(({ prices, maxOutputTokens, ...row }) =>
      prices === null
        ? []
        : [{ ...row, prices, max_output_tokens: maxOutputTokens ?? undefined, effective_from: row.effectiveFrom }],
    ),
    rates: rates.map(({ currency, effectiveOn, usd }) => ({ currency, effective_on: effectiveOn, usd })),
  }
}

/** Of what gateways are to run. */
async function pricesOfTargets(tx: Transaction, orgId: string) {
  const rows = await tx
    .select({ payload: bundles.payload })
    .from(gateways)
    .innerJoin(
      bundles,
      and(
        eq(bundles.orgId, gateways.orgId),
        eq(bundles.gatewayId, gateways.id),
        eq(bundles.generation, sql`${gateways.desiredGeneration}`),
      ),
    )
    .where(eq(gateways.orgId, orgId))
    .orderBy(asc(gateways.id))
    .limit(GATEWAYS_MAX)
  return targetPrices(rows.map(({ payload }) => targetsOfBundle(payload)))
}
