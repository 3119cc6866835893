/** How callers and providers speak. What travels between two different ones becomes `openai_chat` on the way. */
export type ApiShape =
  | 'openai_chat'
  | 'openai_responses'
  | 'anthropic_messages'
  | 'gemini_content'
  | 'gemini_embeddings'
  | 'openai_embeddings'
  | 'audio_transcriptions'
  | 'audio_speech'

export type Json = Record<string, unknown>

/** What the address of a request says that other APIs say in the body. */
export type Addressed = { version: string; model: string; action: string; stream: boolean }

/** What an adapter may know of one call. Adapters are pure: no clock, no environment, no connection. */
export type Call = {
  /** As the provider calls it. */
  model: string
  stream: boolean
  /** What the caller's address says, of an API that says it there. */
  addressed?: Addressed
  /** Becomes part of ids that the provider does not give. */
  requestId: string
  nowMs: number
  options: TargetOptions
}

/** Settings of a target that only some providers have. */
export type TargetOptions = {
  azureApiVersion: string | null
  azureDeployment: string | null
  awsRegion: string | null
}

export const NO_OPTIONS: TargetOptions = { azureApiVersion: null, azureDeployment: null, awsRegion: null }

/** `path` continues the path of the base URL and may have a query. */
export type ProviderRequest = { path: string; body: Json }

/** One event of a provider's stream: of server-sent events, or of a frame of Amazon's event stream. */
export type ProviderEvent = { event: string | null; data: string }

/** Follows one streamed answer. Makes chunks of a chat completion, the last with `usage`, never `[DONE]`. */
export type ChunkReader = {
  /** @throws ProviderFault when the provider reports an error, or says what cannot be understood */
  push(event: ProviderEvent): Json[]
  /** What is left to say. `isComplete` tells afterwards whether the provider had said that it was done. */
  end(): Json[]
  readonly isComplete: boolean
  /** Whether the usage that it says is of the answer to its end; absent where a provider counts at the end only. */
  readonly isCounted?: boolean
}

export type ChatDialect = {
  /** Parameters of a chat completion that it carries over; those in `HARMLESS` are left out; all others are refused. */
  converts: readonly string[]
  framing: 'sse' | 'aws_event_stream'
  /** @throws Refusal `invalid_request` that names what cannot be said to this provider */
  request(chat: Json, call: Call): ProviderRequest
  /** @throws ProviderFault when it is no answer */
  answer(answer: Json, call: Call): Json
  reader(call: Call): ChunkReader
}

export type EmbeddingsDialect = {
  converts: readonly string[]
  request(body: Json, call: Call): ProviderRequest
  answer(answer: Json, call: Call, request: Json): Json
}

/**
 * A provider as data: where it answers, how it wants the key, what it understands by itself and how everything else is
 * said to it.
 */
export type ProviderAdapter = {
  /** As `provider` of a target names it. */
  name: string
  title: string
  /** Null when the target must say it; `{region}` stands for the target's region. */
  baseUrl: string | null
  /** The variable in which its own SDKs look for the key; null when it needs none. */
  env: string | null
  auth: { header: string; prefix: string } | 'aws_sigv4'
  /** Sent with every request. */
  headers: Readonly<Record<string, string>>
  /** The caller's own headers that a native request takes along, and that win over `headers`. In lower case. */
  passes: readonly string[]
  /** Bytes of these shapes pass untouched, with only the model renamed and what `adjust` says. */
  native: readonly ApiShape[]
  /** Continues the path of the base URL; for native shapes. */
  path(shape: ApiShape, call: Call): string
  /**
   * What a native JSON body needs changed, as a new body; null when nothing.
   *
   * @throws Refusal `invalid_request`
   */
  adjust(shape: ApiShape, body: Json, call: Call): Json | null
  /** Whether a native stream tells its usage only when `stream_options.include_usage` asks; otherwise it must not be asked. */
  asksForUsage: boolean
  chat: ChatDialect
  embeddings: EmbeddingsDialect | null
  error(status: number, body: Json | null): ProviderError
}

/**
 * What a provider's refusal means. `kind` is for routing: `credential` and `quota` speak against the key, `rate_limit`,
 * `overloaded` and `server` against this moment, the others against the request itself.
 */
export type ProviderError = {
  kind:
    | 'credential'
    | 'quota'
    | 'rate_limit'
    | 'overloaded'
    | 'server'
    | 'invalid'
    | 'not_found'
    | 'too_large'
    | 'context_length'
    | 'content_policy'
  /** The provider's own words, cut to a length. */
  message: string
  retryable: boolean
  /** Only when the body says so; the header is read by whoever has it. */
  retryAfterSeconds: number | null
}

/** An answer that is an error, or no answer. */
export class ProviderFault extends Error {
  override readonly name = 'ProviderFault'

  constructor(
    readonly error: ProviderError,
    options: { cause?: unknown } = {},
  ) {
    super(error.message, options)
  }
}

export const unreadable = (what: string, cause?: unknown) =>
  new ProviderFault({ kind: 'server', message: what, retryable: true, retryAfterSeconds: null }, { cause })
