import { type NanoUsd, nanoUsd, nanoUsdOf } from '@/lib/money'
import type { Target } from '@/lib/policy/compile-target'
import { costOf, worstCaseOf } from '@/lib/prices/cost'
import type { Price } from '@/lib/prices/price'
import type { TokenUsage } from '@/lib/token-usage'
import type { Ask } from '../ask'
import { priceFor } from '../request-cost'
import type { Snapshot } from '../snapshot'
import { inputTokensOf } from './input-tokens'

/** Of an answer whose length the caller leaves open. */
export const OUTPUT_TOKENS_DEFAULT = 16_384
/** More cannot be reserved at once; a call that cost more would not be believed either. */
const RESERVED_MAX = nanoUsdOf('1000000')
/** Of sound whose length nobody has said: that of a low bit rate, so that it is taken for long. */
const SOUND_BYTES_PER_SECOND = 4_000
/** Two channels of 16 bits, 48,000 times a second. */
const WAVE_BYTES_PER_SECOND_MAX = 192_000
/** Of sound, as models count it, with room. */
const SOUND_TOKENS_PER_SECOND = 15
/** What is said in a second, as tokens of text, with room. */
const SAID_TOKENS_PER_SECOND = 8
/** Sound for each character that is spoken, with room. */
const SOUND_TOKENS_PER_CHARACTER = 3
/** Choices that one request may ask for. */
const CHOICES_MAX = 128

/**
 * The most that a request can cost at a target, told before it is sent: its input as it is counted here, and the answer as
 * long as it may become. What a provider keeps of earlier requests, and what it looks up by itself, is not in it.
 *
 * @returns asked for one target after the other; null for a price that nobody knows
 */
export function worstCases(ask: Ask, snapshot: Snapshot): (target: Target) => NanoUsd | null {
  let counted: Counted | null = null
  const known = new Map<Price, NanoUsd | null>()
  return (target) => {
    const price = priceFor({ target, usage: NO_USAGE, model: null }, ask.model, snapshot)
    if (price === null) return null
    let worst = known.get(price)
    if (worst === undefined) {
      counted ??= countedOf(ask)
      worst = capped(dearestOf(price, counted))
      known.set(price, worst)
    }
    return worst
  }
}

/** What of a request its price can be for; each is a bound of its own, and the dearest counts. */
type Counted = { input: number; output: number; alone: readonly TokenUsage[] }

const NO_USAGE: TokenUsage = { input: 0, output: 0, cached: 0, reasoning: 0 }
const NOTHING_ALONE: readonly TokenUsage[] = []

function countedOf(ask: Ask): Counted {
  const { surface, body, bytes, form, outputTokensMax } = ask
  switch (surface.shape) {
    case 'openai_embeddings':
      return { input: inputTokensOf(ask), output: 0, alone: NOTHING_ALONE }
    case 'audio_speech': {
      const characters = typeof body.input === 'string' ? body.input.length : 0
      const alone = [{ ...NO_USAGE, inputCharacters: characters }]
      return { input: inputTokensOf(ask), output: characters * SOUND_TOKENS_PER_CHARACTER, alone }
    }
    case 'audio_transcriptions': {
      const seconds = secondsOf(bytes, form?.file.bytes ?? bytes.length)
      const alone = [{ ...NO_USAGE, inputAudioMs: seconds * 1_000 }]
      return { input: seconds * SOUND_TOKENS_PER_SECOND, output: seconds * SAID_TOKENS_PER_SECOND, alone }
    }
    default:
      return {
        input: inputTokensOf(ask),
        output: (outputTokensMax ?? OUTPUT_TOKENS_DEFAULT) * choicesOf(body.n),
        alone: NOTHING_ALONE,
      }
  }
}

function dearestOf(price: Price, { input, output, alone }: Counted): NanoUsd | null {
  let worst = worstCaseOf(price, input, output)
  for (const usage of alone) {
    const cost = costOf(price, usage)
    if (cost !== null && (worst === null || cost.total > worst)) worst = cost.total
  }
  return worst
}

const capped = (worst: NanoUsd | null): NanoUsd | null =>
  worst !== null && worst > RESERVED_MAX ? nanoUsd(RESERVED_MAX) : worst

const choicesOf = (n: unknown): number =>
  typeof n === 'number' && Number.isInteger(n) && n > 1 ? Math.min(n, CHOICES_MAX) : 1

/** A WAV file says how many bytes a second has (RIFF, `fmt `, its fourth field); of others a low bit rate is taken. */
function secondsOf(form: Buffer, fileBytes: number): number {
  const at = form.indexOf('RIFF')
  const isWave = at !== -1 && form.toString('latin1', at + 8, at + 16) === 'WAVEfmt '
  const said = isWave && at + 32 <= form.length ? form.readUInt32LE(at + 28) : 0
  const bytesPerSecond = Math.min(Math.max(said, SOUND_BYTES_PER_SECOND), WAVE_BYTES_PER_SECOND_MAX)
  return Math.ceil(fileBytes / bytesPerSecond)
}
