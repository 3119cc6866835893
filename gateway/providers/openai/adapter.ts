import { openAiLike } from '../openai-like'

export const OPENAI = openAiLike({
  name: 'openai',
  title: 'OpenAI',
  baseUrl: 'https://api.openai.com/v1',
  env: 'OPENAI_API_KEY',
  native: ['openai_chat', 'openai_responses', 'openai_embeddings', 'audio_transcriptions', 'audio_speech'],
})
