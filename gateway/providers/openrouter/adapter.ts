import { openAiLike } from '../openai-like'

export const OPENROUTER = openAiLike({
  name: 'openrouter',
  title: 'OpenRouter',
  baseUrl: 'https://openrouter.ai/api/v1',
  env: 'OPENROUTER_API_KEY',
  native: ['openai_chat', 'openai_responses', 'openai_embeddings'],
  quirks: { takesTopK: true },
})
