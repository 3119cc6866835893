import type { BreakerSettings, BreakerTurn } from './circuit-breaker'
import { countsAgainstTarget, type FailureClass } from './failure-class'
import { RetryBudget } from './retry-budget'
import { type Candidate, type Choice, ordered, type RoutingStrategy } from './strategy'
import { HealthBook, type TargetHealth } from './target-health'

/** How attempts follow each other; the compiled form of `providers.routing`, `.fallback`, `.retry`, `.circuit_breaker`. */
export type RoutingSettings = {
  strategy: RoutingStrategy
  /** Requests of one conversation keep to one target. */
  stickyByConversation: boolean
  /** Failures after which another target, or the same one again, is tried. */
  triggers: ReadonlySet<FailureClass>
  /** All calls of a request together, the first included. */
  attemptsMax: number
  /** Extra calls per request over time, such as 0.1. */
  retryShare: number
  breaker: BreakerSettings
  /** When every target's breaker is open: try one all the same, or refuse at once. */
  allOpen: 'try' | 'refuse'
}

/** What routing has to know of a target. */
export type RoutableTarget = {
  id: string
  baseUrl: URL | null
  weight: number
  /** Nano-dollars for a million tokens; null when nobody stated a price. */
  pricing: { inputNanos: bigint; outputNanos: bigint } | null
  /** In the order in which they are tried; empty for a target that needs none. */
  secrets: readonly string[]
}

/** The next call to make. */
export type Attempt<T> = { target: T; secret: string | null; waitMs: number }

/** A refused secret is left alone for this long: it may have been put right by then. */
const CREDENTIAL_REST_MS = 60_000
/** The longest a request waits before it asks the only target there is once more. */
const WAIT_MS_MAX = 2_000
const WAIT_MS_FIRST = 100

export type RouterClock = { nowMs(): number; random(): number }

/** Chooses targets and learns from what becomes of them. One per gateway process. */
export class Router {
  readonly #clock: RouterClock
  readonly #book = new HealthBook()
  /** By the target of a configuration, so that no name is put together for each request. */
  readonly #known = new WeakMap<RoutableTarget, TargetHealth>()
  readonly #budget = new RetryBudget()
  readonly #turns = new Map<string, number>()

  constructor(clock: RouterClock) {
    this.#clock = clock
  }

  /**
   * @param tiers usable targets; those of a later tier are tried when those of the earlier ones have failed
   * @param group what takes turns together under `round_robin`, and what a secret is refused for: the model asked for
   */
  plan<T extends RoutableTarget>(
    tiers: readonly (readonly T[])[],
    group: string,
    conversationId: string | null,
    settings: RoutingSettings,
  ): Plan<T> {
    this.#budget.earn(settings.retryShare)
    const nowMs = this.#clock.nowMs()
    const choice: Choice = {
      strategy: settings.strategy,
      nowMs,
      random: this.#clock.random,
      turn: settings.strategy === 'round_robin' ? this.#turnOf(group) : 0,
      stickyKey: settings.stickyByConversation ? conversationId : null,
    }
    const inOrder = tiers.flatMap((tier) =>
      ordered(
        tier.map((target) => this.#candidate(target)),
        choice,
      ),
    )
    return new Plan(inOrder, group, settings, this.#clock, this.#budget)
  }

  healthOf(target: RoutableTarget): TargetHealth {
    const known = this.#known.get(target)
    if (known !== undefined) return known
    const health = this.#book.of(keyOf(target))
    this.#known.set(target, health)
    return health
  }

  #candidate<T extends RoutableTarget>(target: T): Candidate<T> {
    const { id, weight, pricing } = target
    const nanosPerMillion = pricing === null ? null : pricing.inputNanos + pricing.outputNanos
    return { target, id, weight, nanosPerMillion, health: this.healthOf(target) }
  }

  #turnOf(group: string): number {
    const turn = this.#turns.get(group) ?? 0
    if (this.#turns.size >= GROUPS_MAX && !this.#turns.has(group)) this.#turns.clear()
    this.#turns.set(group, turn + 1)
    return turn
  }
}

/** Models are named by callers; beyond this many, turns begin anew. */
const GROUPS_MAX = 10_000
const keyOf = ({ id, baseUrl }: RoutableTarget): string => `${id} ${baseUrl?.href ?? ''}`

/** The attempts of one request, one after the other. Each is followed by exactly one of `succeeded`, `failed`, `lost` and `abandoned`. */
export class Plan<T extends RoutableTarget> {
  readonly #queue: Candidate<T>[]
  readonly #group: string
  readonly #settings: RoutingSettings
  readonly #clock: RouterClock
  readonly #budget: RetryBudget
  /** Those of which all secrets are resting, and those that have too much to do. */
  readonly #last: Candidate<T>[] = []
  #current: Candidate<T> | null = null
  #secret: string | null = null
  #turn: BreakerTurn = null
  #attempts = 0
  #repeats = 0

  constructor(
    inOrder: readonly Candidate<T>[],
    group: string,
    settings: RoutingSettings,
    clock: RouterClock,
    budget: RetryBudget,
  ) {
    const nowMs = clock.nowMs()
    const admitted = inOrder.filter(({ health }) => health.admits(nowMs, settings.breaker))
    this.#queue = admitted.length > 0 || settings.allOpen === 'refuse' ? admitted : [...inOrder]
    this.#group = group
    this.#settings = settings
    this.#clock = clock
    this.#budget = budget
  }

  /** The first call; null when every target is to be left alone now. */
  first(): Attempt<T> | null {
    return this.#advance(0)
  }

  succeeded(firstByteMs: number): void {
    this.#current?.health.succeed(this.#turn, this.#clock.nowMs(), firstByteMs, this.#settings.breaker)
  }

  /** The call ended without saying anything about its target. */
  abandoned(): void {
    this.#current?.health.abstain(this.#turn)
  }

  /**
   * What follows a failure; only asked while the caller has not been sent a byte.
   *
   * @param retryAfterMs what the provider asked for
   * @returns null when the failure is the answer
   */
  failed(failure: FailureClass, retryAfterMs: number | null): Attempt<T> | null {
    const current = this.#current
    if (current === null) return null
    this.lost(failure, retryAfterMs)
    if (this.#attempts >= this.#settings.attemptsMax) return null
    if (failure === 'credential') return this.#otherSecret(current) ?? this.#advance(0)
    if (!this.#settings.triggers.has(failure)) return null
    // Another target that is well can take what the failing one cannot: only asking the same one again costs the budget.
    return this.#advance(0) ?? (this.#budget.spend() ? this.#again(current, retryAfterMs) : null)
  }

  /** A failure that nothing follows, because the caller has been sent a part of the answer. */
  lost(failure: FailureClass, retryAfterMs: number | null): void {
    const health = this.#current?.health
    if (health === undefined) return
    const nowMs = this.#clock.nowMs()
    if (countsAgainstTarget(failure)) health.fail(this.#turn, nowMs, this.#settings.breaker)
    else if (failure === 'rate_limited') health.defer(this.#turn, nowMs, retryAfterMs)
    else health.abstain(this.#turn)
    if (failure === 'credential' && this.#secret !== null)
      health.restSecret(this.#secret, this.#group, nowMs + CREDENTIAL_REST_MS)
  }

  #advance(waitMs: number): Attempt<T> | null {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      // Meanwhile others may have found it unwell.
      const isWell = this.#attempts === 0 || next.health.admits(this.#clock.nowMs(), this.#settings.breaker)
      if (!isWell) continue
      const secret = this.#secretOf(next)
      const isBusy = next.health.isBusy(this.#clock.nowMs())
      if (secret !== undefined && !isBusy) return this.#begin(next, secret, waitMs)
      this.#last.push(next)
    }
    // When nobody else is left: a secret may have been put right by now, or only one request been refused.
    const next = this.#last.shift()
    if (next === undefined) return null
    return this.#begin(next, this.#secretOf(next) ?? next.target.secrets[0] ?? null, waitMs)
  }

  #otherSecret(current: Candidate<T>): Attempt<T> | null {
    const secret = this.#secretOf(current)
    return secret === undefined || secret === this.#secret ? null : this.#begin(current, secret, 0)
  }

  /** The same target once more, when there is no other and it did not ask for too much patience. */
  #again(current: Candidate<T>, retryAfterMs: number | null): Attempt<T> | null {
    const backoffMs = WAIT_MS_FIRST * 2 ** this.#repeats * (0.5 + this.#clock.random())
    const waitMs = retryAfterMs ?? backoffMs
    const isOpen = !current.health.admits(this.#clock.nowMs() + waitMs, this.#settings.breaker)
    if (waitMs > WAIT_MS_MAX || isOpen) return null
    const secret = this.#secretOf(current)
    if (secret === undefined) return null
    this.#repeats += 1
    return this.#begin(current, secret, waitMs)
  }

  #begin(candidate: Candidate<T>, secret: string | null, waitMs: number): Attempt<T> {
    this.#attempts += 1
    this.#current = candidate
    this.#secret = secret
    this.#turn = candidate.health.begin(this.#clock.nowMs(), this.#settings.breaker)
    return { target: candidate.target, secret, waitMs }
  }

  /** The first secret that is not resting for what is asked; null for a target that needs none. */
  #secretOf({ target: { secrets }, health }: Candidate<T>): string | null | undefined {
    if (secrets.length === 0) return null
    const nowMs = this.#clock.nowMs()
    return secrets.find((secret) => !health.isResting(secret, this.#group, nowMs))
  }
}
