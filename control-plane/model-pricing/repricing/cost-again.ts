import type { DecisionEvent } from '@/lib/contract/events'
import type { PriceUnit } from '@/lib/contract/price-shapes'
import { type NanoUsd, NO_MONEY } from '@/lib/money'
import { costOf } from '@/lib/prices/cost'
import { serviceTierOf } from '@/lib/prices/price'
import type { PriceBook } from '@/lib/prices/price-book'
import type { TokenUsage } from '@/lib/token-usage'

/** A call whose cost is nobody's to say again: a configuration stated its price, or no provider was asked. */
export const KEPT = Symbol('kept')

/**
 * What a recorded call costs by a book at the moment it was made, from the counts in its record; null when the book has no
 * price for it. Counts of several calls that were billed are taken as those of one.
 */
export function costAgain(event: DecisionEvent, book: PriceBook): NanoUsd | null | typeof KEPT {
  const { provider, api_shape, cache, event_cost_attribution: cost } = event
  const isOfTarget = cost.price_book_version?.startsWith('target:') ?? false
  if (provider === null || cache.hit || api_shape === 'mcp' || isOfTarget) return KEPT
  const usage = usageOf(event)
  if (usage === null) return cost.total_cost_usd === null ? KEPT : NO_MONEY
  const names = [event.model, event.model_requested].filter((name) => name !== null)
  const price = book.priceOf(provider, names, Date.parse(event.timestamp))
  const tier = serviceTierOf(cost.price_book_version)
  const served = tier === null ? price : price?.served.get(tier)
  return served ? (costOf(served, usage)?.total ?? null) : null
}

/** null when nobody said what was used. */
function usageOf({ tokens, event_cost_attribution: { units } }: DecisionEvent): TokenUsage | null {
  if (tokens === null && units.length === 0) return null
  const usage: TokenUsage = tokens === null ? { input: 0, output: 0, cached: 0, reasoning: 0 } : { ...tokens }
  for (const { unit, quantity } of units) {
    const count = COUNTS[unit]
    if (count !== undefined) usage[count] = quantity
  }
  return usage
}

const COUNTS: Partial<Record<PriceUnit, keyof TokenUsage>> = {
  cache_write: 'cacheWritten',
  cache_write_1h: 'cacheWrittenHour',
  input_audio: 'inputAudio',
  input_image: 'inputImage',
  output_audio: 'outputAudio',
  output_image: 'outputImage',
  input_audio_hour: 'inputAudioMs',
  input_characters: 'inputCharacters',
  web_search: 'webSearches',
}
