import type { IncomingHttpHeaders } from 'node:http'
import { Refusal } from './errors'

/** A call that broke, as the caller hears of it and as the record names it (an error code, never a message of others). */
export function failureOf(error: Error | typeof TRUNCATED): { refusal: Refusal; reason: string } {
  if (error === TRUNCATED) {
    return { refusal: new Refusal('upstream_failed', 'The provider ended its answer too early.'), reason: 'truncated' }
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return { refusal: refusalOfCode(code, error), reason: code.slice(0, 200) }
}

/** The provider ended its stream without having said that it was done. */
export const TRUNCATED = Symbol('truncated')

function refusalOfCode(code: string, cause: Error): Refusal {
  if (code === 'caller_left') return new Refusal('client_closed_request', 'The caller left.', { cause })
  if (code === 'gateway_shutdown') return new Refusal('not_ready', 'This gateway is stopping.', { cause })
  if (code === 'gateway_full') {
    return new Refusal('overloaded', 'This gateway holds as much as it can right now.', { cause, retryAfterSeconds: 1 })
  }
  if (TIMEOUTS.has(code)) return new Refusal('upstream_timeout', 'The provider did not answer in time.', { cause })
  return new Refusal('upstream_failed', 'The call to the provider failed.', { cause })
}

const TIMEOUTS = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
  'call_too_long',
])

/**
 * What a status other than success means to the caller.
 *
 * @returns null when the provider's own answer is what the caller should see: it refused the request itself, in JSON
 */
export function refusalOfStatus(status: number, headers: IncomingHttpHeaders, isJson: boolean): Refusal | null {
  const retryAfterSeconds = secondsOf(headers['retry-after'])
  if (status === 401) {
    // The provider does not know our secret; the caller's own key is good, and the answer may quote the secret.
    return new Refusal('upstream_credentials_exhausted', 'The provider did not accept the credentials of this gateway.')
  }
  if (status === 504) {
    return new Refusal('upstream_timeout', 'The provider did not answer in time.', { retryAfterSeconds })
  }
  if (status < 400 || status >= 500) {
    return new Refusal('upstream_failed', `The provider answered with status ${status}.`, { retryAfterSeconds })
  }
  if (isJson) return null
  const retryable = isRepeatable(status)
  const message = `The provider refused the request with status ${status}.`
  return new Refusal('upstream_rejected', message, { status, retryable, retryAfterSeconds })
}

/** Whether the same request may succeed later although the provider refused it now. */
export const isRepeatable = (status: number) => status === 408 || status === 409 || status === 425 || status === 429

function secondsOf(header: string | undefined): number | undefined {
  const seconds = Number(header)
  return header !== undefined && Number.isInteger(seconds) && seconds >= 0 ? seconds : undefined
}
