import { walkMessagesAnswer, walkMessagesRequest } from '@/lib/policy/walk/anthropic-messages'
import { walkSpeech, walkSpeechRequest, walkTranscription, walkTranscriptionRequest } from '@/lib/policy/walk/audio'
import { walkGeminiAnswer, walkGeminiRequest } from '@/lib/policy/walk/gemini-content'
import { walkGeminiEmbeddings } from '@/lib/policy/walk/gemini-embeddings'
import { withJoinedTexts } from '@/lib/policy/walk/gemini-texts'
import { withoutStrayLogprobs } from '@/lib/policy/walk/logprobs'
import { walkChatAnswer, walkChatRequest } from '@/lib/policy/walk/openai-chat'
import { walkEmbeddingsRequest } from '@/lib/policy/walk/openai-embeddings'
import { walkResponsesAnswer, walkResponsesRequest } from '@/lib/policy/walk/openai-responses'
import { Walk, type Walked } from '@/lib/policy/walk/walked'
import type { ApiShape, Json } from './providers/adapter'

type Walker = (body: unknown) => Walked

/** Of an answer that is still to come. */
export const NOTHING_WALKED: Walked = { parts: [], toolCalls: [], tools: [], skipped: [] }

/** A document whose shape is not known: every text in it is looked at. */
export function walkLeaves(body: unknown): Walked {
  const walk = new Walk()
  walk.leaves(body, { path: [], role: 'assistant', message: 0 }, 'text')
  return walk.done()
}

/** How bodies of a shape are looked through. */
export const WALKS: Readonly<Record<ApiShape, { request: Walker; answer: Walker }>> = {
  openai_chat: { request: walkChatRequest, answer: walkChatAnswer },
  openai_responses: { request: walkResponsesRequest, answer: walkResponsesAnswer },
  anthropic_messages: { request: walkMessagesRequest, answer: walkMessagesAnswer },
  gemini_content: { request: walkGeminiRequest, answer: walkGeminiAnswer },
  openai_embeddings: { request: walkEmbeddingsRequest, answer: () => NOTHING_WALKED },
  gemini_embeddings: { request: walkGeminiEmbeddings, answer: () => NOTHING_WALKED },
  audio_transcriptions: { request: walkTranscriptionRequest, answer: walkTranscription },
  audio_speech: { request: walkSpeechRequest, answer: walkSpeech },
}

/** An answer as policies have to see it: pieces of a text that clients join are one. */
export const asClientsRead = (shape: string, answer: Json): Json =>
  shape === 'gemini_content' ? withJoinedTexts(answer) : answer

/**
 * A changed answer without what would still tell in pieces what was taken out of the whole: the probabilities of tokens,
 * words and their times.
 */
export function withoutPieces(shape: string, answer: Json): Json {
  if (shape === 'openai_chat' && Array.isArray(answer.choices)) {
    return { ...answer, choices: answer.choices.map((choice) => ({ ...choice, logprobs: null })) }
  }
  if (shape === 'openai_responses') return withoutLogprobs(answer) as Json
  if (shape === 'gemini_content') return withoutStrayLogprobs(answer)
  if (shape !== 'audio_transcriptions') return answer
  const { segments: _, words: _w, logprobs: _l, ...whole } = answer
  return whole
}

/** An answer this deep has not been looked through either. */
const DEPTH_MAX = 64

function withoutLogprobs(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value
  if (Array.isArray(value)) return value.map((item) => withoutLogprobs(item, depth + 1))
  const kept = Object.entries(value).map(([key, item]) => [
    key,
    key === 'logprobs' && Array.isArray(item) ? [] : withoutLogprobs(item, depth + 1),
  ])
  return Object.fromEntries(kept)
}
