import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Target } from '@/lib/policy/compile'
import type { ByteShare } from '../byte-budget'
import { plainHeader } from '../headers'
import { fieldsOf } from './json-rpc'
import { coded } from './mcp-failure'

export type McpAnswer = { status: number; headers: IncomingHttpHeaders; body: Readable }

export type McpOutbound = {
  target: Target
  /** One of the target's; null when it needs none. */
  secret: string | null
  method: 'POST' | 'GET' | 'DELETE'
  /** Of the server. */
  sessionId: string | null
  /** Of the caller: the protocol version and the last event id are passed on, nothing else is. */
  headers: IncomingHttpHeaders
  body: string | null
  requestId: string
  traceparent: string
  signal: AbortSignal
}

/** One call to an MCP server. @throws errors of undici, or the reason of the signal */
export async function callMcpServer(dispatcher: Dispatcher, userAgent: string, call: McpOutbound): Promise<McpAnswer> {
  const { target, secret, method, body } = call
  if (target.baseUrl === null) throw new Error(`target ${target.id} has no base_url`)
  const headers: Record<string, string> = {
    accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
    'accept-encoding': 'identity', // what is compressed could not be looked through
    'user-agent': userAgent,
    'x-request-id': call.requestId,
    traceparent: call.traceparent,
    ...target.headers,
  }
  if (body !== null) headers['content-type'] = 'application/json'
  if (secret !== null) headers[target.apiKeyHeader] = target.apiKeyPrefix + secret
  if (call.sessionId !== null) headers['mcp-session-id'] = call.sessionId
  const version = call.headers['mcp-protocol-version']
  if (typeof version === 'string' && /^[\w.-]{1,40}$/.test(version)) headers['mcp-protocol-version'] = version
  const lastEventId = plainHeader(call.headers['last-event-id'], 1_024)
  if (method === 'GET' && lastEventId !== null) headers['last-event-id'] = lastEventId
  const answer = await dispatcher.request({
    origin: target.baseUrl.origin,
    path: target.baseUrl.pathname + target.baseUrl.search,
    method,
    headers,
    body,
    signal: call.signal,
    headersTimeout: target.timeoutMs,
    // A stream on which the server speaks only when it has something to say is silent most of the time.
    bodyTimeout: method === 'GET' ? 0 : target.timeoutMs,
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.body }
}

/** The whole body. @throws Error `answer_too_large`, or `gateway_full` when there is no room for it */
export async function wholeBody(body: Readable, bytesMax: number, share: ByteShare): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) throw coded('answer_too_large')
    if (!share.take(chunk.length)) throw coded('gateway_full')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** What a caller wrote under names of ours is not passed on. */
export const withoutMetadata = (document: Record<string, unknown>) =>
  fieldsOf(fieldsOf(document.params)?._meta) === null ? document : withMetadata(document, {})

/** Who asks, for the server's own records. What a caller wrote under such names is not passed on. */
export function withMetadata(document: Record<string, unknown>, own: Readonly<Record<string, string | null>>) {
  const params = fieldsOf(document.params) ?? {}
  const given = Object.entries(fieldsOf(params._meta) ?? {}).filter(([name]) => !name.startsWith('keeptrusts_'))
  const known = Object.entries(own).filter(([, value]) => value !== null)
  return { ...document, params: { ...params, _meta: Object.fromEntries([...given, ...known]) } }
}
