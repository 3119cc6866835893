import { openAiLike } from '../openai-like'

export const XAI = openAiLike({
  name: 'xai',
  title: 'xAI',
  baseUrl: 'https://api.x.ai/v1',
  env: 'XAI_API_KEY',
  native: ['openai_chat', 'openai_responses'],
  quirks: { hasDeveloperRole: false },
})
