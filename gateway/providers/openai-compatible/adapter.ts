import { openAiLike } from '../openai-like'

/** Whatever else speaks OpenAI's shape, taken at its word. */
export const OPENAI_COMPATIBLE = openAiLike({
  name: 'openai-compatible',
  title: 'OpenAI-compatible',
  baseUrl: null,
  env: null,
  native: ['openai_chat', 'openai_embeddings', 'audio_transcriptions', 'audio_speech'],
})
