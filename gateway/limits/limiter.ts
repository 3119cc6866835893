/** One bound that a request falls under. Windows begin at whole multiples of their length since the epoch, as clocks do. */
export type Limit = {
  /** Shown to callers in `RateLimit-Policy`: such as `key-requests`. */
  name: string
  /** Whose it is: such as `key tok_...`. Together with `name` it names the counter. */
  holder: string
  counts: 'requests' | 'tokens' | 'parallel'
  max: number
  /** Milliseconds; 0 for `parallel`, which has no window. */
  windowMs: number
}

export type LimitStatus = { limit: Limit; remaining: number; resetMs: number }

/** What a request holds of its limits until it is over. */
export type Hold = {
  readonly limits: readonly Limit[]
  readonly tokens: number
  readonly atMs: number
  /** Where it was counted together with other gateways or processes; null: here. */
  readonly shared: { by: SharedCounter; id: string; statuses: readonly LimitStatus[] } | null
}

/** Whoever counts for several. */
export type SharedCounter = { release(hold: Hold, tokens: number | null): void }

export type Taken = { hold: Hold; exceeded: null } | { hold: null; exceeded: LimitStatus }

/** How much of a window is this gateway's, where several share a limit. */
export type Allowance = {
  /** @returns at most `limit.max`; all of it when nobody else counts */
  of(limit: Limit, startMs: number): number
  /** Whether more is on its way, so that it pays to come again soon. */
  isPending(limit: Limit, startMs: number): boolean
  /** Told what this gateway would need of the window by now, whether it could be given or not. */
  need(limit: Limit, startMs: number, amount: number): void
}

type Counter = { startMs: number; used: number; endsMs: number }

/** By then a gateway has been given more of a window, or knows that there is no more. */
const PENDING_MS = 1_000
/** Counters kept at once. They are small; a caller can make new ones only by new keys or addresses. */
const COUNTERS_MAX = 200_000

/**
 * Counts requests, tokens and calls under way, exactly within this process: a request takes from all its limits or from
 * none. Times are milliseconds since the epoch, given by the caller.
 */
export class Limiter {
  readonly #counters = new Map<string, Counter>()
  readonly #allowance: Allowance | null

  constructor(allowance: Allowance | null = null) {
    this.#allowance = allowance
  }

  get size(): number {
    return this.#counters.size
  }

  /**
   * @param tokens what the request may cost, as far as it can be told before: settled to what it did cost
   */
  take(limits: readonly Limit[], tokens: number, nowMs: number): Taken {
    for (const limit of limits) {
      const used = this.#usedOf(limit, nowMs)
      const wanted = limit.counts === 'tokens' ? tokens : 1
      const allowed = this.#allowedOf(limit, nowMs)
      // A request that is larger than the whole window passes an untouched one: it could never run otherwise.
      const isFresh = limit.counts === 'tokens' && used === 0 && limit.max > 0 && allowed === limit.max
      if (used + wanted <= allowed || isFresh) continue
      this.#tellNeed(limit, nowMs, used + wanted)
      return { hold: null, exceeded: this.statusOf(limit, nowMs) }
    }
    for (const limit of limits) {
      const counter = this.#counterOf(limit, nowMs)
      counter.used += limit.counts === 'tokens' ? tokens : 1
      this.#tellNeed(limit, nowMs, counter.used)
    }
    return { hold: { limits, tokens, atMs: nowMs, shared: null }, exceeded: null }
  }

  /**
   * The request is over. Tokens are put right in the window in which they were taken, if it is still running.
   *
   * @param tokens what it did cost; null when nobody said, so that the estimate stays
   */
  release({ limits, tokens: held, atMs }: Hold, tokens: number | null): void {
    for (const limit of limits) {
      const counter = this.#counters.get(nameOf(limit))
      if (counter === undefined) continue
      if (limit.counts === 'parallel') this.#giveBack(limit, counter)
      else if (limit.counts === 'tokens' && tokens !== null && atMs >= counter.startMs && atMs < counter.endsMs) {
        counter.used = Math.max(0, counter.used + tokens - held)
      }
    }
  }

  statusOf(limit: Limit, nowMs: number): LimitStatus {
    const remaining = Math.max(0, this.#allowedOf(limit, nowMs) - this.#usedOf(limit, nowMs))
    if (limit.windowMs === 0) return { limit, remaining, resetMs: 0 }
    const sinceMs = nowMs % limit.windowMs
    const isPending = remaining === 0 && this.#allowance?.isPending(limit, nowMs - sinceMs) === true
    const resetMs = limit.windowMs - sinceMs
    return { limit, remaining, resetMs: isPending ? Math.min(PENDING_MS, resetMs) : resetMs }
  }

  /** Forgets windows that have ended; called about once a second. */
  sweep(nowMs: number): void {
    for (const [name, counter] of this.#counters) if (counter.endsMs <= nowMs) this.#counters.delete(name)
  }

  #allowedOf(limit: Limit, nowMs: number): number {
    if (this.#allowance === null || limit.windowMs === 0) return limit.max
    return this.#allowance.of(limit, nowMs - (nowMs % limit.windowMs))
  }

  #tellNeed(limit: Limit, nowMs: number, amount: number): void {
    if (limit.windowMs > 0) this.#allowance?.need(limit, nowMs - (nowMs % limit.windowMs), amount)
  }

  #usedOf(limit: Limit, nowMs: number): number {
    const counter = this.#counters.get(nameOf(limit))
    return counter === undefined || counter.endsMs <= nowMs ? 0 : counter.used
  }

  #counterOf(limit: Limit, nowMs: number): Counter {
    const name = nameOf(limit)
    const known = this.#counters.get(name)
    if (known !== undefined && known.endsMs > nowMs) return known
    if (known === undefined && this.#counters.size >= COUNTERS_MAX) this.#makeRoom(nowMs)
    const startMs = limit.windowMs === 0 ? nowMs : nowMs - (nowMs % limit.windowMs)
    const counter = { startMs, used: 0, endsMs: limit.windowMs === 0 ? Infinity : startMs + limit.windowMs }
    this.#counters.set(name, counter)
    return counter
  }

  #giveBack(limit: Limit, counter: Counter): void {
    counter.used -= 1
    if (counter.used <= 0) this.#counters.delete(nameOf(limit))
  }

  /** Windows that have ended go first; after them the oldest window, never a count of calls under way. */
  #makeRoom(nowMs: number): void {
    this.sweep(nowMs)
    if (this.#counters.size < COUNTERS_MAX) return
    for (const [name, counter] of this.#counters) {
      if (counter.endsMs === Infinity) continue
      this.#counters.delete(name)
      return
    }
  }
}

const nameOf = (limit: Limit): string => `${limit.name} ${limit.windowMs} ${limit.holder}`

/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), flat `[name, value, ...]`; seconds are
 * rounded up, so that nobody comes back too early.
 */
export function rateLimitFields(statuses: readonly LimitStatus[]): string[] {
  const windowed = statuses.filter(({ limit }) => limit.windowMs > 0)
  if (windowed.length === 0) return []
  const policy = windowed.map(({ limit }) => `"${limit.name}";q=${limit.max};w=${Math.ceil(limit.windowMs / 1_000)}`)
  const state = windowed.map(
    ({ limit, remaining, resetMs }) => `"${limit.name}";r=${remaining};t=${Math.ceil(resetMs / 1_000)}`,
  )
  return ['ratelimit-policy', policy.join(', '), 'ratelimit', state.join(', ')]
}
