import { z } from 'zod'
import { instant, modelName, slug } from './fields'

/**
 * What a price can be for. Tokens and characters are priced per million, `input_audio_hour` per hour, and `request` and
 * `web_search` per thousand. `lib/prices/units.ts` says which is part of which.
 */
export const PRICE_UNITS = [
  'input',
  'cached_input',
  'cache_write',
  'cache_write_1h',
  'input_audio',
  'input_image',
  'output',
  'reasoning',
  'output_audio',
  'output_image',
  'input_characters',
  'input_audio_hour',
  'request',
  'web_search',
] as const
export type PriceUnit = (typeof PRICE_UNITS)[number]

/** Where a price comes from; the first of these that knows one is used. */
export const PRICE_SOURCES = ['target', 'override', 'catalogue'] as const
export type PriceSource = (typeof PRICE_SOURCES)[number]

export const TIERS_MAX = 8
export const TERMS_MAX = 100
/** Rows that one gateway is given at most. */
export const TABLE_ROWS_MAX = 10_000

/** An amount of money that is not negative and at most a billion; never more than nine decimals. */
export const decimal = z
  .string()
  .regex(/^\d{1,9}(?:\.\d{1,9})?$/, 'must be a decimal such as 2.50, with up to nine decimals and no sign')

export const Prices = z.partialRecord(z.enum(PRICE_UNITS), decimal)
export type Prices = z.infer<typeof Prices>

/** How providers name the speeds at which they serve requests. */
export const ServiceTier = z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'must be a name such as priority or flex')

/**
 * In place of the prices of the same units, for a request with more input tokens than this, and for all of its tokens. With
 * `service_tier` only for requests that were served as such; above 0 is then for all of them.
 */
export const Tier = z.strictObject({
  service_tier: ServiceTier.optional(),
  above_input_tokens: z.int().min(0).max(1e12),
  prices: Prices,
})
export type Tier = z.infer<typeof Tier>

/** What people call a tier: `Priority, above 272,000 input tokens`. */
export function tierText({ service_tier: name, above_input_tokens: above }: Tier): string {
  const beyond = above > 0 || name === undefined ? [`above ${above.toLocaleString('en')} input tokens`] : []
  const text = [...(name === undefined ? [] : [name]), ...beyond].join(', ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/)

/** The most tokens that a model answers with. */
export const OutputCap = z.int().min(1).max(10_000_000)

/** Prices in US dollars, and when they hold. */
export const PriceTerm = z.strictObject({
  /** null: always. */
  effective_from: instant.nullable(),
  /** Only within these hours of each day in UTC, the end excluded; null: all day. */
  between: z.strictObject({ from: timeOfDay, to: timeOfDay }).nullable(),
  prices: Prices,
  tiers: z.array(Tier).max(TIERS_MAX),
  /** What is reserved for an answer whose length the caller leaves open; absent when it is not known. */
  max_output_tokens: OutputCap.optional(),
})
export type PriceTerm = z.infer<typeof PriceTerm>

/** How the names of models are compared, letters in any case. */
export type ModelMatch =
  | { names: string[] }
  | { starts_with: string }
  | { ends_with: string }
  | { contains: string }
  | { regex: string }
  | { not: ModelMatch }
  | { and: ModelMatch[] }
  | { or: ModelMatch[] }

const MATCHES_MAX = 200
const text = z.string().max(200)
const plainMatch = [
  z.strictObject({ names: z.array(text).min(1).max(MATCHES_MAX) }),
  z.strictObject({ starts_with: text }),
  z.strictObject({ ends_with: text }),
  z.strictObject({ contains: text }),
  z.strictObject({ regex: text }),
] as const
const around = (inner: z.ZodType<ModelMatch>): z.ZodType<ModelMatch> =>
  z.union([
    ...plainMatch,
    z.strictObject({ not: inner }),
    z.strictObject({ and: z.array(inner).min(1).max(MATCHES_MAX) }),
    z.strictObject({ or: z.array(inner).min(1).max(MATCHES_MAX) }),
  ])
/** As deep as rules are, and no deeper. */
export const ModelMatch: z.ZodType<ModelMatch> = around(around(around(z.union(plainMatch))))

/** The prices of one model, or of those whose names match. The last term that holds is in force. */
export const PriceRow = z.strictObject({
  provider: slug,
  model: modelName,
  source: z.enum(['override', 'catalogue']),
  match: ModelMatch,
  terms: z.array(PriceTerm).min(1).max(TERMS_MAX),
})
export type PriceRow = z.infer<typeof PriceRow>

/** All prices that a gateway may need. Of rows that match, an earlier one is preferred. */
export const PriceTable = z.strictObject({
  /** Names the catalogue and, after a slash, the version of the organisation's own prices. */
  version: z.string().min(1).max(120),
  rows: z.array(PriceRow).max(TABLE_ROWS_MAX),
})
export type PriceTable = z.infer<typeof PriceTable>
