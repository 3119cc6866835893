import type { TokenUsage } from '@/lib/token-usage'
import type { Ask } from '../ask'
import type { Priced } from '../known-price'
import { generationField } from '../surfaces/gemini-ask'
import { inputOf, inputTokensOf } from './input-tokens'
import { pictureTokensOf } from './picture-tokens'
import { waveBytesPerSecond } from './wave'

/** Of an answer whose length the caller leaves open, by a model of which nobody has said how long its answers may be. */
export const OUTPUT_TOKENS_DEFAULT = 16_384
/** Read by a model of which nobody has said how much it reads, when its provider adds to what is in the request. */
export const INPUT_TOKENS_DEFAULT = 128_000
/** The lowest rate of MP3, of sound that does not say how long it is: of any other it is taken for longer than it is. */
const SOUND_BYTES_PER_SECOND_LEAST = 1_000
/** What is usually sent has this or more. */
const SOUND_BYTES_PER_SECOND_USUAL = 4_000
/** Of sound, as models count it, with room. */
const SOUND_TOKENS_PER_SECOND = 15
/** What is said in a second, as tokens of text, with room. */
const SAID_TOKENS_PER_SECOND = 8
/** Sound for each character that is spoken, with room. */
const SOUND_TOKENS_PER_CHARACTER = 3
/** Of more answers at once nobody knows a server that gives them; what they may cost is far beyond any reservation. */
const CHOICES_MAX = 100_000

/** What of a request its price can be for; each is a bound of its own, and the dearest counts. */
export type Counted = {
  /** Without pictures. */
  input: number
  pictures: number
  /** Its provider reads more than is in the request: whatever the model can. */
  isInputOpen: boolean
  output: number
  /** Answers of which the caller has not said how long they may be; null when it has, or their length is known. */
  openAnswers: number | null
  alone: readonly TokenUsage[]
}

const NO_USAGE: TokenUsage = { input: 0, output: 0, cached: 0, reasoning: 0 }
const NOTHING_ALONE: readonly TokenUsage[] = []
const BOUNDED = { pictures: 0, isInputOpen: false, openAnswers: null }

export function countedOf(ask: Ask): Counted {
  const { surface, body, outputTokensMax } = ask
  switch (surface.shape) {
    case 'openai_embeddings':
    case 'gemini_embeddings':
      return { ...BOUNDED, input: inputTokensOf(ask), output: 0, alone: NOTHING_ALONE }
    case 'audio_speech': {
      const characters = typeof body.input === 'string' ? body.input.length : 0
      const alone = [{ ...NO_USAGE, inputCharacters: characters }]
      const output = characters * SOUND_TOKENS_PER_CHARACTER
      return { ...BOUNDED, input: inputTokensOf(ask), output, alone }
    }
    case 'audio_transcriptions':
      return heard(ask, SOUND_BYTES_PER_SECOND_LEAST)
    default: {
      const candidates = surface.shape === 'gemini_content' ? generationField(body, 'candidateCount') : 1
      const answers = Math.max(choicesOf(body.n), choicesOf(body.best_of), choicesOf(candidates))
      const { tokens, pictures, isOpen } = inputOf(ask)
      return {
        input: tokens,
        pictures,
        isInputOpen: isOpen,
        output: (outputTokensMax ?? OUTPUT_TOKENS_DEFAULT) * answers,
        openAnswers: outputTokensMax === null ? answers : null,
        alone: NOTHING_ALONE,
      }
    }
  }
}

/** In tokens, as the model of a target reads them: the most that pictures can be. */
export function inputWithPictures({ input, pictures }: Counted, { model }: Ask, { modelMap }: Priced): number {
  return pictures === 0 ? input : input + pictures * pictureTokensOf([modelMap.get(model) ?? model, model])
}

/** Some servers read numbers from texts. */
function choicesOf(given: unknown): number {
  const choices = typeof given === 'string' ? Number(given) : given
  return typeof choices === 'number' && choices > 1 ? Math.min(Math.ceil(choices), CHOICES_MAX) : 1
}

/** A transcript, by what sound usually takes: for one that is there, and that nobody has counted. */
export const transcriptUsually = (ask: Ask): Counted => heard(ask, SOUND_BYTES_PER_SECOND_USUAL)

function heard({ bytes, form }: Ask, bytesPerSecond: number): Counted {
  const file = form === null ? bytes : bytes.subarray(form.file.at.start, form.file.at.end)
  const seconds = Math.ceil(file.length / (waveBytesPerSecond(file) ?? bytesPerSecond))
  return {
    ...BOUNDED,
    input: seconds * SOUND_TOKENS_PER_SECOND,
    output: seconds * SAID_TOKENS_PER_SECOND,
    alone: [{ ...NO_USAGE, inputAudioMs: seconds * 1_000 }],
  }
}
