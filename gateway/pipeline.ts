import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { PAYLOAD_BYTES_MAX } from '@/lib/contract/events'
import { newId } from '@/lib/ids'
import type { Target } from '@/lib/policy/compile'
import { type Decision, decide } from '@/lib/policy/decide'
import { type ChatRequest, readChatRequest, upstreamBody } from './chat-request'
import { Refusal } from './errors'
import { gatewayEvent, sha256 } from './event'
import { passedHeaders, plainHeader, requestIdOf, traceparentOf, withoutMapping } from './headers'
import { type Caller, identify } from './identify'
import { fieldsOf, readUsage, type TokenUsage } from './meter'
import type { Plane } from './plane'
import type { UpstreamCall, UpstreamHandler } from './providers/provider'
import { NOTHING, Reply, type Said } from './reply'
import type { Snapshot } from './snapshot'
import { spoolRecord } from './spool-port'
import { StreamRelay } from './stream'
import { failureOf, refusalOfStatus } from './upstream-failure'

/** Beyond this a body that is already too large is not even read to be thrown away. */
const DISCARD_FACTOR = 4

type Outcome = { status: number; errorCode: string | null }

/**
 * One chat completion from its first header to its record, in this order: ready, who, room for the record, body, decision,
 * route, call, answer, record. Everything is decided under the snapshot that was in force when the request came in.
 */
export class Exchange implements UpstreamHandler {
  readonly #plane: Plane
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #reply: Reply
  readonly #snapshot: Snapshot
  readonly #startedMs: number
  readonly #requestId: string
  readonly #traceparent: string
  readonly #onOver: (exchange: Exchange) => void
  #eventId = ''
  /** From here on the request leaves a record, whatever becomes of it. */
  #isGoverned = false
  #caller: Caller | null = null
  #refusedFor: string | null = null
  #body: Buffer | null = null
  #bodyWaitMs = 0
  #chat: ChatRequest | null = null
  #decision: Decision | null = null

  #target: Target | null = null
  #call: UpstreamCall | null = null
  #sentMs = 0
  #upstreamMs = 0
  #upstreamStatus: number | null = null
  #upstreamError: string | null = null
  #upstreamHeaders: IncomingHttpHeaders = {}
  #isUpstreamOver = false
  #firstByteMs: number | null = null
  #relay: StreamRelay | null = null
  #collected: Buffer[] = []
  #collectedBytes = 0
  #usage: TokenUsage | null = null
  #modelAnswered: string | null = null

  #clientAborted = false
  #detachedMs: number | null = null
  #detachedBytes = 0
  #pausedMs: number | null = null

  constructor(plane: Plane, request: IncomingMessage, response: ServerResponse, onOver: (exchange: Exchange) => void) {
    this.#plane = plane
    this.#request = request
    this.#response = response
    this.#onOver = onOver
    this.#snapshot = plane.store.current
    this.#startedMs = performance.now()
    this.#requestId = requestIdOf(request.headers['x-request-id'])
    this.#traceparent = traceparentOf(request.headers.traceparent)
    this.#reply = new Reply(response, this.#snapshot.settings.payload_capture === 'full')
    response.on('close', () => this.#onClose())
  }

  run(): void {
    this.#attempt(() => {
      this.#admit()
      this.#readBody()
    })
  }

  /** Called about once a second: cuts off what takes too long, so that no request needs a timer of its own. */
  sweep(nowMs: number): void {
    const { limits } = this.#plane
    if (this.#detachedMs !== null && nowMs - this.#detachedMs > limits.detachedMsMax) this.abort('caller_left')
    else if (this.#pausedMs !== null && nowMs - this.#pausedMs > limits.stalledMsMax) this.#response.destroy()
    else if (this.#sentMs !== 0 && nowMs - this.#sentMs > limits.callMsMax) this.abort('call_too_long')
  }

  /** Ends the call to the provider; the request is then answered and recorded as failed, `reason` in its attempt. */
  abort(reason: string): void {
    this.#call?.abort(Object.assign(new Error(reason), { code: reason }))
  }

  // --- in ---

  #admit(): void {
    const { headers, socket } = this.#request
    const { spool, durability, contactSlackMs, limits } = this.#plane
    const snapshot = this.#snapshot
    if (snapshot.config === null) throw new Refusal('not_ready', 'This gateway has no verified configuration yet.')
    const credentials = {
      authorization: headers.authorization,
      host: headers.host,
      remoteAddress: withoutMapping(socket.remoteAddress),
    }
    this.#caller = identify(credentials, snapshot, contactSlackMs)
    if (durability === 'strict' && spool.full) {
      throw new Refusal('audit_unavailable', 'This request could not be recorded, so it was not sent.', {
        retryAfterSeconds: 5,
      })
    }
    const { key } = this.#caller
    if (key !== null && key.purpose !== 'general') {
      this.#govern()
      this.#refusedFor = 'purpose.not_allowed'
      throw new Refusal('purpose_not_allowed', `A key with the purpose ${key.purpose} cannot send AI requests.`)
    }
    if (!JSON_TYPE.test(headers['content-type'] ?? '')) {
      throw new Refusal('unsupported_media_type', 'Send the body as Content-Type: application/json.')
    }
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
      throw new Refusal('unsupported_media_type', 'Send the body without Content-Encoding.')
    }
    if (Number(headers['content-length'] ?? 0) > limits.bodyBytesMax * DISCARD_FACTOR) throw this.#tooLarge()
  }

  #readBody(): void {
    const { bodyBytesMax } = this.#plane.limits
    const waitedFromMs = performance.now()
    let chunks: Buffer[] = []
    let bytes = 0
    this.#request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bodyBytesMax) chunks.push(chunk)
      else {
        // Read on and thrown away, so that a caller that is still sending gets to see the answer.
        chunks = []
        if (bytes > bodyBytesMax * DISCARD_FACTOR && !this.#reply.isOver) this.#refuse(this.#tooLarge())
      }
    })
    this.#request.on('end', () => {
      if (this.#reply.isOver) return
      this.#bodyWaitMs = performance.now() - waitedFromMs
      this.#attempt(() => {
        if (bytes > bodyBytesMax) throw this.#tooLarge()
        this.#decide(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
      })
    })
  }

  #tooLarge = () =>
    new Refusal('body_too_large', `The body may have at most ${this.#plane.limits.bodyBytesMax} bytes.`, {
      closes: true,
    })

  /** A request that cannot be read is no governed one yet: it has no model to decide on. */
  #decide(body: Buffer): void {
    const { config } = this.#snapshot
    if (config === null) throw new Error('admitted without a configuration')
    const chat = readChatRequest(body)
    this.#govern()
    this.#body = body
    this.#chat = chat
    const key = this.#caller?.key
    const decision = decide(
      {
        model: chat.model,
        allowedModels: key?.allowed_models ?? null,
        allowedProviders: key?.allowed_providers ?? null,
      },
      config.compiled,
    )
    this.#decision = decision
    if (decision.verdict === 'block') {
      throw new Refusal(decision.code, decision.message, { param: 'model', policy: decision.rule })
    }
    const target = decision.targets.find(({ unavailable }) => unavailable === null)
    if (target === undefined) {
      throw new Refusal('upstream_credentials_exhausted', `No provider of ${chat.model} can be used right now.`)
    }
    this.#send(target, body, chat)
  }

  #send(target: Target, body: Buffer, chat: ChatRequest): void {
    const { providers } = this.#plane
    this.#target = target
    this.#sentMs = performance.now()
    const provider = target.provider === 'sandbox' ? providers.sandbox : providers.openai
    provider.send(
      {
        target,
        body: upstreamBody(body, chat),
        stream: chat.stream,
        requestId: this.#requestId,
        traceparent: this.#traceparent,
        idempotencyKey: plainHeader(this.#request.headers['idempotency-key'], 255),
      },
      this,
    )
  }

  // --- the provider answers ---

  onRequestStart(call: UpstreamCall): void {
    this.#call = call
    if (this.#clientAborted && this.#detachedMs === null) this.#detach()
  }

  onResponseStart(_call: UpstreamCall, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return // 1xx: the answer proper is still to come
    this.#upstreamStatus = status
    this.#upstreamHeaders = headers
    const type = headers['content-type'] ?? ''
    if (status === 200 && EVENT_STREAM.test(type)) {
      this.#relay = new StreamRelay(this.#chat?.stream === true && !this.#chat.wantsUsage)
    }
  }

  onResponseData(call: UpstreamCall, chunk: Buffer): void {
    if (this.#firstByteMs === null) this.#firstByteMs = performance.now()
    if (this.#detachedMs !== null) {
      this.#detachedBytes += chunk.length
      if (this.#detachedBytes > this.#plane.limits.detachedBytesMax) return this.abort('caller_left')
    }
    if (this.#relay !== null) return this.#relayChunk(call, this.#relay, chunk)
    this.#collectedBytes += chunk.length
    if (this.#collectedBytes > this.#plane.limits.answerBytesMax) return this.abort('answer_too_large')
    this.#collected.push(chunk)
  }

  onResponseEnd(): void {
    if (!this.#endUpstream(null)) return
    if (this.#relay === null) return this.#attempt(() => this.#concludeWhole())
    if (this.#relay.complete) return this.#concludeStream(this.#relay, null)
    this.#upstreamError = 'truncated'
    this.#concludeStream(this.#relay, new Refusal('upstream_failed', 'The provider ended its answer too early.'))
  }

  onResponseError(_call: UpstreamCall | null, error: Error): void {
    const { refusal, reason } = failureOf(error)
    const isComplete = this.#relay?.complete === true
    if (!this.#endUpstream(isComplete ? null : reason)) return
    if (this.#relay === null) this.#refuse(refusal)
    else this.#concludeStream(this.#relay, isComplete ? null : refusal)
  }

  /** @returns false when it had ended before: a second end would be a second record */
  #endUpstream(error: string | null): boolean {
    if (this.#isUpstreamOver) return false
    this.#isUpstreamOver = true
    this.#upstreamError = error
    this.#upstreamMs = performance.now() - this.#sentMs
    this.#call = null
    return true
  }

  #relayChunk(call: UpstreamCall, relay: StreamRelay, chunk: Buffer): void {
    const passed = relay.push(chunk)
    if (this.#clientAborted) return
    // An error before anything was said is answered as one: a status of 200 would call it a success.
    if (relay.failed && !this.#reply.isStream) return this.abort('error_in_stream')
    if (passed === null) return
    if (!this.#reply.isStream) this.#beginStream()
    if (this.#reply.write(passed)) return
    call.pause()
    this.#pausedMs = performance.now()
  }

  #beginStream(): void {
    this.#reply.begin(200, [
      'content-type',
      'text/event-stream; charset=utf-8',
      'cache-control',
      'no-cache',
      'x-accel-buffering',
      'no', // proxies in front must not collect what should flow
      ...this.#governedHeaders('allow'),
      ...passedHeaders(this.#upstreamHeaders),
    ])
    this.#response.on('drain', () => {
      this.#pausedMs = null
      this.#call?.resume()
    })
  }

  // --- out ---

  #concludeWhole(): void {
    const status = this.#upstreamStatus ?? 502
    const body =
      this.#collected.length === 1 && this.#collected[0] ? this.#collected[0] : Buffer.concat(this.#collected)
    const answer = this.#isPlain() ? parseFields(body) : null
    if (status < 200 || status >= 300) {
      this.#upstreamError = `http_${status}`
      const refusal = refusalOfStatus(status, this.#upstreamHeaders, answer !== null)
      if (refusal !== null) throw refusal
      const headers = ['content-type', 'application/json', ...passedHeaders(this.#upstreamHeaders)]
      if (!REPEATABLE.has(status)) headers.push('x-should-retry', 'false')
      return this.#answerWhole({ status, errorCode: 'upstream_rejected' }, headers, body)
    }
    if (answer === null || (fieldsOf(answer.error) !== null && !('choices' in answer))) {
      this.#upstreamError = answer === null ? 'invalid_answer' : 'error_with_success_status'
      throw new Refusal('upstream_failed', 'The provider answered with something that is not a completion.')
    }
    this.#usage = readUsage(answer)
    this.#modelAnswered = typeof answer.model === 'string' ? answer.model : null
    const headers = ['content-type', 'application/json', ...passedHeaders(this.#upstreamHeaders)]
    this.#answerWhole({ status, errorCode: null }, headers, body)
  }

  #isPlain = () => (this.#upstreamHeaders['content-encoding'] ?? 'identity') === 'identity'

  #concludeStream(relay: StreamRelay, refusal: Refusal | null): void {
    this.#usage = relay.usage
    this.#modelAnswered = relay.model
    if (!this.#reply.isStream && refusal !== null && !this.#clientAborted) return this.#refuse(refusal)
    if (!this.#reply.isStream && !this.#clientAborted) this.#beginStream()
    const errorCode = refusal?.code ?? (relay.failed ? 'upstream_failed' : null)
    const tail = refusal === null ? relay.end() : this.#errorFrame(refusal)
    const outcome = { status: this.#reply.isStream ? 200 : CLIENT_CLOSED_REQUEST, errorCode }
    this.#record(outcome, this.#reply.tellStream(tail), (recorded) => {
      const unrecorded = () => this.#errorFrame(new Refusal('audit_unavailable', 'This answer could not be recorded.'))
      this.#reply.end(recorded ? tail : unrecorded())
    })
  }

  /** Ends a stream that has begun. Without `[DONE]`, so that nobody takes it for a whole answer. */
  #errorFrame = (refusal: Refusal) => Buffer.from(`data: ${refusal.toJson(this.#requestId)}\n\n`)

  #refuse(refusal: Refusal): void {
    const body = Buffer.from(refusal.toJson(this.#requestId))
    if (this.#isGoverned)
      return this.#answerWhole({ status: refusal.status, errorCode: refusal.code }, refusal.headers(), body)
    this.#plane.metrics.refused(refusal.code)
    this.#reply.whole(refusal.status, [...refusal.headers(), ...this.#plainHeaders()], body)
    this.#onOver(this)
  }

  #answerWhole(outcome: Outcome, headers: string[], body: Buffer): void {
    const verdict = this.#decision?.verdict === 'block' || this.#refusedFor !== null ? 'block' : 'allow'
    const said = this.#clientAborted ? NOTHING : this.#reply.tellWhole(body)
    this.#record(this.#clientAborted ? { ...outcome, status: CLIENT_CLOSED_REQUEST } : outcome, said, (recorded) => {
      if (recorded) return this.#reply.whole(outcome.status, [...headers, ...this.#governedHeaders(verdict)], body)
      const refusal = new Refusal('audit_unavailable', 'This answer could not be recorded, so it was held back.')
      this.#reply.whole(
        refusal.status,
        [...refusal.headers(), ...this.#plainHeaders()],
        Buffer.from(refusal.toJson(this.#requestId)),
      )
    })
  }

  /** Writes the record and answers, in the order that the durability asks for. */
  #record(outcome: Outcome, said: Said, answer: (recorded: boolean) => void): void {
    const { spool, durability, metrics, log } = this.#plane
    const record = this.#recordOf(outcome, said)
    const failed = (cause: unknown) => {
      metrics.recordsLost += 1
      log.error({ err: cause, request_id: this.#requestId }, 'a record could not be kept')
    }
    if (durability === 'relaxed') {
      answer(true)
      this.#over()
      spool.append(record).catch(failed)
      return
    }
    spool.append(record).then(
      () => {
        answer(true)
        this.#over()
      },
      (cause: unknown) => {
        failed(cause)
        answer(false)
        this.#over()
      },
    )
  }

  #over(): void {
    if (this.#detachedMs !== null) this.#plane.detachedCalls -= 1
    this.#detachedMs = null
    this.#onOver(this)
  }

  #recordOf(outcome: Outcome, said: Said): string {
    const { config, settings, timeOriginMs } = this.#snapshot
    if (config === null) throw new Error('governed without a configuration')
    const { gatewayId, spool, metrics } = this.#plane
    const { headers, socket } = this.#request
    const body = this.#body
    const key = this.#caller?.key ?? null
    const claimedAgent = plainHeader(headers['x-keeptrusts-agent-id'], 200)
    const totalMs = performance.now() - this.#startedMs
    const overheadUs = Math.max(0, (totalMs - this.#bodyWaitMs - this.#upstreamMs) * 1_000)
    const keepsBytes = settings.payload_capture === 'full'
    const isTooLarge = keepsBytes && (said.bytes > PAYLOAD_BYTES_MAX || (body?.length ?? 0) > PAYLOAD_BYTES_MAX)
    const event = gatewayEvent({
      eventId: this.#eventId,
      requestId: this.#requestId,
      traceparent: this.#traceparent,
      gatewayId,
      gatewaySeq: spool.nextSeq(),
      startedWallMs: timeOriginMs + this.#startedMs,
      key,
      identity: key === null ? 'anonymous' : key.agent_id === null && claimedAgent !== null ? 'asserted' : 'verified',
      agentId: key?.agent_id ?? claimedAgent,
      clientIp: withoutMapping(socket.remoteAddress).slice(0, 45),
      userAgent: headers['user-agent']?.slice(0, 200) ?? null,
      conversationId: plainHeader(headers['x-conversation-id'], 128),
      config,
      decision: this.#decision,
      refusedFor: this.#refusedFor,
      modelRequested: this.#chat?.model ?? null,
      stream: this.#chat?.stream ?? false,
      clientAborted: this.#clientAborted,
      attempt: this.#target && {
        targetId: this.#target.id,
        provider: this.#target.provider,
        startedWallMs: timeOriginMs + this.#sentMs,
        latencyMs: this.#upstreamMs,
        status: this.#upstreamStatus,
        error: this.#upstreamError,
      },
      modelAnswered: this.#modelAnswered?.slice(0, 200) ?? null,
      statusCode: outcome.status,
      errorCode: outcome.errorCode,
      tokens: this.#usage,
      totalMs,
      overheadUs,
      ttftMs: this.#relay !== null && this.#firstByteMs !== null ? this.#firstByteMs - this.#startedMs : null,
      request: { sha256: body && sha256(body), bytes: body?.length ?? 0 },
      response: said,
      capture: settings.payload_capture,
      degraded: isTooLarge ? 'capture.too_large' : null,
    })
    if (this.#clientAborted) metrics.clientsAborted += 1
    if (this.#target) metrics.upstream(this.#target, this.#upstreamError ?? 'ok')
    metrics.governed(event.verdict, outcome.status, this.#usage, overheadUs)
    const capture =
      keepsBytes && body !== null
        ? { request: body.length <= PAYLOAD_BYTES_MAX ? body : null, response: said.kept }
        : null
    return spoolRecord(JSON.stringify(event), capture)
  }

  // --- the caller leaves ---

  #onClose(): void {
    if (this.#response.writableFinished || this.#reply.isOver) return
    this.#clientAborted = true
    if (this.#target === null) {
      if (!this.#isGoverned) this.#onOver(this) // gone before it had asked for anything
      return
    }
    if (this.#call !== null) this.#detach()
  }

  /** Reads on to the end for the usage, which is owed to the provider all the same; within bounds. */
  #detach(): void {
    const { limits } = this.#plane
    if (this.#plane.detachedCalls >= limits.detachedCallsMax) return this.abort('caller_left')
    this.#plane.detachedCalls += 1
    this.#detachedMs = performance.now()
    this.#pausedMs = null
    this.#call?.resume()
  }

  // --- shared ---

  #govern(): void {
    if (this.#isGoverned) return
    this.#isGoverned = true
    this.#eventId = newId('evt')
  }

  #plainHeaders(): string[] {
    const headers = ['x-request-id', this.#requestId, 'traceparent', this.#traceparent]
    if (this.#plane.isDraining) headers.push('connection', 'close')
    return headers
  }

  #governedHeaders(verdict: 'allow' | 'block'): string[] {
    const headers = this.#plainHeaders()
    headers.push('x-keeptrusts-verdict', verdict, 'x-keeptrusts-event-id', this.#eventId)
    headers.push('x-keeptrusts-config-version', this.#snapshot.config?.version ?? '')
    return headers
  }

  /** The one exit for what goes wrong: an expected refusal is told, anything else is logged and says nothing of itself. */
  #attempt(step: () => void): void {
    try {
      step()
    } catch (thrown) {
      if (thrown instanceof Refusal) return this.#refuse(thrown)
      this.#plane.log.error({ err: thrown, request_id: this.#requestId }, 'unexpected failure')
      this.#refuse(new Refusal('internal_error', 'Something went wrong in the gateway.', { cause: thrown }))
    }
  }
}

/** What nginx calls a caller that left before the answer; never sent to anyone. */
const CLIENT_CLOSED_REQUEST = 499
const REPEATABLE = new Set([408, 409, 425, 429])
const JSON_TYPE = /^application\/json\s*(?:;|$)/i
const EVENT_STREAM = /^text\/event-stream\s*(?:;|$)/i

function parseFields(body: Buffer): Record<string, unknown> | null {
  try {
    return fieldsOf(JSON.parse(body.toString('utf8')))
  } catch {
    return null // not JSON: whoever asked decides what that means
  }
}
