import { openAiLike } from '../openai-like'

export const GROQ = openAiLike({
  name: 'groq',
  title: 'Groq',
  baseUrl: 'https://api.groq.com/openai/v1',
  env: 'GROQ_API_KEY',
  native: ['openai_chat', 'openai_responses', 'audio_transcriptions', 'audio_speech'],
})
