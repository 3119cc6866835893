import { openAiLike } from '../openai-like'

/** Answers inside the gateway, and only what is chat. */
export const SANDBOX = openAiLike({
  name: 'sandbox',
  title: 'the sandbox',
  baseUrl: null,
  env: null,
  native: ['openai_chat'],
})
