/** Every failure the gateway can name: status, OpenAI error type, and whether the same request may work later. */
const GATEWAY_ERRORS = {
  malformed_request: [400, 'validation_error', false],
  token_invalid: [401, 'authentication_error', false],
  token_expired: [401, 'authentication_error', false],
  token_revoked: [401, 'authentication_error', false],
  token_rotated_out: [401, 'authentication_error', false],
  budget_exceeded: [402, 'budget_exceeded', false],
  wallet_depleted: [402, 'budget_exceeded', false],
  price_unknown: [402, 'budget_exceeded', false],
  model_not_allowed: [403, 'permission_error', false],
  provider_not_allowed: [403, 'permission_error', false],
  purpose_not_allowed: [403, 'permission_error', false],
  address_not_allowed: [403, 'permission_error', false],
  not_found: [404, 'not_found_error', false],
  model_not_found: [404, 'not_found_error', false],
  method_not_allowed: [405, 'validation_error', false],
  request_timeout: [408, 'validation_error', true],
  input_blocked: [409, 'policy_violation', false],
  output_blocked: [409, 'policy_violation', false],
  tool_blocked: [409, 'policy_violation', false],
  escalation_required: [409, 'policy_violation', false],
  body_too_large: [413, 'validation_error', false],
  unsupported_media_type: [415, 'validation_error', false],
  invalid_request: [422, 'validation_error', false],
  rate_limited: [429, 'rate_limit', true],
  headers_too_large: [431, 'validation_error', false],
  /** The caller left before the answer: never sent, only recorded. The number is nginx's. */
  client_closed_request: [499, 'validation_error', false],
  internal_error: [500, 'internal_error', true],
  /** The provider refused the request itself; travels as the status that the provider gave. */
  upstream_rejected: [400, 'upstream_error', false],
  upstream_failed: [502, 'upstream_error', true],
  upstream_credentials_exhausted: [502, 'upstream_error', false],
  not_ready: [503, 'unavailable', true],
  audit_unavailable: [503, 'unavailable', true],
  budget_unavailable: [503, 'unavailable', true],
  overloaded: [503, 'unavailable', true],
  upstream_timeout: [504, 'upstream_error', true],
} as const satisfies Record<string, readonly [status: number, type: string, retryable: boolean]>

type GatewayErrorCode = keyof typeof GATEWAY_ERRORS

const NO_DETAILS = {}

type RefusalOptions = {
  /** The field of the request that is at fault. */
  param?: string
  /** The policy or rule that refused. */
  policy?: string
  retryAfterSeconds?: number
  /** The one method that the path takes. */
  allow?: string
  /** The rest of the request is not worth reading: the connection is closed after the answer. */
  closesConnection?: boolean
  /** Instead of what the code says. */
  retryable?: boolean
  /** Instead of the status of the code. */
  status?: number
  /** What else the error says. */
  details?: Readonly<Record<string, unknown>>
  cause?: unknown
}

/** A request that is not answered. `message` is for the caller; `cause` is for the log only. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly param: string | null
  readonly policy: string | null
  readonly retryAfterSeconds: number | undefined
  readonly status: number
  readonly closesConnection: boolean
  readonly allow: string | undefined
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    readonly code: GatewayErrorCode,
    message: string,
    options: RefusalOptions = {},
  ) {
    super(message, { cause: options.cause })
    this.param = options.param ?? null
    this.policy = options.policy ?? null
    this.retryAfterSeconds = options.retryAfterSeconds
    this.allow = options.allow
    this.closesConnection = options.closesConnection ?? false
    this.retryable = options.retryable ?? GATEWAY_ERRORS[code][2]
    this.status = options.status ?? GATEWAY_ERRORS[code][0]
    this.details = options.details ?? NO_DETAILS
  }

  /** OpenAI's error shape plus ours. */
  toJson(requestId: string): string {
    return JSON.stringify({
      error: {
        message: this.message,
        type: GATEWAY_ERRORS[this.code][1],
        param: this.param,
        code: this.code,
        policy: this.policy,
        request_id: requestId,
        retryable: this.retryable,
        ...this.details,
      },
    })
  }

  /** Flat `[name, value, ...]`. SDKs must not repeat what cannot succeed. */
  headers(): string[] {
    const headers = ['content-type', 'application/json', 'cache-control', 'no-store']
    if (!this.retryable) headers.push('x-should-retry', 'false')
    if (this.retryAfterSeconds !== undefined) headers.push('retry-after', String(this.retryAfterSeconds))
    if (this.allow !== undefined) headers.push('allow', this.allow)
    if (this.closesConnection) headers.push('connection', 'close')
    if (this.status === 401) headers.push('www-authenticate', 'Bearer realm="keeptrusts"')
    return headers
  }
}
