import { openAiLike } from '../openai-like'

export const DEEPSEEK = openAiLike({
  name: 'deepseek',
  title: 'DeepSeek',
  baseUrl: 'https://api.deepseek.com/v1',
  env: 'DEEPSEEK_API_KEY',
  native: ['openai_chat'],
  quirks: {
    rename: { max_completion_tokens: 'max_tokens' },
    hasDeveloperRole: false,
    hasJsonSchema: false,
    takesReasoning: true,
  },
})
