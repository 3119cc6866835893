import type { Redaction } from '@/lib/policy/engine/policy'
import type { JsonPath, Part } from '@/lib/policy/engine/subject'
import { wholeCharacter } from './pending'
import { UnreadableFrame } from './unreadable-frame'

/** A redaction in offsets of the whole text of a lane. */
type Cut = { start: number; end: number; replacement: string }

/** A place in a frame that holds a piece of a lane's text, or repeats all of it. */
export type Slot = {
  lane: Lane
  /** Offset of the piece in the text of the lane. */
  start: number
  text: string
  isRepeat: boolean
  /** Puts another text in its place. */
  write(text: string): void
}

/** A text that grows over several frames. */
export type Lane = {
  /** What ends together: a choice, a content block, an output item. */
  readonly group: string
  /** Whether the text of a slot is decided, so that its frame may go. */
  isReady(slot: Slot): boolean
  /** The text that may be shown in the place of the slot's own. To be asked once per slot, in the order of the slots. */
  render(slot: Slot): string
}

/** Marks, joiners and invisible characters belong to what stands before them. */
const CONTINUES = /[\p{M}\p{Cf}\u1161-\u11ff]/u
/** What normal text leaves out (lib/policy/engine/normalise.ts). The first of them is U+00AD. */
const INVISIBLE = /[\p{DI}\p{Cf}]/u
/** Words, halves of surrogate pairs, which may be of a word, and what nobody sees between them. */
const WORD_OR_UNSEEN = /[\p{L}\p{N}\p{M}\p{DI}\p{Cf}_\ud800-\udfff]/u
/** Characters that are kept beyond what policies need. */
const SLACK_MAX = 64

/** More unsettled text than this is looked at again only when it has grown by a part of itself. */
const LONG_UNSETTLED = 1_024
const GROWTH = 1 / 8

/** A text that policies follow while it is written: what is settled will not change and may be shown. */
export class TextLane implements Lane {
  /** No more text comes. */
  isFinal = false
  /** There is text that no policy has seen. */
  isDirty = false

  #length = 0
  #settled = 0
  /** Length of the text when policies looked at it last. */
  #looked = 0
  #window = ''
  #windowStart = 0
  #cuts: Cut[] = []
  #rewritten: string | null = null
  #originals: string[] = []
  #governed: string[] = []

  /**
   * @param keepsWhole later frames repeat the text, so that all of it has to be remembered
   * @param kind a `label` is what stands beside what the model says
   */
  constructor(
    readonly group: string,
    readonly path: JsonPath,
    readonly message: number,
    readonly keepsWhole: boolean,
    readonly kind: 'text' | 'label' = 'text',
  ) {}

  /** What policies look at now: what is not settled, and what lies before it as far as they need. */
  get window(): string {
    return this.#window
  }

  /** Where the unsettled text begins in the window. */
  get settledInWindow(): number {
    return this.#settled - this.#windowStart
  }

  /** UTF-16 units it holds on to. */
  get heldLength(): number {
    return this.#window.length + (this.keepsWhole ? 2 * this.#length : 0)
  }

  get isSettled(): boolean {
    return this.isFinal && !this.isDirty && this.#settled === this.#length
  }

  /**
   * Text without an end to what it could become, such as one letter under thousands of marks, is looked at from its beginning
   * each time: once for every piece would cost the square of its length.
   */
  get isWorthALook(): boolean {
    const unsettled = this.#length - this.#settled
    return this.isFinal || unsettled < LONG_UNSETTLED || this.#length - this.#looked >= GROWTH * unsettled
  }

  /** Policies have looked at all that is there. */
  lookedAt(): void {
    this.#looked = this.#length
  }

  get part(): Part {
    const { path, message, kind } = this
    return { path, kind, role: 'assistant', message, text: this.#window, media: null }
  }

  /** @returns where the text was put */
  append(text: string): number {
    const start = this.#length
    this.#length += text.length
    this.#window += text
    if (this.keepsWhole) this.#originals.push(text)
    this.isDirty = true
    return start
  }

  /** The text as it came. */
  whole(): string {
    if (this.#originals.length > 1) this.#originals = [this.#originals.join('')]
    return this.#originals[0] ?? ''
  }

  /** A policy gave the whole text another form. Only before anything was settled. */
  rewrite(text: string): void {
    this.#rewritten = text
    this.#settled = this.#length
    this.isDirty = false
  }

  /**
   * Takes over what was found in the window, as far as it can no longer change.
   *
   * @param found merged and sorted, in offsets of the window
   * @param pending where in the window matches may still begin or grow
   * @returns whether something was taken out for good
   */
  settle(found: readonly Omit<Redaction, 'part'>[], pending: number, lookBehind: number): boolean {
    const from = this.settledInWindow
    let until = this.isFinal ? this.#window.length : wholeCharacter(this.#window, Math.max(from, pending))
    // A match of one policy may reach into what is pending for another: it goes out in one piece, later.
    for (const { start, end } of found.toReversed()) if (start < until && end > until) until = Math.max(from, start)
    const cutsBefore = this.#cuts.length
    for (const { start, end, replacement } of found) {
      const isOver = end === start ? start < from : end <= from
      if (isOver || end > until || (start === until && !this.isFinal)) continue
      const at = this.#windowStart
      this.#cuts.push({ start: at + Math.max(start, from), end: at + end, replacement })
    }
    this.#settled = this.#windowStart + until
    this.isDirty = until < this.#window.length && this.isFinal
    this.#trim(lookBehind)
    return this.#cuts.length > cutsBefore
  }

  isReady(slot: Slot): boolean {
    return slot.isRepeat ? this.isSettled : slot.start + slot.text.length <= this.#settled
  }

  /** Units of the slot's text that are settled. */
  readyLength(slot: Slot): number {
    return Math.min(slot.text.length, Math.max(0, this.#settled - slot.start))
  }

  render(slot: Slot): string {
    if (slot.isRepeat) return this.#governed.join('')
    const text = this.#rewritten === null ? this.#redacted(slot) : slot.start === 0 ? this.#rewritten : ''
    if (this.keepsWhole) this.#governed.push(text)
    return text
  }

  #redacted(slot: Slot): string {
    const end = slot.start + slot.text.length
    let out = ''
    let at = slot.start
    while (this.#cuts.length > 0) {
      const [cut] = this.#cuts
      if (cut === undefined || cut.start > end || (cut.start === end && !(this.isFinal && end === this.#length))) break
      if (cut.start >= at) out += slot.text.slice(at - slot.start, cut.start - slot.start) + cut.replacement
      at = Math.max(at, cut.end)
      if (cut.end > end) {
        // The rest of it is in frames to come, where it leaves nothing.
        this.#cuts[0] = { start: end, end: cut.end, replacement: '' }
        break
      }
      this.#cuts.shift()
    }
    return at >= end ? out : out + slot.text.slice(at - slot.start)
  }

  /**
   * Lets the window begin one character later, if it holds more than policies need.
   *
   * @returns whether it does
   */
  narrow(lookBehind: number): boolean {
    if (this.#windowStart === 0 || this.settledInWindow <= lookBehind) return false
    const at = wholeCharacter(this.#window, 1) === 1 ? 1 : 2
    if (at > this.#neededFrom(lookBehind)) return false
    this.#moveWindow(at)
    return true
  }

  /** Where the settled characters begin that policies still need. Those that no policy sees do not count among them. */
  #neededFrom(lookBehind: number): number {
    let at = this.settledInWindow
    const earliest = Math.max(0, at - lookBehind - SLACK_MAX)
    for (let left = lookBehind; left > 0 && at > earliest; ) {
      at -= 1
      const unit = this.#window.charCodeAt(at)
      if (unit < 0xad || !INVISIBLE.test(this.#window.charAt(at))) left -= 1
    }
    return at
  }

  /** Keeps what policies need, and what makes it begin between words and with a whole character. */
  #trim(lookBehind: number): void {
    let at = this.#neededFrom(lookBehind)
    for (let step = 0; step < SLACK_MAX && at > 0 && WORD_OR_UNSEEN.test(this.#window.charAt(at - 1)); step++) at -= 1
    for (let step = 0; step < SLACK_MAX && at > 0 && CONTINUES.test(this.#window.charAt(at)); step++) at -= 1
    at = wholeCharacter(this.#window, at)
    this.#moveWindow(at)
  }

  #moveWindow(at: number): void {
    if (at === 0) return
    this.#window = this.#window.slice(at)
    this.#windowStart += at
  }
}

/** A tool call that a model writes piece by piece. Nothing of it is shown before all of it was decided. */
export class ToolLane implements Lane {
  name = ''
  id: string | null = null
  isFinal = false
  isDecided = false
  /** Somebody is deciding it. */
  isAsked = false
  /** All of its arguments came at once: pieces that follow would take their place at some clients. */
  isWhole = false
  /** Frames before its end have shown pieces of it in forms of their own, so that nothing can be put in its place. */
  isFixed = false

  #pieces: string[] = []
  #length = 0
  #rewritten: string | null = null

  constructor(
    readonly group: string,
    readonly path: JsonPath,
  ) {}

  get heldLength(): number {
    return this.#length
  }

  get arguments(): string {
    if (this.#pieces.length > 1) this.#pieces = [this.#pieces.join('')]
    return this.#pieces[0] ?? ''
  }

  /** @throws UnreadableFrame when it was called something else before: a client may take either name, or both as one */
  call(name: string | null): void {
    if (name === null || name === '' || name === this.name) return
    if (this.name !== '' || this.isDecided || this.isAsked) throw new UnreadableFrame('a call changes its name')
    this.name = name
  }

  /** @throws UnreadableFrame for what comes after the decision: clients go on collecting until the answer is over */
  append(text: string): number {
    const start = this.#length
    if (text === '') return start
    if (this.isDecided || this.isAsked) throw new UnreadableFrame('a call goes on after its end')
    this.#length += text.length
    this.#pieces.push(text)
    return start
  }

  /** @param rewritten other arguments, or null for those that came */
  decide(rewritten: string | null): void {
    this.isDecided = true
    this.#rewritten = rewritten
  }

  isReady(): boolean {
    return this.isDecided
  }

  render(slot: Slot): string {
    if (slot.isRepeat) return this.#rewritten ?? this.arguments
    if (this.#rewritten === null) return slot.text
    return slot.start === 0 && slot.text !== '' ? this.#rewritten : ''
  }
}
