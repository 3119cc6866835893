import type { TokenUsage } from '@/lib/token-usage'
import type { Ask } from './ask'
import type { Priced } from './known-price'
import { countedOf, inputWithPictures, transcriptUsually } from './spend/counted'
import type { WatchedCall } from './upstream-call'

/** Bytes of an answer's text that make a token, on the low side so that counts are high. */
const BYTES_PER_TOKEN = 3
const NOTHING: TokenUsage = { input: 0, output: 0, cached: 0, reasoning: 0 }

/**
 * What a call took whose provider did not say it, or not all of it: the input as it was counted to reserve for it, and of
 * the answer what came. Each is an estimate of its own, for prices by one unit or another; the last is in tokens.
 */
export function estimatesOf(ask: Ask, call: WatchedCall, target: Priced): [...TokenUsage[], TokenUsage] {
  const isTranscript = ask.surface.shape === 'audio_transcriptions'
  const counted = isTranscript ? transcriptUsually(ask) : countedOf(ask)
  const { output, alone } = counted
  const input = inputWithPictures(counted, ask, target)
  const said = Math.max(1, Math.ceil(call.answerTextBytes / BYTES_PER_TOKEN))
  switch (ask.surface.shape) {
    case 'openai_embeddings':
    case 'gemini_embeddings':
      return [{ ...NOTHING, input }]
    case 'audio_speech':
      return [...alone, { ...NOTHING, input, output, outputAudio: output }]
    case 'audio_transcriptions':
      return [...alone, { ...NOTHING, input, inputAudio: input, output: said }]
    default:
      return [{ ...NOTHING, input, output: ask.outputTokensMax === null ? said : Math.min(said, output) }]
  }
}

/** This gateway ended the call itself; the provider may have worked on it until then. */
const ENDED_HERE: ReadonlySet<string> = new Set(['caller_left', 'call_too_long', 'gateway_shutdown'])
/** What came may be no answer: an error under a status that says otherwise, or within a stream. */
const MAY_BE_NONE: ReadonlySet<string> = new Set(['invalid_answer', 'error_with_success_status', 'error_in_stream'])

/** Whether a provider began to answer: what came of it is charged, however it ended. */
export function wasAnswered(call: WatchedCall): boolean {
  const { status, error, answerBytes } = call
  if (status === null || status < 200 || status >= 300) return false
  if (error === null) return true
  if (answerBytes === 0) return ENDED_HERE.has(error)
  return !MAY_BE_NONE.has(error) || call.hasAnswerText
}
