export type BreakerSettings = {
  /** Failures in a row that open it. */
  failureThreshold: number
  cooldownMs: number
  /** Trial calls after the cooldown; all of them must succeed. */
  halfOpenProbes: number
}

export type BreakerState = 'closed' | 'open' | 'half_open'

/**
 * Keeps calls away from a target that fails: closed until too many failures in a row, then open for the cooldown, then
 * half open for a few trial calls. Times are `performance.now()` milliseconds, given by the caller.
 */
export class CircuitBreaker {
  #failures = 0
  #openedMs: number | null = null
  #probesOut = 0
  #probesWell = 0

  stateAt(nowMs: number, settings: BreakerSettings): BreakerState {
    if (this.#openedMs === null) return 'closed'
    return nowMs - this.#openedMs < settings.cooldownMs ? 'open' : 'half_open'
  }

  /** Whether a call may be made now; `begin` has to follow when it is. */
  admits(nowMs: number, settings: BreakerSettings): boolean {
    const state = this.stateAt(nowMs, settings)
    return state === 'closed' || (state === 'half_open' && this.#probesOut < settings.halfOpenProbes)
  }

  begin(nowMs: number, settings: BreakerSettings): void {
    if (this.stateAt(nowMs, settings) === 'half_open') this.#probesOut += 1
  }

  succeed(settings: BreakerSettings): void {
    this.#failures = 0
    if (this.#openedMs === null) return
    this.#probesWell += 1
    if (this.#probesWell >= settings.halfOpenProbes) this.#close()
  }

  fail(nowMs: number, settings: BreakerSettings): void {
    this.#failures += 1
    if (this.#openedMs !== null || this.#failures >= settings.failureThreshold) this.open(nowMs)
  }

  /** The call said nothing about the target: its caller left, or the request itself was refused. */
  abstain(): void {
    if (this.#openedMs !== null && this.#probesOut > 0) this.#probesOut -= 1
  }

  /** Whatever was counted so far. */
  open(nowMs: number): void {
    this.#openedMs = nowMs
    this.#probesOut = 0
    this.#probesWell = 0
  }

  #close(): void {
    this.#openedMs = null
    this.#failures = 0
    this.#probesOut = 0
    this.#probesWell = 0
  }
}
