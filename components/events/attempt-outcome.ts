import type { DecisionEvent } from '@/lib/contract/events'

type Attempt = DecisionEvent['attempts'][number]

/** What kind of failure ended an attempt: what the gateway's routing goes by, in words. */
export type ErrorClass =
  | 'credential refused'
  | 'rate limited'
  | 'server error'
  | 'timeout'
  | 'connection failed'
  | 'invalid answer'
  | 'request rejected'
  | 'given up'

/**
 * The class of an attempt's failure, told from the status and the code that the record holds; null for one that succeeded.
 * A provider that says in its answer's body why it refuses may have been read more exactly by the gateway.
 */
export function errorClassOf({ status, error }: Attempt): ErrorClass | null {
  if (error !== null && CODES[error]) return CODES[error]
  if (error !== null && !/^http_\d{3}$/.test(error)) return 'connection failed'
  if (status === null) return 'connection failed'
  return status < 400 ? null : classOfStatus(status)
}

/** `status 200`, `no answer`, `status 503, server error (http_503)`. */
export function attemptOutcome(attempt: Attempt): string {
  const { status, error } = attempt
  const answered = status === null ? 'no answer' : `status ${status}`
  const failure = errorClassOf(attempt)
  if (failure === null) return answered
  return `${answered}, ${failure}${error === null ? '' : ` (${error})`}`
}

/** Reasons of the gateway, and codes of the system and of undici that mean the time was up. */
const CODES: Record<string, ErrorClass | undefined> = {
  caller_left: 'given up',
  gateway_shutdown: 'given up',
  call_too_long: 'given up',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ETIMEDOUT: 'timeout',
  answer_too_large: 'invalid answer',
  error_in_stream: 'invalid answer',
  error_with_success_status: 'invalid answer',
  invalid_answer: 'invalid answer',
  truncated: 'invalid answer',
  address_not_allowed: 'request rejected',
}

function classOfStatus(status: number): ErrorClass {
  if (status === 401 || status === 402 || status === 403) return 'credential refused'
  if (status === 408 || status === 504) return 'timeout'
  if (status === 429) return 'rate limited'
  return status >= 500 ? 'server error' : 'request rejected'
}
