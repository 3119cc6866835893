import { fieldsOf } from '../../meter'
import type { Json, ProviderError } from '../adapter'
import { listOf, stringOf } from '../completion'
import { providerError, readProviderError } from '../provider-error'

/** Google's own error model: `{error: {code, message, status, details[]}}`. Source: google.aip.dev/193. */
export function geminiError(status: number, body: Json | null): ProviderError {
  const error = fieldsOf(body?.error)
  const details = listOf(error?.details).map(fieldsOf)
  if (details.some((detail) => detail?.reason === 'API_KEY_INVALID')) {
    return providerError('credential', stringOf(error?.message)) // comes as a 400
  }
  const delay = details.map((detail) => stringOf(detail?.retryDelay)).find((text) => text !== '')
  const seconds = Math.ceil(Number(delay?.replace(/s$/, '')))
  const read = readProviderError(status, body)
  return Number.isSafeInteger(seconds) && seconds >= 0 ? { ...read, retryAfterSeconds: seconds } : read
}
