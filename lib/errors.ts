import { z } from 'zod'

/**
 * Every failure the control plane can name and the HTTP status it travels as.
 * Nothing else maps one to the other. The machine `code` is stable; the words around it are not.
 */
export const ERROR_STATUS = {
  invalid_request: 400,
  invalid_filter: 400,
  invalid_cursor: 400,
  unauthenticated: 401,
  token_invalid: 401,
  token_expired: 401,
  token_revoked: 401,
  token_rotated_out: 401,
  session_expired: 401,
  sign_in_failed: 401,
  forbidden: 403,
  cross_site_request: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  name_taken: 409,
  legal_hold: 409,
  payload_modified: 409,
  idempotency_key_in_use: 409,
  precondition_failed: 412,
  body_too_large: 413,
  uri_too_long: 414,
  unsupported_media_type: 415,
  unprocessable: 422,
  invalid_configuration: 422,
  idempotency_key_reused: 422,
  rate_limited: 429,
  headers_too_large: 431,
  internal: 500,
  upstream_failed: 502,
  unavailable: 503,
  upstream_timeout: 504,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS

/** RFC 9457 problem details, with our stable `code`, the `request_id` and, for bad input, one entry per field. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  request_id: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})
export type Problem = z.infer<typeof Problem>

/** A limit that is used up, as the fields `RateLimit` and `RateLimit-Policy` say it (draft-ietf-httpapi-ratelimit-headers). */
export type RateLimit = {
  /** What is counted, such as `network`. */
  policy: string
  /** How many a window holds. */
  quota: number
  windowSeconds: number
  /** Until there is quota again. */
  resetSeconds: number
}

type AppErrorOptions = {
  cause?: unknown
  errors?: Problem['errors']
  /** Sent as `Retry-After`, in whole seconds. */
  retryAfterSeconds?: number
  rateLimit?: RateLimit
  requestId?: string
}

/** An expected failure. `message` is for the caller and may be shown as is; `cause` is for the log only. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly errors: Problem['errors']
  readonly retryAfterSeconds: number | undefined
  readonly rateLimit: RateLimit | undefined
  /** Present on errors that were read from an answer of the control plane. */
  readonly requestId: string | undefined

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, { cause: options.cause })
    this.errors = options.errors
    this.retryAfterSeconds = options.retryAfterSeconds
    this.rateLimit = options.rateLimit
    this.requestId = options.requestId
  }

  get status(): number {
    return ERROR_STATUS[this.code]
  }

  /** Reads a problem document; an answer that is not one becomes the nearest code for its status. */
  static async fromResponse(response: Response): Promise<AppError> {
    const retryAfter = Number(response.headers.get('retry-after'))
    const retryAfterSeconds = Number.isInteger(retryAfter) && retryAfter > 0 ? retryAfter : undefined
    const parsed = Problem.safeParse(await response.json().catch((cause: unknown) => ({ cause })))
    if (!parsed.success) {
      const code = codeForStatus(response.status)
      return new AppError(code, `The server answered ${response.status} and did not say why.`, {
        retryAfterSeconds,
      })
    }
    const { code, detail, errors, request_id } = parsed.data
    return new AppError(isErrorCode(code) ? code : codeForStatus(response.status), detail, {
      errors,
      retryAfterSeconds,
      requestId: request_id,
    })
  }
}

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_STATUS, code)

function codeForStatus(status: number): ErrorCode {
  const found = Object.entries(ERROR_STATUS).find(([, known]) => known === status)?.[0]
  return found && isErrorCode(found) ? found : status >= 500 ? 'unavailable' : 'invalid_request'
}

const TITLES: Record<number, string> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timed out',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Body too large',
  414: 'URL too long',
  415: 'Unsupported media type',
  422: 'Not processable',
  429: 'Too many requests',
  431: 'Headers too large',
  500: 'Internal error',
  502: 'Upstream failed',
  503: 'Unavailable',
  504: 'Upstream timed out',
}

/** The one shape in which a failure leaves the control plane or the BFF (RFC 9457). */
export function problemResponse(error: AppError, requestId: string): Response {
  const problem: Problem = {
    type: `/docs/api#${error.code}`,
    title: TITLES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    ...(error.errors ? { errors: error.errors } : {}),
  }
  const headers = new Headers({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-request-id': requestId,
  })
  if (error.retryAfterSeconds) headers.set('retry-after', String(error.retryAfterSeconds))
  if (error.rateLimit) {
    const { policy, quota, windowSeconds, resetSeconds } = error.rateLimit
    headers.set('ratelimit-policy', `"${policy}";q=${quota};w=${windowSeconds}`)
    headers.set('ratelimit', `"${policy}";r=0;t=${resetSeconds}`)
  }
  // The rest of the body is not read, so the connection cannot serve another request.
  if (error.code === 'body_too_large') headers.set('connection', 'close')
  if (error.status === 401) headers.set('www-authenticate', 'Bearer realm="keeptrusts"')
  return new Response(JSON.stringify(problem), { status: error.status, headers })
}
