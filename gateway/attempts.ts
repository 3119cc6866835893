import type { IncomingHttpHeaders } from 'node:http'
import { isNestedDeeper } from '@/lib/json'
import type { Target } from '@/lib/policy/compile'
import type { TokenUsage } from '@/lib/token-usage'
import { type Ask, hidesUsage } from './ask'
import { AudioRelay } from './audio-relay'
import type { ByteShare } from './byte-budget'
import { ConvertingRelay } from './converting-relay'
import { Refusal } from './errors'
import { fieldsOf, readUsage } from './meter'
import { convertedAnswer, type Outgoing, outgoingFor } from './outgoing'
import type { Plane } from './plane'
import { type Json, ProviderFault } from './providers/adapter'
import { AwsEventStream } from './providers/aws-event-stream'
import { SseEvents } from './providers/sse-events'
import type { Relay } from './relay'
import { classOfCode, classOfError, type FailureClass, retryAfterMs } from './routing/failure-class'
import type { Attempt, Plan } from './routing/router'
import { type CallEnd, type CallOwner, isEventStream, isPlain, WatchedCall } from './upstream-call'
import { refusalOfStatus } from './upstream-failure'

/** How the attempts of a request ended. */
export type AttemptsEnd =
  /**
   * A complete answer in the caller's shape. `body` holds its bytes when they are the provider's own; what is not JSON has
   * its words in `json.text`.
   */
  | {
      kind: 'answer'
      headers: IncomingHttpHeaders
      contentType: string
      json: Json
      body: Buffer | null
      usage: TokenUsage | null
    }
  /** The provider refused the request itself, in the caller's shape. */
  | { kind: 'rejected'; status: number; headers: IncomingHttpHeaders; body: Buffer }
  /** A stream that began; `refusal` says why when it did not come to its end. */
  | { kind: 'stream'; relay: Relay; refusal: Refusal | null }
  | { kind: 'failed'; refusal: Refusal }

/** Whoever waits for the answer. */
export type AttemptsOwner = {
  /** @returns false to be given nothing more until `resume` */
  onStreamBytes(bytes: Uint8Array, headers: IncomingHttpHeaders): boolean
  /** Called exactly once. */
  onAttemptsEnd(end: AttemptsEnd): void
}

export type Asked = {
  plane: Plane
  ask: Ask
  /** Longest answer that is not a stream. */
  answerBytesMax: number
  /** What such an answer is taken from. */
  share: ByteShare
  plan: Plan<Target>
  /** What passes a stream in the caller's shape on to the caller. */
  relayOf(hideUsage: boolean): Relay
  requestId: string
  traceparent: string
  idempotencyKey: string | null
  /** Of the caller. */
  headers: IncomingHttpHeaders
  nowWallMs: number
}

/**
 * One call that was made, for the record. `billed` is what it took although another call followed it, and the model that
 * it named.
 */
export type Made = { target: Target; call: WatchedCall; billed: { usage: TokenUsage; model: string | null } | null }

/**
 * The calls of one request, one after the other, until one answers or none may follow. A call is followed by another only
 * while the caller has not been sent a byte.
 */
export class Attempts implements CallOwner {
  readonly made: Made[] = []
  readonly #asked: Asked
  readonly #owner: AttemptsOwner
  #outgoing: Outgoing | null = null
  /** How the last attempt ended that another followed. */
  #before: AttemptsEnd | null = null
  #hasBegun = false
  #isDetached = false
  #abortReason: string | null = null
  #isOver = false
  #timer: NodeJS.Timeout | undefined

  constructor(asked: Asked, owner: AttemptsOwner) {
    this.#asked = asked
    this.#owner = owner
  }

  get isOver(): boolean {
    return this.#isOver
  }

  start(): void {
    const first = this.#asked.plan.first()
    if (first === null) {
      this.#end({ kind: 'failed', refusal: new Refusal('upstream_failed', 'Every provider of this model is failing.') })
      return
    }
    this.#begin(first)
  }

  resume(): void {
    this.#call?.resume()
  }

  /** The caller left: what is under way is read on for its usage, within bounds; nothing new is begun. */
  detach(): void {
    this.#isDetached = true
    if (this.#timer !== undefined) this.abort('caller_left')
    else this.#call?.detach()
  }

  abort(reason: string): void {
    if (this.#isOver) return
    this.#abortReason = reason
    if (this.#timer === undefined) {
      this.#call?.abort(reason)
      return
    }
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#asked.plan.abandoned()
    this.#end({ kind: 'failed', refusal: refusalOfReason(reason) })
  }

  /** @returns true when the caller takes nothing */
  sweep(nowMs: number): boolean {
    return this.#call?.sweep(nowMs) ?? false
  }

  onStreamBytes(bytes: Uint8Array, headers: IncomingHttpHeaders): boolean {
    this.#hasBegun = true
    return this.#owner.onStreamBytes(bytes, headers)
  }

  onCallEnd(end: CallEnd): void {
    const call = this.#call
    const outgoing = this.#outgoing
    if (call === null || outgoing === null) throw new Error('a call ended that was not made')
    const { result, failure, bodyPatienceMs } = this.#judgedSafely(end, call, outgoing)
    const { plan, nowWallMs } = this.#asked
    if (failure === null) {
      plan.succeeded((call.firstByteMs ?? performance.now()) - call.sentMs)
      this.#end(result)
      return
    }
    if (failure === 'given_up') {
      plan.abandoned()
      this.#end(result)
      return
    }
    const patienceMs = (end.kind === 'whole' ? retryAfterMs(end.headers, nowWallMs) : null) ?? bodyPatienceMs ?? null
    if (this.#hasBegun || this.#isDetached || this.#abortReason !== null) {
      plan.lost(failure, patienceMs)
      this.#end(result)
      return
    }
    const next = plan.failed(failure, patienceMs)
    if (next === null) {
      this.#end(result)
      return
    }
    this.#keepBilled(result)
    this.#before = result
    this.#begin(next)
  }

  /** A stream may fail after it has counted, and before the caller was sent any of it. */
  #keepBilled(result: AttemptsEnd): void {
    const made = this.made.at(-1)
    if (made === undefined || result.kind !== 'stream' || result.relay.usage === null) return
    made.billed = { usage: result.relay.usage, model: result.relay.model }
  }

  get #call(): WatchedCall | null {
    return this.made.at(-1)?.call ?? null
  }

  #begin(attempt: Attempt<Target>): void {
    if (attempt.waitMs === 0) {
      this.#prepare(attempt)
      return
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#prepare(attempt)
    }, attempt.waitMs)
  }

  #prepare({ target, secret }: Attempt<Target>): void {
    const { ask, requestId, nowWallMs: nowMs, headers, plan } = this.#asked
    const refuse = (thrown: unknown) => {
      plan.abandoned()
      // That the second choice cannot be asked this is no news to a caller whose first choice failed.
      if (thrown instanceof Refusal) this.#end(this.#before ?? { kind: 'failed', refusal: thrown })
      else this.#end({ kind: 'failed', refusal: new Refusal('internal_error', UNEXPECTED, { cause: thrown }) })
    }
    try {
      const outgoing = outgoingFor(ask, target, secret, { requestId, nowMs, headers })
      if (outgoing instanceof Promise) outgoing.then((signed) => this.#send(target, secret, signed)).catch(refuse)
      else this.#send(target, secret, outgoing)
    } catch (thrown) {
      refuse(thrown)
    }
  }

  #send(target: Target, secret: string | null, outgoing: Outgoing): void {
    if (this.#isDetached) {
      // The caller left while the request was being signed: nothing was asked, so nothing has to be read to its end.
      this.#asked.plan.abandoned()
      this.#end({ kind: 'failed', refusal: refusalOfReason('caller_left') })
      return
    }
    const { plane, ask, answerBytesMax, share, requestId, traceparent, idempotencyKey } = this.#asked
    const relayOf = (headers: IncomingHttpHeaders) => this.#relayFor(outgoing, headers)
    const call = new WatchedCall(this, plane.limits, { answerBytesMax, share }, relayOf)
    this.#outgoing = outgoing
    this.made.push({ target, call, billed: null })
    if (this.#abortReason !== null) call.abort(this.#abortReason)
    plane.upstreams.send(
      {
        target,
        secret,
        path: outgoing.path,
        headers: outgoing.headers,
        body: outgoing.body,
        contentType: outgoing.contentType,
        accept: outgoing.accept,
        stream: ask.stream,
        requestId,
        traceparent,
        idempotencyKey,
      },
      call,
    )
  }

  #relayFor({ adapter, call, isNative }: Outgoing, headers: IncomingHttpHeaders): Relay | null {
    const { ask, requestId, nowWallMs, relayOf, answerBytesMax } = this.#asked
    const isEvents = isEventStream(headers)
    const isSound = ask.surface.shape === 'audio_speech' && !isJson(headers)
    if (isSound || (isEvents && ask.form !== null)) return new AudioRelay(isEvents, answerBytesMax)
    if (!isEvents) return null
    const inner = relayOf(isNative && hidesUsage(ask))
    if (isNative) return inner
    const events = adapter.chat.framing === 'sse' ? new SseEvents() : new AwsEventStream()
    const writer = ask.surface.writer({ body: ask.body, requestId, nowMs: nowWallMs })
    return new ConvertingRelay(events, adapter.chat.reader(call), writer, inner)
  }

  /** Nobody catches what is thrown from here: the request would wait for ever. */
  #judgedSafely(end: CallEnd, call: WatchedCall, outgoing: Outgoing): Judged {
    try {
      return this.#judged(end, call, outgoing)
    } catch (cause) {
      this.#asked.plane.log.error({ err: cause, request_id: this.#asked.requestId }, 'unexpected failure')
      call.error = 'internal_error'
      return {
        result: { kind: 'failed', refusal: new Refusal('internal_error', UNEXPECTED, { cause }) },
        failure: 'given_up',
      }
    }
  }

  #judged(end: CallEnd, call: WatchedCall, outgoing: Outgoing): Judged {
    if (end.kind === 'failed') return { result: end, failure: classOfCode(call.error ?? '') }
    if (end.kind === 'stream') {
      if (end.relay.failed) call.error ??= 'error_in_stream'
      const isWell = end.refusal === null && !end.relay.failed
      return { result: end, failure: isWell ? null : classOfCode(call.error ?? 'error_in_stream') }
    }
    return end.status >= 200 && end.status < 300
      ? this.#judgedAnswer(end, call, outgoing)
      : this.#judgedRefusal(end, call, outgoing)
  }

  #judgedAnswer({ headers, body }: CallEnd & { kind: 'whole' }, call: WatchedCall, outgoing: Outgoing): Judged {
    const { ask } = this.#asked
    if (ask.form !== null && isPlain(headers) && isText(headers)) {
      const contentType = headers['content-type'] ?? 'text/plain'
      const json = { text: body.toString('utf8') }
      return { result: { kind: 'answer', headers, contentType, json, body, usage: null }, failure: null }
    }
    const given = isPlain(headers) ? parseFields(body) : null
    try {
      if (given === null) throw invalidAnswer()
      if (outgoing.isNative) {
        if (fieldsOf(given.error) !== null && !(ANSWER_FIELD[ask.surface.shape] in given)) throw invalidAnswer()
        return {
          result: { kind: 'answer', headers, contentType: JSON_TYPE, json: given, body, usage: readUsage(given) },
          failure: null,
        }
      }
      const { requestId, nowWallMs: nowMs, headers: asked } = this.#asked
      const { json, usage } = convertedAnswer(given, outgoing, ask, { requestId, nowMs, headers: asked })
      return {
        result: { kind: 'answer', headers, contentType: JSON_TYPE, json, body: null, usage },
        failure: null,
      }
    } catch (cause) {
      const isExpected = cause instanceof ProviderFault || cause instanceof Refusal
      const { log } = this.#asked.plane
      if (!isExpected) log.error({ err: cause, request_id: this.#asked.requestId }, 'an answer could not be read')
      call.error = given === null || !isExpected ? 'invalid_answer' : 'error_with_success_status'
      const message = cause instanceof ProviderFault ? cause.error.message : NO_ANSWER
      const refusal = cause instanceof Refusal ? cause : new Refusal('upstream_failed', message, { cause })
      return { result: { kind: 'failed', refusal }, failure: 'invalid_answer' }
    }
  }

  #judgedRefusal(
    { status, headers, body }: CallEnd & { kind: 'whole' },
    call: WatchedCall,
    outgoing: Outgoing,
  ): Judged {
    const given = isPlain(headers) ? parseFields(body) : null
    const error = outgoing.adapter.error(status, given)
    const failure = classOfError(error.kind, status)
    call.error = `http_${status}`
    if (failure === 'credential' && status !== 403) {
      const refusal = new Refusal('upstream_credentials_exhausted', NO_CREDENTIALS)
      return { result: { kind: 'failed', refusal }, failure }
    }
    const saidSeconds = error.retryAfterSeconds
    const bodyPatienceMs = saidSeconds === null ? null : Math.min(saidSeconds, PATIENCE_SECONDS_MAX) * 1_000
    const refusal = refusalOfStatus(status, headers, given !== null)
    if (refusal !== null) return { result: { kind: 'failed', refusal }, failure, bodyPatienceMs }
    if (outgoing.isNative) return { result: { kind: 'rejected', status, headers, body }, failure, bodyPatienceMs }
    const patienceMs = retryAfterMs(headers, this.#asked.nowWallMs) ?? bodyPatienceMs
    const said = new Refusal('upstream_rejected', error.message, {
      status,
      retryable: error.retryable,
      retryAfterSeconds: patienceMs === null ? undefined : Math.ceil(patienceMs / 1_000),
    })
    return { result: { kind: 'failed', refusal: said }, failure, bodyPatienceMs }
  }

  #end(end: AttemptsEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#owner.onAttemptsEnd(end)
  }
}

/** `bodyPatienceMs` is the wait that the provider asked for in its body; its header says it otherwise. */
type Judged = { result: AttemptsEnd; failure: FailureClass | null; bodyPatienceMs?: number | null }

/** Nobody waits for longer, whatever a provider asks. */
const PATIENCE_SECONDS_MAX = 3_600
const JSON_TYPE = 'application/json'
const isJson = (headers: IncomingHttpHeaders) => /^application\/json\b/i.test(headers['content-type'] ?? '')
/** A transcript as subtitles or as plain words. */
const isText = (headers: IncomingHttpHeaders) =>
  /^(?:text\/(?:plain|vtt|srt)|application\/x-subrip)\s*(?:;|$)/i.test(headers['content-type'] ?? '')

const UNEXPECTED = 'Something went wrong in the gateway.'
const NO_CREDENTIALS = 'The provider did not accept the credentials of this gateway.'

/** What an answer of a shape has and an error has not. */
const ANSWER_FIELD = {
  openai_chat: 'choices',
  openai_responses: 'output',
  anthropic_messages: 'content',
  openai_embeddings: 'data',
  audio_transcriptions: 'text',
  audio_speech: 'audio',
} as const

const NO_ANSWER = 'The provider answered with something that is not an answer.'
const invalidAnswer = () => new Refusal('upstream_failed', NO_ANSWER)

const refusalOfReason = (reason: string) =>
  reason === 'gateway_shutdown'
    ? new Refusal('not_ready', 'This gateway is stopping.')
    : new Refusal('client_closed_request', 'The caller left.')

function parseFields(body: Buffer): Json | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isNestedDeeper(value) ? null : fieldsOf(value)
  } catch {
    return null // not JSON: whoever asked decides what that means
  }
}
