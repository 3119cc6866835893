import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { z } from 'zod'
import { type Endpoint, pathNames } from './contract/endpoint'
import { AppError } from './errors'

export type ClientOptions = {
  /** Such as `https://api.keeptrusts.com`; an empty string speaks to the page's own origin. */
  baseUrl: string
  headers?: Record<string, string>
  /** Replaces the network: tests and the BFF call a control plane in the same process. */
  fetch?: (request: Request) => Promise<Response>
  /** How long a call may take, in milliseconds. Streams are not bounded by it. */
  timeoutMs?: number
}

export type CallOptions = { signal?: AbortSignal; idempotencyKey?: string; headers?: Record<string, string> }

export type SubscribeOptions = CallOptions & {
  lastEventId?: string
  /** Called when the stream opens and at every comment the server sends to show that it lives (every 15 s at least). */
  onAlive?: () => void
}

/** One server-sent event: `id` is where to resume after it. */
export type ServerSentEvent<T> = { id: string | undefined; data: T }

/** A file on its way. What is not known before its end is null. */
export type Download = {
  body: ReadableStream<Uint8Array>
  /** 206 when it is the range that was asked for, 200 when it is all of it. */
  status: number
  fileName: string | null
  /** In bytes, of what is on its way. */
  size: number | null
  etag: string | null
}

export type Client = {
  <E extends Endpoint>(endpoint: E, input: z.input<E['input']>, options?: CallOptions): Promise<z.output<E['output']>>
  /** Follows a stream until the signal ends it or the server does. Throws AppError when it cannot be opened. */
  subscribe<E extends Endpoint>(
    endpoint: E,
    input: z.input<E['input']>,
    options?: SubscribeOptions,
  ): AsyncGenerator<ServerSentEvent<z.output<E['output']>>>
  /**
   * Asks for a file (`answers: 'file'`) and returns once it is on its way, which may take as long as any call; reading it
   * may take any time. Cancel the body when it is not read to its end. A range goes into the header `range`.
   */
  download<E extends Endpoint>(endpoint: E, input: z.input<E['input']>, options?: CallOptions): Promise<Download>
}

/**
 * What is being sent or answered now. In Node a request that nobody holds is collected while its answer is awaited, and
 * with it the link from its signal to the connection: the call could then never be ended.
 */
const underWay = new Set<Request>()

/** The one way to speak to the control plane: the browser (through the BFF), the CLI, the gateway and the tests. */
export function createClient({ baseUrl, headers, fetch = defaultFetch, timeoutMs = 30_000 }: ClientOptions): Client {
  const send = async (request: Request): Promise<Response> => {
    const response = await fetch(request).catch((cause: unknown) => {
      if (isTimeout(cause)) throw tooSlow(request, cause)
      if (request.signal.aborted) throw cause
      throw new AppError('unavailable', `Cannot reach ${originOf(request)}: ${reasonOf(cause)}.`, { cause })
    })
    if (!response.ok) throw await AppError.fromResponse(response)
    return response
  }

  const tooSlow = (request: Request, cause: unknown) =>
    new AppError('upstream_timeout', `${originOf(request)} did not answer within ${timeoutMs / 1_000} s.`, { cause })

  async function call<E extends Endpoint>(endpoint: E, input: z.input<E['input']>, options: CallOptions = {}) {
    const ending = new AbortController()
    const timer = setTimeout(() => ending.abort(new DOMException('The call took too long.', 'TimeoutError')), timeoutMs)
    const stop = () => ending.abort(options.signal?.reason)
    if (options.signal?.aborted) stop()
    options.signal?.addEventListener('abort', stop)
    const request = requestFor(endpoint, baseUrl, input, { ...headers, ...callHeaders(options) }, ending.signal)
    underWay.add(request)
    try {
      const response = await send(request)
      const answer: unknown = await response.json().catch((cause: unknown) => {
        throw isTimeout(cause) ? tooSlow(request, cause) : cause
      })
      return endpoint.output.parse(answer) as z.output<E['output']>
    } finally {
      underWay.delete(request)
      options.signal?.removeEventListener('abort', stop)
      clearTimeout(timer)
    }
  }

  async function* subscribe<E extends Endpoint>(
    endpoint: E,
    input: z.input<E['input']>,
    options: SubscribeOptions = {},
  ) {
    const extra = options.lastEventId ? { 'last-event-id': options.lastEventId } : {}
    const sent = { ...headers, ...callHeaders(options), ...extra }
    const request = requestFor(endpoint, baseUrl, input, sent, options.signal)
    underWay.add(request)
    try {
      const { body } = await send(request)
      if (!body) return
      const { onAlive } = options
      onAlive?.()
      const parser = new EventSourceParserStream({ maxBufferSize: 4_194_304, onComment: onAlive })
      for await (const { id, data } of chunksOf(body.pipeThrough(new TextDecoderStream()).pipeThrough(parser))) {
        yield { id, data: endpoint.output.parse(JSON.parse(data)) as z.output<E['output']> }
      }
    } finally {
      underWay.delete(request)
    }
  }

  async function download<E extends Endpoint>(endpoint: E, input: z.input<E['input']>, options: CallOptions = {}) {
    const ending = new AbortController()
    const timer = setTimeout(() => ending.abort(new DOMException('The call took too long.', 'TimeoutError')), timeoutMs)
    const signal = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal
    const request = requestFor(endpoint, baseUrl, input, { ...headers, ...callHeaders(options) }, signal)
    underWay.add(request)
    const over = () => underWay.delete(request)
    try {
      const response = await send(request)
      const length = response.headers.get('content-length')
      return {
        body: held(response.body ?? new Blob([]).stream(), over),
        status: response.status,
        fileName: fileNameOf(response.headers.get('content-disposition')),
        size: length === null ? null : Number(length),
        etag: response.headers.get('etag'),
      }
    } catch (thrown) {
      over()
      throw thrown
    } finally {
      clearTimeout(timer)
    }
  }

  return Object.assign(call, { subscribe, download })
}

const fileNameOf = (disposition: string | null) => /filename="([^"]*)"/.exec(disposition ?? '')?.[1] ?? null

/** The same bytes; tells when there are no more, whyever. */
function held(body: ReadableStream<Uint8Array>, over: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          over()
          controller.close()
        } catch (cause) {
          over()
          controller.error(cause)
        }
      },
      cancel(reason) {
        over()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

/** Not every browser can iterate over a stream by itself. */
async function* chunksOf<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel()
  }
}

const ACCEPTED = { json: 'application/json', events: 'text/event-stream', file: '*/*' } as const satisfies Record<
  Endpoint['answers'],
  string
>

/** The request that an endpoint and an input stand for. Undefined values are left out. */
export function requestFor(
  endpoint: Endpoint,
  baseUrl: string,
  input: Record<string, unknown>,
  headers: Record<string, string | undefined>,
  signal?: AbortSignal,
): Request {
  const rest = new Map(Object.entries(input).filter(([, value]) => value !== undefined))
  let path = endpoint.path
  for (const name of pathNames(endpoint.path)) {
    path = path.replace(`:${name}`, encodeURIComponent(String(rest.get(name))))
    rest.delete(name)
  }
  const inQuery = endpoint.method === 'GET' || endpoint.method === 'DELETE'
  const query = new URLSearchParams([...rest].map(([name, value]): [string, string] => [name, String(value)]))
  const sent = new Headers({ accept: ACCEPTED[endpoint.answers] })
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) sent.set(name, value)
  if (!inQuery) sent.set('content-type', 'application/json')
  return new Request(`${baseUrl}${path}${inQuery && rest.size > 0 ? `?${query}` : ''}`, {
    method: endpoint.method,
    headers: sent,
    body: inQuery ? undefined : JSON.stringify(Object.fromEntries(rest)),
    signal,
  })
}

const callHeaders = ({ idempotencyKey, headers }: CallOptions) => ({ 'idempotency-key': idempotencyKey, ...headers })

const defaultFetch = (request: Request) => globalThis.fetch(request)

const isTimeout = (thrown: unknown) => thrown instanceof Error && thrown.name === 'TimeoutError'

const originOf = (request: Request) => new URL(request.url).origin

/** fetch hides why it failed one level down. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown
  if (cause instanceof Error) return 'code' in cause ? `${String(cause.code)}` : cause.message
  return String(cause)
}
