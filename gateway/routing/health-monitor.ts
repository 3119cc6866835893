import type { CompiledConfig, Target } from '@/lib/policy/compile'
import { reasonAgainstHost } from '@/lib/public-address'
import { adapterOf, joinPath } from '../providers/all'
import type { Upstreams } from '../upstreams'
import type { BreakerState } from './circuit-breaker'
import type { Router } from './router'

const PROBES_MAX = 16
/** What is read of an answer before its connection is let go. */
const ANSWER_BYTES_MAX = 1_048_576

export type LastProbe = { ok: boolean; atMs: number }

/**
 * Looks at targets in the background, so that one that is down is known before a request finds out. A target is well when
 * it answers at all: only no answer, or a status of 500 and above, is a failure.
 */
export class HealthMonitor {
  readonly #upstreams: Upstreams
  readonly #router: Router
  readonly #random: () => number
  readonly #dueMs = new Map<string, number>()
  readonly #last = new Map<string, LastProbe>()
  readonly #stopping = new AbortController()
  #underWay = 0

  constructor(upstreams: Upstreams, router: Router, random: () => number = Math.random) {
    this.#upstreams = upstreams
    this.#router = router
    this.#random = random
  }

  /** What is known of a target; `probe` is null when nobody has looked at it. */
  healthOf(target: Target, { routing }: CompiledConfig): { state: BreakerState; probe: LastProbe | null } {
    const state = this.#router.healthOf(target).stateAt(performance.now(), routing.breaker)
    return { state, probe: this.#last.get(target.id) ?? null }
  }

  /** Called about once a second: begins what is due. */
  sweep(config: CompiledConfig | null, nowMs: number): void {
    const settings = config?.routing.healthMonitor ?? null
    if (config === null || settings === null || this.#stopping.signal.aborted) {
      this.#dueMs.clear()
      this.#last.clear()
      return
    }
    for (const target of config.targets) {
      if (!isProbed(target)) continue
      // Spread over the interval from the start on, so that gateways and targets do not move in step.
      const dueMs = this.#dueMs.get(target.id) ?? nowMs + this.#random() * Math.min(settings.intervalMs, 5_000)
      if (dueMs > nowMs || this.#underWay >= PROBES_MAX) {
        this.#dueMs.set(target.id, dueMs)
        continue
      }
      this.#dueMs.set(target.id, nowMs + settings.intervalMs * (0.8 + 0.4 * this.#random()))
      void this.#probe(target, config, settings.timeoutMs)
    }
    for (const id of this.#dueMs.keys()) {
      if (config.targets.some((target) => target.id === id)) continue
      this.#dueMs.delete(id)
      this.#last.delete(id)
    }
  }

  close(): void {
    this.#stopping.abort()
  }

  async #probe(target: Target, { routing }: CompiledConfig, timeoutMs: number): Promise<void> {
    this.#underWay += 1
    const isOk = await this.#answers(target, timeoutMs)
    this.#underWay -= 1
    if (this.#stopping.signal.aborted) return
    this.#last.set(target.id, { ok: isOk, atMs: performance.now() })
    this.#router.healthOf(target).probed(isOk, performance.now(), routing.breaker)
  }

  async #answers(target: Target, timeoutMs: number): Promise<boolean> {
    const { baseUrl, allowPrivateNetwork, headers, apiKeyHeader, apiKeyPrefix, provider } = target
    if (baseUrl === null || (!allowPrivateNetwork && reasonAgainstHost(baseUrl) !== null)) return false
    const [secret] = target.secrets
    const adapter = adapterOf(provider)
    const credentials =
      secret === undefined || adapter.auth === 'aws_sigv4' ? {} : { [apiKeyHeader]: apiKeyPrefix + secret }
    try {
      const answer = await this.#upstreams.dispatcherFor(target).request({
        method: 'GET',
        path: joinPath(baseUrl, '/v1/models'),
        headers: {
          accept: 'application/json',
          'user-agent': this.#upstreams.userAgent,
          ...adapter.headers,
          ...credentials,
          ...headers,
        },
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#stopping.signal]),
      })
      await answer.body.dump({ limit: ANSWER_BYTES_MAX })
      return answer.statusCode < 500
    } catch {
      return false // whatever it was, there was no answer: the breaker decides what that means
    }
  }
}

const isProbed = ({ provider, baseUrl, unavailable }: Target): boolean =>
  baseUrl !== null && unavailable === null && provider !== 'sandbox' && provider !== 'mcp'
