import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { PAYLOAD_BYTES_MAX, type Verdict } from '@/lib/contract/events'
import { newId } from '@/lib/ids'
import type { Target } from '@/lib/policy/compile'
import { type Decision, decide } from '@/lib/policy/decide'
import { readBody } from './body'
import { type ChatRequest, readChatRequest, upstreamBody } from './chat-request'
import { Refusal } from './errors'
import { gatewayEvent, sha256 } from './event'
import { eventJson } from './event-json'
import { passedHeaders, plainHeader, requestIdOf, traceparentOf, withoutMapping } from './headers'
import { type Caller, credentialsOf, identify } from './identify'
import { fieldsOf, readUsage, type TokenUsage } from './meter'
import type { Plane } from './plane'
import { NOTHING, Reply, type Said } from './reply'
import type { Snapshot } from './snapshot'
import { spoolRecord } from './spool-port'
import type { StreamRelay } from './stream'
import { type CallEnd, type CallOwner, isPlain, WatchedCall } from './upstream-call'
import { isRepeatable, refusalOfStatus } from './upstream-failure'

type Outcome = { status: number; errorCode: string | null }

/**
 * One chat completion from its first header to its record, in this order: ready, who, room for the record, body, decision,
 * route, call, record, answer. Everything happens under the snapshot that was in force when the request came in.
 */
export class Exchange implements CallOwner {
  readonly #plane: Plane
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #onOver: (exchange: Exchange) => void
  readonly #snapshot: Snapshot
  readonly #reply: Reply
  readonly #startedMs = performance.now()
  readonly #requestId: string
  readonly #traceparent: string
  #caller: Caller | null = null
  /** Set once the request is a governed one: from then on it leaves a record, whatever becomes of it. */
  #eventId: string | null = null
  #body: Buffer | null = null
  #bodyWaitMs = 0
  #chat: ChatRequest | null = null
  #decision: Decision | null = null
  #refusedFor: string | null = null
  #target: Target | null = null
  #call: WatchedCall | null = null
  #usage: TokenUsage | null = null
  #modelAnswered: string | null = null
  #clientAborted = false
  #isDetached = false

  constructor(plane: Plane, request: IncomingMessage, response: ServerResponse, onOver: (exchange: Exchange) => void) {
    this.#plane = plane
    this.#request = request
    this.#response = response
    this.#onOver = onOver
    this.#snapshot = plane.store.current
    this.#reply = new Reply(response, this.#snapshot.settings.payload_capture === 'full')
    this.#requestId = requestIdOf(request.headers['x-request-id'])
    this.#traceparent = traceparentOf(request.headers.traceparent)
    response.on('close', () => this.#onClose())
  }

  run(): void {
    this.#attempt(() => {
      this.#admit()
      const waitedFromMs = performance.now()
      readBody(this.#request, this.#plane.limits.bodyBytesMax, (body) =>
        this.#attempt(() => {
          this.#bodyWaitMs = performance.now() - waitedFromMs
          if (body instanceof Refusal) throw body
          this.#govern(body)
        }),
      )
    })
  }

  /** Called about once a second: cuts off what takes too long. */
  sweep(nowMs: number): void {
    if (this.#call?.sweep(nowMs)) this.#response.destroy()
  }

  /** Ends the call to the provider; the request is then answered and recorded as failed, with `reason` in its attempt. */
  abort(reason: string): void {
    this.#call?.abort(reason)
  }

  #admit(): void {
    const { spool, durability, contactSlackMs } = this.#plane
    const { headers } = this.#request
    if (this.#snapshot.config === null)
      throw new Refusal('not_ready', 'This gateway has no verified configuration yet.')
    this.#caller = identify(credentialsOf(this.#request), this.#snapshot, contactSlackMs)
    if (durability === 'strict' && spool.full) {
      throw new Refusal('audit_unavailable', 'This request could not be recorded, so it was not sent.', {
        retryAfterSeconds: 5,
      })
    }
    const { key } = this.#caller
    if (key !== null && key.purpose !== 'general') {
      this.#eventId = newId('evt')
      this.#refusedFor = 'purpose.not_allowed'
      throw new Refusal('purpose_not_allowed', `A key with the purpose ${key.purpose} cannot send AI requests.`)
    }
    if (!JSON_TYPE.test(headers['content-type'] ?? '')) {
      throw new Refusal('unsupported_media_type', 'Send the body as Content-Type: application/json.')
    }
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
      throw new Refusal('unsupported_media_type', 'Send the body without Content-Encoding.')
    }
  }

  /** What cannot be read is refused before it is governed: there is no model to decide on, and nobody was asked. */
  #govern(body: Buffer): void {
    const { config } = this.#snapshot
    if (config === null) throw new Error('admitted without a configuration')
    const chat = readChatRequest(body)
    this.#eventId = newId('evt')
    this.#body = body
    this.#chat = chat
    const key = this.#caller?.key ?? null
    const scope = { allowedModels: key?.allowed_models ?? null, allowedProviders: key?.allowed_providers ?? null }
    const decision = decide({ model: chat.model, ...scope }, config.compiled)
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
    const { providers, limits } = this.#plane
    const provider = target.provider === 'sandbox' ? providers.sandbox : providers.openai
    const call = new WatchedCall(this, limits, chat.stream && !chat.wantsUsage)
    this.#target = target
    this.#call = call
    const upstream = {
      target,
      body: upstreamBody(body, chat),
      stream: chat.stream,
      requestId: this.#requestId,
      traceparent: this.#traceparent,
      idempotencyKey: plainHeader(this.#request.headers['idempotency-key'], 255),
    }
    provider.send(upstream, call)
  }

  onStreamBytes(bytes: Buffer, headers: IncomingHttpHeaders): boolean {
    if (!this.#reply.isStream) this.#beginStream(headers)
    return this.#reply.write(bytes)
  }

  onCallEnd(end: CallEnd): void {
    this.#attempt(() => {
      if (end.kind === 'failed') throw end.refusal
      if (end.kind === 'stream') this.#concludeStream(end.relay, end.refusal)
      else this.#concludeWhole(end)
    })
  }

  #concludeWhole({ status, headers, body }: CallEnd & { kind: 'whole' }): void {
    const answer = isPlain(headers) ? parseFields(body) : null
    const out = ['content-type', 'application/json', ...passedHeaders(headers)]
    if (status < 200 || status >= 300) {
      this.#blame(`http_${status}`)
      const refusal = refusalOfStatus(status, headers, answer !== null)
      if (refusal !== null) throw refusal
      if (!isRepeatable(status)) out.push('x-should-retry', 'false')
      this.#answer({ status, errorCode: 'upstream_rejected' }, out, body)
      return
    }
    if (answer === null || (fieldsOf(answer.error) !== null && !('choices' in answer))) {
      this.#blame(answer === null ? 'invalid_answer' : 'error_with_success_status')
      throw new Refusal('upstream_failed', 'The provider answered with something that is not a completion.')
    }
    this.#usage = readUsage(answer)
    this.#modelAnswered = typeof answer.model === 'string' ? answer.model : null
    this.#answer({ status, errorCode: null }, out, body)
  }

  #concludeStream(relay: StreamRelay, refusal: Refusal | null): void {
    this.#usage = relay.usage
    this.#modelAnswered = relay.model
    if (relay.failed) this.#blame('error_in_stream')
    if (!this.#reply.isStream && !this.#clientAborted) this.#beginStream({})
    const errorCode = refusal?.code ?? (relay.failed ? 'upstream_failed' : null)
    const tail = refusal === null ? relay.end() : this.#errorFrame(refusal)
    const outcome = { status: this.#reply.isStream ? 200 : CLIENT_CLOSED_REQUEST, errorCode }
    this.#record(outcome, this.#reply.tellStream(tail), (isRecorded) => {
      const unrecorded = new Refusal('audit_unavailable', 'This answer could not be recorded.')
      this.#reply.end(isRecorded ? tail : this.#errorFrame(unrecorded))
    })
  }

  #blame(error: string): void {
    if (this.#call !== null) this.#call.error = error
  }

  /** Ends a stream that has begun; without `[DONE]`, so that nobody takes it for a whole answer. */
  #errorFrame(refusal: Refusal): Buffer {
    return Buffer.from(`data: ${refusal.toJson(this.#requestId)}\n\n`)
  }

  #beginStream(headers: IncomingHttpHeaders): void {
    const out = [...STREAM_HEADERS, ...this.#governedHeaders('allow'), ...passedHeaders(headers)]
    this.#reply.begin(200, out)
    this.#response.on('drain', () => this.#call?.resume())
  }

  #refuse(refusal: Refusal): void {
    const body = Buffer.from(refusal.toJson(this.#requestId))
    if (this.#eventId !== null) {
      this.#answer({ status: refusal.status, errorCode: refusal.code }, refusal.headers(), body)
      return
    }
    this.#plane.metrics.refused(refusal.code)
    this.#reply.whole(refusal.status, [...refusal.headers(), ...this.#plainHeaders()], body)
    this.#over()
  }

  #answer(outcome: Outcome, headers: string[], body: Buffer): void {
    const isAborted = this.#clientAborted
    const said = isAborted ? NOTHING : this.#reply.tellWhole(body)
    const recorded = isAborted ? { ...outcome, status: CLIENT_CLOSED_REQUEST } : outcome
    const verdict = this.#decision?.verdict === 'block' || this.#refusedFor !== null ? 'block' : 'allow'
    this.#record(recorded, said, (isRecorded) => {
      if (isRecorded) {
        this.#reply.whole(outcome.status, [...headers, ...this.#governedHeaders(verdict)], body)
        return
      }
      const refusal = new Refusal('audit_unavailable', 'This answer could not be recorded, so it was held back.')
      const text = Buffer.from(refusal.toJson(this.#requestId))
      this.#reply.whole(refusal.status, [...refusal.headers(), ...this.#plainHeaders()], text)
    })
  }

  /** Writes the record and answers, in the order that the durability asks for. */
  #record(outcome: Outcome, said: Said, answer: (isRecorded: boolean) => void): void {
    const { spool, durability, metrics, log } = this.#plane
    const isStrict = durability === 'strict'
    if (!isStrict) answer(true)
    spool.append(this.#recordOf(outcome, said)).then(
      () => this.#settle(isStrict ? () => answer(true) : null),
      (cause: unknown) => {
        metrics.recordsLost += 1
        log.error({ err: cause, request_id: this.#requestId }, 'a record could not be kept')
        this.#settle(isStrict ? () => answer(false) : null)
      },
    )
  }

  #settle(answer: (() => void) | null): void {
    try {
      answer?.()
    } catch (cause) {
      this.#plane.log.error({ err: cause, request_id: this.#requestId }, 'an answer could not be sent')
      this.#response.destroy()
    }
    this.#over()
  }

  #recordOf(outcome: Outcome, said: Said): string {
    const { gatewayId, spool, metrics } = this.#plane
    const { headers, socket } = this.#request
    const body = this.#body
    const totalMs = performance.now() - this.#startedMs
    const overheadUs = Math.max(0, (totalMs - this.#bodyWaitMs - (this.#call?.durationMs ?? 0)) * 1_000)
    const isCaptured = this.#snapshot.settings.payload_capture === 'full'
    const isTooLarge = Math.max(said.bytes, body?.length ?? 0) > PAYLOAD_BYTES_MAX
    const event = gatewayEvent({
      eventId: this.#eventId ?? newId('evt'),
      requestId: this.#requestId,
      traceparent: this.#traceparent,
      gatewayId,
      gatewaySeq: spool.nextSeq(),
      snapshot: this.#snapshot,
      key: this.#caller?.key ?? null,
      claimedAgent: plainHeader(headers['x-keeptrusts-agent-id'], 200),
      clientIp: withoutMapping(socket.remoteAddress).slice(0, 45),
      userAgent: headers['user-agent']?.slice(0, 200) ?? null,
      conversationId: plainHeader(headers['x-conversation-id'], 128),
      decision: this.#decision,
      refusedFor: this.#refusedFor,
      modelRequested: this.#chat?.model ?? null,
      stream: this.#chat?.stream ?? false,
      clientAborted: this.#clientAborted,
      target: this.#target,
      call: this.#call,
      modelAnswered: this.#modelAnswered,
      statusCode: outcome.status,
      errorCode: outcome.errorCode,
      tokens: this.#usage,
      startedMs: this.#startedMs,
      totalMs,
      overheadUs,
      request: { sha256: body && sha256(body), bytes: body?.length ?? 0 },
      response: said,
      degraded: isCaptured && isTooLarge ? 'capture.too_large' : null,
    })
    if (this.#clientAborted) metrics.clientsAborted += 1
    if (this.#target !== null) metrics.upstream(this.#target, this.#call?.error ?? 'ok')
    metrics.governed(event.verdict, outcome.status, this.#usage, overheadUs)
    if (!isCaptured || body === null) return spoolRecord(eventJson(event), null)
    const request = body.length <= PAYLOAD_BYTES_MAX ? body : null
    return spoolRecord(eventJson(event), { request, response: said.kept })
  }

  /** The caller left. What was asked for goes on to its record; reading on for the usage is bounded in number, too. */
  #onClose(): void {
    if (this.#reply.isOver) return
    this.#clientAborted = true
    if (this.#eventId === null) {
      this.#onOver(this)
      return
    }
    if (this.#call === null || this.#call.isOver) return
    if (this.#plane.detachedCalls >= this.#plane.limits.detachedCallsMax) {
      this.#call.abort('caller_left')
      return
    }
    this.#plane.detachedCalls += 1
    this.#isDetached = true
    this.#call.detach()
  }

  #over(): void {
    if (this.#isDetached) this.#plane.detachedCalls -= 1
    this.#isDetached = false
    this.#onOver(this)
  }

  #plainHeaders(): string[] {
    const headers = ['x-request-id', this.#requestId, 'traceparent', this.#traceparent]
    if (this.#plane.isDraining) headers.push('connection', 'close')
    return headers
  }

  #governedHeaders(verdict: Verdict): string[] {
    const headers = this.#plainHeaders()
    headers.push('x-keeptrusts-verdict', verdict, 'x-keeptrusts-event-id', this.#eventId ?? '')
    headers.push('x-keeptrusts-config-version', this.#snapshot.config?.version ?? '')
    return headers
  }

  /** The one exit for what goes wrong: an expected refusal is told; anything else is logged and says nothing of itself. */
  #attempt(step: () => void): void {
    try {
      step()
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) {
        this.#plane.log.error({ err: thrown, request_id: this.#requestId }, 'unexpected failure')
      }
      this.#refuse(
        thrown instanceof Refusal ? thrown : new Refusal('internal_error', 'Something went wrong in the gateway.'),
      )
    }
  }
}

/** What nginx calls a caller that left before the answer; never sent to anyone. */
const CLIENT_CLOSED_REQUEST = 499
const JSON_TYPE = /^application\/json\s*(?:;|$)/i
const STREAM_HEADERS = [
  'content-type',
  'text/event-stream; charset=utf-8',
  'cache-control',
  'no-cache',
  'x-accel-buffering',
  'no', // proxies in front must not collect what should flow
]

function parseFields(body: Buffer): Record<string, unknown> | null {
  try {
    return fieldsOf(JSON.parse(body.toString('utf8')))
  } catch {
    return null // not JSON: whoever asked decides what that means
  }
}
