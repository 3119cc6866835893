import { openAiLike } from '../openai-like'

export const VLLM = openAiLike({
  name: 'vllm',
  title: 'vLLM',
  baseUrl: 'http://localhost:8000/v1',
  env: null,
  native: ['openai_chat', 'openai_responses', 'openai_embeddings', 'audio_transcriptions'],
  quirks: { takesTopK: true },
})
