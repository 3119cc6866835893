import { createHash } from 'node:crypto'
import {
  type ConditionalPrice,
  findProvider,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
} from '@pydantic/genai-prices'
import type { ModelMatch, PriceRow, Prices, PriceTerm, PriceUnit, Tier } from '@/lib/contract/price-shapes'
import { shortUsdOfNano } from '@/lib/money'
import { canonicalJson } from '@/lib/trail/canonical'
import { outputCapOf, serviceTiersOf } from './litellm-models'
import { matcherOf } from './match'

/** The release of @pydantic/genai-prices that the rows are made from; catalogue.test.ts compares it with what is installed. */
export const CATALOGUE_RELEASE = '0.1.8'

/** Public prices. Immutable: other rows have another version. */
export type Catalogue = { version: string; rows: readonly PriceRow[] }

/** Our names of providers, and the catalogue's. */
const PROVIDERS = {
  openai: 'openai',
  'azure-openai': 'azure',
  anthropic: 'anthropic',
  google: 'google',
  bedrock: 'aws',
  mistral: 'mistral',
  cohere: 'cohere',
  groq: 'groq',
  together: 'together',
  fireworks: 'fireworks',
  deepseek: 'deepseek',
  xai: 'x-ai',
  openrouter: 'openrouter',
  perplexity: 'perplexity',
}

/** The catalogue's units, and ours. What is not here is nothing that a gateway's calls are billed by. */
const UNITS: Record<string, PriceUnit> = {
  input_mtok: 'input',
  cache_read_mtok: 'cached_input',
  cache_write_mtok: 'cache_write',
  cache_write_1h_mtok: 'cache_write_1h',
  input_audio_mtok: 'input_audio',
  input_image_mtok: 'input_image',
  output_mtok: 'output',
  output_reasoning_mtok: 'reasoning',
  output_audio_mtok: 'output_audio',
  output_image_mtok: 'output_image',
  input_audio_hours: 'input_audio_hour',
  requests_kcount: 'request',
  web_searches_kcount: 'web_search',
}

/** The sandbox answers inside the gateway, and that is free. */
const SANDBOX: PriceRow = {
  provider: 'sandbox',
  model: '*',
  source: 'catalogue',
  match: { starts_with: '' },
  terms: [
    {
      effective_from: null,
      between: null,
      prices: { input: '0', output: '0', input_characters: '0', input_audio_hour: '0' },
      tiers: [],
    },
  ],
}

let made: Catalogue | undefined

/** The prices that this release comes with. Made once; a few thousand rows. */
export function catalogue(): Catalogue {
  if (made !== undefined) return made
  const rows = [...Object.entries(PROVIDERS).flatMap(([ours, theirs]) => rowsOf(ours, theirs)), SANDBOX]
  const hash = createHash('sha256').update(canonicalJson(rows)).digest('hex')
  made = { version: `genai-prices-${CATALOGUE_RELEASE}-${hash.slice(0, 12)}`, rows }
  return made
}

/** A provider that resells the models of others asks what those cost where it does not say. */
function rowsOf(ours: string, theirs: string): PriceRow[] {
  const provider = findProvider({ providerId: theirs })
  if (provider === undefined) throw new Error(`The catalogue does not know ${theirs}.`)
  const resold = (provider.fallback_model_providers ?? []).flatMap(
    (id) => findProvider({ providerId: id })?.models ?? [],
  )
  return [...provider.models, ...resold].flatMap((model) => {
    const row = rowOf(ours, model)
    return row === null ? [] : [row]
  })
}

function rowOf(provider: string, { id, match, prices }: ModelInfo): PriceRow | null {
  const conditional: ConditionalPrice[] = Array.isArray(prices) ? prices : [{ prices }]
  const meant = matchOf(match)
  const matches = matcherOf(meant)
  const cap = outputCapOf(provider, matches)
  const terms = conditional.map(termOf).map((term) => ({
    ...term,
    tiers: [...term.tiers, ...alignedWith(term.tiers, serviceTiersOf(provider, id, matches, term.prices))],
    ...(cap === undefined ? {} : { max_output_tokens: cap }),
  }))
  // What is billed by nothing that is counted here has no price.
  if (terms.every((term) => Object.keys(term.prices).length === 0)) return null
  return { provider, model: id, source: 'catalogue', match: meant, terms }
}

/** Two lists that differ by a token about where long inputs begin mean the same. */
const alignedWith = (usual: readonly Tier[], served: readonly Tier[]): Tier[] =>
  served.map((tier) => {
    const near = usual.find((one) => Math.abs(one.above_input_tokens - tier.above_input_tokens) === 1)
    return near === undefined ? tier : { ...tier, above_input_tokens: near.above_input_tokens }
  })

function termOf({ constraint, prices }: ConditionalPrice): PriceTerm {
  return {
    effective_from: constraint?.type === 'start_date' ? `${constraint.start_date}T00:00:00.000Z` : null,
    between:
      constraint?.type === 'time_of_date'
        ? { from: timeOf(constraint.start_time), to: timeOf(constraint.end_time) }
        : null,
    prices: pricesAt(prices, null),
    tiers: tiersOf(prices),
  }
}

/** Tiers of single units as tiers of the whole: each states every unit that differs above it. */
function tiersOf(prices: ModelPrice): Tier[] {
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  )
  return [...new Set(starts)]
    .sort((a, b) => a - b)
    .map((start) => ({ above_input_tokens: start, prices: pricesAt(prices, start) }))
}

function pricesAt(prices: ModelPrice, start: number | null): Prices {
  const found: Prices = {}
  for (const [key, price] of Object.entries(prices)) {
    const unit = UNITS[key]
    if (unit === undefined || price === undefined) continue
    if (typeof price === 'number') {
      if (start === null) found[unit] = decimalOf(price)
      continue
    }
    const tier = start === null ? undefined : price.tiers.findLast((one) => one.start <= start)
    if (start === null || tier !== undefined) found[unit] = decimalOf(tier?.price ?? price.base)
  }
  return found
}

/** The catalogue's numbers have few decimals; what is beyond a nano-dollar is an artefact of binary fractions. */
const decimalOf = (usd: number): string => shortUsdOfNano(BigInt(Math.round(usd * 1e9)))

/** `HH:MM:SSZ` or `HH:MM:SS`, in UTC. */
const timeOf = (text: string): string => text.slice(0, 8)

function matchOf(match: MatchLogic): ModelMatch {
  if ('equals' in match) return { names: [match.equals] }
  if ('or' in match) {
    const parts = match.or.map(matchOf)
    const names = parts.flatMap((one) => ('names' in one ? one.names : []))
    const rules = parts.filter((one) => !('names' in one))
    if (rules.length === 0) return { names }
    return { or: names.length === 0 ? rules : [{ names }, ...rules] }
  }
  if ('and' in match) {
    const parts = match.and.map(matchOf)
    return { and: parts.flatMap((one) => ('and' in one ? one.and : [one])) }
  }
  return 'regex' in match && match.regex === NOT_SPEECH ? WITHOUT_SPEECH : match
}

/** The catalogue's one look-ahead, which patterns that run in linear time have not: no name with `-tts` as a whole word. */
const NOT_SPEECH = '^(?!.*-[tT][tT][sS](?:$|-))'
const WITHOUT_SPEECH: ModelMatch = {
  and: [{ not: { ends_with: '-tts' } }, { not: { contains: '-tts-' } }],
}
