import 'server-only'
import { type Endpoint, pathNames } from '@/lib/contract/endpoint'
import { AppError, problemResponse } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { type ControlPlaneDoor, controlPlaneDoor } from './control-plane'
import { readBody } from './read-body'
import { reportError } from './report-error'
import { assertSameOrigin } from './same-origin'
import { clearedSessionCookie, readSessionToken } from './session'

type RouteContext = { params: Promise<Record<string, string>> }
type RouteHandler = (request: Request, context: RouteContext) => Promise<Response>

const ANSWER_WITHIN_MS = 30_000
const FORWARDED_IN = ['idempotency-key', 'if-none-match', 'if-range', 'last-event-id', 'range']
const FORWARDED_OUT = [
  'accept-ranges',
  'content-disposition',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'location',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'x-content-type-options',
  'x-request-id',
]
const ACCEPTED = { json: 'application/json', events: 'text/event-stream', file: '*/*' } as const

/**
 * A route of the browser's API: the session cookie becomes a control-plane token, which the browser never sees.
 * Query and body pass through as they came; the control plane validates them against the contract.
 */
export const bff = (endpoint: Endpoint): RouteHandler => forward(endpoint, AbortSignal.timeout)

/** The same for endpoints that answer with server-sent events: no time limit, and nothing on the way may hold bytes back. */
export const bffStream = (endpoint: Endpoint): RouteHandler => forward(endpoint)

/**
 * The same for endpoints that answer with a file. A download that has begun may take any time; a link to an object store is
 * handed to the browser, which then asks there itself.
 */
export const bffFile = (endpoint: Endpoint): RouteHandler => forward(endpoint)

const forward =
  (endpoint: Endpoint, timeout?: (ms: number) => AbortSignal): RouteHandler =>
  async (request, { params }) => {
    const requestId = newId('req')
    try {
      if (endpoint.method !== 'GET') assertSameOrigin(request.headers)
      const token = await readSessionToken()
      if (!token) throw new AppError('unauthenticated', 'Sign in to continue.')

      const door = controlPlaneDoor(request.headers)
      const signal = timeout ? AbortSignal.any([request.signal, timeout(ANSWER_WITHIN_MS)]) : request.signal
      const answer = await door.fetch(
        await upstreamRequest(endpoint, request, await params, door, { token, requestId, signal }),
      )
      return browserResponse(answer)
    } catch (thrown) {
      return failure(thrown, request, requestId)
    }
  }

type Call = { token: string; requestId: string; signal: AbortSignal }

async function upstreamRequest(
  endpoint: Endpoint,
  request: Request,
  params: Record<string, string>,
  door: ControlPlaneDoor,
  { token, requestId, signal }: Call,
): Promise<Request> {
  let path = endpoint.path
  for (const name of pathNames(path)) path = path.replace(`:${name}`, encodeURIComponent(params[name] ?? ''))
  const headers = new Headers({ ...door.headers, authorization: `Bearer ${token}`, 'x-request-id': requestId })
  headers.set('accept', ACCEPTED[endpoint.answers])
  for (const name of FORWARDED_IN) {
    const value = request.headers.get(name)
    if (value) headers.set(name, value)
  }
  const { search } = new URL(request.url)
  if (endpoint.method === 'GET' || endpoint.method === 'DELETE') {
    return new Request(door.baseUrl + path + search, { method: endpoint.method, headers, signal, redirect: 'manual' })
  }
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new AppError('unsupported_media_type', 'Send application/json.')
  }
  const body = await readBody(request, endpoint.bodyBytesMax)
  headers.set('content-type', 'application/json')
  return new Request(door.baseUrl + path, { method: endpoint.method, headers, body, signal })
}

function browserResponse(answer: Response): Response {
  // no-transform keeps the host's compression from holding back server-sent events.
  const headers = new Headers({ 'cache-control': 'no-store, no-transform' })
  for (const name of FORWARDED_OUT) {
    const value = answer.headers.get(name)
    if (value) headers.set(name, value)
  }
  // It counts the bytes before they were unpacked.
  if (answer.headers.has('content-encoding')) headers.delete('content-length')
  if (answer.status === 401) headers.append('set-cookie', clearedSessionCookie())
  return new Response(answer.body, { status: answer.status, headers })
}

function failure(thrown: unknown, request: Request, requestId: string): Response {
  if (thrown instanceof AppError) {
    const response = problemResponse(thrown, requestId)
    if (thrown.status === 401) response.headers.append('set-cookie', clearedSessionCookie())
    return response
  }
  if (thrown instanceof Error && thrown.name === 'TimeoutError') {
    const words = `The control plane did not answer within ${ANSWER_WITHIN_MS / 1_000} s.`
    return problemResponse(new AppError('upstream_timeout', words, { cause: thrown }), requestId)
  }
  // Nobody reads this answer: the browser has gone.
  if (request.signal.aborted) return new Response(null, { status: 499 })
  reportError('bff', requestId, thrown)
  const error = isNetworkFailure(thrown)
    ? new AppError('unavailable', 'The console cannot reach the control plane. Nothing was changed.', { cause: thrown })
    : new AppError('internal', 'Something went wrong on our side.', { cause: thrown })
  return problemResponse(error, requestId)
}

/** fetch rejects with a TypeError that carries the socket's error as its cause. */
const isNetworkFailure = (thrown: unknown) => thrown instanceof TypeError && thrown.cause instanceof Error
