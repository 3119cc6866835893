import type { ProviderAdapter } from '../adapter'
import { readProviderError } from '../provider-error'
import { answer, CohereReader } from './answer'
import { COHERE_EMBEDDINGS } from './embeddings'
import { CONVERTS, request } from './request'

export const COHERE: ProviderAdapter = {
  name: 'cohere',
  title: 'Cohere',
  baseUrl: 'https://api.cohere.com',
  env: 'CO_API_KEY',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  headers: {},
  passes: [],
  native: [],
  path: () => '',
  adjust: () => null,
  asksForUsage: false,
  chat: { converts: CONVERTS, framing: 'sse', request, answer, reader: (call) => new CohereReader(call) },
  embeddings: COHERE_EMBEDDINGS,
  error: readProviderError,
}
