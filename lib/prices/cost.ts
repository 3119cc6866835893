import { dividedHalfEven, type NanoUsd, nanoUsd, nanoUsdOf } from '@/lib/money'
import type { TokenUsage } from '@/lib/token-usage'
import type { MediaUnit, Rates, ServedPrice } from './price'
import { SCALE } from './units'

/**
 * What a call cost. `input` and `output` are never more than `total`; what belongs to neither, such as a fee for each
 * request or search, is in the total alone.
 */
export type Cost = { total: NanoUsd; input: NanoUsd; output: NanoUsd }

/** A single call that costs a million dollars has not taken place, whatever its provider counts. */
const COST_MAX = nanoUsdOf('1000000')

/**
 * The exact cost of what a provider counted, rounded once, half to even, to a nano-dollar. The part of the input is
 * rounded likewise, and the part of the output is what remains, so that the parts always add up.
 *
 * Parts that a provider counts within the whole are charged at their own price where there is one, and never twice. Counts
 * of parts that exceed their whole are charged as they are: the whole then has nothing left.
 *
 * @returns null when something was used that has no price: an unknown price is never zero
 */
export function costOf({ tiers }: ServedPrice, usage: TokenUsage): Cost | null {
  const rates = ratesFor(tiers, usage.input)
  const input = inputCost(rates, usage)
  const output = outputCost(rates, usage)
  const searches = usage.webSearches ?? 0
  if (input === null || output === null || (searches > 0 && rates.web_search === null)) return null
  const other = (rates.request ?? 0n) + (searches > 0 ? BigInt(searches) * (rates.web_search ?? 0n) : 0n)
  const total = dividedHalfEven(input + output + other, SCALE)
  if (total > COST_MAX) return null
  const inputPart = input === 0n ? 0n : dividedHalfEven(input, SCALE)
  const outputPart = other === 0n ? total - inputPart : dividedHalfEven(output, SCALE)
  return { total: nanoUsd(total), input: nanoUsd(inputPart), output: nanoUsd(outputPart) }
}

const MEDIA_COUNTS: Record<MediaUnit, keyof TokenUsage> = {
  input_audio: 'inputAudio',
  input_image: 'inputImage',
  output_audio: 'outputAudio',
  output_image: 'outputImage',
}

/** Whether sound or pictures were used that are charged as text because nobody has said what they cost. */
export const isTakenForText = ({ asText }: ServedPrice, usage: TokenUsage): boolean =>
  asText.some((unit) => (usage[MEDIA_COUNTS[unit]] ?? 0) > 0)

/**
 * No call with at most so many tokens costs more, whatever it turns out to be: the dearest way to count each token, at
 * every tier within reach, rounded up. Searches that a provider makes by itself are not bounded by this.
 *
 * @returns null when input or output has no price
 */
export function worstCaseOf({ tiers }: ServedPrice, inputTokens: number, outputTokensMax: number): NanoUsd | null {
  let worst: bigint | null = null
  for (const { above, rates } of tiers) {
    if (above >= inputTokens && above !== -1) break
    const input = dearest(rates, INPUT_UNITS)
    const output = dearest(rates, OUTPUT_UNITS)
    if ((input === null && inputTokens > 0) || (output === null && outputTokensMax > 0)) return null
    const cost = BigInt(inputTokens) * (input ?? 0n) + BigInt(outputTokensMax) * (output ?? 0n) + (rates.request ?? 0n)
    if (worst === null || cost > worst) worst = cost
  }
  return worst === null ? null : nanoUsd((worst + SCALE - 1n) / SCALE)
}

const INPUT_UNITS = ['input', 'cached_input', 'cache_write', 'cache_write_1h', 'input_audio', 'input_image'] as const
const OUTPUT_UNITS = ['output', 'reasoning', 'output_audio', 'output_image'] as const

function dearest(rates: Rates, units: readonly (keyof Rates)[]): bigint | null {
  let most: bigint | null = null
  for (const unit of units) {
    const rate = rates[unit]
    if (rate !== null && (most === null || rate > most)) most = rate
  }
  return most
}

function ratesFor(tiers: ServedPrice['tiers'], inputTokens: number): Rates {
  for (let at = tiers.length - 1; at > 0; at--) {
    const tier = tiers[at]
    if (tier !== undefined && inputTokens > tier.above) return tier.rates
  }
  const [base] = tiers
  if (base === undefined) throw new Error('a price without a tier')
  return base.rates
}

/** In nano-dollars divided by SCALE. */
function inputCost(rates: Rates, usage: TokenUsage): bigint | null {
  const {
    input,
    cached,
    cacheWritten = 0,
    inputAudio = 0,
    inputImage = 0,
    inputAudioMs = 0,
    inputCharacters = 0,
  } = usage
  if (cached === 0 && cacheWritten === 0 && inputAudio === 0 && inputImage === 0) {
    const text = times(input, rates.input)
    if (inputAudioMs === 0 && inputCharacters === 0) return text
    return sum(text, times(inputAudioMs, rates.input_audio_hour), times(inputCharacters, rates.input_characters))
  }
  const written1h = Math.min(usage.cacheWrittenHour ?? 0, cacheWritten)
  return sum(
    // Which of what was cached was sound or a picture is nowhere said: it is charged as text, and only once.
    times(cached, rates.cached_input),
    times(cacheWritten - written1h, rates.cache_write),
    times(written1h, rates.cache_write_1h),
    times(inputAudio, rates.input_audio),
    times(inputImage, rates.input_image),
    times(Math.max(0, input - cached - cacheWritten - inputAudio - inputImage), rates.input),
    times(inputAudioMs, rates.input_audio_hour),
    times(inputCharacters, rates.input_characters),
  )
}

/** Likewise. */
function outputCost(rates: Rates, { output, reasoning, outputAudio = 0, outputImage = 0 }: TokenUsage): bigint | null {
  if (reasoning === 0 && outputAudio === 0 && outputImage === 0) return times(output, rates.output)
  return sum(
    times(reasoning, rates.reasoning),
    times(outputAudio, rates.output_audio),
    times(outputImage, rates.output_image),
    times(Math.max(0, output - reasoning - outputAudio - outputImage), rates.output),
  )
}

/** Nothing costs nothing, whatever its price. */
const times = (count: number, rate: bigint | null): bigint | null =>
  count === 0 ? 0n : rate === null ? null : BigInt(count) * rate

function sum(...parts: (bigint | null)[]): bigint | null {
  let total = 0n
  for (const part of parts) {
    if (part === null) return null
    total += part
  }
  return total
}
