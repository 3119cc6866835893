import { openAiLike } from '../openai-like'

const IGNORED = 'it would be ignored without a word'

export const OLLAMA = openAiLike({
  name: 'ollama',
  title: 'Ollama',
  baseUrl: 'http://localhost:11434/v1',
  env: null,
  native: ['openai_chat', 'openai_embeddings'],
  quirks: {
    rename: { max_completion_tokens: 'max_tokens' },
    refuse: { n: IGNORED, logit_bias: IGNORED, tool_choice: IGNORED },
    hasDeveloperRole: false,
  },
})
