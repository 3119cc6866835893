import { setTimeout as sleep } from 'node:timers/promises'
import { type LimitLeases as Leased, type LimitLeaseAsk, ownShareOf } from '@/lib/contract/limits'
import type { Allowance, Limit } from './limiter'

/** Asks the control plane. May reject: then nothing was granted. */
export type AskForLeases = (asks: readonly LimitLeaseAsk[]) => Promise<Leased>

type Slice = {
  limit: Limit
  startMs: number
  granted: number
  needed: number
  isAsked: boolean
  isExhausted: boolean
}

/** A gateway whose control plane is slow begins to serve all the same. */
const FIRST_ANSWER_MS = 500
const ASKS_MAX = 100
const SLICES_MAX = 200_000
/** With nothing to ask for, how often a gateway hears how many there are. */
const IDLE_MS = 10_000
/** The control plane is taken for away when it has not answered for this long. */
const AWAY_MS = 10_000
/** Before a window ends, slices of the next one are asked for by those who used this one. */
const AHEAD_MS = 5_000

/**
 * Slices of windows that several gateways share: the control plane hands them out so that they never come to more than the
 * limit. They are asked for in the background, ahead of need; a request never waits for one.
 *
 * A gateway alone needs none. While the control plane is away, each keeps to an equal share.
 */
export class LimitLeases implements Allowance {
  readonly #ask: AskForLeases | null
  readonly #processes: number
  readonly #nowMs: () => number
  readonly #failed: (cause: unknown) => void
  readonly #slices = new Map<string, Slice>()
  readonly #wanting = new Set<string>()
  #gateways = 1
  #answeredMs: number
  #asking: Promise<void> | null = null

  /**
   * @param ask null for a gateway without a control plane
   * @param processes of this gateway that count each by itself, with what the gateway has divided among them
   * @param nowMs monotonic
   */
  constructor(
    ask: AskForLeases | null,
    processes: number,
    failed: (cause: unknown) => void,
    nowMs = () => performance.now(),
  ) {
    this.#ask = ask
    this.#processes = processes
    this.#failed = failed
    this.#nowMs = nowMs
    this.#answeredMs = nowMs()
  }

  of(limit: Limit, startMs: number): number {
    if (this.#isAlone) return limit.max
    const own = this.#isAway ? Math.floor(limit.max / this.#gateways / this.#processes) : this.#ownShareOf(limit)
    return Math.min(limit.max, own + (this.#slices.get(nameOf(limit, startMs))?.granted ?? 0))
  }

  isPending(limit: Limit, startMs: number): boolean {
    const slice = this.#slices.get(nameOf(limit, startMs))
    return slice !== undefined && !slice.isExhausted && !this.#isAway
  }

  need(limit: Limit, startMs: number, amount: number): void {
    if (this.#isAlone || this.#ask === null) return
    const name = nameOf(limit, startMs)
    let slice = this.#slices.get(name)
    if (slice === undefined) {
      if (this.#slices.size >= SLICES_MAX) return
      slice = { limit, startMs, granted: 0, needed: 0, isAsked: false, isExhausted: false }
      this.#slices.set(name, slice)
    }
    slice.needed = Math.max(slice.needed, amount)
    if (this.#missing(slice) === 0 || slice.isAsked || slice.isExhausted) return
    this.#wanting.add(name)
    if (this.#asking === null) queueMicrotask(() => this.#askNow())
  }

  /** Asks once, so that it is known how many gateways there are, and waits for a moment. Never rejects. */
  async start(): Promise<void> {
    this.#askNow(true)
    if (this.#asking !== null) await Promise.race([this.#asking, sleep(FIRST_ANSWER_MS, undefined, { ref: false })])
  }

  /** Called about once a second. @param wallMs the time of the control plane */
  sweep(wallMs: number): void {
    for (const [name, slice] of this.#slices) {
      const endsMs = slice.startMs + slice.limit.windowMs
      if (endsMs + slice.limit.windowMs < wallMs) {
        this.#slices.delete(name)
        this.#wanting.delete(name)
      } else if (slice.needed > 0 && endsMs > wallMs && endsMs - wallMs <= AHEAD_MS) {
        this.need(slice.limit, endsMs, Math.min(slice.limit.max, Math.ceil(slice.needed / 2)))
      }
    }
    const isDue = this.#nowMs() - this.#answeredMs >= IDLE_MS
    if (this.#wanting.size > 0 || isDue) this.#askNow(isDue)
  }

  /** Half as much again as is needed by now, less what is there. */
  #missing({ limit, granted, needed }: Slice): number {
    const wanted = Math.min(limit.max, needed + Math.max(1, Math.ceil(needed / 2)))
    return Math.max(0, wanted - granted - this.#ownShareOf(limit))
  }

  get #isAway(): boolean {
    return this.#ask === null || this.#nowMs() - this.#answeredMs > AWAY_MS + IDLE_MS
  }

  get #isAlone(): boolean {
    return this.#gateways * this.#processes === 1
  }

  #ownShareOf({ max }: Limit): number {
    return Math.floor(ownShareOf(max, this.#gateways) / this.#processes)
  }

  #askNow(evenForNothing = false): void {
    if (this.#ask === null || this.#asking !== null || (this.#wanting.size === 0 && !evenForNothing)) return
    const slices: Slice[] = []
    for (const name of this.#wanting) {
      const slice = this.#slices.get(name)
      this.#wanting.delete(name)
      if (slice === undefined || this.#missing(slice) === 0) continue
      slice.isAsked = true
      slices.push(slice)
      if (slices.length === ASKS_MAX) break
    }
    if (slices.length === 0 && !evenForNothing) return
    this.#asking = this.#ask(slices.map((slice) => askOf(slice, this.#missing(slice))))
      .then((answer) => this.#take(slices, answer))
      .catch((cause: unknown) => {
        for (const { limit, startMs } of slices) this.#wanting.add(nameOf(limit, startMs))
        this.#failed(cause)
        return false
      })
      .then((isAnswered) => {
        for (const slice of slices) slice.isAsked = false
        this.#asking = null
        // After a failure the next look does it: a control plane in trouble is not asked in a loop.
        if (isAnswered && this.#wanting.size > 0) this.#askNow()
      })
  }

  #take(slices: readonly Slice[], { granted, gateways }: Leased): boolean {
    this.#answeredMs = this.#nowMs()
    this.#gateways = Math.max(1, gateways)
    for (const [at, slice] of slices.entries()) {
      const more = granted[at] ?? 0
      slice.granted += more
      slice.isExhausted = more === 0
      if (!slice.isExhausted && this.#missing(slice) > 0) this.#wanting.add(nameOf(slice.limit, slice.startMs))
    }
    return true
  }
}

const nameOf = ({ name, windowMs, holder, max }: Limit, startMs: number): string =>
  `${name} ${windowMs} ${max} ${startMs} ${holder}`

const askOf = ({ limit, startMs }: Slice, wanted: number): LimitLeaseAsk => ({
  name: limit.name,
  holder: limit.holder,
  window_ms: limit.windowMs,
  window_start_ms: startMs,
  max: limit.max,
  wanted,
})
