import { hasRepeatedKeys, isNestedDeeper, VALUE_DEPTH_MAX } from '@/lib/json'
import type { Decision } from '@/lib/policy/engine/decide'
import { redactText } from '@/lib/policy/engine/redact'
import type { Subject } from '@/lib/policy/engine/subject'
import { mayHoldLogprobs, withoutStrayLogprobs } from '@/lib/policy/walk/logprobs'
import { parseJson } from '../../parse-json'
import { checkWindows } from './check-windows'
import { errorEvent } from './error-event'
import { FrameQueue } from './frame-queue'
import {
  type FrameReading,
  fieldsOf,
  indexOf,
  type JsonObject,
  NOTHING_READ,
  SPACER_READ,
  TERMINAL_READ,
  textOf,
} from './frame-reading'
import { type Slot, TextLane, type ToolLane } from './lane'
import { LaneBook } from './lane-book'
import { AnswerOutcome, type Stop } from './outcome'
import { readChatFrame, withoutAnswerSoFar } from './read-chat'
import { hasEnded, readGeminiFrame } from './read-gemini'
import { readMessagesFrame } from './read-messages'
import { readResponsesFrame } from './read-responses'
import type { AnswerRules, CallDecision } from './rules'
import { bareFrame, isDone, joinBytes, readFrame, SseDecoder } from './sse'
import { BrokenFrame, UnreadableFrame } from './unreadable-frame'
import { AnswerFacts, type AnswerShape } from './usage'

export type AnswerStreamOptions = {
  shape: AnswerShape
  /** Null: nothing is changed and nothing but the facts is read. */
  rules: AnswerRules | null
  /** Of the output phase; its parts are put in as they come. */
  subject: Subject
  /** Bytes of frames and text that may wait for a decision. More of it stops the answer. */
  heldBytesMax: number
  frameBytesMax?: number
  /** The usage chunk was our wish, not the caller's, so that it is taken out again. */
  hideUsage: boolean
  /** The error object that tells the caller why the answer ends; in the shape's own envelope it is put here. */
  errorOf(stop: Stop): JsonObject
}

const FRAME_BYTES_MAX = 1_048_576
const READERS = {
  openai_chat: readChatFrame,
  openai_responses: readResponsesFrame,
  anthropic_messages: readMessagesFrame,
  gemini_content: readGeminiFrame,
} as const

/**
 * Holds an answer to its policies while it is written. Frames go on in order and as they came, as soon as all their text
 * is decided; text that could still become a match waits, and only that.
 *
 * The end of an answer (`[DONE]`, `message_stop`, `response.completed`, a `finishReason`) and the error event of a stopped one come out of
 * `end`, because the caller takes them for the end and the record has to be durable before that.
 */
export class AnswerStream {
  readonly facts: AnswerFacts
  readonly outcome = new AnswerOutcome()

  readonly #options: AnswerStreamOptions
  readonly #rules: AnswerRules | null
  readonly #decoder: SseDecoder
  readonly #book: LaneBook
  readonly #isBuffered: boolean
  readonly #lookBehind: number
  readonly #queue = new FrameQueue()
  #sequence = 0
  #waiting: Promise<void>[] = []

  constructor(options: AnswerStreamOptions) {
    const { shape, rules, frameBytesMax = FRAME_BYTES_MAX } = options
    this.#options = options
    this.#rules = rules
    this.facts = new AnswerFacts(shape)
    this.#decoder = new SseDecoder(frameBytesMax)
    this.#book = new LaneBook(shape === 'openai_responses')
    this.#isBuffered = rules?.streaming.includes('buffered') ?? false
    const realtime = (rules?.streaming ?? []).filter((streaming) => streaming !== 'buffered')
    this.#lookBehind = realtime.reduce((most, { lookBehind }) => Math.max(most, lookBehind), 0)
  }

  /** Nothing of what still comes will be shown: the provider need not be read any further. */
  get isStopped(): boolean {
    return this.outcome.stop !== null
  }

  get heldBytes(): number {
    return this.#queue.bytes + this.#book.heldBytes + this.#decoder.pendingBytes
  }

  /**
   * Takes bytes from the provider; gives back those that may go to the caller now.
   *
   * @throws BrokenFrame for what is no answer
   */
  push(chunk: Uint8Array): Uint8Array | null {
    if (this.isStopped) return null
    const out: Uint8Array[] = []
    for (const frame of this.#decoder.push(chunk)) this.#take(frame)
    if (this.#decoder.oversize) this.#limit('stream.frame_too_long')
    if (this.#book.isFull) this.#limit('stream.too_many_parts')
    this.#judgeCalls()
    if (!this.#isBuffered) this.#judgeNow()
    this.#queue.flush(out, false)
    // What has gone needs no room; only what is left counts.
    if (this.heldBytes > this.#options.heldBytesMax) this.#limit('stream.held_too_much')
    return this.isStopped ? null : joinBytes(out)
  }

  /**
   * The rest, once everything is decided: to be sent when the record is durable. Never throws: what cannot be decided is
   * stopped. Afterwards `outcome` and `facts` are final.
   */
  async end(): Promise<Uint8Array | null> {
    const out: Uint8Array[] = []
    if (!this.isStopped) {
      const rest = this.#decoder.end()
      if (rest !== null && this.#isWhole(rest)) this.#take(rest)
      this.#book.endAll()
      this.#judgeCalls()
      await Promise.all(this.#waiting)
      await this.#judgeWhole()
      this.#queue.flush(out, true)
      if (this.#queue.bytes > 0) this.#limit('stream.unreadable')
    }
    return this.outcome.stop === null ? joinBytes(out) : this.#errorOf(this.outcome.stop)
  }

  #errorOf(stop: Stop): Uint8Array {
    const { shape, errorOf } = this.#options
    return errorEvent(shape, errorOf(stop), this.#sequence + 1)
  }

  /** A provider that breaks off in the middle of a frame has not sent it. */
  #isWhole(rest: Uint8Array): boolean {
    const { data } = readFrame(rest)
    return this.#rules === null || data === null || isDone(data) || fieldsWithin(data, jsonOf(data)) !== null
  }

  #take(raw: Uint8Array): void {
    if (this.isStopped) return
    const { data, raw: shown } = this.#rules === null ? { data: readFrame(raw).data, raw } : bareFrame(raw)
    if (data === null || data === '') {
      this.#pass(shown, SPACER_READ)
    } else if (isDone(data)) {
      this.facts.complete = true
      this.#book.endAll()
      this.#pass(shown, TERMINAL_READ)
    } else this.#takeData(shown, data)
  }

  /** A frame without a text of ours. */
  #pass(raw: Uint8Array, reading: FrameReading): void {
    this.#queue.add({ reading, raw, json: null, isAltered: false, isSpacer: reading === SPACER_READ })
  }

  #takeData(raw: Uint8Array, data: string): void {
    if (this.#rules === null && !FACTS.test(data)) {
      this.#pass(raw, NOTHING_READ)
      return
    }
    const value = jsonOf(data)
    const json = fieldsWithin(data, value)
    if (json === null) {
      if (this.#rules === null) this.#pass(raw, NOTHING_READ)
      else if (value === undefined) throw new BrokenFrame('no JSON')
      else this.#limit('stream.unreadable')
      return
    }
    this.#sequence = indexOf(json.sequence_number) ?? this.#sequence
    this.facts.read(json)
    if (this.facts.isUsageOnly && this.#options.hideUsage) return
    if (this.#rules === null) {
      this.#pass(raw, this.#isTerminal(json) ? TERMINAL_READ : NOTHING_READ)
      return
    }
    try {
      const shown = this.#withoutStrays(data, json)
      const reading = READERS[this.#options.shape](shown, this.#book)
      reading.slots = this.#governed(reading.slots)
      for (const group of reading.endedGroups) this.#book.endGroup(group)
      // A client may read what policies did not: the other one of two values, or past a byte that is no UTF-8.
      const isAltered = shown !== json || hasRepeatedKeys(data, json) || data.includes('\uFFFD')
      this.#queue.add({ reading, raw, json: shown, isAltered, isSpacer: false })
    } catch (cause) {
      if (!(cause instanceof UnreadableFrame)) throw cause
      this.#limit('stream.unreadable')
    }
  }

  #isTerminal(json: JsonObject): boolean {
    return this.#options.shape === 'gemini_content' ? hasEnded(json) : TERMINAL.has(textOf(json.type) ?? '')
  }

  /** Where policies read the text, nothing beside it may tell more of it. */
  #withoutStrays(data: string, json: JsonObject): JsonObject {
    const isRead = (this.#rules?.streaming.length ?? 0) > 0
    const own = this.#options.shape === 'openai_chat' ? withoutAnswerSoFar(json) : json
    return isRead && mayHoldLogprobs(data) ? withoutStrayLogprobs(own) : own
  }

  /** Without the texts that nobody looks at. */
  #governed(slots: Slot[]): Slot[] {
    const { streaming, decideCalls } = this.#rules ?? { streaming: [], decideCalls: null }
    if (streaming.length > 0 && decideCalls !== null) return slots
    return slots.filter(({ lane }) => (lane instanceof TextLane ? streaming.length > 0 : decideCalls !== null))
  }

  #judgeNow(): void {
    const rules = this.#rules
    if (rules === null || this.#book.due.size === 0 || this.isStopped) return
    const pending = new Map<TextLane, number>()
    for (const lane of this.#book.due) {
      if (!lane.isWorthALook) continue
      lane.lookedAt()
      const from = this.#pendingFrom(lane)
      // Nothing would be settled by looking now.
      if (!lane.isFinal && from <= lane.settledInWindow) this.#book.due.delete(lane)
      else pending.set(lane, from)
    }
    if (pending.size === 0) return
    try {
      const settledAt = new Map([...pending].map(([lane, from]) => [lane, lane.window.length - from]))
      const decision = checkWindows(rules, this.#options.subject, [...pending.keys()], this.#lookBehind)
      // A window that was narrowed has other offsets; its end is where it was.
      for (const [lane, left] of settledAt) pending.set(lane, lane.window.length - left)
      this.#apply(decision, pending)
    } catch (cause) {
      this.#failed(cause)
    }
  }

  async #judgeWhole(): Promise<void> {
    const rules = this.#rules
    if (rules === null || this.#book.due.size === 0 || this.isStopped) return
    if (!this.#isBuffered) return this.#judgeNow()
    const pending = new Map([...this.#book.due].map((lane) => [lane, lane.window.length]))
    const parts = [...pending.keys()].map((lane) => lane.part)
    try {
      this.#apply(await rules.checkWhole({ ...this.#options.subject, phase: 'output', parts }), pending)
    } catch (cause) {
      this.#failed(cause)
    }
  }

  #pendingFrom(lane: TextLane): number {
    const text = lane.window
    if (lane.isFinal) return text.length
    let from = text.length
    for (const streaming of this.#rules?.streaming ?? []) {
      from = Math.min(from, streaming === 'buffered' ? 0 : streaming.pendingFrom(text))
    }
    return from
  }

  #apply(decision: Decision, pending: ReadonlyMap<TextLane, number>): void {
    if (decision.verdict === 'block' || decision.verdict === 'escalate') {
      if (!this.#isStillOpen(decision, pending)) {
        this.outcome.add(decision, false)
        this.#stop({ ...decision, verdict: decision.verdict })
      }
      return
    }
    let isRedacted = false
    let part = 0
    for (const [lane, from] of pending) {
      const own = decision.redactions.filter((redaction) => redaction.part === part)
      const text = decision.texts.get(part)
      const isRewritten = text !== undefined && text !== redactText(lane.window, own)
      if (isRewritten && !this.#isBuffered) {
        this.#failed(new Error('A policy that rewrites must be buffered.'))
        return
      }
      if (isRewritten) lane.rewrite(text)
      else isRedacted = lane.settle(own, from, this.#lookBehind) || isRedacted
      this.#book.due.delete(lane)
      part += 1
    }
    this.outcome.add(decision, isRedacted || (this.#isBuffered && decision.verdict === 'redact'))
  }

  /**
   * Whether what is objected to could still turn out to be something else, such as the first letters of a longer word.
   * Until that is known nothing goes on.
   */
  #isStillOpen({ decisive }: Decision, pending: ReadonlyMap<TextLane, number>): boolean {
    const lanes = [...pending]
    const isOpen = decisive.map(({ part, start }) => {
      const [lane, from] = lanes[part] ?? []
      return lane !== undefined && from !== undefined && !lane.isFinal && start >= from
    })
    return isOpen.length > 0 && isOpen.every(Boolean)
  }

  #judgeCalls(): void {
    const decideCalls = this.#rules?.decideCalls ?? null
    const lanes = decideCalls === null || this.isStopped ? [] : this.#book.completeCalls()
    if (decideCalls === null || lanes.length === 0) return
    const calls = lanes.map((lane) => {
      const { id, name, path } = lane
      const value = jsonOf(lane.arguments)
      // As when all of it is there at once: whoever makes the call may read the other one of two values.
      const parsed = hasRepeatedKeys(lane.arguments, value) ? undefined : value
      return { id, name, arguments: lane.arguments, parsed, path }
    })
    try {
      const decided = decideCalls(calls)
      if (!(decided instanceof Promise)) {
        this.#applyCalls(decided, lanes)
        return
      }
      for (const lane of lanes) lane.isAsked = true
      this.#waiting.push(
        decided.then(
          (later) => this.#applyCalls(later, lanes),
          (cause) => this.#failed(cause),
        ),
      )
    } catch (cause) {
      this.#failed(cause)
    }
  }

  #applyCalls({ decisions, arguments: rewritten }: CallDecision, lanes: readonly ToolLane[]): void {
    for (const decision of decisions) {
      this.outcome.add(decision, decision.verdict === 'redact')
      if (decision.verdict !== 'block' && decision.verdict !== 'escalate') continue
      this.#stop({ ...decision, verdict: decision.verdict })
      return
    }
    for (const [index, lane] of lanes.entries()) {
      const other = rewritten[index] ?? null
      if (other !== null && lane.isFixed) this.#limit('stream.unreadable')
      lane.decide(other)
    }
  }

  /** A bound of the stream itself: what cannot be looked at is not shown. */
  #limit(reasonCode: string): void {
    this.#stop({ verdict: 'block', policy: null, reasonCode, message: null })
  }

  #failed(cause: unknown): void {
    this.outcome.failures.push({ policy: 'stream', cause })
    this.#limit('policy.error')
  }

  #stop({ verdict, policy, reasonCode, message }: Stop): void {
    this.outcome.stop ??= { verdict, policy, reasonCode, message }
    this.#queue.clear()
  }
}

/** Events with which an answer ends. */
const TERMINAL = new Set(['message_stop', 'response.completed', 'response.incomplete', 'response.failed'])

/** What a frame must hold to be worth parsing when no policy looks at the answer. */
const FACTS =
  /"(?:usage|finish_reason|stop_reason|error|response|message_stop|usageMetadata|finishReason|promptFeedback)"(?!\s*:\s*null)/

/** A level takes two characters, so that most frames need no look. */
const fieldsWithin = (data: string, value: unknown): JsonObject | null =>
  data.length > 2 * VALUE_DEPTH_MAX && isNestedDeeper(value) ? null : fieldsOf(value)

function jsonOf(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined // not JSON: the caller of this decides what that means
  }
}
