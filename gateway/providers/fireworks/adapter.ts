import { openAiLike } from '../openai-like'

export const FIREWORKS = openAiLike({
  name: 'fireworks',
  title: 'Fireworks AI',
  baseUrl: 'https://api.fireworks.ai/inference/v1',
  env: 'FIREWORKS_API_KEY',
  native: ['openai_chat', 'openai_responses', 'openai_embeddings'],
  quirks: { rename: { max_completion_tokens: 'max_tokens' }, hasDeveloperRole: false, takesTopK: true },
})
