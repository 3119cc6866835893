import { type BreakerSettings, type BreakerState, type BreakerTurn, CircuitBreaker } from './circuit-breaker'

/** Weight of a new sample in the moving average of latency. */
const SAMPLE_WEIGHT = 0.2
/** A latency nobody has measured for this long says nothing any more. */
const LATENCY_MS_MAX_AGE = 300_000
const BUSY_MS = 5_000

/** What this gateway has seen of one target. Kept across configurations: a reload does not heal a provider. */
export class TargetHealth {
  inFlight = 0
  readonly #breaker = new CircuitBreaker()
  #latencyMs: number | null = null
  #sampledMs = 0
  #retryAtMs = 0
  #busyUntilMs = 0
  #probesFailed = 0
  /** Models and secrets that it refused for them, and until when these are left alone. */
  readonly #resting = new Map<string, number>()

  /** Moving average of time to the first byte; null when there is no recent sample. */
  latencyAt(nowMs: number): number | null {
    return nowMs - this.#sampledMs > LATENCY_MS_MAX_AGE ? null : this.#latencyMs
  }

  stateAt(nowMs: number, settings: BreakerSettings): BreakerState {
    return this.#breaker.stateAt(nowMs, settings)
  }

  /** Whether a call may go there now: the breaker admits it, and no `Retry-After` of the target is running. */
  admits(nowMs: number, settings: BreakerSettings): boolean {
    return nowMs >= this.#retryAtMs && this.#breaker.admits(nowMs, settings)
  }

  /** @returns what the end of the call is told with */
  begin(nowMs: number, settings: BreakerSettings): BreakerTurn {
    this.inFlight += 1
    return this.#breaker.begin(nowMs, settings)
  }

  succeed(turn: BreakerTurn, nowMs: number, firstByteMs: number, settings: BreakerSettings): void {
    this.inFlight -= 1
    const before = this.latencyAt(nowMs)
    this.#latencyMs = before === null ? firstByteMs : before + (firstByteMs - before) * SAMPLE_WEIGHT
    this.#sampledMs = nowMs
    this.#breaker.succeed(turn, settings)
  }

  fail(turn: BreakerTurn, nowMs: number, settings: BreakerSettings): void {
    this.inFlight -= 1
    this.#breaker.fail(turn, nowMs, settings)
  }

  /**
   * It asked for patience, which is no failure: it is left alone for as long.
   *
   * @param patienceMs null when it did not say for how long; for a while others are asked before it then
   */
  defer(turn: BreakerTurn, nowMs: number, patienceMs: number | null): void {
    this.inFlight -= 1
    this.#breaker.abstain(turn)
    if (patienceMs === null) this.#busyUntilMs = nowMs + BUSY_MS
    else this.#retryAtMs = Math.max(this.#retryAtMs, nowMs + patienceMs)
  }

  isBusy(nowMs: number): boolean {
    return nowMs < this.#busyUntilMs
  }

  /**
   * Somebody looked, without a request. Only looks in a row open the breaker of a target that requests find well, and a
   * good one closes it only when it is time to try again: to answer such a question is less than to answer requests.
   */
  probed(isOk: boolean, nowMs: number, settings: BreakerSettings): void {
    this.#probesFailed = isOk ? 0 : this.#probesFailed + 1
    const state = this.#breaker.stateAt(nowMs, settings)
    if (isOk && state === 'half_open' && this.#breaker.admits(nowMs, settings)) {
      this.#breaker.succeed(this.#breaker.begin(nowMs, settings), settings)
    } else if (!isOk && (state !== 'closed' || this.#probesFailed >= settings.failureThreshold)) {
      this.#breaker.open(nowMs)
    }
  }

  abstain(turn: BreakerTurn): void {
    this.inFlight -= 1
    this.#breaker.abstain(turn)
  }

  /**
   * What one target refuses may be good for another, which may know other secrets. And it may be good here for another model:
   * callers choose these, and nobody is to lose a target because somebody else asked for what it does not serve.
   */
  restSecret(secret: string, model: string, untilMs: number): void {
    if (this.#resting.size >= RESTING_MAX) this.#resting.clear()
    this.#resting.set(`${model}\n${secret}`, untilMs)
  }

  isResting(secret: string, model: string, nowMs: number): boolean {
    return this.#resting.size > 0 && (this.#resting.get(`${model}\n${secret}`) ?? 0) > nowMs
  }
}

const RESTING_MAX = 100

/** Health by target; bounded, because ids come from configurations. */
export class HealthBook {
  readonly #byTarget = new Map<string, TargetHealth>()

  /** @param key id and address of the target: the same id at another address is another target */
  of(key: string): TargetHealth {
    const known = this.#byTarget.get(key)
    if (known !== undefined) return known
    if (this.#byTarget.size >= TARGETS_MAX) this.#forgetOneIdle()
    const health = new TargetHealth()
    this.#byTarget.set(key, health)
    return health
  }

  #forgetOneIdle(): void {
    for (const [key, health] of this.#byTarget) {
      if (health.inFlight > 0) continue
      this.#byTarget.delete(key)
      return
    }
  }
}

const TARGETS_MAX = 2_000
