import { type AskForLeases, LimitLeases } from './limit-leases'
import { type Hold, type Limit, Limiter } from './limiter'

/** A process asks for a request. `id` is its own count. */
export type DeskTake = { id: number; limits: readonly Limit[]; tokens: number }
/** It is over. `tokens` as `Limiter.release` has them. */
export type DeskRelease = { id: number; tokens: number | null }
export type DeskAnswer = {
  id: number
  /** Which of the limits refused; null when it was taken from all. */
  refusedBy: number | null
  /** In the order of the limits. */
  statuses: readonly { remaining: number; resetMs: number }[]
  atMs: number
}

type DeskOptions = {
  /** Null for a gateway without a control plane. */
  ask: AskForLeases | null
  failed: (cause: unknown) => void
  /** Milliseconds since the epoch, of the control plane. */
  wallMs: () => number
  /** Monotonic. */
  nowMs?: () => number
}

/** Counts limits for all processes of a gateway, so that together they keep to them as exactly as one. */
export class LimitDesk {
  readonly #leases: LimitLeases
  readonly #limiter: Limiter
  readonly #wallMs: () => number
  readonly #holds = new Map<object, Map<number, Hold>>()

  constructor({ ask, failed, wallMs, nowMs }: DeskOptions) {
    this.#leases = new LimitLeases(ask, 1, failed, nowMs)
    this.#limiter = new Limiter(this.#leases)
    this.#wallMs = wallMs
  }

  /** Hears from the control plane how many gateways share limits. Never rejects. */
  async start(): Promise<void> {
    await this.#leases.start()
  }

  /** @param from the process that asks */
  answer(from: object, takes: readonly DeskTake[], releases: readonly DeskRelease[]): DeskAnswer[] {
    const holds = this.#holds.get(from) ?? new Map<number, Hold>()
    this.#holds.set(from, holds)
    for (const { id, tokens } of releases) {
      const hold = holds.get(id)
      if (hold !== undefined) this.#limiter.release(hold, tokens)
      holds.delete(id)
    }
    return takes.map((take) => this.#take(take, holds))
  }

  /** The process has ended: nothing of what it had is under way any more. */
  forget(from: object): void {
    for (const hold of this.#holds.get(from)?.values() ?? []) this.#limiter.release(hold, null)
    this.#holds.delete(from)
  }

  /** Called about once a second. */
  sweep(): void {
    const wallMs = this.#wallMs()
    this.#limiter.sweep(wallMs)
    this.#leases.sweep(wallMs)
  }

  #take({ id, limits, tokens }: DeskTake, holds: Map<number, Hold>): DeskAnswer {
    const atMs = this.#wallMs()
    const { hold, exceeded } = this.#limiter.take(limits, tokens, atMs)
    if (hold !== null && limits.some(isGivenBack)) holds.set(id, hold)
    const statuses = limits.map((limit) => {
      const { remaining, resetMs } = this.#limiter.statusOf(limit, atMs)
      return { remaining, resetMs }
    })
    return { id, refusedBy: exceeded === null ? null : limits.indexOf(exceeded.limit), statuses, atMs }
  }
}

/** A request that is counted stays so. */
export const isGivenBack = ({ counts }: Limit): boolean => counts !== 'requests'
