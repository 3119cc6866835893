import { walkMessagesAnswer, walkMessagesRequest } from '@/lib/policy/walk/anthropic-messages'
import { walkChatAnswer, walkChatRequest } from '@/lib/policy/walk/openai-chat'
import { walkEmbeddingsRequest } from '@/lib/policy/walk/openai-embeddings'
import { walkResponsesAnswer, walkResponsesRequest } from '@/lib/policy/walk/openai-responses'
import type { Walked } from '@/lib/policy/walk/walked'
import type { ApiShape } from './providers/adapter'

type Walk = (body: unknown) => Walked

/** Of an answer that is still to come. */
export const NOTHING_WALKED: Walked = { parts: [], toolCalls: [], tools: [], skipped: [] }
const soundOnly = (what: string): Walk => {
  const walked = { ...NOTHING_WALKED, skipped: [{ what, why: 'sound is not looked through' }] }
  return () => walked
}

/** How bodies of a shape are looked through. */
export const WALKS: Readonly<Record<ApiShape, { request: Walk; answer: Walk }>> = {
  openai_chat: { request: walkChatRequest, answer: walkChatAnswer },
  openai_responses: { request: walkResponsesRequest, answer: walkResponsesAnswer },
  anthropic_messages: { request: walkMessagesRequest, answer: walkMessagesAnswer },
  openai_embeddings: { request: walkEmbeddingsRequest, answer: () => NOTHING_WALKED },
  audio_transcriptions: { request: soundOnly('the recording'), answer: soundOnly('the recording') },
  audio_speech: { request: walkEmbeddingsRequest, answer: soundOnly('the speech') },
}
