import { setTimeout as sleep } from 'node:timers/promises'
import type { RefusedBy } from '@/lib/contract/spend-shapes'
import type { Lease } from './lease'
import type { LeaseHolder } from './lease-holder'
import type { Evaluated } from './refused-spend'
import type { Part } from './reservation'
import type { SpendCandidates } from './spend-candidates'
import type { BudgetRule, SpendMatch } from './spend-rules'
import { NEEDS_MAX, type Need, type Told } from './waiting'

/** How long a request waits for the control plane while it answers, all its questions together. */
const WAIT_MS = 2_500
/** How long it waits for others to give back. */
const RECALL_MS = 2_000
/** How long a refusal waits to hear how everything stands. */
const STATES_MS = 750
/** Between two questions while others give back. */
const AGAIN_MS = 50
/** For so long a wallet that was empty is passed over. */
const EMPTY_MS = 5_000

export type AttemptFailure = 'budget_exceeded' | 'wallet_depleted' | 'budget_unavailable'

/** Something that is needed. `budget` is null for a wallet. */
type Needed = Part & { budget: BudgetRule | null }

/** A part of a question, and what became of it. */
type Asked = { needs: readonly Needed[]; told: Told }

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
  /** Budgets that had no room, or could not be asked. */
  readonly #refusing = new Set<BudgetRule>()
  #walletAt = 0
  #wasAway = false
  #needed: Needed[] = []
  #failure: AttemptFailure | null = null
  /** A wallet was passed over that was empty a while ago. */
  #wasSkipped = false
  #isLastRound = false
  /** Of the control plane, before this request asked. */
  #answersBefore = 0
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
    const needed: Needed[] = []
    const { amount: most } = this.#candidates
    for (const budget of this.#match.budgets) {
      const { provider } = budget
      const amount = provider === null ? most : this.#candidates.amountAt(provider)
      if (amount === 0n || this.#alone.has(budget)) continue
      const lease = this.#holder.ofBudgetAt(budget, this.#atMs)
      if (lease === null) {
        this.#refusing.add(budget)
        this.#failure = 'budget_unavailable'
      } else if (!lease.isGone || lease.canReserve(amount, nowMs)) needed.push({ lease, amount, provider, budget })
    }
    const wallet = this.#match.wallets === null || most === 0n ? null : this.#nextWallet()
    if (wallet !== null) needed.push({ lease: wallet, amount: most, provider: null, budget: null })
    this.#needed = needed
    if (this.#failure !== null || needed.some((need) => isLacking(need, nowMs))) return null
    this.#holder.reserve(needed, nowMs)
    return needed
  }

  /** Waits for the control plane, as often as it helps, for some seconds while it answers. */
  async tryWithMore(): Promise<Part[] | AttemptFailure> {
    const sinceMs = performance.now()
    this.#answersBefore = this.#holder.answers
    let statesUntilMs: number | null = null
    for (;;) {
      const end = await this.#tryUntilClear(sinceMs)
      if (typeof end === 'string') statesUntilMs ??= performance.now() + STATES_MS
      if (typeof end !== 'string' || !(await this.#findsMore(end, statesUntilMs ?? 0))) return end
    }
  }

  async #tryUntilClear(sinceMs: number): Promise<Part[] | AttemptFailure> {
    const untilMs = sinceMs + WAIT_MS
    for (;;) {
      const parts = this.tryNow()
      if (parts !== null) return parts
      if (this.#failure === 'wallet_depleted' && this.#wasSkipped) {
        this.#beginWalletsAnew()
        continue
      }
      if (this.#failure !== null) return this.#failure
      const asked = await Promise.all(this.#groups().map((needs) => this.#asked(needs, untilMs)))
      const mayAgain = performance.now() + AGAIN_MS < sinceMs + RECALL_MS
      let isRecalled = false
      for (const { needs, told } of asked) {
        if (told.kind === 'away') {
          const { leases } = told
          this.#wasAway ||= leases === undefined
          const nowMs = this.#nowMs()
          this.#goOnAlone(needs.filter((need) => leases?.has(need.lease) ?? isLacking(need, nowMs)))
        } else if (told.kind === 'short' && told.isRecalled && mayAgain) isRecalled = true
        else if (told.kind === 'short') this.#goOnWithout(needs, told)
      }
      if (this.#failure !== null) return this.#failure
      if (isRecalled) await sleep(AGAIN_MS)
    }
  }

  async #asked(needs: readonly Needed[], untilMs: number): Promise<Asked> {
    return { needs, told: (await within(this.#ask(needs, untilMs), untilMs)) ?? this.#tooLate(needs) }
  }

  /**
   * A refusal tells how everything stands that had a say; what the control plane has not said lately is asked for together
   * with what was short. Those that are refused at once ask the same, which is one question.
   *
   * @returns whether there is something now
   */
  async #findsMore(failure: AttemptFailure, untilMs: number): Promise<boolean> {
    const short = this.#short
    if (short === null || failure === 'budget_unavailable') return false
    const nowMs = this.#nowMs()
    const leases = this.evaluated().map(({ lease }) => lease)
    if (leases.every((lease) => lease.stateAt(nowMs) !== null)) return false
    const others = leases.filter((lease) => lease !== short.lease).slice(0, NEEDS_MAX - 1)
    const needs = leases.flatMap((lease) => {
      if (lease === short.lease) return [short]
      return others.includes(lease) ? [{ lease, amount: 0n }] : []
    })
    const told = await within(this.#holder.more(needs, untilMs, 0), untilMs)
    // Targets that were left out are not taken in again.
    if (told?.kind !== 'more' || this.#candidates.isEmpty) return false
    this.#failure = null
    this.#walletAt = 0
    for (const budget of this.#refusing) if (!this.#leftOut.has(budget.provider ?? '')) this.#refusing.delete(budget)
    return true
  }

  /** All budgets and wallets that had a say. */
  evaluated(): Evaluated[] {
    const all: Evaluated[] = []
    for (const budget of this.#match.budgets) {
      const { provider } = budget
      const hasSay = provider === null || this.#leftOut.has(provider) || this.#candidates.amountAt(provider) > 0n
      const lease = hasSay ? this.#holder.ofBudgetAt(budget, this.#atMs) : null
      if (lease !== null && !lease.isGone) all.push({ budget, lease })
    }
    for (const id of this.#match.wallets?.slice(0, this.#walletAt + 1) ?? []) {
      const lease = this.#holder.ofWallet(id)
      if (lease !== null) all.push({ budget: null, lease })
    }
    return all
  }

  /** Which of them is the cause that it is refused: those of the kind that its code names. */
  refusedBy(): RefusedBy[] {
    if (this.#failure === 'wallet_depleted') {
      const wallets = this.evaluated().flatMap(({ lease: { source } }) =>
        source.kind === 'wallet' ? [source.wallet_id] : [],
      )
      return wallets.map((id) => ({ kind: 'wallet', id, name: id }))
    }
    return [...this.#refusing].map(({ id, name }) => ({ kind: 'budget', id, name }))
  }

  /**
   * What is asked for together: all that is taken together and of which something is lacking. Where another provider may
   * answer, that a budget of one has no room decides on its targets only: such are groups of their own, in the same question.
   */
  #groups(): readonly (readonly Needed[])[] {
    const groups = new Map<string | null, Needed[]>()
    for (const need of this.#needed) {
      const { provider } = need
      const key = provider !== null && this.#candidates.isOnly(provider) ? null : provider
      const group = groups.get(key) ?? []
      if (group.length < NEEDS_MAX) group.push(need)
      groups.set(key, group)
    }
    const nowMs = this.#nowMs()
    return [...groups.values()].filter((needs) => needs.some((need) => isLacking(need, nowMs)))
  }

  /** A wallet that was empty is left alone for a while, as long as another one pays. */
  #ask(needs: readonly Needed[], untilMs: number): Promise<Told> {
    const nowMs = this.#nowMs()
    const isOfBudget = needs.some((need) => need.budget !== null && isLacking(need, nowMs))
    const isOfCascade = !isOfBudget && !this.#isLastRound
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

  /** Nobody waits any longer. A control plane that answers is not away: it had nothing to give in all that time. */
  #tooLate(needs: readonly Needed[]): Told {
    const nowMs = this.#nowMs()
    const lacking = needs.filter((need) => isLacking(need, nowMs))
    const [first] = lacking
    if (first === undefined) return { kind: 'more' }
    if (this.#holder.answers === this.#answersBefore) return { kind: 'away' }
    const short = lacking.find(({ lease, amount }) => {
      const left = lease.leftAt(nowMs)
      return left !== null && lease.free(nowMs) + left < amount
    })
    return { kind: 'short', lease: (short ?? first).lease, isRecalled: true }
  }

  #goOnAlone(needs: readonly Needed[]): void {
    for (const need of needs) {
      if (need.budget?.mayGoOnAlone) this.#alone.add(need.budget)
      else this.#leave(need, 'budget_unavailable')
    }
  }

  #goOnWithout(needs: readonly Needed[], { lease, isRecalled }: Told & { kind: 'short' }): void {
    const need = needs.find((one) => one.lease === lease)
    if (need === undefined) return
    this.#short = need
    const nowMs = this.#nowMs()
    // Others had their time to give back: whoever comes next need not wait for it again.
    if (isRecalled && isLacking(need, nowMs)) lease.refuse(need.amount - lease.free(nowMs), nowMs)
    this.#leave(need, 'budget_exceeded')
  }

  #leave({ budget, provider }: Needed, failure: AttemptFailure): void {
    if (budget === null) {
      this.#walletAt += 1
      return
    }
    this.#refusing.add(budget)
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

const isLacking = ({ lease, amount }: Need, nowMs: number): boolean => !lease.canReserve(amount, nowMs)

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
