import type { Refusal } from '../errors'
import type { Json } from '../providers/adapter'

/** Google's names for how a call ends. Source: google.aip.dev/193, google.rpc.Code. */
const STATUSES: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  402: 'RESOURCE_EXHAUSTED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'UNIMPLEMENTED',
  408: 'DEADLINE_EXCEEDED',
  409: 'FAILED_PRECONDITION',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** A refusal as Google's API says one; what is ours stands in the details, where all values are texts. */
export function geminiErrorOf(refusal: Refusal, requestId: string): Json {
  const { message, code, param, policy, retryable, details, status, retryAfterSeconds } = refusal
  const said = { code, param, policy, request_id: requestId, retryable, ...details }
  const metadata = Object.fromEntries(
    Object.entries(said).flatMap(([name, value]) => (value === null ? [] : [[name, textOf(value)]])),
  )
  const info = { '@type': `${TYPES}ErrorInfo`, reason: code.toUpperCase(), domain: 'keeptrusts', metadata }
  const patience =
    retryAfterSeconds === undefined ? [] : [{ '@type': `${TYPES}RetryInfo`, retryDelay: `${retryAfterSeconds}s` }]
  const field =
    param === null ? [] : [{ '@type': `${TYPES}BadRequest`, fieldViolations: [{ field: param, description: message }] }]
  const name = STATUSES[status] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL')
  return { error: { code: status, message, status: name, details: [info, ...patience, ...field] } }
}

const TYPES = 'type.googleapis.com/google.rpc.'

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
