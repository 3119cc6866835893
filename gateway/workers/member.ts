import type { Worker } from 'node:cluster'
import type { Snapshot } from '../snapshot'
import { Feed } from './feed'
import type { ToPrimary, ToWorker, WorkerReport } from './messages'

type Owner = {
  current: () => Snapshot
  /** Its snapshot, its report or its state is another one now. */
  onNews: () => void
  /** Somebody asked this worker about the gateway as a whole. */
  onAsked: (member: Member, ask: number) => void
  onRefused: (member: Member, reason: string) => void
  /** There is news at the control plane. */
  onBehind: () => void
  /** Its requests fall under limits. */
  onLimits: (member: Member, message: ToPrimary & { kind: 'limits' }) => void
}

/** One worker process as the primary sees it. */
export class Member {
  readonly feed: Feed
  state: 'starting' | 'serving' | 'draining' | 'gone' = 'starting'
  report: WorkerReport | null = null
  /** Replaced when it dies. */
  isKept = false
  /** It was told to stop. */
  isTold = false
  /** Why it did not start, in its own words. */
  failure: { code: string; message: string } | null = null
  readonly startedMs = performance.now()
  /** Resolves when it waits for leave to listen, or is gone before. */
  readonly prepared: Promise<void>
  /** Resolves with the port when it serves, with null when it is gone before. */
  readonly serving: Promise<number | null>
  readonly gone: Promise<void>
  readonly #worker: Worker
  readonly #answers = new Map<number, () => void>()
  #ask = 0

  constructor(
    worker: Worker,
    readonly slot: number,
    owner: Owner,
  ) {
    this.#worker = worker
    this.feed = new Feed(owner.current, (message) => this.send(message))
    const prepared = Promise.withResolvers<void>()
    const serving = Promise.withResolvers<number | null>()
    const gone = Promise.withResolvers<void>()
    this.prepared = prepared.promise
    this.serving = serving.promise
    this.gone = gone.promise
    worker.on('message', (message: ToPrimary) => {
      if (message.kind === 'limits') return owner.onLimits(this, message)
      if (message.kind === 'behind') return owner.onBehind()
      if (message.kind === 'prepared') {
        prepared.resolve()
      } else if (message.kind === 'serving') {
        if (this.state === 'starting') this.state = 'serving'
        serving.resolve(message.port)
      } else if (message.kind === 'taken') {
        this.feed.settle(message.revision, message.refused !== null)
        if (message.refused !== null) owner.onRefused(this, message.refused)
      } else if (message.kind === 'report') {
        this.report = message.report
        if (message.ask !== null) this.#answers.get(message.ask)?.()
      } else if (message.kind === 'whole') {
        owner.onAsked(this, message.ask)
      } else {
        this.failure = { code: message.code, message: message.message }
      }
      owner.onNews()
    })
    worker.on('error', () => {}) // a channel that breaks while something is sent: 'exit' follows
    worker.once('exit', () => {
      this.state = 'gone'
      prepared.resolve()
      serving.resolve(null)
      gone.resolve()
      for (const answered of this.#answers.values()) answered()
      owner.onNews()
    })
    this.feed.offer()
  }

  get pid(): number | undefined {
    return this.#worker.process.pid
  }

  send(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(message, () => {})
  }

  /** Lets callers come once it serves by what is in force now. @returns as `serving` */
  async admit(): Promise<number | null> {
    await this.prepared
    await Promise.race([this.feed.caughtUp(), this.gone])
    this.send({ kind: 'listen' })
    return this.serving
  }

  /** @param isReplaced others serve already, so its callers have time to go over to them */
  drain(isReplaced: boolean): void {
    this.isTold = true
    if (this.state === 'gone') return
    this.state = 'draining'
    this.send({ kind: 'drain', isReplaced })
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL')
  }

  /** Asks how it is; resolves when it has said so, is gone, or did not answer in time. */
  async refresh(timeoutMs: number): Promise<void> {
    if (this.state === 'gone' || this.state === 'starting') return
    this.#ask += 1
    const ask = this.#ask
    const answer = Promise.withResolvers<void>()
    const timer = setTimeout(answer.resolve, timeoutMs)
    this.#answers.set(ask, answer.resolve)
    this.send({ kind: 'report', ask })
    await answer.promise
    clearTimeout(timer)
    this.#answers.delete(ask)
  }
}
