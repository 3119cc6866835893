import type { IncomingHttpHeaders } from 'node:http'
import type { Target } from '@/lib/policy/compile'
import { type Ask, hidesUsage } from './ask'
import { AudioRelay } from './audio-relay'
import type { ByteShare } from './byte-budget'
import { ConvertingRelay } from './converting-relay'
import { Refusal } from './errors'
import { type AttemptsEnd, judgedCall, UNEXPECTED } from './judged-call'
import { type Outgoing, outgoingFor } from './outgoing'
import type { Plane } from './plane'
import { AwsEventStream } from './providers/aws-event-stream'
import { SseEvents } from './providers/sse-events'
import type { Relay } from './relay'
import { retryAfterMs } from './routing/failure-class'
import type { Attempt, Plan } from './routing/router'
import { type CallEnd, type CallOwner, isEventStream, WatchedCall } from './upstream-call'

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
  /** Whether what was reserved for the request, or can be, is enough to ask this target after the calls that were made. */
  hasRoomFor(target: Target): boolean | Promise<boolean>
  /** What passes a stream in the caller's shape on to the caller. */
  relayOf(hideUsage: boolean): Relay
  requestId: string
  traceparent: string
  idempotencyKey: string | null
  /** Of the caller. */
  headers: IncomingHttpHeaders
  nowWallMs: number
}

/** One call that was made, for the record. */
export type Made = { target: Target; call: WatchedCall }

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
    const { result, failure, bodyPatienceMs } = judgedCall(end, call, outgoing, this.#asked)
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
    this.#before = result
    this.#follow(next, result)
  }

  /** What broke off may have been billed all the same: another call is made only when both are paid for. */
  #follow(next: Attempt<Target>, result: AttemptsEnd): void {
    const goOn = (hasRoom: boolean) => {
      if (hasRoom && !this.#isDetached && this.#abortReason === null) {
        this.#begin(next)
        return
      }
      this.#asked.plan.abandoned()
      const reason = this.#abortReason ?? (this.#isDetached ? 'caller_left' : null)
      this.#end(reason === null ? result : { kind: 'failed', refusal: refusalOfReason(reason) })
    }
    const hasRoom = this.#asked.hasRoomFor(next.target)
    if (!(hasRoom instanceof Promise)) {
      goOn(hasRoom)
      return
    }
    hasRoom.then(goOn).catch((cause: unknown) => {
      this.#asked.plan.abandoned()
      this.#end({ kind: 'failed', refusal: new Refusal('internal_error', UNEXPECTED, { cause }) })
    })
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
    const call = new WatchedCall(this, plane, { answerBytesMax, share }, relayOf)
    this.#outgoing = outgoing
    this.made.push({ target, call })
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

  #end(end: AttemptsEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#owner.onAttemptsEnd(end)
  }
}

const isJson = (headers: IncomingHttpHeaders) => /^application\/json\b/i.test(headers['content-type'] ?? '')
const refusalOfReason = (reason: string) =>
  reason === 'gateway_shutdown'
    ? new Refusal('not_ready', 'This gateway is stopping.')
    : new Refusal('client_closed_request', 'The caller left.')
