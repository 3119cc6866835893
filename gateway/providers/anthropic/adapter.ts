import type { ProviderAdapter } from '../adapter'
import { answer, MessageReader } from './answer'
import { anthropicError } from './error'
import { CONVERTS, request } from './request'

export const ANTHROPIC: ProviderAdapter = {
  name: 'anthropic',
  title: 'Anthropic',
  baseUrl: 'https://api.anthropic.com',
  env: 'ANTHROPIC_API_KEY',
  auth: { header: 'x-api-key', prefix: '' },
  headers: { 'anthropic-version': '2023-06-01' },
  passes: ['anthropic-beta', 'anthropic-version'],
  native: ['anthropic_messages'],
  path: () => '/v1/messages',
  adjust: () => null,
  asksForUsage: false,
  chat: { converts: CONVERTS, framing: 'sse', request, answer, reader: (call) => new MessageReader(call) },
  embeddings: null,
  error: anthropicError,
}
