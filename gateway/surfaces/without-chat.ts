import { Refusal } from '../errors'
import type { ApiShape } from '../providers/adapter'
import type { Surface } from './surface'

/** An API of OpenAI that has nothing to do with chat: it reaches providers that have it, or that have their own like it. */
const withoutChat = (shape: ApiShape, path: string, what: string): Surface => ({
  shape,
  path,
  toChat: () => {
    throw new Refusal('invalid_request', `The provider of this model has no ${what}.`, { param: 'model' })
  },
  answer: (answer) => answer,
  writer: ({ requestId }) => ({
    push: (event) => `data: ${JSON.stringify(event)}\n\n`,
    end: () => '',
    fail: (refusal) => `data: ${refusal.toJson(requestId)}\n\n`,
  }),
  refuse: (refusal, requestId) => JSON.parse(refusal.toJson(requestId)),
})

/** What other shapes of embeddings become on the way. */
export const EMBEDDINGS: Surface = {
  ...withoutChat('openai_embeddings', '/v1/embeddings', 'embeddings'),
  toChat: (body) => body,
}
export const TRANSCRIPTIONS = withoutChat('audio_transcriptions', '/v1/audio/transcriptions', 'transcriptions')
export const SPEECH = withoutChat('audio_speech', '/v1/audio/speech', 'speech')
