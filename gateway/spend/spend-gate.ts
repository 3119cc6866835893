import { setTimeout as sleep } from 'node:timers/promises'
import { BUDGETS_PER_REQUEST_MAX } from '@/lib/contract/spend-leases'
import type { NanoUsd } from '@/lib/money'
import type { Target } from '@/lib/policy/compile-target'
import type { AskForSlices } from './ask-for-leases'
import { LeaseHolder } from './lease-holder'
import { refusedSpend, type SpendRefusal } from './refused-spend'
import { type Part, Reservation } from './reservation'
import { SpendAttempt } from './spend-attempt'
import { SpendCandidates } from './spend-candidates'
import type { Spender, SpendRules } from './spend-rules'
import { NEEDS_MAX, type Need } from './waiting'

/** How long a request waits that needs more than it reserved at first. */
const EXTEND_MS = 1_000
/** Between two questions while others give back. */
const AGAIN_MS = 50
type Tiers = readonly (readonly Target[])[]

export type SpendRequest = {
  rules: SpendRules
  who: Spender
  /** When it started, in milliseconds since the epoch: the time in the id of its event. */
  atMs: number
  tiers: Tiers
  /** The most that it can cost at a target; null when nobody knows. */
  worstCaseOf: (target: Target) => NanoUsd | null
}

/** What it may be sent to, and what it holds; a refusal holds nothing. */
export type Reserved = { refused: null; reservation: Reservation | null; tiers: Tiers } | { refused: SpendRefusal }

export type SpendGateOptions = {
  /** null for a gateway without a control plane. */
  ask: AskForSlices | null
  /** Monotonic; of this process unless stated. */
  nowMs?: () => number
  /** The time of the control plane. */
  wallMs: () => number
  failed: (cause: unknown) => void
  /** By which requests are let through now. */
  rules?: () => SpendRules | null
  /** Told when the control plane knows other budgets and wallets than `rules`. */
  behind?: () => void
}

/** Lets requests through whose worst case is covered, by every budget that counts them and a wallet that pays. */
export class SpendGate {
  readonly counts = { reserved: 0, alone: 0, refused: 0, unavailable: 0, reservedNano: 0n, settledNano: 0n }
  readonly leases: LeaseHolder | null
  /** Monotonic. */
  readonly nowMs: () => number
  #rules: SpendRules | null = null

  constructor({ ask, nowMs = () => performance.now(), wallMs, failed, rules, behind }: SpendGateOptions) {
    this.nowMs = nowMs
    const revision = rules && (() => rules()?.told.revision)
    this.leases = ask && new LeaseHolder({ ask, nowMs, wallMs, failed, revision, behind })
  }

  /** @returns a promise only when the control plane has to be waited for, for some seconds at most */
  reserve({ rules, who, atMs, tiers, worstCaseOf }: SpendRequest): Reserved | Promise<Reserved> {
    if (rules.isIdle) return { refused: null, reservation: null, tiers }
    const match = rules.match(who)
    const isFree = match.budgets.length === 0 && match.wallets === null
    if (isFree && rules.unknownPrice !== 'deny') return { refused: null, reservation: null, tiers }
    const candidates = new SpendCandidates(tiers, worstCaseOf, rules)
    if (candidates.isEmpty) return this.#refused('price_unknown')
    if (isFree) return { refused: null, reservation: null, tiers: candidates.tiers }
    if (this.leases === null || match.budgets.length > BUDGETS_PER_REQUEST_MAX)
      return this.#refused('budget_unavailable')
    this.#heed(rules, this.leases)
    const attempt = new SpendAttempt(match, candidates, this.leases, atMs, this.nowMs)
    const parts = attempt.tryNow()
    return parts === null ? this.#reserveWithMore(attempt, candidates) : this.#reserved(parts, candidates)
  }

  /**
   * Takes more for a request that holds something, of the same sources: of all of them or of none.
   *
   * @param amount that it is to hold of each
   * @param provider that is asked next
   * @returns whether it holds that now; a promise only when the control plane has to be waited for, for a second at most
   */
  extend(reservation: Reservation, amount: NanoUsd, provider: string): boolean | Promise<boolean> {
    const more = reservation.lacking(amount, provider)
    return this.#takes(reservation, more, amount) || this.#takesWithMore(reservation, more, amount)
  }

  #takes(reservation: Reservation, more: readonly Need[], amount: NanoUsd): boolean {
    const nowMs = this.nowMs()
    if (!more.every((need) => need.lease.canReserve(need.amount, nowMs))) return false
    this.leases?.reserve(more, nowMs)
    reservation.extend(more, amount)
    return true
  }

  async #takesWithMore(reservation: Reservation, more: readonly Need[], amount: NanoUsd): Promise<boolean> {
    const untilMs = performance.now() + EXTEND_MS
    while (!this.#takes(reservation, more, amount)) {
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0 || this.leases === null) return false
      const nowMs = this.nowMs()
      const lacking = more.filter((need) => !need.lease.canReserve(need.amount, nowMs)).slice(0, NEEDS_MAX)
      const told = await Promise.race([this.leases.more(lacking, untilMs), sleep(leftMs, null, { ref: false })])
      if (this.#takes(reservation, more, amount)) return true
      if (told === null || told.kind === 'away' || (told.kind === 'short' && !told.isRecalled)) return false
      await sleep(AGAIN_MS)
    }
    return true
  }

  /** Called about once a second. */
  sweep(): void {
    this.leases?.sweep()
  }

  async #reserveWithMore(attempt: SpendAttempt, candidates: SpendCandidates): Promise<Reserved> {
    const parts = await attempt.tryWithMore()
    if (typeof parts === 'string') return this.#refused(parts, attempt)
    if (attempt.wentOnAlone) this.counts.alone += 1
    return this.#reserved(parts, candidates)
  }

  #reserved(parts: readonly Part[], candidates: SpendCandidates): Reserved {
    // What costs nothing needs nobody's leave.
    if (candidates.amount === 0n) return { refused: null, reservation: null, tiers: candidates.tiers }
    this.counts.reserved += 1
    this.counts.reservedNano += candidates.amount
    const reservation = new Reservation(parts, candidates.amount, (cost) => {
      this.counts.settledNano += cost
    })
    return { refused: null, reservation, tiers: candidates.tiers }
  }

  #refused(code: Parameters<typeof refusedSpend>[0], attempt: SpendAttempt | null = null): Reserved {
    if (code === 'budget_unavailable') this.counts.unavailable += 1
    else this.counts.refused += 1
    return { refused: refusedSpend(code, attempt, this.nowMs()) }
  }

  /** A limit that was raised must not be waited for. */
  #heed(rules: SpendRules, leases: LeaseHolder): void {
    if (this.#rules === rules) return
    if (this.#rules !== null) leases.forgetRefusals()
    this.#rules = rules
  }
}
