import type { IncomingMessage, ServerResponse } from 'node:http'
import { PAYLOAD_BYTES_MAX } from '@/lib/contract/events'
import type { GatewayKey } from '@/lib/contract/gateways'
import { newId, newIdAt } from '@/lib/ids'
import type { Target } from '@/lib/policy/compile'
import type { Chain } from '@/lib/policy/engine/chain'
import type { Caller } from '@/lib/policy/engine/subject'
import { encodeEvent, type SseEvent } from '@/lib/policy/stream/sse'
import { costOf } from '@/lib/prices/cost'
import type { Placed } from '../active-set'
import { readBody } from '../body'
import type { ByteShare } from '../byte-budget'
import { callerOf, clientIpOf, spenderOf } from '../caller'
import { commitment, saltFor } from '../capture'
import { Refusal } from '../errors'
import { plainHeader, requestIdOf, traceparentOf } from '../headers'
import { refusalOfLimit } from '../limits/exceeded'
import type { Hold } from '../limits/limiter'
import { limitsOf, userOf } from '../limits/limits-of'
import { costOfToolCall, toolPrice, totalOf } from '../request-cost'
import { controlPlaneNowMs, type Snapshot } from '../snapshot'
import type { Reservation } from '../spend/reservation'
import { RPC, RpcInvalid, type RpcMessage, type RpcRequest, type RpcResponse, readMessages, rpcError } from './json-rpc'
import { admitMcp } from './mcp-admission'
import type { McpDoorState } from './mcp-door'
import { coded, dataOfRefusal, dataOfStop, explainFailure, notMcp, SessionNotFound } from './mcp-failure'
import { framesOf, readSaid } from './mcp-frames'
import { isGoverned, judgeSaid, McpGovernor, McpStop } from './mcp-governor'
import { JSON_HEADERS, McpReply } from './mcp-reply'
import type { McpSession } from './mcp-sessions'
import { callMcpServer, type McpAnswer, wholeBody, withMetadata } from './mcp-upstream'

const CLIENT_CLOSED_REQUEST = 499
/** For a server to take the news that its question was held back. */
const REFUSAL_MS_MAX = 10_000
const EVENT_STREAM = /^text\/event-stream\s*(?:;|$)/i
const JSON_TYPE = /^application\/json\s*(?:;|$)/i

type Admitted = { target: Target; chain: Chain; key: GatewayKey | null; owner: string; caller: Caller }

/** One HTTP request of an MCP client, from its first header to its last byte and its record. */
export class McpExchange implements Placed {
  place = -1
  readonly #door: McpDoorState
  readonly #request: IncomingMessage
  readonly #snapshot: Snapshot
  readonly #startedMs = performance.now()
  readonly #requestId: string
  readonly #clientIp: string
  readonly #traceparent: string
  readonly #abort = new AbortController()
  readonly #reply: McpReply
  /** Of the bytes that all requests may hold; given back when the caller has gone. */
  readonly #share: ByteShare
  #bodyWaitMs = 0
  #body: Buffer = Buffer.alloc(0)
  #admitted: Admitted | null = null
  #session: McpSession | null = null
  #message: (RpcRequest & RpcMessage) | null = null
  #governor: McpGovernor | null = null
  #eventId: string | null = null
  #call: { sentMs: number; durationMs: number; status: number | null; error: string | null } | null = null
  #hasEventIds = false
  /** What it holds of its limits. */
  #hold: Hold | null = null
  /** What it holds of budgets and wallets. */
  #reservation: Reservation | null = null
  /** The time in the id of its event. */
  #startedAtMs = 0
  /** The one of the target's that was sent last. */
  #secret: string | null = null

  constructor(door: McpDoorState, request: IncomingMessage, response: ServerResponse) {
    this.#door = door
    this.#request = request
    this.#snapshot = door.options.store.current
    this.#requestId = requestIdOf(request.headers['x-request-id'])
    this.#traceparent = traceparentOf(request.headers.traceparent)
    this.#clientIp = clientIpOf(request, this.#snapshot)
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
    return this.#startedMs
  }

  async run(server: string): Promise<void> {
    try {
      const { method } = this.#request
      if (method !== 'POST' && method !== 'GET' && method !== 'DELETE') {
        throw new Refusal('method_not_allowed', 'This path takes POST, GET and DELETE.', { allow: 'POST, GET, DELETE' })
      }
      const { key, target, chain, owner } = admitMcp(
        this.#door.options,
        this.#snapshot,
        this.#request,
        this.#clientIp,
        server,
      )
      const caller = callerOf(key, this.#request.headers, this.#clientIp)
      this.#admitted = { key, target, chain, owner, caller }
      const given = this.#request.headers['mcp-session-id']
      if (given !== undefined)
        this.#session = this.#door.sessions.find(String(given), owner, target.id, performance.now())
      if (given !== undefined && this.#session === null) throw new SessionNotFound()
      if (method === 'POST') await this.#post()
      else if (method === 'GET') await this.#listen()
      else await this.#endSession()
    } catch (thrown) {
      await this.#fail(thrown)
    } finally {
      if (this.#hold !== null) this.#door.options.limiter.release(this.#hold, 0)
      this.#reservation?.settle(null, null)
    }
  }

  async #post(): Promise<void> {
    const waitedFromMs = performance.now()
    this.#body = await bodyOf(this.#request, this.#door.limits.messageBytesMax, this.#abort.signal, this.#share)
    this.#bodyWaitMs = performance.now() - waitedFromMs
    const [message] = readMessages(this.#body, { batches: false })
    if (message === undefined) throw new RpcInvalid(RPC.invalidRequest, 'Send a JSON-RPC 2.0 message.')
    if (message.kind !== 'request') return this.#passOn(message.document)
    this.#message = message
    this.#governor = this.#newGovernor()
    let { document } = message
    if (isGoverned(message.method)) {
      this.#startedAtMs = controlPlaneNowMs(this.#snapshot)
      this.#eventId = newIdAt('evt', this.#startedAtMs)
    }
    await this.#takeFromLimits(this.#governor)
    if (this.#eventId !== null) document = await this.#governor.onRequest(message)
    const isBeginning = message.method === 'initialize'
    if (isBeginning && this.#session !== null) {
      throw new RpcInvalid(RPC.invalidRequest, 'A session cannot be initialized twice.')
    }
    await this.#reserve(this.#governor)
    const publicId = isBeginning ? newId('ses') : (this.#session?.publicId ?? null)
    const answer = await this.#send(
      'POST',
      withMetadata(document, {
        keeptrusts_session_id: publicId,
        keeptrusts_conversation_id: this.#conversationName() ?? publicId,
        keeptrusts_agent_id: this.#known().caller.agentId,
      }),
    )
    if (isBeginning && answer.status === 200 && publicId !== null) this.#openSession(publicId, answer)
    await this.#answer(answer)
  }

  /** Tokens are of models: tools are counted by their requests. @throws Refusal `rate_limited` */
  async #takeFromLimits(governor: McpGovernor): Promise<void> {
    const { config, orgId } = this.#snapshot
    const { key } = this.#known()
    if (config === null) return
    const limits = limitsOf(config.compiled.limits, {
      key,
      userId: userOf(this.#request.headers),
      ip: this.#clientIp,
    })
    if (limits.length === 0) return
    const from = { config: config.compiled, orgId }
    const taken = await this.#door.options.limiter.take(from, limits, 0, controlPlaneNowMs(this.#snapshot))
    if (taken.exceeded === null) {
      this.#hold = taken.hold
      return
    }
    governor.verdict = 'block'
    governor.reasonCode = `rate.${taken.exceeded.limit.name}`
    throw refusalOfLimit(taken.exceeded)
  }

  /** A tool without a price by the call costs what nobody knows: nothing is reserved for it. @throws Refusal */
  async #reserve(governor: McpGovernor): Promise<void> {
    const { spend: rules } = this.#snapshot
    const { key, target } = this.#known()
    if (rules === null || governor.tool === null || this.#eventId === null) return
    const price = toolPrice(target, governor.tool, this.#snapshot)
    const cost = price && costOf(price, { input: 0, output: 0, cached: 0, reasoning: 0 })
    if (!cost) return
    const reserved = await this.#door.options.spend.reserve({
      rules,
      who: spenderOf(key, this.#request.headers, governor.tool),
      atMs: this.#startedAtMs,
      tiers: [[target]],
      worstCaseOf: () => cost.total,
    })
    if (reserved.refused === null) {
      this.#reservation = reserved.reservation
      return
    }
    governor.verdict = 'block'
    governor.reasonCode = reserved.refused.reasonCode
    throw reserved.refused.refusal
  }

  /** A notification, or the client's answer to a question of the server: nothing comes back. */
  async #passOn(document: Record<string, unknown>): Promise<void> {
    const answer = await this.#send('POST', document)
    answer.body.resume()
    this.#assertStatus(answer)
    this.#reply.end(202, this.#headers())
  }

  async #listen(): Promise<void> {
    const ended = this.#door.listeners.add(this.#known().owner, this.#session)
    try {
      this.#governor = this.#newGovernor()
      const answer = await this.#send('GET', null)
      if (answer.status === 405) throw new Refusal('method_not_allowed', 'This server has nothing to say by itself.')
      this.#assertStatus(answer)
      if (!EVENT_STREAM.test(answer.headers['content-type'] ?? '')) throw notMcp()
      this.#reply.beginStream(this.#headers())
      await this.#relay(answer)
      this.#reply.end(200, [])
    } finally {
      ended()
    }
  }

  async #endSession(): Promise<void> {
    const session = this.#session
    if (session === null) throw new Refusal('malformed_request', 'Name the session in Mcp-Session-Id.')
    this.#door.sessions.close(session)
    if (session.upstreamId !== null) {
      const answer = await this.#send('DELETE', null)
      answer.body.resume()
      // A server that does not let sessions be ended has no say in whether ours is.
      if (answer.status !== 405 && answer.status !== 404) this.#assertStatus(answer)
    }
    this.#reply.end(204, this.#headers())
  }

  /** The one call that the record tells of. */
  async #send(method: 'POST' | 'GET' | 'DELETE', document: object | null): Promise<McpAnswer> {
    this.#call = { sentMs: performance.now(), durationMs: 0, status: null, error: null }
    const answer = await this.#callServer(method, document, this.#abort.signal)
    this.#call.status = answer.status
    return answer
  }

  async #callServer(
    method: 'POST' | 'GET' | 'DELETE',
    document: object | null,
    signal: AbortSignal,
  ): Promise<McpAnswer> {
    const { target } = this.#known()
    const session = this.#session
    // A session was begun with one secret, and is nobody else's; without one, whichever the server takes.
    const secrets = session === null ? [...target.secrets] : [session.secret]
    let answer = await this.#callWith(secrets.shift() ?? null, method, document, signal)
    while (answer.status === 401 && secrets.length > 0) {
      answer.body.resume()
      answer = await this.#callWith(secrets.shift() ?? null, method, document, signal)
    }
    return answer
  }

  async #callWith(
    secret: string | null,
    method: 'POST' | 'GET' | 'DELETE',
    document: object | null,
    signal: AbortSignal,
  ): Promise<McpAnswer> {
    const { target } = this.#known()
    const { options } = this.#door
    this.#secret = secret
    const answer = await callMcpServer(options.dispatcherFor(target), options.userAgent, {
      target,
      secret,
      method,
      sessionId: this.#session?.upstreamId ?? null,
      headers: this.#request.headers,
      body: document && JSON.stringify(document),
      requestId: this.#requestId,
      traceparent: this.#traceparent,
      signal,
    })
    answer.body.on('error', () => {}) // told by whoever reads it; without a listener it would end the process
    return answer
  }

  #openSession(publicId: string, answer: McpAnswer): void {
    const { target, owner } = this.#known()
    const upstreamId = plainHeader(answer.headers['mcp-session-id'], 1_024)
    const given = { publicId, targetId: target.id, owner, upstreamId, secret: this.#secret }
    this.#session = this.#door.sessions.open(given, performance.now())
  }

  async #answer(answer: McpAnswer): Promise<void> {
    if (answer.status === 200 && EVENT_STREAM.test(answer.headers['content-type'] ?? '')) {
      this.#reply.beginStream(this.#headers())
      if (await this.#relay(answer)) return
      // A server may end a stream that can be taken up again, and go on there.
      if (!this.#hasEventIds) throw new Refusal('upstream_failed', 'The MCP server ended its answer too early.')
      await this.#keepRecord({ status: 200, errorCode: null, error: 'stream_closed_early' }, null)
      this.#reply.end(200, [])
      return
    }
    const isJson = JSON_TYPE.test(answer.headers['content-type'] ?? '')
    if (!isJson || answer.status >= 500 || answer.status < 200 || answer.status === 401 || answer.status === 404) {
      answer.body.resume()
      this.#assertStatus(answer)
      throw notMcp()
    }
    const body = await wholeBody(answer.body, this.#door.limits.answerBytesMax, this.#share)
    const messages = readSaid(body)
    const own = messages.find((message) => message.kind === 'response' && isOf(message, this.#message))
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
      if (message.kind === 'response' && isOf(message, this.#message)) {
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
      return await judgeSaid(this.#newGovernor(), message)
    } catch (thrown) {
      if (!(thrown instanceof McpStop)) throw thrown
      const { log } = this.#door.options
      const what = message.kind === 'response' ? 'response' : message.method
      log.warn({ request_id: this.#requestId, what, reason_code: thrown.reasonCode }, 'a message was held back')
      if (message.kind === 'notification') return null
      const refusal = rpcError(message.id, thrown.rpcCode, thrown.message, dataOfStop(thrown, this.#ids()))
      if (message.kind === 'response') return refusal
      // The client never sees the question, so the server would wait for its answer for ever.
      const signal = AbortSignal.timeout(REFUSAL_MS_MAX)
      const answer = await this.#callServer('POST', refusal, signal)
      answer.body.resume()
      return null
    }
  }

  async #finish(message: RpcResponse & RpcMessage, eventId: string | null = null): Promise<void> {
    const governor = this.#governor
    const method = this.#message?.method
    if (governor === null || method === undefined) throw new Error('an answer without a request')
    let { document } = message
    const isError = message.error !== undefined
    if (method === 'tools/list') document = governor.withoutRefusedTools(document)
    else if (this.#eventId !== null) {
      this.#endCall(null)
      governor.settle(message)
      document = isError
        ? await governor.onSaid(document, message.error, 'error')
        : await governor.onSaid(document, message.result, 'result')
    }
    if (method === 'initialize' && isError && this.#session !== null) {
      this.#door.sessions.close(this.#session)
      this.#session = null
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
    outcome: { status: number; errorCode: string | null; error: string | null },
    eventId: string | null = null,
    headers: readonly string[] = JSON_HEADERS,
  ): Promise<void> {
    const text = JSON.stringify(document)
    const out = [...headers, ...this.#headers()]
    const isStrict = this.#door.options.durability === 'strict'
    if (!isStrict) this.#reply.last(text, eventId, outcome.status, out)
    const isRecorded = await this.#keepRecord(outcome, text)
    if (!isStrict) return
    if (isRecorded) return this.#reply.last(text, eventId, outcome.status, out)
    const refusal = new Refusal('audit_unavailable', 'This answer could not be recorded, so it was held back.')
    const error = rpcError(
      this.#message?.id ?? null,
      RPC.unavailable,
      refusal.message,
      dataOfRefusal(refusal, this.#requestId),
    )
    this.#reply.last(JSON.stringify(error), eventId, refusal.status, [...refusal.headers(), ...this.#headers()])
  }

  /** @returns whether it is durable; true when there is nothing to record */
  async #keepRecord(
    outcome: { status: number; errorCode: string | null; error: string | null },
    said: string | null,
  ): Promise<boolean> {
    const eventId = this.#eventId
    const governor = this.#governor
    const message = this.#message
    if (eventId === null || governor === null || message === null) return true
    this.#eventId = null // one record, whatever goes wrong after it
    this.#endCall(outcome.error)
    const { key, target } = this.#known()
    const clientAborted = this.#reply.isDeserted
    const bytes = said === null || clientAborted ? null : Buffer.from(said)
    const salt = saltFor(this.#snapshot)
    const isKept = salt !== null && (bytes?.length ?? 0) <= PAYLOAD_BYTES_MAX
    const record = {
      snapshot: this.#snapshot,
      startedMs: this.#startedMs,
      bodyWaitMs: this.#bodyWaitMs,
      totalMs: performance.now() - this.#startedMs,
      requestId: this.#requestId,
      traceparent: this.#traceparent,
      clientIp: this.#clientIp,
      headers: this.#request.headers,
      eventId,
      key,
      target,
      method: message.method,
      tool: governor.tool,
      conversationId: this.#conversationName(),
      verdict: governor.verdict,
      reasonCode: governor.reasonCode,
      results: governor.results,
      flags: [...governor.flags],
      status: clientAborted ? CLIENT_CLOSED_REQUEST : outcome.status,
      errorCode: outcome.errorCode,
      clientAborted,
      isStream: this.#reply.isStream,
      call: this.#call,
      salt,
      body: this.#body,
      said: { sha256: bytes && commitment(salt, bytes), bytes: bytes?.length ?? 0, kept: isKept ? bytes : null },
    }
    const cost = costOfToolCall(record)
    const spend = this.#reservation?.settle(totalOf(cost), target.provider) ?? null
    return this.#door.options.keep({ ...record, cost, spend })
  }

  #endCall(error: string | null): void {
    if (this.#call === null || this.#call.durationMs > 0) return
    this.#call.durationMs = performance.now() - this.#call.sentMs
    this.#call.error = error
  }

  /** The one exit for what goes wrong. */
  async #fail(thrown: unknown): Promise<void> {
    try {
      const failure = explainFailure(thrown, { wasAsked: this.#call !== null, signal: this.#abort.signal })
      const { refusal, code, message, reason } = failure
      if (failure.isUnexpected)
        this.#door.options.log.error({ err: thrown, request_id: this.#requestId }, 'unexpected failure')
      if (reason !== null) this.#governor?.failed()
      const isStop = thrown instanceof McpStop
      const data = isStop ? dataOfStop(thrown, this.#ids()) : dataOfRefusal(refusal, this.#requestId)
      const error = rpcError(this.#message?.id ?? null, code, message, data)
      if (this.#eventId === null) this.#door.options.refused(isStop ? thrown.code : refusal.code)
      if (this.isListening && this.#reply.isStream) {
        this.#reply.end(200, [])
        return
      }
      // A policy's no is an answer of JSON-RPC: clients take other statuses for a broken connection.
      const status = isStop ? 200 : refusal.status
      const errorCode = isStop ? thrown.code : refusal.code
      const governed = this.#eventId === null ? [] : ['x-keeptrusts-event-id', this.#eventId]
      const headers = isStop ? [...JSON_HEADERS, ...governed] : refusal.headers()
      await this.#conclude(error, { status, errorCode, error: reason }, null, headers)
    } catch (cause) {
      this.#door.options.log.error({ err: cause, request_id: this.#requestId }, 'an answer could not be sent')
      this.#reply.destroy()
    }
  }

  #assertStatus({ status }: McpAnswer): void {
    if (status >= 200 && status < 300) return
    if (status === 404 && this.#session !== null) {
      this.#door.sessions.close(this.#session)
      throw new SessionNotFound()
    }
    if (status === 401 || status === 403) {
      throw new Refusal(
        'upstream_credentials_exhausted',
        'The MCP server did not accept the credentials of this gateway.',
      )
    }
    throw new Refusal('upstream_failed', `The MCP server answered with status ${status}.`)
  }

  #newGovernor(): McpGovernor {
    const { options } = this.#door
    const { target, chain, owner, caller } = this.#known()
    const nowMs = () => controlPlaneNowMs(this.#snapshot)
    return new McpGovernor({
      chain,
      caller,
      target: { id: target.id, provider: target.provider, dataPolicy: target.dataPolicy },
      conversation: options.conversations.of(owner, this.#conversationName(), nowMs()),
      ports: options.ports,
      log: options.log,
      nowMs,
    })
  }

  #ids() {
    return { eventId: this.#eventId, requestId: this.#requestId }
  }

  #known(): Admitted {
    if (this.#admitted === null) throw new Error('not admitted')
    return this.#admitted
  }

  #conversationName(): string | null {
    return plainHeader(this.#request.headers['x-conversation-id'], 128) ?? this.#session?.publicId ?? null
  }

  #headers(): string[] {
    const headers = ['x-request-id', this.#requestId, 'traceparent', this.#traceparent]
    headers.push('x-keeptrusts-config-version', this.#snapshot.config?.version ?? '')
    if (this.#session !== null) headers.push('mcp-session-id', this.#session.id)
    return headers
  }
}

const isOf = (message: RpcResponse, request: RpcRequest | null) =>
  request !== null && (message.id === request.id || (message.id === null && message.error !== undefined))

function bodyOf(request: IncomingMessage, bytesMax: number, signal: AbortSignal, share: ByteShare): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    readBody(request, bytesMax, (body) => (body instanceof Refusal ? reject(body) : resolve(body)), share)
  })
}
