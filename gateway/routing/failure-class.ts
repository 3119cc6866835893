import type { ProviderError } from '../providers/adapter'

/**
 * What the failure of an attempt means for the next one.
 *
 * - `credential`: the secret is refused or used up; another secret of the target may work.
 * - `rate_limited`, `server_error`, `timeout`, `connection`, `invalid_answer`: transient; the request can go elsewhere.
 * - `rejected`: the request itself is at fault and would be everywhere.
 * - `given_up`: the caller left or the gateway stops.
 */
export type FailureClass =
  | 'credential'
  | 'rate_limited'
  | 'server_error'
  | 'timeout'
  | 'connection'
  | 'invalid_answer'
  | 'rejected'
  | 'given_up'

/** What a provider's own refusal says, as its adapter reads it. */
export function classOfError(kind: ProviderError['kind'], status: number): FailureClass {
  switch (kind) {
    case 'credential':
    case 'quota':
      return 'credential'
    case 'rate_limit':
      return 'rate_limited'
    case 'overloaded':
    case 'server':
      return status === 408 || status === 504 ? 'timeout' : 'server_error'
    default:
      return 'rejected'
  }
}

/** @param code of undici or the system, or one of the gateway's own reasons */
export function classOfCode(code: string): FailureClass {
  if (GIVEN_UP.has(code)) return 'given_up'
  if (TIMEOUTS.has(code)) return 'timeout'
  if (INVALID_ANSWERS.has(code)) return 'invalid_answer'
  if (code === 'address_not_allowed') return 'rejected'
  return 'connection'
}

const INVALID_ANSWERS = new Set(['answer_too_large', 'truncated', 'error_in_stream', 'unreadable_stream'])
const GIVEN_UP = new Set(['caller_left', 'gateway_shutdown', 'call_too_long', 'gateway_full'])
const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

/** Whether it says that the target is unwell, which its circuit breaker counts. */
export const countsAgainstTarget = (failure: FailureClass): boolean =>
  failure === 'server_error' || failure === 'timeout' || failure === 'connection' || failure === 'invalid_answer'

/** Longest wait that a provider may ask for, in seconds; more is taken for less. */
const RETRY_AFTER_SECONDS_MAX = 3_600

/**
 * Milliseconds that a provider asked to wait (RFC 9110 section 10.2.3: seconds or a date; `retry-after-ms` as OpenAI sends).
 *
 * @returns null when it said nothing that can be read
 */
export function retryAfterMs(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  nowWallMs: number,
): number | null {
  const ms = Number(one(headers['retry-after-ms']))
  if (Number.isFinite(ms) && ms > 0) return Math.min(ms, RETRY_AFTER_SECONDS_MAX * 1_000)
  const after = one(headers['retry-after'])
  if (after === '') return null
  const waitMs = /^\d+$/.test(after) ? Number(after) * 1_000 : Date.parse(after) - nowWallMs
  return Number.isFinite(waitMs) && waitMs >= 0 ? Math.min(waitMs, RETRY_AFTER_SECONDS_MAX * 1_000) : null
}

const one = (value: string | string[] | undefined): string => (typeof value === 'string' ? value.trim() : '')
