import type { ProviderAdapter } from '../adapter'
import { answer, GeminiReader } from './answer'
import { GEMINI_EMBEDDINGS } from './embeddings'
import { geminiError } from './error'
import { nativePath, withoutModels } from './native'
import { CONVERTS, request } from './request'

export const GEMINI: ProviderAdapter = {
  name: 'google',
  title: 'Google Gemini',
  baseUrl: 'https://generativelanguage.googleapis.com',
  env: 'GEMINI_API_KEY',
  auth: { header: 'x-goog-api-key', prefix: '' },
  headers: {},
  passes: [],
  native: ['gemini_content', 'gemini_embeddings'],
  path: nativePath,
  adjust: withoutModels,
  asksForUsage: false,
  chat: { converts: CONVERTS, framing: 'sse', request, answer, reader: (call) => new GeminiReader(call) },
  embeddings: GEMINI_EMBEDDINGS,
  error: geminiError,
}
