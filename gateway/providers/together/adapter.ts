import { openAiLike } from '../openai-like'

export const TOGETHER = openAiLike({
  name: 'together',
  title: 'Together AI',
  baseUrl: 'https://api.together.xyz/v1',
  env: 'TOGETHER_API_KEY',
  native: ['openai_chat', 'openai_embeddings', 'audio_transcriptions', 'audio_speech'],
  quirks: { rename: { max_completion_tokens: 'max_tokens' }, hasDeveloperRole: false, takesTopK: true },
})
