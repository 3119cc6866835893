import type { IncomingHttpHeaders } from 'node:http'
import type { TokenUsage } from '@/lib/token-usage'
import { AnswerText } from './answer-text'
import type { ByteShare } from './byte-budget'
import type { Refusal } from './errors'
import type { Plane } from './plane'
import type { UpstreamCall, UpstreamHandler } from './providers/provider'
import type { Relay } from './relay'
import { failureOf, TRUNCATED } from './upstream-failure'

/** More of a stream than this does not wait for the end of the turn. */
const ARRIVED_BYTES_MAX = 32_768

export type CallEnd =
  /** A complete answer that is not a stream, of any status. */
  | { kind: 'whole'; status: number; headers: IncomingHttpHeaders; body: Buffer }
  /** A stream that began; `refusal` says why when it did not come to its end. */
  | { kind: 'stream'; relay: Relay; refusal: Refusal | null }
  | { kind: 'failed'; refusal: Refusal }

/** What an answer may take; of a stream, what has to wait. */
export type Room = { answerBytesMax: number; share: ByteShare }

/** Whoever waits for the call. */
export type CallOwner = {
  /** @returns false to be given nothing more until `resume` */
  onStreamBytes(bytes: Uint8Array, headers: IncomingHttpHeaders): boolean
  /** Called exactly once. */
  onCallEnd(end: CallEnd): void
}

/** One call to a provider, from the moment it is sent: what came back, how long it took, and what it may still take. */
export class WatchedCall implements UpstreamHandler {
  readonly sentMs = performance.now()
  /** Of the provider's answer; null while there is none. */
  status: number | null = null
  /** Why it failed, as a code for the record; null when it did not. */
  error: string | null = null
  firstByteMs: number | null = null
  /** From sending to the end, whichever it was. */
  durationMs = 0
  /** The provider took the request and answers it later, past this gateway. */
  isAnsweredLater = false

  readonly #owner: CallOwner
  readonly #plane: Pick<Plane, 'limits' | 'turn'>
  readonly #room: Room
  readonly #relayOf: (headers: IncomingHttpHeaders) => Relay | null
  #handle: UpstreamCall | null = null
  #headers: IncomingHttpHeaders = {}
  #relay: Relay | null = null
  #usage: TokenUsage | null = null
  #collected: Buffer[] = []
  /** Of a stream; of a whole answer it is counted when somebody asks. */
  #text: AnswerText | null = null
  #bytes = 0
  /** Pieces of the stream that came in this turn of the event loop. */
  #arrived: Buffer[] = []
  #arrivedBytes = 0
  #isOver = false
  #hasBegun = false
  /** Something that was meant for the caller was not passed on: whatever comes behind it is no whole answer. */
  #hasGap = false
  #pausedMs: number | null = null
  #detachedMs: number | null = null
  #detachedBytes = 0
  #abortReason: string | null = null

  /** @param relayOf made for an answer with status 200; null for one that is taken as a whole */
  constructor(
    owner: CallOwner,
    plane: Pick<Plane, 'limits' | 'turn'>,
    room: Room,
    relayOf: (headers: IncomingHttpHeaders) => Relay | null,
  ) {
    this.#owner = owner
    this.#plane = plane
    this.#room = room
    this.#relayOf = relayOf
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get isStream(): boolean {
    return this.#relay !== null
  }

  /** Bytes of the answer that came. */
  get answerBytes(): number {
    return this.#bytes
  }

  /** Those of them that are text of the answer, as far as they can be told from what is around them. */
  get answerTextBytes(): number {
    return isJsonOrEvents(this.#headers) ? this.#counted().textBytes : this.#bytes
  }

  get hasAnswerText(): boolean {
    return this.#counted().hasText
  }

  /** What the provider said until now that this took: within a stream, or beside an error that calls itself an answer. */
  get usage(): TokenUsage | null {
    return this.#relay?.usage ?? this.#usage
  }

  set usage(said: TokenUsage | null) {
    this.#usage = said
  }

  /** That the provider named within a stream. */
  get model(): string | null {
    return this.#relay?.model ?? null
  }

  /** As what it says within a stream that it answers. */
  get serviceTier(): string | null {
    return this.#relay?.serviceTier ?? null
  }

  /** The caller is ready for more. */
  resume(): void {
    this.#pausedMs = null
    this.#handle?.resume()
  }

  /** The caller left: reads on to the end for the usage, which the provider charges all the same; within bounds. */
  detach(): void {
    this.#detachedMs = performance.now()
    this.resume()
  }

  /** Ends the call; its owner is told, and `reason` stands in the record. */
  abort(reason: string): void {
    if (this.#isOver) return
    this.#abortReason = reason
    this.#handle?.abort(errorOf(reason))
  }

  /** Called about once a second, so that no call needs a timer of its own. @returns true when its caller takes nothing */
  sweep(nowMs: number): boolean {
    if (this.#isOver) return false
    const { detachedMsMax, stalledMsMax, callMsMax } = this.#plane.limits
    if (this.#detachedMs !== null && nowMs - this.#detachedMs > detachedMsMax) this.abort('caller_left')
    else if (nowMs - this.sentMs > callMsMax) this.abort('call_too_long')
    return this.#pausedMs !== null && nowMs - this.#pausedMs > stalledMsMax
  }

  onRequestStart(handle: UpstreamCall): void {
    this.#handle = handle
    if (this.#abortReason !== null) this.abort(this.#abortReason)
  }

  onResponseStart(_: UpstreamCall, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return // 1xx: the answer proper is still to come
    this.status = status
    this.#headers = headers
    if (status === 200 && isPlain(headers)) this.#relay = this.#relayOf(headers)
  }

  onResponseData(_: UpstreamCall, chunk: Buffer): void {
    if (this.#abortReason !== null) return
    if (this.firstByteMs === null) this.firstByteMs = performance.now()
    if (this.#detachedMs !== null) {
      this.#detachedBytes += chunk.length
      if (this.#detachedBytes > this.#plane.limits.detachedBytesMax) this.abort('caller_left')
    }
    if (this.#relay === null) this.#collect(chunk)
    else if (this.#outgrows(this.#relay, chunk.length)) this.abort('answer_too_large')
    else {
      if (isEventStream(this.#headers)) this.#counted().push(chunk)
      this.#arrive(chunk)
    }
  }

  onResponseEnd(): void {
    this.#plane.turn.add(this.#relay === null ? 'answer' : 'frames', this.#ended)
  }

  readonly #ended = (): void => {
    if (this.#isOver) return
    if (this.#relay !== null) {
      this.#relayArrived()
      this.#relay.closed?.()
      // What is over cannot be broken off any more: nobody but us tells of it.
      if (!this.#isOver)
        this.#endStream(this.#relay, this.#abortReason === null ? TRUNCATED : errorOf(this.#abortReason))
      return
    }
    const [only] = this.#collected
    const body = this.#collected.length === 1 && only ? only : Buffer.concat(this.#collected)
    this.#end(null, { kind: 'whole', status: this.status ?? 502, headers: this.#headers, body })
  }

  onResponseError(_: UpstreamCall | null, error: Error): void {
    if (this.#isOver) return
    this.#relayArrived()
    if (this.#isOver) return
    if (this.#relay !== null) this.#endStream(this.#relay, error)
    else this.#fail(error)
  }

  #counted(): AnswerText {
    if (this.#text !== null) return this.#text
    this.#text = new AnswerText()
    if (this.#collected.length > 0) this.#text.push(Buffer.concat(this.#collected))
    return this.#text
  }

  #collect(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#room.answerBytesMax) this.abort('answer_too_large')
    else if (!this.#room.share.take(chunk.length)) this.abort('gateway_full')
    else this.#collected.push(chunk)
  }

  /** A socket is read many times in a turn while there is more: what flows that fast must be stopped in time. */
  #arrive(chunk: Buffer): void {
    this.#arrivedBytes += chunk.length
    if (this.#arrivedBytes > ARRIVED_BYTES_MAX) process.nextTick(this.#relayArrived)
    if (this.#arrived.push(chunk) === 1) this.#plane.turn.add('frames', this.#relayArrived)
  }

  #outgrows({ bytesMax }: Relay, more: number): boolean {
    this.#bytes += more
    return this.#bytes > (bytesMax ?? this.#room.answerBytesMax)
  }

  /**
   * Providers send many small frames at once: looked at, hashed and written together they cost a tenth of what they cost
   * one by one, and nothing waits for longer than the reading of what came in the same turn.
   */
  readonly #relayArrived = (): void => {
    const relay = this.#relay
    const [only] = this.#arrived
    if (relay === null || only === undefined) return
    const chunk = this.#arrived.length === 1 ? only : Buffer.concat(this.#arrived)
    this.#arrived = []
    this.#arrivedBytes = 0
    if (this.#isOver || this.#abortReason !== null) return
    const passed = this.#passedBy(relay, chunk)
    // An error before anything was said is answered as one: a status of 200 would call it a success.
    if (relay.failed && !this.#hasBegun) this.abort('error_in_stream')
    if (relay.stopped !== null) this.abort('stopped_by_policy')
    else if (!this.#room.share.hold(relay.heldBytes ?? 0)) {
      this.#hasGap = true
      this.abort('gateway_full')
    }
    if (passed === null || this.#detachedMs !== null || this.#abortReason !== null) return
    this.#hasBegun = true
    if (this.#owner.onStreamBytes(passed, this.#headers)) return
    this.#handle?.pause()
    this.#pausedMs = performance.now()
  }

  /** Nobody catches what is thrown in a turn of the event loop: one provider must not end the calls of all others. */
  #passedBy(relay: Relay, chunk: Buffer): Uint8Array | null {
    try {
      return relay.push(chunk)
    } catch (cause) {
      this.#hasGap = true
      this.#abortReason = 'unreadable_stream'
      this.#handle?.abort(Object.assign(new Error('unreadable_stream', { cause }), { code: 'unreadable_stream' }))
      return null
    }
  }

  /** Whatever happens to the connection after the last word takes nothing from the answer. */
  #endStream(relay: Relay, error: Error | typeof TRUNCATED): void {
    const hasBegun = this.#hasBegun || this.#detachedMs !== null
    if (relay.stopped !== null) this.#end(null, { kind: 'stream', relay, refusal: null })
    else if (relay.failed && !hasBegun) this.#fail(errorOf('error_in_stream'))
    else if (relay.complete && !this.#hasGap) this.#end(null, { kind: 'stream', relay, refusal: null })
    else if (!hasBegun) this.#fail(error)
    else {
      const { reason, refusal } = failureOf(error)
      this.#end(reason, { kind: 'stream', relay, refusal })
    }
  }

  #fail(error: Error | typeof TRUNCATED): void {
    const { reason, refusal } = failureOf(error)
    this.#end(reason, { kind: 'failed', refusal })
  }

  #end(error: string | null, end: CallEnd): void {
    this.#isOver = true
    this.#handle = null
    this.error = error
    this.durationMs = performance.now() - this.sentMs
    this.#owner.onCallEnd(end)
  }
}

const errorOf = (reason: string) => Object.assign(new Error(reason), { code: reason })

/** Server-sent events, or Amazon's own framing. */
export const isEventStream = (headers: IncomingHttpHeaders) => EVENT_STREAM.test(headers['content-type'] ?? '')

const EVENT_STREAM = /^(?:text\/event-stream|application\/vnd\.amazon\.eventstream)\s*(?:;|$)/i

const isJsonOrEvents = (headers: IncomingHttpHeaders) =>
  isEventStream(headers) || /^application\/json\b/i.test(headers['content-type'] ?? '')

/** We ask for no compression; an answer that is compressed nevertheless can neither be read nor recorded. */
export const isPlain = (headers: IncomingHttpHeaders) => (headers['content-encoding'] ?? 'identity') === 'identity'
