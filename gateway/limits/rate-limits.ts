import type { CompiledConfig } from '@/lib/policy/compile'
import type { Log } from '../plane'
import type { DeskLimits } from './desk-limits'
import { type AskForLeases, LimitLeases } from './limit-leases'
import { type Hold, type Limit, Limiter, type LimitStatus, type Taken } from './limiter'
import { RedisLimits } from './redis-limits'

const TOLD_EVERY_MS = 60_000

/**
 * Where limits are counted: in a Redis that gateways share, when the configuration says so and it is there; otherwise by the
 * one process that counts for all of a gateway, or within this one when it is alone, in slices that the control plane hands
 * out when there is one.
 */
export class RateLimits {
  readonly #leases: LimitLeases
  readonly #local: Limiter
  readonly #desk: DeskLimits | null
  readonly #log: Log
  #redis: { url: string; limits: RedisLimits } | null = null
  #toldMs = Number.NEGATIVE_INFINITY

  /** @param desk null for a process that is alone; while it does not answer, each of the `processes` keeps to its share */
  constructor(
    log: Log,
    askForLeases: AskForLeases | null,
    { desk, processes }: { desk: DeskLimits | null; processes: number },
  ) {
    this.#log = log
    this.#desk = desk
    const failed = (cause: unknown) => this.#tell(cause, 'slices of limits cannot be asked for')
    this.#leases = new LimitLeases(askForLeases, processes, failed)
    this.#local = new Limiter(this.#leases)
  }

  /** Hears from the control plane how many gateways share limits. Never rejects. */
  async start(): Promise<void> {
    await this.#leases.start()
  }

  /**
   * @param tokens what the request may cost, as far as it can be told before
   * @returns a promise only when somebody else counts
   */
  take(
    { config, orgId }: { config: CompiledConfig; orgId: string | null },
    limits: readonly Limit[],
    tokens: number,
    nowMs: number,
  ): Taken | Promise<Taken> {
    const redis = this.#redisOf(config)
    if (redis === null || !redis.isReady) return this.#takeHere(limits, tokens, nowMs)
    return redis.take(orgId, limits, tokens).catch((cause: unknown) => {
      this.#tell(cause, 'Redis does not count limits: this gateway does')
      return this.#takeHere(limits, tokens, nowMs)
    })
  }

  #takeHere(limits: readonly Limit[], tokens: number, nowMs: number): Taken | Promise<Taken> {
    if (this.#desk === null) return this.#local.take(limits, tokens, nowMs)
    return this.#desk.take(limits, tokens).catch((cause: unknown) => {
      this.#tell(cause, 'limits are not counted together: each process keeps to its share')
      return this.#local.take(limits, tokens, nowMs)
    })
  }

  release(hold: Hold, tokens: number | null): void {
    if (hold.shared === null) this.#local.release(hold, tokens)
    else hold.shared.by.release(hold, tokens)
  }

  statusesOf({ limits, shared }: Hold, nowMs: number): readonly LimitStatus[] {
    return shared?.statuses ?? limits.map((limit) => this.#local.statusOf(limit, nowMs))
  }

  /** Called about once a second. @param wallMs the time of the control plane */
  sweep(wallMs: number): void {
    this.#local.sweep(wallMs)
    this.#leases.sweep(wallMs)
    this.#redis?.limits.sweep(performance.now())
  }

  close(): void {
    this.#redis?.limits.close()
    this.#redis = null
  }

  /** One connection: that of the configuration that was used last. */
  #redisOf({ limits, redis }: CompiledConfig): RedisLimits | null {
    const url = limits.backend === 'redis' ? (redis?.url ?? null) : null
    if (url === null) return null
    if (this.#redis?.url === url) return this.#redis.limits
    this.#redis?.limits.close()
    const connected = new RedisLimits(url, (cause) =>
      this.#tell(cause, 'Redis does not count limits: this gateway does'),
    )
    this.#redis = { url, limits: connected }
    return connected
  }

  /** What is away fails with every request: the log is told once a minute at most. */
  #tell(cause: unknown, message: string): void {
    const nowMs = performance.now()
    if (nowMs - this.#toldMs < TOLD_EVERY_MS) return
    this.#toldMs = nowMs
    this.#log.warn({ err: cause }, message)
  }
}
