import { type DeskAnswer, type DeskRelease, type DeskTake, isGivenBack } from './limit-desk'
import type { Hold, Limit, LimitStatus, SharedCounter, Taken } from './limiter'

/** The desk is a process of this machine that does nothing else: one that takes longer is stuck. */
const ANSWER_WITHIN_MS = 1_000

type Waiting = { limits: readonly Limit[]; tokens: number; resolve: (taken: Taken) => void; timer: NodeJS.Timeout }

/** A process's side of the `LimitDesk`. What its requests ask for in one turn of the event loop is one message. */
export class DeskLimits implements SharedCounter {
  readonly #send: (takes: DeskTake[], releases: DeskRelease[]) => void
  readonly #waiting = new Map<number, Waiting>()
  #takes: DeskTake[] = []
  #releases: DeskRelease[] = []
  #isDue = false
  #id = 0

  constructor(send: (takes: DeskTake[], releases: DeskRelease[]) => void) {
    this.#send = send
  }

  /** Rejects when the desk does not answer. */
  take(limits: readonly Limit[], tokens: number): Promise<Taken> {
    this.#id += 1
    const id = this.#id
    this.#takes.push({ id, limits, tokens })
    this.#sendSoon()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error('the process that counts limits does not answer'))
      }, ANSWER_WITHIN_MS)
      this.#waiting.set(id, { limits, tokens, resolve, timer })
    })
  }

  hear(answers: readonly DeskAnswer[]): void {
    for (const { id, refusedBy, statuses: told, atMs } of answers) {
      const waiting = this.#waiting.get(id)
      if (waiting === undefined) {
        // Nobody waits any more: what came too late was not used.
        if (refusedBy === null) this.#giveBack(id, 0)
        continue
      }
      this.#waiting.delete(id)
      clearTimeout(waiting.timer)
      const { limits, tokens } = waiting
      const statuses = limits.map(
        (limit, at): LimitStatus => ({ limit, ...(told[at] ?? { remaining: 0, resetMs: 0 }) }),
      )
      const exceeded = refusedBy === null ? undefined : statuses[refusedBy]
      if (exceeded !== undefined) waiting.resolve({ hold: null, exceeded })
      else {
        const shared = { by: this, id: String(id), statuses }
        waiting.resolve({ hold: { limits, tokens, atMs, shared }, exceeded: null })
      }
    }
  }

  release({ limits, shared }: Hold, tokens: number | null): void {
    if (shared !== null && limits.some(isGivenBack)) this.#giveBack(Number(shared.id), tokens)
  }

  #giveBack(id: number, tokens: number | null): void {
    this.#releases.push({ id, tokens })
    this.#sendSoon()
  }

  #sendSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      const [takes, releases] = [this.#takes, this.#releases]
      this.#takes = []
      this.#releases = []
      this.#send(takes, releases)
    })
  }
}
