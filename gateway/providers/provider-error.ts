import { fieldsOf } from '../meter'
import type { Json, ProviderError } from './adapter'

const MESSAGE_LENGTH_MAX = 1_000

/** The common reading of a refusal: by status first, then by the code and the words that providers in this shape use. */
export function readProviderError(status: number, body: Json | null): ProviderError {
  const error = fieldsOf(body?.error) ?? body ?? {}
  const code = [error.code, error.type, error.status].filter((value) => typeof value === 'string').join(' ')
  const message = messageOf(error, body) ?? `The provider answered with status ${status}.`
  return providerError(kindOf(status, code, message), message)
}

export function providerError(kind: ProviderError['kind'], message: string): ProviderError {
  const retryable = kind === 'rate_limit' || kind === 'overloaded' || kind === 'server'
  return { kind, message: message.slice(0, MESSAGE_LENGTH_MAX), retryable, retryAfterSeconds: null }
}

function kindOf(status: number, code: string, message: string): ProviderError['kind'] {
  const said = `${code} ${message.slice(0, MESSAGE_LENGTH_MAX)}`.toLowerCase()
  if (status === 401 || status === 403) return says(said, CONTENT) ? 'content_policy' : 'credential'
  if (status === 402 || says(said, QUOTA)) return 'quota'
  if (status === 404) return 'not_found'
  if (status === 413) return 'too_large'
  if (status === 429) return 'rate_limit'
  if (status === 503 || status === 529) return 'overloaded'
  if (status >= 500 || status < 400 || PASSING.has(status)) return 'server'
  if (says(said, CONTEXT)) return 'context_length'
  return says(said, CONTENT) ? 'content_policy' : 'invalid'
}

/** Timed out, in conflict, failed elsewhere, too early: not for what the request says. */
const PASSING = new Set([408, 409, 424, 425])

const says = (text: string, words: readonly string[]) => words.some((word) => text.includes(word))

const QUOTA = ['insufficient_quota', 'insufficient balance', 'credit balance is too low', 'billing_hard_limit']
const CONTEXT = [
  'context_length_exceeded',
  'maximum context length',
  'prompt is too long',
  'input is too long',
  'exceeds the maximum number of tokens',
]
const CONTENT = ['content_filter', 'content_policy', 'content management policy', 'responsibleaipolicyviolation']

function messageOf(error: Json, body: Json | null): string | null {
  for (const value of [error.message, error.detail, body?.message, body?.error, body?.detail]) {
    if (typeof value === 'string' && value !== '') return value
  }
  return null
}
