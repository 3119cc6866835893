import type { LeaseAnswer, LeaseAsk, LeaseSource, SourceState } from '@/lib/contract/spend-leases'
import { LEASE_SLACK_SECONDS } from '@/lib/contract/spend-leases'
import { nanoUsdOf } from '@/lib/money'

const NONE = 0n
/** Without a request for this long, what is free goes back. */
const IDLE_MS = 10_000
/** With less than this to go, a lease that is in use is asked for again. */
const RENEW_MS = 25_000
/** How a source stands is told to callers for this long. */
const STATE_MS = 2_000
/** After a recall or a refusal, nothing is asked for in advance. */
const EDGE_MS = 5_000
/** How much is asked for at least, while there is plenty: enough for so many requests like the last one. */
const REQUESTS = 10n
/** As much as can be said: a billion dollars. */
const ASKED_MAX = 10n ** 18n - 1n
/** Seconds of use that one slice should last. */
const BURN_SECONDS = 10n

/** So much more was not given. */
type Refused = { least: bigint; atMs: number }

/**
 * What this process holds of one source: of one window of a budget, or of a wallet. All amounts are nano-dollars since the
 * life of the process began and never shrink, but for `rest`; all times are of the monotonic clock.
 */
export class Lease {
  /** As the control plane calls it; null before its first answer. */
  id: string | null = null
  /** There is no such source any more: nothing can be taken from it, nor does it limit anything. */
  isGone = false
  /** Counters have changed that the control plane does not know. */
  isUntold = false
  #granted = NONE
  #returned = NONE
  #used = NONE
  /** Nothing more may be taken: its window is over, or the control plane has taken back what was left of it. */
  #isClosed = false
  /** Granted, and neither returned, nor used, nor reserved. Below nothing when a request cost more than it had reserved. */
  #rest = NONE
  /** Requests under way that have reserved of it. */
  #open = 0
  /** Nothing may be reserved from here on. */
  #deadlineMs = Number.NEGATIVE_INFINITY
  /** With less than this left, more is asked for in the background. */
  #lowWater = NONE
  #slice = NONE
  /** What the last request reserved. */
  #last = NONE
  #lastUsedMs = Number.NEGATIVE_INFINITY
  #usedBefore = NONE
  #burnPerSecond = NONE
  #edgeUntilMs = Number.NEGATIVE_INFINITY
  #refused: Refused | null = null
  #left = NONE
  #state: { state: SourceState; toldMs: number } | null = null

  constructor(
    /** Names it among all sources. */
    readonly key: string,
    readonly source: LeaseSource,
    /** When its window is over, in milliseconds since the epoch; null: never, or nobody knows. */
    readonly resetMs: number | null,
  ) {}

  /** How its source stands; null when the control plane has not said so in a while. */
  stateAt(nowMs: number): SourceState | null {
    return this.#state !== null && nowMs - this.#state.toldMs < STATE_MS ? this.#state.state : null
  }

  /** What a request may still reserve. */
  free(nowMs: number): bigint {
    return nowMs < this.#deadlineMs && !this.#isClosed && this.#rest > NONE ? this.#rest : NONE
  }

  /** Free or reserved. */
  get held(): bigint {
    return this.#granted - this.#returned - this.#used
  }

  /** Nothing was ever given. */
  get isNew(): boolean {
    return this.#granted === NONE
  }

  canReserve(amount: bigint, nowMs: number): boolean {
    return this.#rest >= amount && nowMs < this.#deadlineMs && !this.#isClosed
  }

  /** To be followed by exactly one `settle`. @returns whether it is time to ask for more */
  reserve(amount: bigint, nowMs: number): boolean {
    this.#rest -= amount
    this.#open += 1
    this.#last = amount
    this.#lastUsedMs = nowMs
    return this.#rest < this.#lowWater
  }

  /**
   * The request is over. What it cost beyond all that is left here is nobody's lease: the control plane tells it as an excess.
   */
  settle(amount: bigint, cost: bigint): void {
    this.#open -= 1
    this.#rest += amount
    if (cost === NONE) return
    const { held } = this
    const paid = cost < held ? cost : held
    this.#used += paid
    this.#rest -= paid
    this.isUntold = true
  }

  /** What is not needed by requests under way is given back. @returns whether there was any */
  giveBack(): boolean {
    if (this.#rest <= NONE) return false
    this.#returned += this.#rest
    this.#rest = NONE
    this.#lowWater = NONE
    this.isUntold = true
    return true
  }

  /** Others need it more: it is given back, and asked for again only as it is needed. */
  recall(nowMs: number): boolean {
    this.#edgeUntilMs = nowMs + EDGE_MS
    this.#slice = NONE
    return this.giveBack()
  }

  /** Called about once a second. @returns whether the control plane has to hear of it */
  sweep(nowMs: number, wallMs: number): boolean {
    const burnt = this.#used - this.#usedBefore
    this.#usedBefore = this.#used
    const faded = (this.#burnPerSecond * 4n) / 5n
    this.#burnPerSecond = burnt > faded ? burnt : faded
    const isOver = this.isOver(wallMs)
    if ((isOver || nowMs - this.#lastUsedMs > IDLE_MS) && (this.giveBack() || this.isUntold)) return true
    return this.isExpiring(nowMs)
  }

  /** Its time is soon over, and something is held of it: also of a window that is over, by requests that began in it. */
  isExpiring(nowMs: number): boolean {
    return this.held > NONE && nowMs > this.#deadlineMs - RENEW_MS
  }

  isOver(wallMs: number): boolean {
    return this.#isClosed || this.isGone || this.isWindowOver(wallMs)
  }

  isWindowOver(wallMs: number): boolean {
    return this.resetMs !== null && wallMs >= this.resetMs
  }

  /** Nothing is held, and everything has been told. */
  get isEmpty(): boolean {
    return this.#open === 0 && !this.isUntold && this.held <= NONE
  }

  /** There is plenty, as far as is known: more may be asked for before it is needed. */
  mayRefill(nowMs: number): boolean {
    return nowMs >= this.#edgeUntilMs && !this.#isClosed && !this.isGone
  }

  /** Whether so much was refused no longer ago than this. */
  isRefused(amount: bigint, nowMs: number, withinMs: number): boolean {
    const refused = this.#refused
    return refused !== null && nowMs - refused.atMs < withinMs && amount - this.free(nowMs) >= refused.least
  }

  /** Limits are others now. */
  forgetRefusal(): void {
    this.isGone = false
    this.#refused = null
    this.#edgeUntilMs = Number.NEGATIVE_INFINITY
  }

  /** What to say of it: `want` and `least` are beyond what was given until now. */
  ask(want: bigint, least: bigint): LeaseAsk {
    this.isUntold = false
    return {
      source: this.source,
      ...(this.id === null ? {} : { lease_id: this.id }),
      known: String(this.#granted),
      returned: String(this.#returned),
      used: String(this.#used),
      want: String(want < ASKED_MAX ? want : ASKED_MAX),
      least: String(least < ASKED_MAX ? least : ASKED_MAX),
    }
  }

  /** How much more to ask for when requests lack `lack` together, or none does. @param amount of one of them */
  wanted(lack: bigint, amount: bigint, nowMs: number): bigint {
    if (!this.mayRefill(nowMs)) return lack
    let most = amount * REQUESTS
    if (this.#slice > most) most = this.#slice
    const burn = this.#burnPerSecond * BURN_SECONDS
    if (burn > most) most = burn
    return lack > most ? lack : most
  }

  /** The least that is worth an answer when more is asked for in the background: enough for one more request. */
  get usual(): bigint {
    return this.#last
  }

  /** @param askedMs before the ask was sent: what is counted from there is never too late */
  take(answer: LeaseAnswer, askedMs: number): void {
    const granted = BigInt(answer.granted)
    this.id = answer.lease_id
    this.#isClosed = answer.is_closed
    this.#deadlineMs = askedMs + answer.expires_in_ms - LEASE_SLACK_SECONDS * 1_000
    // Of one that is closed nothing can be used: what this process has not seen of it is not its own to give back.
    if (granted <= this.#granted || answer.is_closed) return
    this.#slice = granted - this.#granted
    this.#granted = granted
    this.#rest += this.#slice
    this.#left -= this.#slice
    this.#refused = null
    const half = this.#slice / 2n
    this.#lowWater = half > this.#burnPerSecond ? half : this.#burnPerSecond
  }

  tell(state: SourceState, nowMs: number): void {
    this.#state = { state, toldMs: nowMs }
    this.#left = nanoUsdOf(state.limit_usd) - nanoUsdOf(state.committed_usd) - nanoUsdOf(state.held_usd)
  }

  /** What nobody has of its source; null when the control plane has not said so in a while. */
  leftAt(nowMs: number): bigint | null {
    return this.stateAt(nowMs) === null ? null : this.#left
  }

  /** Less is left than was wanted: for a while only what is needed is asked for. */
  tighten(nowMs: number): void {
    this.#edgeUntilMs = nowMs + EDGE_MS
    this.#lowWater = NONE
  }

  refuse(least: bigint, nowMs: number): void {
    this.#refused = { least, atMs: nowMs }
    this.tighten(nowMs)
  }
}
