import { fieldsOf } from '../../meter'
import type { Json, ProviderError } from '../adapter'
import { providerError, readProviderError } from '../provider-error'

const KINDS: Readonly<Record<string, ProviderError['kind']>> = {
  authentication_error: 'credential',
  permission_error: 'credential',
  billing_error: 'quota',
  not_found_error: 'not_found',
  request_too_large: 'too_large',
  rate_limit_error: 'rate_limit',
  overloaded_error: 'overloaded',
  api_error: 'server',
  timeout_error: 'server',
}

/** By the type it gives; `invalid_request_error` covers so much that its words decide. */
export function anthropicError(status: number, body: Json | null): ProviderError {
  const error = fieldsOf(body?.error)
  const kind = typeof error?.type === 'string' && Object.hasOwn(KINDS, error.type) ? KINDS[error.type] : undefined
  if (kind !== undefined && typeof error?.message === 'string') return providerError(kind, error.message)
  return readProviderError(error?.type === 'invalid_request_error' ? Math.max(status, 400) : status, body)
}
