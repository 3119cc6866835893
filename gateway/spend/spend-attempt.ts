import { setTimeout as sleep } from 'node:timers/promises'
import type { Lease } from './lease'
import type { LeaseHolder } from './lease-holder'
import type { Evaluated } from './refused-spend'
import type { Part } from './reservation'
import type { SpendCandidates } from './spend-candidates'
import type { BudgetRule, SpendMatch } from './spend-rules'
import { NEEDS_MAX, type Need, type Told } from './waiting'

/** How long a request waits for the control plane, all its questions together. */
const WAIT_MS = 1_000
/** Between two questions while others give back. */
const AGAIN_MS = 50
/** For so long a wallet that was empty is passed over. */
const EMPTY_MS = 5_000

export type AttemptFailure = 'budget_exceeded' | 'wallet_depleted' | 'budget_unavailable'

/** Something that is needed and not there. `budget` is null for a wallet. */
type Lack = Part & { budget: BudgetRule | null }

/**
 * One request on its way to be covered: by every budget that counts it, and by the first wallet that can pay. It takes from
 * all of them or from none.
 */
export class SpendAttempt {
  readonly #match: SpendMatch
  readonly #candidates: SpendCandidates
  readonly #holder: LeaseHolder
  readonly #atMs: number
  readonly #nowMs: () => number
  /** Budgets that let requests go on while nobody can be asked. */
  readonly #alone = new Set<BudgetRule>()
  /** Providers whose budget has no room. */
  readonly #leftOut = new Set<string>()
  #walletAt = 0
  #wasAway = false
  #lacking: Lack[] = []
  #failure: AttemptFailure | null = null
  /** A wallet was passed over that was empty a while ago. */
  #wasSkipped = false
  #isLastRound = false
  /** What was refused last. */
  #short: Need | null = null

  /** @param atMs when the request started, in milliseconds since the epoch: it belongs to the windows of that moment */
  constructor(match: SpendMatch, candidates: SpendCandidates, holder: LeaseHolder, atMs: number, nowMs: () => number) {
    this.#match = match
    this.#candidates = candidates
    this.#holder = holder
    this.#atMs = atMs
    this.#nowMs = nowMs
  }

  get wentOnAlone(): boolean {
    return this.#alone.size > 0
  }

  /** What is held already has to do. @returns null when it does not, and then nothing was taken */
  tryNow(): Part[] | null {
    const nowMs = this.#nowMs()
    const parts: Part[] = []
    const lacking: Lack[] = []
    const { amount: most } = this.#candidates
    for (const budget of this.#match.budgets) {
      const { provider } = budget
      const amount = provider === null ? most : this.#candidates.amountAt(provider)
      if (amount === 0n || this.#alone.has(budget)) continue
      const lease = this.#holder.ofBudget(budget.windowAt(this.#atMs))
      if (lease === null) this.#failure = 'budget_unavailable'
      else if (lease.canReserve(amount, nowMs)) parts.push({ lease, amount, provider })
      else if (!lease.isGone) lacking.push({ lease, amount, provider, budget })
    }
    const wallet = this.#match.wallets === null || most === 0n ? null : this.#nextWallet()
    if (wallet?.canReserve(most, nowMs)) parts.push({ lease: wallet, amount: most, provider: null })
    else if (wallet !== null) lacking.push({ lease: wallet, amount: most, provider: null, budget: null })
    this.#lacking = lacking
    if (lacking.length > 0 || this.#failure !== null) return null
    this.#holder.reserve(parts, nowMs)
    return parts
  }

  /** Waits for the control plane, as often as it helps, for about a second. */
  async tryWithMore(): Promise<Part[] | AttemptFailure> {
    const untilMs = performance.now() + WAIT_MS
    for (;;) {
      const end = await this.#tryUntilClear(untilMs)
      if (typeof end !== 'string' || !(await this.#findsMore(end, untilMs))) return end
    }
  }

  async #tryUntilClear(untilMs: number): Promise<Part[] | AttemptFailure> {
    for (;;) {
      const parts = this.tryNow()
      if (parts !== null) return parts
      if (this.#failure === 'wallet_depleted' && this.#wasSkipped) {
        this.#beginWalletsAnew()
        continue
      }
      if (this.#failure !== null) return this.#failure
      const needs = this.#askedFirst()
      const told = (await within(this.#ask(needs, untilMs), untilMs)) ?? this.#tooLate(needs)
      if (told.kind === 'more') continue
      if (told.kind === 'away') this.#goOnAlone(needs)
      else if (told.isRecalled && performance.now() + AGAIN_MS < untilMs) await sleep(AGAIN_MS)
      else this.#goOnWithout(needs, told)
      if (this.#failure !== null) return this.#failure
    }
  }

  /**
   * A refusal tells how everything stands that had a say; what the control plane has not said lately is asked for together
   * with what was short.
   *
   * @returns whether there is something now
   */
  async #findsMore(failure: AttemptFailure, untilMs: number): Promise<boolean> {
    const short = this.#short
    if (short === null || failure === 'budget_unavailable') return false
    const nowMs = this.#nowMs()
    const others = this.evaluated().filter(({ lease }) => lease !== short.lease && lease.isStateDue(nowMs))
    if (others.length === 0) return false
    const needs = [short, ...others.map(({ lease }) => ({ lease, amount: 0n }))].slice(0, NEEDS_MAX)
    this.#short = null // asked once
    const told = await within(this.#holder.more(needs, untilMs, 0), untilMs)
    if (told?.kind !== 'more') return false
    this.#failure = null
    this.#walletAt = 0
    return true
  }

  /** All budgets and wallets that had a say. */
  evaluated(): Evaluated[] {
    const all: Evaluated[] = []
    for (const budget of this.#match.budgets) {
      const { provider } = budget
      const hasSay = provider === null || this.#leftOut.has(provider) || this.#candidates.amountAt(provider) > 0n
      const lease = hasSay ? this.#holder.ofBudget(budget.windowAt(this.#atMs)) : null
      if (lease !== null && !lease.isGone) all.push({ budget, lease })
    }
    for (const id of this.#match.wallets?.slice(0, this.#walletAt + 1) ?? []) {
      const lease = this.#holder.ofWallet(id)
      if (lease !== null) all.push({ budget: null, lease })
    }
    return all
  }

  /** Those of one provider are asked for by themselves: that there is no room decides on its targets only. */
  #askedFirst(): readonly Lack[] {
    const [first] = this.#lacking
    const ofAll = this.#lacking.filter(({ provider }) => provider === null)
    const needs = ofAll.length > 0 ? ofAll : this.#lacking.filter(({ provider }) => provider === first?.provider)
    return needs.slice(0, NEEDS_MAX)
  }

  /** A wallet that was empty is left alone for a while, as long as another one pays. */
  #ask(needs: readonly Lack[], untilMs: number): Promise<Told> {
    const nowMs = this.#nowMs()
    const isOfCascade = needs.every(({ budget }) => budget === null) && !this.#isLastRound
    if (isOfCascade && needs.some(({ lease, amount }) => lease.isRefused(amount, nowMs, EMPTY_MS))) {
      this.#wasSkipped = true
      return this.#holder.more(needs, untilMs, EMPTY_MS)
    }
    return this.#holder.more(needs, untilMs)
  }

  /** Nobody is refused for what was so a while ago. */
  #beginWalletsAnew(): void {
    this.#isLastRound = true
    this.#wasSkipped = false
    this.#walletAt = 0
    this.#failure = null
  }

  /** Nobody waits any longer: what was said last counts, as far as it says anything. */
  #tooLate(needs: readonly Lack[]): Told {
    const nowMs = this.#nowMs()
    const short = needs.find(({ lease, amount }) => {
      const left = lease.leftAt(nowMs)
      return left !== null && lease.free(nowMs) + left < amount
    })
    return short === undefined ? { kind: 'away' } : { kind: 'short', lease: short.lease, isRecalled: true }
  }

  #goOnAlone(needs: readonly Lack[]): void {
    this.#wasAway = true
    for (const need of needs) {
      if (need.budget?.mayGoOnAlone) this.#alone.add(need.budget)
      else this.#leave(need, 'budget_unavailable')
    }
  }

  #goOnWithout(needs: readonly Lack[], { lease, isRecalled }: Told & { kind: 'short' }): void {
    const need = needs.find((one) => one.lease === lease)
    if (need === undefined) return
    this.#short = need
    const nowMs = this.#nowMs()
    // Others had their time to give back: whoever comes next need not wait for it again.
    if (isRecalled) lease.refuse(need.amount - lease.free(nowMs), nowMs)
    this.#leave(need, 'budget_exceeded')
  }

  #leave({ budget, provider }: Lack, failure: AttemptFailure): void {
    if (budget === null) {
      this.#walletAt += 1
      return
    }
    if (provider !== null) {
      this.#leftOut.add(provider)
      this.#candidates.leaveOut(provider)
      if (!this.#candidates.isEmpty) return
    }
    this.#failure ??= this.#wasAway ? 'budget_unavailable' : failure
  }

  /** The first that may still pay. */
  #nextWallet(): Lease | null {
    const wallets = this.#match.wallets ?? []
    for (; this.#walletAt < wallets.length; this.#walletAt++) {
      const lease = this.#holder.ofWallet(wallets[this.#walletAt] ?? '')
      if (lease !== null && !lease.isGone) return lease
    }
    this.#failure ??= this.#wasAway ? 'budget_unavailable' : 'wallet_depleted'
    return null
  }
}

/** @param untilMs of `performance.now()` @returns null when it takes longer */
async function within(told: Promise<Told>, untilMs: number): Promise<Told | null> {
  const ms = untilMs - performance.now()
  if (ms <= 0) return null
  const patience = new AbortController()
  try {
    return await Promise.race([told, sleep(ms, null, { signal: patience.signal })])
  } finally {
    patience.abort()
  }
}
