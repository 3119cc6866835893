import { openAiLike } from '../openai-like'

const NO_TOOLS = 'its search models call no tools of the caller'

/** Its `citations` and `search_results` stand beside `choices` and pass as they are. */
export const PERPLEXITY = openAiLike({
  name: 'perplexity',
  title: 'Perplexity',
  baseUrl: 'https://api.perplexity.ai',
  env: 'PERPLEXITY_API_KEY',
  native: ['openai_chat'],
  quirks: {
    rename: { max_completion_tokens: 'max_tokens' },
    drop: ['stream_options'], // usage comes with every chunk
    refuse: { tools: NO_TOOLS, tool_choice: NO_TOOLS, logprobs: 'it gives none', n: 'it gives one answer' },
    hasDeveloperRole: false,
  },
})
