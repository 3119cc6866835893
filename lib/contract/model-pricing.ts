import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, idOf, instant, modelName, searchText, slug, when } from './fields'
import { pageInput, pageOf } from './page'
import { decimal, OutputCap, PRICE_SOURCES, Prices, TIERS_MAX, Tier } from './price-shapes'
import { usd } from './spend-shapes'

export const OVERRIDES_PER_VERSION_MAX = 1_000
export const RATES_PER_VERSION_MAX = 400
/** Standing rows of one organisation. */
export const OVERRIDES_MAX = 5_000
export const RATES_MAX = 10_000
export const IMPORT_CHARACTERS_MAX = 500_000
export const REPRICED_MODELS_MAX = 500
/** Of one repricing. */
export const REPRICING_DAYS_MAX = 400

/** A name as the provider knows it, or the beginning of names with a `*` at its end. */
const modelPattern = modelName
  .regex(/^[^*]*\*?$/, 'may have a * at its end only')
  .describe('The name by which the provider knows the model, or the beginning of names and a `*`.')

const currency = z.string().regex(/^[A-Z]{3}$/, 'must be a code of ISO 4217, such as USD')

/** What an organisation pays, as it is told. */
export const NewOverride = z.strictObject({
  provider: slug,
  model: modelPattern,
  effective_from: when.optional().describe('From now on, unless stated.'),
  currency: currency.default('USD'),
  prices: Prices.refine((prices) => Object.keys(prices).length > 0, 'must name at least one price').describe(
    'Decimals: for a million tokens or characters, an hour of sound, a thousand requests or searches.',
  ),
  tiers: z.array(Tier).max(TIERS_MAX).default([]),
  max_output_tokens: OutputCap.optional().describe(
    'What is reserved for an answer whose length the caller leaves open; as the catalogue says, unless stated.',
  ),
})
export type NewOverride = z.infer<typeof NewOverride>

const NewRate = z.strictObject({
  currency: currency.refine((code) => code !== 'USD', 'is what others are measured in'),
  effective_on: z.iso.date(),
  usd: decimal
    .refine((usd) => /[1-9]/.test(usd), 'must be more than zero')
    .describe('What one of it is worth in US dollars.'),
})

/** What one of a currency is worth in US dollars, from the first moment of a day in UTC on. */
export const CurrencyRate = z.object({ currency, effective_on: z.iso.date(), usd: decimal })
export type CurrencyRate = z.infer<typeof CurrencyRate>

/** What a model costs at one moment, in US dollars. */
export const ModelPrice = z.object({
  provider: z.string(),
  model: z.string(),
  source: z.enum(PRICE_SOURCES),
  /** Where it can be read again: what events pin as `price_book_version`. */
  version: z.string(),
  effective_from: instant.nullable(),
  prices: Prices,
  tiers: z.array(Tier),
  /** What is reserved for an answer whose length the caller leaves open; null when this row says nothing of it. */
  max_output_tokens: OutputCap.nullable(),
  /** Of a target of a configuration, `target` in `configuration`; null for every other price. */
  target: z
    .object({ target_id: z.string(), configuration_name: z.string(), configuration_version: z.string() })
    .nullable(),
})
export type ModelPrice = z.infer<typeof ModelPrice>

export const PriceVersion = z.object({
  version: z.number().int(),
  note: z.string().nullable(),
  changes: z.number().int(),
  created_at: instant,
  created_by: z.string(),
})
export type PriceVersion = z.infer<typeof PriceVersion>

/** `before` is what was in force at that moment, whoever said so; null when nothing was. */
export const PriceChange = z.object({
  provider: z.string(),
  model: z.string(),
  effective_from: instant,
  before: z
    .object({
      source: z.enum(PRICE_SOURCES),
      prices: Prices,
      tiers: z.array(Tier),
      max_output_tokens: OutputCap.nullable(),
    })
    .nullable(),
  /** null: the own price is taken away. */
  after: z
    .object({ currency, prices: Prices, tiers: z.array(Tier), max_output_tokens: OutputCap.nullable() })
    .nullable(),
})
export type PriceChange = z.infer<typeof PriceChange>

export const REPRICING_STATES = ['queued', 'running', 'done', 'failed'] as const

/** What calls of one model cost, and would. Requests that nothing could be said of before or after are not in the sums. */
export const RepricedModel = z.object({
  provider: z.string(),
  model: z.string(),
  requests: z.number().int(),
  /** Whose cost is another one. */
  changed: z.number().int(),
  before_usd: usd,
  after_usd: usd,
  /** Without a known price before, and after. */
  unpriced_before: z.number().int(),
  unpriced_after: z.number().int(),
})
export type RepricedModel = z.infer<typeof RepricedModel>

export const Repricing = z.object({
  id: idOf('rpr'),
  /** Only told, nothing adjusted. */
  dry_run: z.boolean(),
  since: instant,
  until: instant,
  /** Prices in force: `price_book_version` of what is adjusted. */
  version: z.string(),
  note: z.string().nullable(),
  state: z.enum(REPRICING_STATES),
  events_done: z.number().int(),
  events_total: z.number().int().nullable(),
  changed: z.number().int(),
  before_usd: usd,
  after_usd: usd,
  /** The dearest first. */
  models: z.array(RepricedModel).max(REPRICED_MODELS_MAX),
  error: z.string().nullable(),
  created_at: instant,
  created_by: z.string(),
  finished_at: instant.nullable(),
})
export type Repricing = z.infer<typeof Repricing>

const at = when.optional().describe('The moment of which the prices are; now, unless stated.')

const PRICE: ModelPrice = {
  provider: 'openai',
  model: 'gpt-5.4-mini',
  source: 'override',
  version: 'genai-prices-0.1.8-1afcf9efbc81/2',
  effective_from: '2026-03-01T00:00:00.000Z',
  prices: { input: '0.6', cached_input: '0.06', output: '3.6' },
  tiers: [],
  max_output_tokens: null,
  target: null,
}
const VERSION: PriceVersion = {
  version: 2,
  note: 'Contract 2026',
  changes: 1,
  created_at: '2026-02-20T09:00:00.000Z',
  created_by: 'Ada',
}
const CHANGE: PriceChange = {
  provider: 'openai',
  model: 'gpt-5.4-mini',
  effective_from: '2026-03-01T00:00:00.000Z',
  before: {
    source: 'catalogue',
    prices: { input: '0.75', cached_input: '0.075', output: '4.5' },
    tiers: [],
    max_output_tokens: 128_000,
  },
  after: { currency: 'USD', prices: PRICE.prices, tiers: [], max_output_tokens: null },
}
const SET = {
  provider: 'openai',
  model: 'gpt-5.4-mini',
  effective_from: '2026-03-01T00:00:00.000Z',
  currency: 'USD',
  prices: PRICE.prices,
  tiers: [],
}

const REPRICING: Repricing = {
  id: 'rpr_019a6f0e1c2d7000a1b2c3d4e5f60718',
  dry_run: true,
  since: '2026-02-01T00:00:00.000Z',
  until: '2026-03-01T00:00:00.000Z',
  version: PRICE.version,
  note: null,
  state: 'done',
  events_done: 48_210,
  events_total: 48_210,
  changed: 48_210,
  before_usd: '1310.250000000',
  after_usd: '1048.200000000',
  models: [
    {
      provider: 'openai',
      model: 'gpt-5.4-mini',
      requests: 48_210,
      changed: 48_210,
      before_usd: '1310.250000000',
      after_usd: '1048.200000000',
      unpriced_before: 0,
      unpriced_after: 0,
    },
  ],
  error: null,
  created_at: '2026-03-02T09:00:00.000Z',
  created_by: 'Ada',
  finished_at: '2026-03-02T09:00:07.000Z',
}

export const modelPricing = {
  list: endpoint({
    name: 'modelPricing.list',
    method: 'GET',
    path: '/v1/model-pricing',
    access: 'org:read',
    input: z.strictObject({
      search: searchText.optional().describe('In names of providers and models.'),
      provider: slug.optional(),
      source: z.enum(PRICE_SOURCES).optional(),
      at,
      ...pageInput,
    }),
    output: pageOf(ModelPrice).extend({
      /** What an event of this moment pins. */
      version: z.string(),
    }),
    summary: 'List what models cost, and who says so',
    description:
      'Prices of targets go before those of the organisation, and those before the public catalogue. Where the organisation has its own price for a model, the one of the catalogue is not listed.',
    example: { input: { search: 'mini' }, output: { items: [PRICE], next_cursor: null, version: PRICE.version } },
  }),
  effective: endpoint({
    name: 'modelPricing.effective',
    method: 'GET',
    path: '/v1/model-pricing/effective',
    access: 'org:read',
    input: z.strictObject({ provider: slug, model: modelName, at }),
    output: ModelPrice,
    summary: 'Read what one model costs',
    description: 'By the name that a caller or a provider uses; answers `not_found` when the price is unknown.',
    example: { input: { provider: 'openai', model: 'gpt-5.4-mini-2026-03-17' }, output: PRICE },
  }),
  listVersions: endpoint({
    name: 'modelPricing.listVersions',
    method: 'GET',
    path: '/v1/model-pricing/versions',
    access: 'org:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(PriceVersion),
    summary: "List versions of the organisation's own prices, newest first",
    example: { input: {}, output: { items: [VERSION], next_cursor: null } },
  }),
  listRates: endpoint({
    name: 'modelPricing.listRates',
    method: 'GET',
    path: '/v1/model-pricing/rates',
    access: 'org:read',
    input: z.strictObject({ currency: currency.optional().describe('Only of this one.'), ...pageInput }),
    output: pageOf(CurrencyRate),
    summary: 'List what other currencies are worth, by currency and day',
    description: 'Of each day what the newest version says. They are set with `rates` of a new version.',
    example: {
      input: { currency: 'EUR' },
      output: { items: [{ currency: 'EUR', effective_on: '2026-03-01', usd: '1.083333333' }], next_cursor: null },
    },
  }),
  createVersion: endpoint({
    name: 'modelPricing.createVersion',
    method: 'POST',
    path: '/v1/model-pricing/versions',
    status: 201,
    access: 'org:billing',
    idempotent: true,
    input: z.strictObject({
      base_version: z
        .int()
        .min(0)
        .optional()
        .describe('The newest version that was looked at, 0 for none: refused when there is a newer one.'),
      note: displayName.optional(),
      set: z.array(NewOverride).max(OVERRIDES_PER_VERSION_MAX).default([]),
      remove: z
        .array(z.strictObject({ provider: slug, model: modelPattern, effective_from: instant }))
        .max(OVERRIDES_PER_VERSION_MAX)
        .default([]),
      rates: z
        .array(NewRate)
        .max(RATES_PER_VERSION_MAX)
        .default([])
        .describe('What other currencies are worth, from a day on.'),
    }),
    output: PriceVersion.extend({ items: z.array(PriceChange) }),
    summary: 'Change own prices: makes a new version, and gateways use it at once',
    description:
      'Versions are never changed. Events keep the cost that they were recorded with; what is set for a time that has passed is for the calls that come.',
    example: {
      input: { base_version: 1, note: 'Contract 2026', set: [SET] },
      output: { ...VERSION, items: [CHANGE] },
    },
  }),
  preview: endpoint({
    name: 'modelPricing.preview',
    method: 'POST',
    path: '/v1/model-pricing/preview',
    access: 'org:billing',
    input: z.strictObject({
      format: z.enum(['csv', 'json']),
      content: z
        .string()
        .max(IMPORT_CHARACTERS_MAX)
        .describe('Rows of own prices; see docs/prices.md for the columns.'),
    }),
    output: z.object({
      /** Of which the changes are: `base_version` of a new one. */
      base_version: z.number().int(),
      items: z.array(PriceChange),
      /** What could be read, as `createVersion` takes it. */
      set: z.array(NewOverride),
      /** What could not; `line` counts from 1. */
      problems: z.array(z.object({ line: z.number().int(), message: z.string() })),
    }),
    summary: 'Read a list of own prices and say what it would change; changes nothing',
    example: {
      input: {
        format: 'csv',
        content: 'provider,model,effective_from,input,output\nopenai,gpt-5.4-mini,2026-03-01,0.6,3.6\n',
      },
      output: { base_version: 1, items: [CHANGE], set: [SET], problems: [] },
    },
  }),
  reprice: endpoint({
    name: 'modelPricing.reprice',
    method: 'POST',
    path: '/v1/model-pricing/repricings',
    status: 202,
    access: 'org:billing',
    idempotent: true,
    input: z.strictObject({
      since: when.describe('Calls that began then or later.'),
      until: when.optional().describe('And before this; now, unless stated.'),
      dry_run: z.boolean().default(true),
      set: z
        .array(NewOverride)
        .max(OVERRIDES_PER_VERSION_MAX)
        .default([])
        .describe('What the organisation would have paid, beside the prices in force; with `dry_run` only.'),
      note: displayName.optional(),
    }),
    output: Repricing,
    summary: 'Ask what calls of the past cost at the prices in force, or at others, and adjust them if wanted',
    description:
      'Works in the background: read it again for its progress. Events keep what they were recorded with; each difference is an adjustment in the ledger, under the first month that is open, and in usage and budgets at the time of its call. Calls that a target of a configuration states the price of are left as they are.',
    example: { input: { since: '2026-02-01', until: '2026-03-01', set: [SET] }, output: REPRICING },
  }),
  listRepricings: endpoint({
    name: 'modelPricing.listRepricings',
    method: 'GET',
    path: '/v1/model-pricing/repricings',
    access: 'spend:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(Repricing),
    summary: 'List repricings, newest first',
    example: { input: {}, output: { items: [REPRICING], next_cursor: null } },
  }),
  getRepricing: endpoint({
    name: 'modelPricing.getRepricing',
    method: 'GET',
    path: '/v1/model-pricing/repricings/:id',
    access: 'spend:read',
    input: z.strictObject({ id: z.string().max(64) }),
    output: Repricing,
    summary: 'Read one repricing: how far it is, and what it found',
    example: { input: { id: REPRICING.id }, output: REPRICING },
  }),
}
