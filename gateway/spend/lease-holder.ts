import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { LEASE_GROUPS_MAX, LEASES_ASKED_MAX, type LeaseAnswer, type LeaseAsk } from '@/lib/contract/spend-leases'
import type { AskForSlices, LeaseAnswers } from './ask-for-leases'
import { Lease } from './lease'
import { type BudgetRule, type BudgetWindow, windowIndexAt } from './spend-rules'
import { groupsOf, lackOf, type Need, served, type Told, type Waiting, type WaitingGroup } from './waiting'

/** Sources that one process holds something of, or has held in a window that is open. */
const LEASES_MAX = 20_000
/** Requests that may wait for the control plane at once. */
const WAITING_MAX = 10_000
/** After a failure, how long nobody waits for the control plane: doubled with each. */
const AWAY_FIRST_MS = 250
const AWAY_MAX_MS = 5_000
const REMEMBERED_MS = 200
/** That this gateway is behind is said again after this, unless there is more to hear by then. */
const BEHIND_PAUSE_MS = 1_000
/** Background questions follow each other by at least this. */
const REFILL_PAUSE_MS = 50

export type LeaseHolderOptions = {
  ask: AskForSlices
  /** Monotonic. */
  nowMs: () => number
  /** The time of the control plane. */
  wallMs: () => number
  /** Told of every question that failed. */
  failed: (cause: unknown) => void
  /** `SpendRules.revision` by which requests are let through. */
  revision?: () => string | undefined
  /** Told when the control plane knows other budgets and wallets than this gateway does. */
  behind?: () => void
}

/** One group of a question, and what to do with its answer. `isForMany`: less than what serves several was not wanted. */
type Asked = { leases: Lease[]; group: WaitingGroup | null; asks: LeaseAsk[]; isForMany: boolean }

/**
 * The slices of budgets and wallets that one process holds. One question to the control plane is under way at a time, with
 * all that there is to say: what waiting requests lack, what runs low, what goes back, what is to be kept.
 */
export class LeaseHolder {
  readonly counts = { asks: 0, failures: 0 }
  /** One life of one process. */
  readonly #instance = randomBytes(12).toString('hex')
  readonly #options: LeaseHolderOptions
  readonly #leases = new Map<string, Lease>()
  /** That were replaced while requests held something of them: what these did not need is still to go back. */
  readonly #old = new Set<Lease>()
  /** Of which the control plane has to hear. */
  readonly #due = new Set<Lease>()
  /** Of which more is wanted before it is needed. */
  readonly #low = new Set<Lease>()
  #waiting: Waiting[] = []
  #isClosing = false
  #asking: Promise<void> | null = null
  #timer: NodeJS.Timeout | undefined
  #askedMs = Number.NEGATIVE_INFINITY
  #failures = 0
  #awayUntilMs = Number.NEGATIVE_INFINITY
  /** When windows begin of budgets, by id, of which this gateway has been told otherwise. Forgotten when it is told anew. */
  readonly #moved = new Map<string, readonly number[]>()
  #saidBehind: { revision: string | undefined; atMs: number } | null = null

  constructor(options: LeaseHolderOptions) {
    this.#options = options
  }

  /**
   * Of the window that a budget has at a moment, in milliseconds since the epoch, as the control plane has said last.
   *
   * @returns null when there are too many
   */
  ofBudgetAt(budget: BudgetRule, ms: number): Lease | null {
    const moved = this.#moved.get(budget.id)
    return this.ofBudget((moved === undefined ? budget : budget.withWindows(moved)).windowAt(ms))
  }

  /** @returns null when there are too many */
  ofBudget({ key, budget, startMs, resetMs }: BudgetWindow): Lease | null {
    return (
      this.#leases.get(key) ??
      this.#add(key, { kind: 'budget', budget_id: budget.id, window_start_ms: startMs }, resetMs)
    )
  }

  ofWallet(id: string): Lease | null {
    return this.#leases.get(id) ?? this.#add(id, { kind: 'wallet', wallet_id: id }, null)
  }

  /** Questions that were answered. */
  get answers(): number {
    return this.counts.asks - this.counts.failures - (this.#asking === null ? 0 : 1)
  }

  /** Free or reserved, over all sources, in nano-dollars. */
  get held(): bigint {
    let sum = 0n
    for (const { held } of this.#leases.values()) sum += held
    for (const { held } of this.#old) sum += held
    return sum
  }

  /** Takes of each what is needed. To be asked only when all can. */
  reserve(needs: readonly Need[], nowMs: number): void {
    for (const { lease, amount } of needs) if (lease.reserve(amount, nowMs)) this.#refill(lease, nowMs)
  }

  /**
   * Asks for what a request lacks, and resolves when there is news. Never rejects.
   *
   * @param untilMs of `performance.now()`: who has given up by then needs nothing more
   * @param rememberedMs so long a refusal is taken for the answer to the next requests, too
   */
  more(needs: readonly Need[], untilMs: number, rememberedMs = REMEMBERED_MS): Promise<Told> {
    const nowMs = this.#options.nowMs()
    const refused = needs.find(({ lease, amount }) => lease.isRefused(amount, nowMs, rememberedMs))
    if (refused !== undefined) return Promise.resolve({ kind: 'short', lease: refused.lease, isRecalled: false })
    if (nowMs < this.#awayUntilMs || this.#waiting.length >= WAITING_MAX) return Promise.resolve({ kind: 'away' })
    return new Promise((tell) => {
      this.#waiting.push({ needs, untilMs, tell })
      this.#askSoon(0)
    })
  }

  /** Others need what is not used here. @param ids of budgets and wallets */
  recall(ids: readonly string[]): void {
    const nowMs = this.#options.nowMs()
    const wanted = new Set(ids)
    for (const lease of this.#leases.values()) {
      const { source } = lease
      const id = source.kind === 'budget' ? source.budget_id : source.wallet_id
      if (wanted.has(id) && lease.recall(nowMs)) this.#due.add(lease)
    }
    if (this.#due.size > 0) this.#askSoon(0)
  }

  /** Limits are others now: what was refused may be there, and windows are as this gateway is told. */
  forgetRefusals(): void {
    this.#moved.clear()
    for (const lease of this.#leases.values()) lease.forgetRefusal()
  }

  /** Called about once a second. */
  sweep(): void {
    const { nowMs, wallMs } = this.#options
    const [now, wall] = [nowMs(), wallMs()]
    for (const [key, lease] of this.#leases) {
      if (lease.sweep(now, wall)) this.#due.add(lease)
      else if (lease.isEmpty && lease.isOver(wall)) this.#leases.delete(key)
    }
    for (const lease of this.#old) {
      if (lease.giveBack() || lease.isUntold || lease.isExpiring(now)) this.#due.add(lease)
      else if (lease.isEmpty) this.#old.delete(lease)
    }
    if (this.#due.size > 0 && now >= this.#awayUntilMs) this.#askSoon(0)
  }

  /** Gives everything back that no request holds, and waits until the control plane has it, or `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true
    this.#low.clear()
    const patience = new AbortController()
    const late = sleep(timeoutMs, true, { ref: false, signal: patience.signal }).catch(() => true)
    const before = this.counts.failures
    let isLate = false
    // A question that is under way may still bring something.
    while ((this.#giveAllBack() || this.#asking !== null) && !isLate && this.counts.failures < before + 2) {
      this.#askNow()
      isLate = (await Promise.race([this.#asking, late])) === true
    }
    patience.abort()
    clearTimeout(this.#timer)
  }

  /** @returns whether the control plane has to hear of anything */
  #giveAllBack(): boolean {
    for (const lease of [...this.#leases.values(), ...this.#old]) {
      if (lease.giveBack() || lease.isUntold) this.#due.add(lease)
    }
    return this.#due.size > 0
  }

  #add(key: string, source: Lease['source'], resetMs: number | null): Lease | null {
    if (this.#leases.size >= LEASES_MAX) return null
    const lease = new Lease(key, source, resetMs)
    this.#leases.set(key, lease)
    return lease
  }

  #refill(lease: Lease, nowMs: number): void {
    if (this.#isClosing || this.#low.has(lease) || !lease.mayRefill(nowMs) || nowMs < this.#awayUntilMs) return
    this.#low.add(lease)
    this.#askSoon(Math.max(0, this.#askedMs + REFILL_PAUSE_MS - nowMs))
  }

  /** A request that waits does so for no longer than it takes; what is only convenient may come a little later. */
  #askSoon(delayMs: number): void {
    if (this.#asking !== null) return
    if (delayMs > 0) {
      this.#timer ??= setTimeout(() => this.#askNow(), delayMs).unref()
      return
    }
    queueMicrotask(() => this.#askNow())
  }

  #askNow(): void {
    if (this.#asking !== null) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    const askedMs = this.#options.nowMs()
    const asked = this.#collect(askedMs)
    if (asked.length === 0) return
    this.#askedMs = askedMs
    this.counts.asks += 1
    this.#asking = this.#options
      .ask(
        this.#instance,
        asked.map(({ asks }) => asks),
      )
      .then((answers) => this.#take(asked, answers, askedMs))
      .catch((cause: unknown) => this.#fail(asked, cause))
      .finally(() => {
        this.#asking = null
        if (this.#waiting.length > 0) this.#askNow()
        else if (this.#failures === 0 && this.#due.size > 0) this.#askNow()
        else if (this.#failures === 0 && this.#low.size > 0) this.#askSoon(REFILL_PAUSE_MS)
      })
  }

  #collect(nowMs: number): Asked[] {
    const sinceMs = performance.now()
    const waiting = this.#waiting.filter(({ untilMs }) => untilMs > sinceMs)
    const { groups, later } = groupsOf(waiting, nowMs)
    this.#waiting = later
    const asked: Asked[] = []
    for (const group of groups) {
      if (group.lacking.length > 0) asked.push(this.#askedFor(group, nowMs))
      else for (const { tell } of group.waiting) tell({ kind: 'more' })
    }
    const spoken = new Set(asked.flatMap(({ leases }) => leases))
    const isFull = () => asked.length >= LEASE_GROUPS_MAX || spoken.size >= LEASES_ASKED_MAX
    const alone = (lease: Lease, want: bigint, least: bigint) => {
      if (spoken.has(lease)) return
      spoken.add(lease)
      asked.push({ leases: [lease], group: null, asks: [lease.ask(want, least)], isForMany: false })
    }
    for (const lease of this.#low) {
      if (isFull()) break
      this.#low.delete(lease)
      this.#due.delete(lease)
      if (lease.mayRefill(nowMs)) alone(lease, lease.wanted(0n, lease.usual, nowMs), lease.usual)
    }
    for (const lease of this.#due) {
      if (isFull()) break
      this.#due.delete(lease)
      alone(lease, 0n, 0n)
    }
    return asked
  }

  /**
   * Together they want what they lack. Nothing less is worth an answer than serves as many of them as there is room for, as
   * far as is known, so that few questions serve them all; at least the first.
   */
  #askedFor(group: WaitingGroup, nowMs: number): Asked {
    const { waiting, lacking } = group
    const { needs } = waiting[0] ?? { needs: [] }
    const count = served(waiting, nowMs)
    const leases: Lease[] = []
    const asks: LeaseAsk[] = []
    for (const at of lacking) {
      const need = needs[at]
      if (need === undefined) continue
      const { lease, amount } = need
      const free = lease.free(nowMs)
      const lack = lackOf(waiting, waiting.length, at, free)
      const want = lack > 0n ? lease.wanted(lack, amount, nowMs) : 0n
      leases.push(lease)
      asks.push(lease.ask(want, lackOf(waiting, count, at, free)))
    }
    return { leases, group, asks, isForMany: count > 1 }
  }

  #take(asked: readonly Asked[], answers: LeaseAnswers, askedMs: number): void {
    this.#failures = 0
    this.#awayUntilMs = Number.NEGATIVE_INFINITY
    const { spend_revision: revision } = answers
    let isBehind = revision !== undefined && revision !== this.#options.revision?.()
    for (const [at, one] of asked.entries()) {
      const answer = answers.groups[at]
      if (answer === undefined) throw new Error('The control plane answered for fewer groups than it was asked for.')
      let isOther = false
      const closed = new Set<Lease>()
      for (const [nth, lease] of one.leases.entries()) {
        const given = answer.leases[nth] ?? null
        if (this.#old.has(lease)) {
          // Nothing is left of it there: nothing more can go back.
          if (given === null) this.#old.delete(lease)
          else if (given.is_closed) lease.take(given, askedMs)
          continue
        }
        const isFirst = lease.id === null
        if (given === null) this.#replace(lease).isGone = true
        else if (!this.#reinstates(lease, given, askedMs)) lease.take(given, askedMs)
        if (given?.is_closed && !this.#close(lease, given, isFirst)) closed.add(lease)
        isOther ||= given === null || given.is_closed
      }
      isBehind ||= isOther
      if (closed.size > 0) for (const { tell } of one.group?.waiting ?? []) tell({ kind: 'away', leases: closed })
      else if (answer.short.length > 0 && !isOther) this.#tellShort(one, answer)
      else for (const { tell } of one.group?.waiting ?? []) tell({ kind: 'more' })
    }
    if (isBehind) this.#sayBehind(revision)
  }

  #sayBehind(revision: string | undefined): void {
    const atMs = this.#options.nowMs()
    const said = this.#saidBehind
    if (said !== null && said.revision === revision && atMs - said.atMs < BEHIND_PAUSE_MS) return
    this.#saidBehind = { revision, atMs }
    this.#options.behind?.()
  }

  /**
   * Nothing more comes from this one. Once what is left of it is back, another one is begun, unless the window is over. That
   * there is no such window any more does not mean that there is no limit: only the control plane says what is gone.
   *
   * @param isFirst it has never been answered before
   * @returns whether it pays to ask again
   */
  #close(lease: Lease, { is_gone: isGone = false, windows_ms: windows }: LeaseAnswer, isFirst: boolean): boolean {
    const { source } = lease
    const openMs = windows?.[windowIndexAt(windows, this.#options.wallMs())]
    const isMoved =
      source.kind === 'budget' &&
      windows !== undefined &&
      openMs !== undefined && // else it is the clock here that is far off
      openMs !== source.window_start_ms &&
      !isAmong(windows, source.window_start_ms, lease.resetMs)
    if (isMoved) this.#moved.set(source.budget_id, windows)
    if (lease.giveBack()) {
      this.#due.add(lease)
      return true
    }
    if (lease.isWindowOver(this.#options.wallMs())) return isMoved || isGone
    this.#replace(lease).isGone = isGone
    return isMoved || isGone || !isFirst
  }

  /** The source is there again, and with it the lease that was replaced: what requests hold of that is part of it. */
  #reinstates(lease: Lease, given: LeaseAnswer, askedMs: number): boolean {
    if (lease.id !== null || given.is_closed) return false
    for (const old of this.#old) {
      if (old.key !== lease.key || old.id !== given.lease_id) continue
      this.#old.delete(old)
      this.#leases.set(old.key, old)
      old.take(given, askedMs)
      return true
    }
    return false
  }

  /** What requests hold of the old one is settled with it. */
  #replace(old: Lease): Lease {
    const { key, source, resetMs } = old
    const fresh = new Lease(key, source, resetMs)
    this.#leases.set(key, fresh)
    if (old.id !== null && !old.isEmpty && this.#old.size < LEASES_MAX) this.#old.add(old)
    return fresh
  }

  #tellShort({ leases, group, asks, isForMany }: Asked, { short, is_recalled: isRecalled }: Answer): void {
    const nowMs = this.#options.nowMs()
    const waiting = group?.waiting ?? []
    /** By place among the needs. */
    const lacking: number[] = []
    for (const [nth, lease] of leases.entries()) {
      const state = short.find(({ source }) => isSameSource(source, lease))
      if (state === undefined) continue
      lease.tell(state, nowMs)
      const least = BigInt(asks[nth]?.least ?? '0')
      if (least === 0n || (lease.leftAt(nowMs) ?? 0n) >= least) continue
      lacking.push(group?.lacking[nth] ?? 0)
      if (isForMany || isRecalled) lease.tighten(nowMs)
      else lease.refuse(least, nowMs)
    }
    const head = waiting[0]?.needs ?? []
    const lease = head[lacking[0] ?? 0]?.lease
    // Who waits for others holds nothing that they could be waiting for.
    if (isRecalled && !isForMany) {
      for (const need of head) if (!need.lease.mayRefill(nowMs) && need.lease.giveBack()) this.#due.add(need.lease)
    }
    for (const { needs, tell } of waiting) {
      // Who needs less than the first may find enough: it asks for itself.
      const isToo = lacking.every((at) => (needs[at]?.amount ?? 0n) >= (head[at]?.amount ?? 0n))
      tell(isForMany || !isToo || lease === undefined ? { kind: 'more' } : { kind: 'short', lease, isRecalled })
    }
  }

  #fail(asked: readonly Asked[], cause: unknown): void {
    this.#failures += 1
    this.counts.failures += 1
    this.#awayUntilMs =
      this.#options.nowMs() + Math.min(AWAY_MAX_MS, AWAY_FIRST_MS * 2 ** Math.min(this.#failures - 1, 10))
    for (const { leases, group } of asked) {
      // What was to be said is said again, with the next that works.
      for (const lease of leases) {
        lease.isUntold = true
        this.#due.add(lease)
      }
      for (const { tell } of group?.waiting ?? []) tell({ kind: 'away' })
    }
    for (const { tell } of this.#waiting.splice(0)) tell({ kind: 'away' })
    this.#options.failed(cause)
  }
}

type Answer = LeaseAnswers['groups'][number]

/** Whether a window is one of those that begin at these times: then whoever began in it finds no other there. */
function isAmong(starts: readonly number[], startMs: number, resetMs: number | null): boolean {
  const at = starts.indexOf(startMs)
  return at >= 0 && (starts[at + 1] ?? null) === resetMs
}

const isSameSource = (source: Lease['source'], { source: own }: Lease): boolean =>
  source.kind === 'budget'
    ? own.kind === 'budget' && source.budget_id === own.budget_id && source.window_start_ms === own.window_start_ms
    : own.kind === 'wallet' && source.wallet_id === own.wallet_id
