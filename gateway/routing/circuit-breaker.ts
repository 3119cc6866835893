export type BreakerSettings = {
  /** Failures in a row that open it. */
  failureThreshold: number
  cooldownMs: number
  /** Trial calls after the cooldown; all of them must succeed. */
  halfOpenProbes: number
}

export type BreakerState = 'closed' | 'open' | 'half_open'

/** Which state of a breaker a call was made in; null for one made although the breaker was open. */
export type BreakerTurn = number | null

/**
 * Keeps calls away from a target that fails: closed until too many failures in a row, then open for the cooldown, then
 * half open for a few trial calls. Times are `performance.now()` milliseconds, given by the caller.
 *
 * A call says something about the turn that it was made in only: one that began before the breaker opened neither closes it
 * nor keeps it open, however late it ends.
 */
export class CircuitBreaker {
  #turn = 0
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

  /** @returns what the end of the call is told with */
  begin(nowMs: number, settings: BreakerSettings): BreakerTurn {
    const state = this.stateAt(nowMs, settings)
    if (state === 'half_open') this.#probesOut += 1
    return state === 'open' ? null : this.#turn
  }

  succeed(turn: BreakerTurn, settings: BreakerSettings): void {
    if (turn !== this.#turn) return
    this.#failures = 0
    if (this.#openedMs === null) return
    this.#probesWell += 1
    if (this.#probesWell >= settings.halfOpenProbes) this.#enter(null)
  }

  fail(turn: BreakerTurn, nowMs: number, settings: BreakerSettings): void {
    if (turn !== this.#turn) return
    this.#failures += 1
    if (this.#openedMs !== null || this.#failures >= settings.failureThreshold) this.open(nowMs)
  }

  /** The call said nothing about the target: its caller left, or the request itself was refused. */
  abstain(turn: BreakerTurn): void {
    if (turn === this.#turn && this.#probesOut > 0) this.#probesOut -= 1
  }

  /** Whatever was counted so far. */
  open(nowMs: number): void {
    this.#enter(nowMs)
  }

  #enter(openedMs: number | null): void {
    this.#turn += 1
    this.#openedMs = openedMs
    this.#failures = 0
    this.#probesOut = 0
    this.#probesWell = 0
  }
}
