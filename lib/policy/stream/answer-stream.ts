import type { Decision } from '@/lib/policy/engine/decide'
import { redactText } from '@/lib/policy/engine/redact'
import type { Subject } from '@/lib/policy/engine/subject'
import {
  type FrameReading,
  fieldsOf,
  indexOf,
  type JsonObject,
  NOTHING_READ,
  textOf,
  UnreadableFrame,
} from './frame-reading'
import { type Lane, type Slot, TextLane, type ToolLane } from './lane'
import { LaneBook } from './lane-book'
import { AnswerOutcome, type Stop } from './outcome'
import { readChatFrame } from './read-chat'
import { readMessagesFrame } from './read-messages'
import { readResponsesFrame } from './read-responses'
import type { AnswerRules, CallDecision } from './rules'
import { encodeEvent, joinBytes, readFrame, SseDecoder, withData } from './sse'
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

type Entry = FrameReading & {
  raw: Uint8Array
  /** Null for what holds no text of ours to change. */
  json: JsonObject | null
  isAltered: boolean
  isSpacer: boolean
}

const FRAME_BYTES_MAX = 1_048_576
/** Frames that may wait while others overtake them. More are looked at when these have gone. */
const OVERTAKEN_MAX = 64
const WINDOW_TRIES_MAX = 8
/** UTF-16 units. Less than this waits with its frame, for the next few words to come. */
const SPLIT_LENGTH_MIN = 16
const READERS = {
  openai_chat: readChatFrame,
  openai_responses: readResponsesFrame,
  anthropic_messages: readMessagesFrame,
} as const

/**
 * Holds an answer to its policies while it is written. Frames go on in order and as they came, as soon as all their text
 * is decided; text that could still become a match waits, and only that.
 *
 * The end of an answer (`[DONE]`, `message_stop`, `response.completed`) and the error event of a stopped one come out of
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
  #queue: Entry[] = []
  #queueBytes = 0
  #isEnding = false
  #sequence = 0
  #hasNewSpacer = false
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
    return this.#queueBytes + this.#book.heldBytes + this.#decoder.pendingBytes
  }

  /** Takes bytes from the provider; gives back those that may go to the caller now. */
  push(chunk: Uint8Array): Uint8Array | null {
    if (this.isStopped) return null
    const out: Uint8Array[] = []
    for (const frame of this.#decoder.push(chunk)) this.#take(frame)
    if (this.#decoder.oversize) this.#limit('stream.frame_too_long')
    if (this.#book.isFull) this.#limit('stream.too_many_parts')
    this.#judgeCalls()
    if (!this.#isBuffered) this.#judgeNow()
    this.#flush(out)
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
      this.#isEnding = true
      const rest = this.#decoder.end()
      if (rest !== null && this.#isWhole(rest)) this.#take(rest)
      this.#book.endAll()
      this.#judgeCalls()
      await Promise.all(this.#waiting)
      await this.#judgeWhole()
      this.#flush(out)
      if (this.#queue.length > 0) this.#limit('stream.unreadable')
    }
    return this.outcome.stop === null ? joinBytes(out) : this.#errorEvent(this.outcome.stop)
  }

  /** A provider that breaks off in the middle of a frame has not sent it. */
  #isWhole(rest: Uint8Array): boolean {
    const { data } = readFrame(rest)
    return this.#rules === null || data === null || data === '[DONE]' || parseFields(data) !== null
  }

  #take(raw: Uint8Array): void {
    if (this.isStopped) return
    const { data } = readFrame(raw)
    const entry: Entry = { ...NOTHING_READ, raw, json: null, isAltered: false, isSpacer: data === null || data === '' }
    if (data === '[DONE]') {
      this.facts.complete = true
      this.#book.endAll()
      this.#enqueue({ ...entry, isTerminal: true })
      return
    }
    if (entry.isSpacer) {
      this.#hasNewSpacer = true
      this.#enqueue({ ...entry, mayOvertake: true })
      return
    }
    this.#takeData(entry, data ?? '')
  }

  #takeData(entry: Entry, data: string): void {
    if (this.#rules === null && !FACTS.test(data)) {
      this.#enqueue(entry)
      return
    }
    const json = parseFields(data)
    if (json === null) {
      if (this.#rules === null) this.#enqueue(entry)
      else this.#limit('stream.unreadable')
      return
    }
    this.#sequence = indexOf(json.sequence_number) ?? this.#sequence
    this.facts.read(json)
    if (this.facts.isUsageOnly && this.#options.hideUsage) return
    if (this.#rules === null) {
      this.#enqueue({ ...entry, isTerminal: TERMINAL.has(textOf(json.type) ?? '') })
      return
    }
    try {
      const reading = READERS[this.#options.shape](json, this.#book)
      const slots = this.#governed(reading.slots)
      for (const group of reading.endedGroups) this.#book.endGroup(group)
      this.#enqueue({ ...entry, ...reading, slots, json })
    } catch (cause) {
      if (!(cause instanceof UnreadableFrame)) throw cause
      this.#limit('stream.unreadable')
    }
  }

  /** Without the texts that nobody looks at. */
  #governed(slots: Slot[]): Slot[] {
    const { streaming, decideCalls } = this.#rules ?? { streaming: [], decideCalls: null }
    if (streaming.length > 0 && decideCalls !== null) return slots
    return slots.filter(({ lane }) => (lane instanceof TextLane ? streaming.length > 0 : decideCalls !== null))
  }

  #enqueue(entry: Entry): void {
    this.#queue.push(entry)
    this.#queueBytes += entry.raw.length
  }

  #judgeNow(): void {
    const rules = this.#rules
    if (rules === null || this.#book.due.size === 0 || this.isStopped) return
    const pending = new Map<TextLane, number>()
    for (const lane of this.#book.due) {
      const from = this.#pendingFrom(lane)
      // Nothing would be settled by looking now.
      if (!lane.isFinal && from <= lane.settledInWindow) this.#book.due.delete(lane)
      else pending.set(lane, from)
    }
    if (pending.size === 0) return
    try {
      const settledAt = new Map([...pending].map(([lane, from]) => [lane, lane.window.length - from]))
      const decision = this.#checkWindows(rules, [...pending.keys()])
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

  /**
   * Looks at the windows of these lanes. A window begins somewhere in a text, so that a policy may take the rest of a
   * word at its beginning for a word: what it says about text that is long settled is an artefact, and another beginning
   * is tried.
   */
  #checkWindows(rules: AnswerRules, lanes: readonly TextLane[]): Decision {
    const look = () => rules.check({ ...this.#options.subject, phase: 'output', parts: lanes.map(({ part }) => part) })
    let decision = look()
    for (let tries = 0; tries < WINDOW_TRIES_MAX && isArtefact(decision, lanes); tries++) {
      const narrowed = lanes.map((lane) => lane.narrow(this.#lookBehind))
      if (!narrowed.includes(true)) break
      decision = look()
    }
    return decision
  }

  #judgeCalls(): void {
    const decideCalls = this.#rules?.decideCalls ?? null
    const lanes = decideCalls === null || this.isStopped ? [] : this.#book.completeCalls()
    if (decideCalls === null || lanes.length === 0) return
    const calls = lanes.map((lane) => {
      const { id, name, path } = lane
      return { id, name, arguments: lane.arguments, parsed: parseJson(lane.arguments), path }
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

  #applyCalls({ decision, arguments: rewritten }: CallDecision, lanes: readonly ToolLane[]): void {
    this.outcome.add(
      decision,
      rewritten.some((text) => text !== null),
    )
    if (decision.verdict === 'block' || decision.verdict === 'escalate') {
      this.#stop({ ...decision, verdict: decision.verdict })
      return
    }
    for (const [index, lane] of lanes.entries()) lane.decide(rewritten[index] ?? null)
  }

  #flush(out: Uint8Array[]): void {
    if (this.isStopped || this.#queue.length === 0) return
    const waiting: Entry[] = []
    const held = new Set<Lane>()
    let isClosed = false
    let next = 0
    for (; next < this.#queue.length; next++) {
      const entry = this.#queue[next]
      if (entry === undefined) break
      if ((isClosed && !entry.mayOvertake) || waiting.length > OVERTAKEN_MAX) break
      const mayGo = (waiting.length === 0 || entry.mayOvertake) && (!entry.isTerminal || this.#isEnding)
      const isFree = mayGo && entry.slots.every((slot) => !held.has(slot.lane))
      if (isFree && entry.slots.every((slot) => slot.lane.isReady(slot))) {
        out.push(this.#written(entry))
        this.#queueBytes -= entry.raw.length
        continue
      }
      if (isFree) this.#splitInto(out, entry)
      waiting.push(entry)
      for (const slot of entry.slots) held.add(slot.lane)
      isClosed ||= !entry.mayOvertake
    }
    if (waiting.length < next) this.#queue = [...waiting, ...this.#queue.slice(next)]
    if (this.#hasNewSpacer) this.#passSpacers(out)
  }

  /** Comments keep a connection alive: they do not wait. */
  #passSpacers(out: Uint8Array[]): void {
    this.#hasNewSpacer = false
    for (const { raw, isSpacer } of this.#queue) {
      if (!isSpacer) continue
      out.push(raw)
      this.#queueBytes -= raw.length
    }
    this.#queue = this.#queue.filter(({ isSpacer }) => !isSpacer)
  }

  #written(entry: Entry): Uint8Array {
    const { raw, json, slots } = entry
    let isAltered = entry.isAltered
    for (const slot of slots) {
      const text = slot.lane.render(slot)
      if (text === slot.text) continue
      slot.write(text)
      isAltered = true
    }
    if (!isAltered || json === null) return raw
    entry.forget()
    return withData(raw, JSON.stringify(json))
  }

  /** Of a frame whose text is decided in part, that part goes before the rest. */
  #splitInto(out: Uint8Array[], entry: Entry): void {
    const [slot] = entry.slots
    if (entry.splitOff === null || slot === undefined || !(slot.lane instanceof TextLane)) return
    const length = slot.lane.readyLength(slot)
    if (length < SPLIT_LENGTH_MIN || length === slot.text.length) return
    const rest = slot.text.slice(length)
    slot.text = slot.text.slice(0, length)
    const text = slot.lane.render(slot)
    entry.isAltered = true
    if (text !== '') {
      entry.forget()
      out.push(withData(entry.raw, entry.splitOff(text)))
    }
    slot.start += length
    slot.text = rest
    slot.write(rest)
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
    this.#queue = []
    this.#queueBytes = 0
  }

  #errorEvent(stop: Stop): Uint8Array {
    const error = this.#options.errorOf(stop)
    if (this.#options.shape === 'openai_chat') return encodeEvent({ data: JSON.stringify({ error }) })
    if (this.#options.shape === 'anthropic_messages') {
      return encodeEvent({ event: 'error', data: JSON.stringify({ type: 'error', error }) })
    }
    const sequence_number = this.#sequence + 1
    return encodeEvent({ event: 'error', data: JSON.stringify({ ...error, type: 'error', sequence_number }) })
  }
}

/** Whether an objection or a redaction begins in text that was settled without it. */
function isArtefact({ verdict, decisive, redactions }: Decision, lanes: readonly TextLane[]): boolean {
  const isBeforeSettled = ({ part, start }: { part: number; start: number }) =>
    start < (lanes[part]?.settledInWindow ?? 0)
  const isStop = verdict === 'block' || verdict === 'escalate'
  if (isStop && decisive.length > 0 && decisive.every(isBeforeSettled)) return true
  return redactions.some((cut) => isBeforeSettled(cut) && cut.end > (lanes[cut.part]?.settledInWindow ?? 0))
}

/** Events with which an answer ends. */
const TERMINAL = new Set(['message_stop', 'response.completed', 'response.incomplete', 'response.failed'])

/** What a frame must hold to be worth parsing when no policy looks at the answer. */
const FACTS = /"(?:usage|finish_reason|stop_reason|error|response|message_stop)"(?!\s*:\s*null)/

const parseFields = (data: string): JsonObject | null => fieldsOf(parseJson(data))

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON: the caller of this decides what that means
  }
}
