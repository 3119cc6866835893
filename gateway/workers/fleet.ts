import cluster from 'node:cluster'
import { backoffMs, pause } from '../backoff'
import type { LimitDesk } from '../limits/limit-desk'
import type { RunLog } from '../running-configuration'
import type { Snapshot } from '../snapshot'
import { GatewayStartError, isStartErrorCode } from '../start-error'
import type { Leftovers } from './leftovers'
import { Member } from './member'
import type { WorkerReport } from './messages'
import { SLOT_VARIABLE } from './messages'
import type { SharedStore } from './shared-state'
import { Totals } from './totals'

export type FleetOptions = {
  count: number
  store: SharedStore
  /** Counts limits for all workers. */
  desk: LimitDesk
  /** Deliver what workers leave behind; null without a control plane. */
  leftovers: Leftovers | null
  log: RunLog
  /** How long a worker that is told to stop has before it is killed. */
  drainMsMax: number
  /** Every worker has what is in force, after `settled` had to name something older. */
  onCaughtUp: () => void
  /** Asks for what has changed while workers were started. Never rejects. */
  refresh: () => Promise<void>
  /** Some worker has heard that there is news at the control plane. */
  onBehind: () => void
}

const RESTART_FIRST_MS = 100
const RESTART_MAX_MS = 10_000
/** A worker that served this long had no trouble with its start. */
const SETTLED_MS = 10_000
const REPORT_MS_MAX = 1_000
/** How long a heartbeat waits for every worker to have what is in force. */
const SETTLE_MS_MAX = 2_000

/**
 * The worker processes of one gateway: as many as asked for, each with the snapshot in force and a spool of its own. One
 * that dies is replaced in its slot, where the next one finds its spool.
 */
export class Fleet {
  readonly #options: FleetOptions
  readonly #members = new Set<Member>()
  readonly #stopping = new AbortController()
  readonly #totals = new Totals()
  /** Slots that are, or are about to be, a worker's. */
  readonly #slots = new Set<number>()
  /** Counts the handovers: what belongs to an earlier one is not started again. */
  #generation = 0
  /** Deaths in a row, by slot. */
  readonly #deaths = new Map<number, number>()
  #restarting: Promise<boolean> | null = null
  #isBehind = false
  #news = Promise.withResolvers<void>()

  constructor(options: FleetOptions) {
    this.#options = options
    options.store.onChange = () => {
      for (const member of this.#members) member.feed.offer()
    }
  }

  /**
   * Callers find nobody until all workers are there, which takes seconds, and have what is in force by then.
   *
   * @returns the port that all workers share
   * @throws GatewayStartError what the first worker that could not start said
   */
  async start(): Promise<number> {
    const first = this.#fork(0)
    const rest = Array.from({ length: this.#options.count - 1 }, (_, index) => this.#fork(index + 1))
    await Promise.all([first, ...rest].map(({ prepared }) => prepared))
    await this.#options.refresh()
    // One that is told that the port is taken is enough.
    const port = await this.#mustServe(first)
    await Promise.all(rest.map((member) => this.#mustServe(member)))
    for (const member of [first, ...rest]) this.#accept(member)
    return port
  }

  get isReady(): boolean {
    return this.#serving.some(({ report }) => report?.isReady)
  }

  /** Ids of the processes that serve. */
  get pids(): number[] {
    return this.#serving.flatMap(({ pid }) => pid ?? [])
  }

  /** Sums over all workers, those that are gone included; the slowest worker's times. */
  get report(): Omit<WorkerReport, 'metrics'> {
    const { leftovers } = this.#options
    const sum = this.#totals.sum()
    return {
      ...sum,
      isReady: this.isReady,
      spoolDepth: sum.spoolDepth + (leftovers?.depth ?? 0),
      spoolBytes: sum.spoolBytes + (leftovers?.bytes ?? 0),
    }
  }

  /** What every worker serves by: the oldest of them, when some had no time yet for the newest. */
  async settled(): Promise<Pick<Snapshot, 'config' | 'keysRevision'>> {
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(), SETTLE_MS_MAX)
    while (!patience.signal.aborted && this.#serving.some(({ feed }) => !feed.isCurrent)) {
      await Promise.race([this.#news.promise, pause(50, patience.signal)])
    }
    clearTimeout(timer)
    this.#isBehind = patience.signal.aborted
    const taken = this.#serving.flatMap(({ feed }) => feed.taken ?? [])
    const { current } = this.#options.store
    return {
      config: taken.find(({ config }) => config !== current.config)?.config ?? current.config,
      keysRevision: Math.min(current.keysRevision, ...taken.map(({ keysRevision }) => keysRevision)),
    }
  }

  /** Each process holds slices of its own. */
  recall(sources: readonly string[]): void {
    for (const member of this.#members) member.send({ kind: 'recall', sources })
  }

  /** New workers take over from those that run, which finish what they have. No connection is refused meanwhile. */
  restart(): Promise<boolean> {
    this.#restarting ??= this.#handOver().finally(() => {
      this.#restarting = null
    })
    return this.#restarting
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#restarting
    await this.#drain([...this.#members], false)
  }

  async #handOver(): Promise<boolean> {
    const { log, count } = this.#options
    const fresh = Array.from({ length: count }, () => this.#fork(this.#freeSlot()))
    const ports = await Promise.all(fresh.map((member) => member.admit()))
    if (ports.includes(null) || this.#stopping.signal.aborted) {
      const reason = fresh.find(({ failure }) => failure)?.failure?.message ?? 'see the log of the worker'
      log.error({ reason }, 'the new workers do not start; the old ones go on')
      await this.#drain(fresh, false)
      return false
    }
    this.#generation += 1
    for (const member of fresh) this.#accept(member)
    const old = [...this.#members].filter((member) => !fresh.includes(member))
    await this.#drain(old, true)
    log.info({ workers: count }, 'workers restarted')
    return true
  }

  async #drain(members: Member[], isReplaced: boolean): Promise<void> {
    for (const member of members) member.drain(isReplaced)
    const late = setTimeout(() => {
      for (const member of members) if (member.state !== 'gone') member.kill()
    }, this.#options.drainMsMax)
    await Promise.all(members.map(({ gone }) => gone))
    clearTimeout(late)
  }

  #fork(slot: number): Member {
    const { store, desk, log } = this.#options
    this.#slots.add(slot)
    const member: Member = new Member(cluster.fork({ [SLOT_VARIABLE]: String(slot) }), slot, {
      current: () => store.current,
      onNews: () => this.#hear(member),
      onAsked: (asking, ask) => void this.#tellWhole(asking, ask),
      onBehind: () => this.#options.onBehind(),
      onLimits: (asking, { takes, releases }) => {
        const answers = desk.answer(asking, takes, releases)
        if (answers.length > 0) asking.send({ kind: 'limits', answers })
      },
      onRefused: (_, reason) => log.error({ worker: slot, reason }, 'a worker refused the configuration'),
    })
    this.#members.add(member)
    void member.serving.then((port) => {
      if (port !== null) log.info({ worker: slot, pid: member.pid }, 'worker serves')
    })
    const generation = this.#generation
    void member.gone.then(() => {
      desk.forget(member)
      return this.#bury(member, generation)
    })
    return member
  }

  /** From now on it is replaced when it dies. */
  #accept(member: Member): void {
    member.isKept = true
    if (member.state === 'gone') this.#accept(this.#fork(member.slot))
    else if (member.state === 'starting') void member.admit()
  }

  async #bury(member: Member, generation: number): Promise<void> {
    const { log, leftovers } = this.#options
    const { slot, pid, failure, startedMs } = member
    this.#members.delete(member)
    if (member.isKept && !member.isTold) {
      const deaths = performance.now() - startedMs > SETTLED_MS ? 1 : (this.#deaths.get(slot) ?? 0) + 1
      this.#deaths.set(slot, deaths)
      const restartMs = Math.round(backoffMs(deaths, RESTART_FIRST_MS, RESTART_MAX_MS))
      const fields = { worker: slot, pid, reason: failure?.message, restart_ms: restartMs }
      log.error(fields, 'a worker ended unasked; another one takes its place')
      await pause(restartMs, this.#stopping.signal)
      if (!this.#stopping.signal.aborted && generation === this.#generation) return this.#accept(this.#fork(slot))
    }
    this.#slots.delete(slot)
    if (!this.#stopping.signal.aborted) leftovers?.take(slot)
  }

  #hear(member: Member): void {
    this.#totals.take(member)
    if (this.#isBehind && this.#serving.every(({ feed }) => feed.isCurrent)) {
      this.#isBehind = false
      this.#options.onCaughtUp()
    }
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }

  async #mustServe(member: Member): Promise<number> {
    const port = await member.admit()
    if (port !== null) return port
    const { code, message } = member.failure ?? {}
    if (code !== undefined && message !== undefined && isStartErrorCode(code))
      throw new GatewayStartError(code, message)
    throw new GatewayStartError('worker_failed', `A worker ended before it served: ${message ?? 'its log says why'}.`)
  }

  #freeSlot(): number {
    let slot = 0
    while (this.#slots.has(slot) || this.#options.leftovers?.has(slot)) slot += 1
    return slot
  }

  async #tellWhole(asking: Member, ask: number): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.refresh(REPORT_MS_MAX)))
    const metrics = await this.#totals.metrics(this.#serving.length, this.#options.leftovers)
    asking.send({ kind: 'whole', ask, whole: { metrics, requestsProcessed: this.#totals.sum().requestsProcessed } })
  }

  get #serving(): Member[] {
    return [...this.#members].filter(({ state }) => state === 'serving')
  }
}
