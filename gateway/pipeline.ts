import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Verdict } from '@/lib/contract/events'
import { newId } from '@/lib/ids'
import type { Target } from '@/lib/policy/compile'
import { decide } from '@/lib/policy/decide'
import type { Placed } from './active-set'
import { admit } from './admission'
import { readBody } from './body'
import type { ByteShare } from './byte-budget'
import { type ChatRequest, readChatRequest, upstreamBody } from './chat-request'
import { Refusal } from './errors'
import type { Facts, Outcome, Said } from './event'
import { passedHeaders, plainHeader, requestIdOf, traceparentOf, withoutMapping } from './headers'
import { credentialsOf } from './identify'
import { fieldsOf, readUsage } from './meter'
import type { Plane } from './plane'
import { keepRecord } from './record'
import { NOTHING, Reply } from './reply'
import type { StreamRelay } from './stream'
import { type CallEnd, type CallOwner, isPlain, WatchedCall } from './upstream-call'
import { isRepeatable, refusalOfStatus } from './upstream-failure'

/**
 * One chat completion from its first header to its record, in this order: ready, who, room for the record, body, decision,
 * route, call, record, answer. Everything happens under the snapshot that was in force when the request came in.
 */
export class Exchange implements CallOwner, Placed {
  /** Of the set of active requests; not ours to change. */
  place = -1
  /** Of the bytes that all requests may hold; given back by whoever is told that this one is over. */
  readonly share: ByteShare
  readonly #plane: Plane
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #onOver: (exchange: Exchange) => void
  readonly #reply: Reply
  readonly #facts: Facts
  #call: WatchedCall | null = null
  #isDetached = false
  /** When the answer and its record were done with; the caller may still be taking the bytes. */
  #settledMs: number | null = null

  constructor(plane: Plane, request: IncomingMessage, response: ServerResponse, onOver: (exchange: Exchange) => void) {
    const { headers, socket } = request
    this.#plane = plane
    this.#request = request
    this.#response = response
    this.#onOver = onOver
    this.share = plane.budget.share()
    this.#facts = {
      snapshot: plane.store.current,
      startedMs: performance.now(),
      requestId: requestIdOf(headers['x-request-id']),
      traceparent: traceparentOf(headers.traceparent),
      clientIp: withoutMapping(socket.remoteAddress),
      headers,
      eventId: null,
      key: null,
      body: null,
      bodyWaitMs: 0,
      model: null,
      isStream: false,
      decision: null,
      refusedFor: null,
      target: null,
      call: null,
      usage: null,
      modelAnswered: null,
      clientAborted: false,
    }
    this.#reply = new Reply(response, this.#facts.snapshot.settings.payload_capture === 'full')
    response.on('close', () => this.#onClose())
  }

  run(): void {
    this.#attempt(() => {
      admit(this.#plane, this.#facts, credentialsOf(this.#request))
      const waitedFromMs = performance.now()
      const onBody = (body: Buffer | Refusal) =>
        this.#attempt(() => {
          this.#facts.bodyWaitMs = performance.now() - waitedFromMs
          if (body instanceof Refusal) throw body
          this.#govern(body)
        })
      readBody(this.#request, this.#plane.limits.bodyBytesMax, onBody, this.share)
    })
  }

  /** Called about once a second: cuts off what takes too long. */
  sweep(nowMs: number): void {
    const isUntaken = this.#settledMs !== null && nowMs - this.#settledMs > this.#plane.limits.stalledMsMax
    if (this.#call?.sweep(nowMs) || isUntaken) this.#response.destroy()
  }

  /** Ends the call to the provider; the request is then answered and recorded as failed, with `reason` in its attempt. */
  abort(reason: string): void {
    this.#call?.abort(reason)
  }

  /** What cannot be read is refused before it is governed: there is no model to decide on, and nobody was asked. */
  #govern(body: Buffer): void {
    const { config } = this.#facts.snapshot
    if (config === null) throw new Error('admitted without a configuration')
    const chat = readChatRequest(body)
    this.#facts.eventId = newId('evt')
    this.#facts.body = body
    this.#facts.model = chat.model
    this.#facts.isStream = chat.stream
    const key = this.#facts.key
    const scope = { allowedModels: key?.allowed_models ?? null, allowedProviders: key?.allowed_providers ?? null }
    const decision = decide({ model: chat.model, ...scope }, config.compiled)
    this.#facts.decision = decision
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
    this.#facts.target = target
    this.#facts.call = call
    this.#call = call
    const upstream = {
      target,
      body: upstreamBody(body, chat),
      stream: chat.stream,
      requestId: this.#facts.requestId,
      traceparent: this.#facts.traceparent,
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
    this.#facts.usage = readUsage(answer)
    this.#facts.modelAnswered = typeof answer.model === 'string' ? answer.model : null
    this.#answer({ status, errorCode: null }, out, body)
  }

  #concludeStream(relay: StreamRelay, refusal: Refusal | null): void {
    this.#facts.usage = relay.usage
    this.#facts.modelAnswered = relay.model
    if (relay.failed) this.#blame('error_in_stream')
    if (!this.#reply.isStream && !this.#facts.clientAborted) this.#beginStream({})
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
    return Buffer.from(`data: ${refusal.toJson(this.#facts.requestId)}\n\n`)
  }

  #beginStream(headers: IncomingHttpHeaders): void {
    const out = [...STREAM_HEADERS, ...this.#governedHeaders('allow'), ...passedHeaders(headers)]
    this.#reply.begin(200, out)
    this.#response.on('drain', () => this.#call?.resume())
  }

  #refuse(refusal: Refusal): void {
    const body = Buffer.from(refusal.toJson(this.#facts.requestId))
    if (this.#facts.eventId !== null) {
      this.#answer({ status: refusal.status, errorCode: refusal.code }, refusal.headers(), body)
      return
    }
    this.#plane.metrics.refused(refusal.code)
    this.#reply.whole(refusal.status, [...refusal.headers(), ...this.#plainHeaders()], body)
    this.#over()
  }

  #answer(outcome: Outcome, headers: string[], body: Buffer): void {
    const isAborted = this.#facts.clientAborted
    const said = isAborted ? NOTHING : this.#reply.tellWhole(body)
    const recorded = isAborted ? { ...outcome, status: CLIENT_CLOSED_REQUEST } : outcome
    const verdict = this.#facts.decision?.verdict === 'block' || this.#facts.refusedFor !== null ? 'block' : 'allow'
    this.#record(recorded, said, (isRecorded) => {
      if (isRecorded) {
        this.#reply.whole(outcome.status, [...headers, ...this.#governedHeaders(verdict)], body)
        return
      }
      const refusal = new Refusal('audit_unavailable', 'This answer could not be recorded, so it was held back.')
      const text = Buffer.from(refusal.toJson(this.#facts.requestId))
      this.#reply.whole(refusal.status, [...refusal.headers(), ...this.#plainHeaders()], text)
    })
  }

  /** Keeps the record and answers, in the order that the durability asks for. */
  #record(outcome: Outcome, said: Said, answer: (isRecorded: boolean) => void): void {
    const isStrict = this.#plane.durability === 'strict'
    if (!isStrict) this.#deliver(answer, true)
    keepRecord(this.#plane, this.#facts, outcome, said, (isRecorded) => {
      if (isStrict) this.#deliver(answer, isRecorded)
      this.#over()
    })
  }

  /** What fails here has its record already: it must not become a second one. */
  #deliver(answer: (isRecorded: boolean) => void, isRecorded: boolean): void {
    try {
      answer(isRecorded)
    } catch (cause) {
      this.#plane.log.error({ err: cause, request_id: this.#facts.requestId }, 'an answer could not be sent')
      this.#response.destroy()
    }
  }

  /** The caller left. What was asked for goes on to its record; reading on for the usage is bounded in number, too. */
  #onClose(): void {
    if (this.#settledMs !== null) this.#onOver(this)
    if (this.#reply.isOver) return
    this.#facts.clientAborted = true
    if (this.#facts.eventId === null) {
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
    this.#settledMs = performance.now()
    if (this.#response.closed) this.#onOver(this)
  }

  #plainHeaders(): string[] {
    const headers = ['x-request-id', this.#facts.requestId, 'traceparent', this.#facts.traceparent]
    if (this.#plane.isDraining) headers.push('connection', 'close')
    return headers
  }

  #governedHeaders(verdict: Verdict): string[] {
    const headers = this.#plainHeaders()
    headers.push('x-keeptrusts-verdict', verdict, 'x-keeptrusts-event-id', this.#facts.eventId ?? '')
    headers.push('x-keeptrusts-config-version', this.#facts.snapshot.config?.version ?? '')
    return headers
  }

  /** The one exit for what goes wrong: an expected refusal is told; anything else is logged and says nothing of itself. */
  #attempt(step: () => void): void {
    try {
      step()
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) {
        this.#plane.log.error({ err: thrown, request_id: this.#facts.requestId }, 'unexpected failure')
      }
      this.#refuse(
        thrown instanceof Refusal ? thrown : new Refusal('internal_error', 'Something went wrong in the gateway.'),
      )
    }
  }
}

/** What nginx calls a caller that left before the answer; never sent to anyone. */
const CLIENT_CLOSED_REQUEST = 499
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
