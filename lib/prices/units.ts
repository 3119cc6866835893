import type { PriceUnit } from '@/lib/contract/price-shapes'

/** How many of what is counted one price is for. Sound is counted in milliseconds and priced by the hour. */
export const PER: Record<PriceUnit, bigint> = {
  input: 1_000_000n,
  cached_input: 1_000_000n,
  cache_write: 1_000_000n,
  cache_write_1h: 1_000_000n,
  input_audio: 1_000_000n,
  input_image: 1_000_000n,
  output: 1_000_000n,
  reasoning: 1_000_000n,
  output_audio: 1_000_000n,
  output_image: 1_000_000n,
  input_characters: 1_000_000n,
  input_audio_hour: 3_600_000n,
  request: 1_000n,
  web_search: 1_000n,
}

/** A multiple of every `PER`: prices are summed in this fraction of a nano-dollar, so that nothing is rounded before. */
export const SCALE = 18_000_000n

/** What costs the same as something else where it has no price of its own. */
export const INSTEAD: Record<PriceUnit, readonly PriceUnit[]> = {
  input: ['input'],
  cached_input: ['cached_input', 'input'],
  cache_write: ['cache_write', 'input'],
  cache_write_1h: ['cache_write_1h', 'cache_write', 'input'],
  input_audio: ['input_audio', 'input'],
  input_image: ['input_image', 'input'],
  output: ['output'],
  reasoning: ['reasoning', 'output'],
  output_audio: ['output_audio', 'output'],
  output_image: ['output_image', 'output'],
  input_characters: ['input_characters'],
  input_audio_hour: ['input_audio_hour'],
  request: ['request'],
  web_search: ['web_search'],
}
