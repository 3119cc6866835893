import { openAiLike } from '../openai-like'

const NOT_THERE = 'it has no such parameter'

/** Mistral refuses a request for any field it does not know, and reports usage with every stream unasked. */
export const MISTRAL = openAiLike({
  name: 'mistral',
  title: 'Mistral',
  baseUrl: 'https://api.mistral.ai/v1',
  env: 'MISTRAL_API_KEY',
  native: ['openai_chat', 'openai_embeddings', 'audio_transcriptions'],
  quirks: {
    rename: { max_completion_tokens: 'max_tokens', seed: 'random_seed' },
    drop: [
      'metadata',
      'prompt_cache_key',
      'prompt_cache_retention',
      'safety_identifier',
      'service_tier',
      'store',
      'stream_options',
      'user',
    ],
    refuse: {
      logit_bias: NOT_THERE,
      logprobs: NOT_THERE,
      top_logprobs: NOT_THERE,
      modalities: NOT_THERE,
      verbosity: NOT_THERE,
      web_search_options: NOT_THERE,
    },
    hasDeveloperRole: false,
  },
})
