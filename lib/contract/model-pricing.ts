import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, instant, modelName, searchText, slug, when } from './fields'
import { pageInput, pageOf } from './page'
import { decimal, PRICE_SOURCES, Prices, TIERS_MAX, Tier } from './price-shapes'

export const OVERRIDES_PER_VERSION_MAX = 1_000
export const RATES_PER_VERSION_MAX = 400
/** Standing rows of one organisation. */
export const OVERRIDES_MAX = 5_000
export const IMPORT_CHARACTERS_MAX = 500_000

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
})
export type NewOverride = z.infer<typeof NewOverride>

const NewRate = z.strictObject({
  currency: currency.refine((code) => code !== 'USD', 'is what others are measured in'),
  effective_on: z.iso.date(),
  usd: decimal
    .refine((usd) => /[1-9]/.test(usd), 'must be more than zero')
    .describe('What one of it is worth in US dollars.'),
})

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
  before: z.object({ source: z.enum(PRICE_SOURCES), prices: Prices, tiers: z.array(Tier) }).nullable(),
  /** null: the own price is taken away. */
  after: z.object({ currency, prices: Prices, tiers: z.array(Tier) }).nullable(),
})
export type PriceChange = z.infer<typeof PriceChange>

const at = when.optional().describe('The moment of which the prices are; now, unless stated.')

const PRICE: ModelPrice = {
  provider: 'openai',
  model: 'gpt-5.4-mini',
  source: 'override',
  version: 'genai-prices-0.1.8-1afcf9efbc81/2',
  effective_from: '2026-03-01T00:00:00.000Z',
  prices: { input: '0.6', cached_input: '0.06', output: '3.6' },
  tiers: [],
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
  before: { source: 'catalogue', prices: { input: '0.75', cached_input: '0.075', output: '4.5' }, tiers: [] },
  after: { currency: 'USD', prices: PRICE.prices, tiers: [] },
}
const SET = {
  provider: 'openai',
  model: 'gpt-5.4-mini',
  effective_from: '2026-03-01T00:00:00.000Z',
  currency: 'USD',
  prices: PRICE.prices,
  tiers: [],
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
}
