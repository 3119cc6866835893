import type { IncomingMessage, ServerResponse } from 'node:http'
import { newId, newIdAt } from '@/lib/ids'
import { encodeEvent, type SseEvent } from '@/lib/policy/stream/sse'
import type { Placed } from '../active-set'
import { readBody } from '../body'
import type { ByteShare } from '../byte-budget'
import { callerOf } from '../caller'
import { Refusal } from '../errors'
import { plainHeader } from '../headers'
import {
  RPC,
  type RpcId,
  RpcInvalid,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
  readMessages,
  rpcError,
} from './json-rpc'
import { keepRecord, type McpOutcome } from './keep-record'
import { admitMcp } from './mcp-admission'
import { assertStatus, endCall, McpCaller } from './mcp-call'
import { isGoverned, LISTS } from './mcp-content'
import type { McpDoorState } from './mcp-door'
import { admittedOf, conversationNameOf, type McpFacts, mcpFactsOf, mcpGovernorOf } from './mcp-facts'
import { coded, dataOfRefusal, dataOfStop, explainFailure, notMcp, SessionNotFound } from './mcp-failure'
import { framesOf, readSaid } from './mcp-frames'
import { judgeSaid, type McpGovernor, McpStop } from './mcp-governor'
import { giveBack, reserveSpend, takeFromLimits } from './mcp-holdings'
import { JSON_HEADERS, McpReply } from './mcp-reply'
import { type McpAnswer, wholeBody, withMetadata, withoutMetadata } from './mcp-upstream'

/** For a server to take the news that its question was held back. */
const REFUSAL_MS_MAX = 10_000
const EVENT_STREAM = /^text\/event-stream\s*(?:;|$)/i
const JSON_TYPE = /^application\/json\s*(?:;|$)/i

/** One HTTP request of an MCP client, from its first header to its last byte and its record. */
export class McpExchange implements Placed {
  place = -1
  readonly #door: McpDoorState
  readonly #request: IncomingMessage
  readonly #facts: McpFacts
  readonly #caller: McpCaller
  readonly #abort = new AbortController()
  readonly #reply: McpReply
  /** Of the bytes that all requests may hold; given back when the caller has gone. */
  readonly #share: ByteShare
  #hasEventIds = false

  constructor(door: McpDoorState, request: IncomingMessage, response: ServerResponse) {
    this.#door = door
    this.#request = request
    this.#facts = mcpFactsOf(door.options.store.current, request)
    this.#caller = new McpCaller(door, this.#facts)
    this.#share = door.options.budget.share()
    this.#reply = new McpReply(response, door.limits.stalledMsMax, this.#abort.signal)
    const tooLong = setTimeout(() => this.abort('call_too_long'), door.limits.callMsMax).unref()
    response.on('close', () => {
      clearTimeout(tooLong)
      this.#share.release()
      this.abort('caller_left')
    })
  }

  /** Ends it; `reason` stands in its record. */
  abort(reason: string): void {
    this.#abort.abort(coded(reason))
  }

  /** Nothing is lost when it is cut off: it waits for what a server may say by itself. */
  get isListening(): boolean {
    return this.#request.method === 'GET'
  }

  get startedMs(): number {
    return this.#facts.startedMs
  }

  async run(server: string): Promise<void> {
    try {
      const { method } = this.#request
      if (method !== 'POST' && method !== 'GET' && method !== 'DELETE') {
        throw new Refusal('method_not_allowed', 'This path takes POST, GET and DELETE.', { allow: 'POST, GET, DELETE' })
      }
      const { key, target, chain, owner } = admitMcp(
        this.#door.options,
        this.#facts.snapshot,
        this.#request,
        this.#facts.clientIp,
        server,
      )
      const caller = callerOf(key, this.#request.headers, this.#facts.clientIp)
      this.#facts.admitted = { key, target, chain, owner, caller }
      const given = this.#request.headers['mcp-session-id']
      if (given !== undefined)
        this.#facts.session = this.#door.sessions.find(String(given), owner, target.id, performance.now())
      if (given !== undefined && this.#facts.session === null) throw new SessionNotFound()
      if (method === 'POST') await this.#post()
      else if (method === 'GET') await this.#listen()
      else await this.#endSession()
    } catch (thrown) {
      await this.#fail(thrown)
    } finally {
      giveBack(this.#door, this.#facts)
    }
  }

  async #post(): Promise<void> {
    const waitedFromMs = performance.now()
    this.#facts.body = await bodyOf(this.#request, this.#door.limits.messageBytesMax, this.#abort.signal, this.#share)
    this.#facts.bodyWaitMs = performance.now() - waitedFromMs
    const [message] = readMessages(this.#facts.body, { batches: false })
    if (message === undefined) throw new RpcInvalid(RPC.invalidRequest, 'Send a JSON-RPC 2.0 message.')
    this.#facts.governor = mcpGovernorOf(this.#door, this.#facts)
    refuseHiddenRequest(message)
    if (isGoverned(message)) this.#govern(message.kind === 'response' ? 'response' : message.method)
    if (message.kind !== 'request') return this.#passOn(message, this.#facts.governor)
    this.#facts.message = message
    let { document } = message
    await takeFromLimits(this.#door, this.#facts, this.#facts.governor)
    if (this.#facts.eventId !== null) document = await this.#facts.governor.onRequest(message)
    const isBeginning = message.method === 'initialize'
    if (isBeginning && this.#facts.session !== null) {
      throw new RpcInvalid(RPC.invalidRequest, 'A session cannot be initialized twice.')
    }
    await reserveSpend(this.#door, this.#facts, this.#facts.governor)
    const publicId = isBeginning ? newId('ses') : (this.#facts.session?.publicId ?? null)
    const answer = await this.#send(
      'POST',
      withMetadata(document, {
        keeptrusts_session_id: publicId,
        keeptrusts_conversation_id: conversationNameOf(this.#facts) ?? publicId,
        keeptrusts_agent_id: admittedOf(this.#facts).caller.agentId,
      }),
    )
    if (isBeginning && answer.status === 200 && publicId !== null) this.#openSession(publicId, answer)
    await this.#answer(answer)
  }

  /** From here on there is a record. */
  #govern(method: string): void {
    this.#facts.method = method
    this.#facts.eventId ??= newIdAt('evt', this.#facts.startedAtMs)
  }

  /** A notification, or the client's answer to a question of the server: nothing comes back. */
  async #passOn(message: (RpcNotification | RpcResponse) & RpcMessage, governor: McpGovernor): Promise<void> {
    await takeFromLimits(this.#door, this.#facts, governor)
    let { document } = message
    try {
      if (this.#facts.eventId !== null) document = await governor.onTold(message)
    } catch (thrown) {
      if (thrown instanceof McpStop && message.kind === 'response') await this.#refuseToServer(message.id, thrown)
      throw thrown
    }
    const answer = await this.#send('POST', message.kind === 'notification' ? withoutMetadata(document) : document)
    answer.body.resume()
    assertStatus(this.#door, this.#facts, answer)
    const outcome = { status: 202, errorCode: null, error: null }
    const isRecorded = await keepRecord(this.#door, this.#facts, outcome, null, this.#reply)
    if (!isRecorded && this.#door.options.durability === 'strict') {
      throw new Refusal('audit_unavailable', 'This message could not be recorded.')
    }
    this.#reply.end(202, this.#headers())
  }

  /** In the place of what one side asked or answered: the server would wait for it for ever. */
  async #refuseToServer(id: RpcId | null, stop: McpStop): Promise<void> {
    const refusal = rpcError(id, stop.rpcCode, stop.message, dataOfStop(stop, this.#ids()))
    const answer = await this.#caller.ask('POST', refusal, AbortSignal.timeout(REFUSAL_MS_MAX))
    answer.body.resume()
  }

  async #listen(): Promise<void> {
    const ended = this.#door.listeners.add(admittedOf(this.#facts).owner, this.#facts.session)
    try {
      this.#facts.governor = mcpGovernorOf(this.#door, this.#facts)
      const answer = await this.#send('GET', null)
      if (answer.status === 405) throw new Refusal('method_not_allowed', 'This server has nothing to say by itself.')
      assertStatus(this.#door, this.#facts, answer)
      if (!EVENT_STREAM.test(answer.headers['content-type'] ?? '')) throw notMcp()
      this.#reply.beginStream(this.#headers())
      await this.#relay(answer)
      this.#reply.end(200, [])
    } finally {
      ended()
    }
  }

  async #endSession(): Promise<void> {
    const session = this.#facts.session
    if (session === null) throw new Refusal('malformed_request', 'Name the session in Mcp-Session-Id.')
    this.#door.sessions.close(session)
    if (session.upstreamId !== null) {
      const answer = await this.#send('DELETE', null)
      answer.body.resume()
      // A server that does not let sessions be ended has no say in whether ours is.
      if (answer.status !== 405 && answer.status !== 404) assertStatus(this.#door, this.#facts, answer)
    }
    this.#reply.end(204, this.#headers())
  }

  #openSession(publicId: string, answer: McpAnswer): void {
    const { target, owner } = admittedOf(this.#facts)
    const upstreamId = plainHeader(answer.headers['mcp-session-id'], 1_024)
    const given = { publicId, targetId: target.id, owner, upstreamId, secret: this.#caller.secret }
    this.#facts.session = this.#door.sessions.open(given, performance.now())
  }

  async #answer(answer: McpAnswer): Promise<void> {
    if (answer.status === 200 && EVENT_STREAM.test(answer.headers['content-type'] ?? '')) {
      this.#reply.beginStream(this.#headers())
      if (await this.#relay(answer)) return
      // A server may end a stream that can be taken up again, and go on there.
      if (!this.#hasEventIds) throw new Refusal('upstream_failed', 'The MCP server ended its answer too early.')
      await keepRecord(
        this.#door,
        this.#facts,
        { status: 200, errorCode: null, error: 'stream_closed_early' },
        null,
        this.#reply,
      )
      this.#reply.end(200, [])
      return
    }
    const isJson = JSON_TYPE.test(answer.headers['content-type'] ?? '')
    if (!isJson || answer.status >= 500 || answer.status < 200 || answer.status === 401 || answer.status === 404) {
      answer.body.resume()
      assertStatus(this.#door, this.#facts, answer)
      throw notMcp()
    }
    const body = await wholeBody(answer.body, this.#door.limits.answerBytesMax, this.#share)
    const messages = readSaid(body)
    const own = messages.find((message) => message.kind === 'response' && isOf(message, this.#facts.message))
    if (own?.kind !== 'response') throw notMcp()
    await this.#finish(own)
  }

  /** @returns whether the answer to the request came */
  async #relay({ body }: McpAnswer): Promise<boolean> {
    for await (const frame of framesOf(body, this.#door.limits.answerBytesMax, this.#share)) {
      if (await this.#relayFrame(frame)) return true
    }
    return false
  }

  async #relayFrame({ event, data, id, retryMs }: SseEvent): Promise<boolean> {
    if (id !== null) this.#hasEventIds = true
    if (data === null || data === '') {
      // Written anew like all that passes: a comment may hold anything.
      const lines = [id === null ? '' : `id: ${id}\n`, retryMs === null ? '' : `retry: ${retryMs}\n`].join('')
      await this.#reply.write(lines === '' ? ':\n\n' : `${lines}data:\n\n`)
      return false
    }
    if (event !== null && event !== 'message' && event !== '') return false // no client of MCP reads it
    for (const message of readSaid(Buffer.from(data))) {
      if (message.kind === 'response' && isOf(message, this.#facts.message)) {
        await this.#finish(message, id)
        return true
      }
      const document = await this.#judgeSaid(message)
      if (document !== null)
        await this.#reply.write(encodeEvent({ event: 'message', data: JSON.stringify(document), id }))
    }
    return false
  }

  /** What a server says beside the answer: notifications, questions to the client, answers on a stream taken up again. */
  async #judgeSaid(message: RpcMessage): Promise<object | null> {
    try {
      return await judgeSaid(mcpGovernorOf(this.#door, this.#facts), message)
    } catch (thrown) {
      if (!(thrown instanceof McpStop)) throw thrown
      const { log } = this.#door.options
      const what = message.kind === 'response' ? 'response' : message.method
      log.warn({ request_id: this.#facts.requestId, what, reason_code: thrown.reasonCode }, 'a message was held back')
      if (message.kind === 'notification') return null
      if (message.kind === 'response') {
        return rpcError(message.id, thrown.rpcCode, thrown.message, dataOfStop(thrown, this.#ids()))
      }
      await this.#refuseToServer(message.id, thrown)
      return null
    }
  }

  async #finish(message: RpcResponse & RpcMessage, eventId: string | null = null): Promise<void> {
    const governor = this.#facts.governor
    const method = this.#facts.message?.method
    if (governor === null || method === undefined) throw new Error('an answer without a request')
    let { document } = message
    const isError = message.error !== undefined
    if (!isError && (LISTS.has(method) || method === 'initialize')) {
      const isList = method !== 'initialize'
      document = await (isList
        ? governor.onOffered(document, message.result)
        : governor.onIntroduction(document, message.result))
      // These are a matter of course, what was found in one is not.
      if (governor.verdict !== 'allow') this.#govern(method)
    } else if (this.#facts.eventId !== null) {
      endCall(this.#facts, null)
      governor.settle(message)
      document = isError
        ? await governor.onSaid(document, message.error, 'error')
        : await governor.onSaid(document, message.result, 'result')
    }
    if (method === 'initialize' && isError && this.#facts.session !== null) {
      this.#door.sessions.close(this.#facts.session)
      this.#facts.session = null
    }
    await this.#conclude(
      document,
      { status: 200, errorCode: isError ? 'upstream_rejected' : null, error: null },
      eventId,
    )
  }

  /** The last message: recorded first when its record must be on disk before it. */
  async #conclude(
    document: object,
    outcome: McpOutcome,
    eventId: string | null = null,
    headers: readonly string[] = JSON_HEADERS,
  ): Promise<void> {
    const text = JSON.stringify(document)
    const out = [...headers, ...this.#headers()]
    const isStrict = this.#door.options.durability === 'strict'
    if (!isStrict) this.#reply.last(text, eventId, outcome.status, out)
    const isRecorded = await keepRecord(this.#door, this.#facts, outcome, text, this.#reply)
    if (!isStrict) return
    if (isRecorded) return this.#reply.last(text, eventId, outcome.status, out)
    const refusal = new Refusal('audit_unavailable', 'This answer could not be recorded, so it was held back.')
    const error = rpcError(
      this.#facts.message?.id ?? null,
      RPC.unavailable,
      refusal.message,
      dataOfRefusal(refusal, this.#facts.requestId),
    )
    this.#reply.last(JSON.stringify(error), eventId, refusal.status, [...refusal.headers(), ...this.#headers()])
  }

  /** The one exit for what goes wrong. */
  async #fail(thrown: unknown): Promise<void> {
    try {
      const failure = explainFailure(thrown, { wasAsked: this.#facts.call !== null, signal: this.#abort.signal })
      const { refusal, code, message, reason } = failure
      if (failure.isUnexpected)
        this.#door.options.log.error({ err: thrown, request_id: this.#facts.requestId }, 'unexpected failure')
      if (reason !== null) this.#facts.governor?.failed()
      const isStop = thrown instanceof McpStop
      const data = isStop ? dataOfStop(thrown, this.#ids()) : dataOfRefusal(refusal, this.#facts.requestId)
      const error = rpcError(this.#facts.message?.id ?? null, code, message, data)
      if (this.#facts.eventId === null) this.#door.options.refused(isStop ? thrown.code : refusal.code)
      if (this.isListening && this.#reply.isStream) {
        this.#reply.end(200, [])
        return
      }
      // A policy's no is an answer of JSON-RPC: clients take other statuses for a broken connection. Where there is nothing
      // to answer, MCP has an error tell that a message was not taken.
      const status = isStop && this.#facts.message !== null ? 200 : refusal.status
      const errorCode = isStop ? thrown.code : refusal.code
      const governed = this.#facts.eventId === null ? [] : ['x-keeptrusts-event-id', this.#facts.eventId]
      const headers = isStop ? [...JSON_HEADERS, ...governed] : refusal.headers()
      await this.#conclude(error, { status, errorCode, error: reason }, null, headers)
    } catch (cause) {
      this.#door.options.log.error({ err: cause, request_id: this.#facts.requestId }, 'an answer could not be sent')
      this.#reply.destroy()
    }
  }

  #send(method: 'POST' | 'GET' | 'DELETE', document: object | null): Promise<McpAnswer> {
    return this.#caller.send(method, document, this.#abort.signal)
  }

  #ids() {
    return { eventId: this.#facts.eventId, requestId: this.#facts.requestId }
  }

  #headers(): string[] {
    const headers = ['x-request-id', this.#facts.requestId, 'traceparent', this.#facts.traceparent]
    headers.push('x-keeptrusts-config-version', this.#facts.snapshot.config?.version ?? '')
    if (this.#facts.session !== null) headers.push('mcp-session-id', this.#facts.session.id)
    return headers
  }
}

const isOf = (message: RpcResponse, request: RpcRequest | null) =>
  request !== null && (message.id === request.id || (message.id === null && message.error !== undefined))

/** A server that does not look for an id would take it for a request: one that no policy has seen. */
function refuseHiddenRequest(message: RpcMessage): void {
  if (message.kind !== 'notification' || message.method.startsWith('notifications/')) return
  throw new RpcInvalid(RPC.invalidRequest, 'The method of a notification begins with notifications/.')
}

function bodyOf(request: IncomingMessage, bytesMax: number, signal: AbortSignal, share: ByteShare): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    readBody(request, bytesMax, (body) => (body instanceof Refusal ? reject(body) : resolve(body)), share)
  })
}
