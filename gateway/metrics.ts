import { Counter, Gauge, Registry } from 'prom-client'
import type { Verdict } from '@/lib/contract/events'
import type { Target } from '@/lib/policy/compile'
import type { TokenUsage } from '@/lib/token-usage'
import type { CacheCounts } from './cache/answer-caches'
import type { SpendGate } from './spend/spend-gate'
import { registerSpend } from './spend/spend-metrics'
import type { Spool } from './spool-port'

/**
 * Plain numbers on the request path; Prometheus sees them only when it asks. No label holds what a caller chose, so the
 * number of series is bounded by the configuration.
 */
export class Metrics {
  requestsProcessed = 0
  /** Records that could not be kept under `durability: relaxed`. */
  recordsLost = 0
  clientsAborted = 0
  readonly overheadUs = new Histogram()
  readonly #requests = new Tally(['verdict', 'status'])
  readonly #refusals = new Tally(['code'])
  readonly #upstream = new Tally(['target', 'outcome'])
  readonly #tokens = new Tally(['direction'])

  governed(verdict: Verdict, status: number, tokens: TokenUsage | null, overheadUs: number): void {
    this.requestsProcessed += 1
    this.#requests.add(`${verdict}${SEPARATOR}${status}`, 1)
    this.overheadUs.record(overheadUs)
    if (tokens === null) return
    this.#tokens.add('input', tokens.input)
    this.#tokens.add('output', tokens.output)
  }

  /** A request that ended before it became a governed one, such as an unknown key. */
  refused(code: string): void {
    this.#refusals.add(code, 1)
  }

  upstream(target: Target, outcome: string): void {
    this.#upstream.add(`${target.id}${SEPARATOR}${outcome}`, 1)
  }

  /** The registry for `/metrics`, which reads this object when it is scraped. */
  registry(live: {
    spool: Spool
    active: () => number
    detached: () => number
    heldBytes: () => number
    ready: () => boolean
    answers: CacheCounts
    mirrored: ReadonlyMap<string, number>
    spend: SpendGate
  }): Registry {
    const registry = new Registry()
    const registers = [registry]
    for (const [name, help, tally] of [
      ['keeptrusts_gateway_requests_total', 'Governed requests by verdict and status.', this.#requests],
      ['keeptrusts_gateway_refusals_total', 'Requests refused before they were governed.', this.#refusals],
      ['keeptrusts_gateway_upstream_calls_total', 'Calls to providers by target and outcome.', this.#upstream],
      ['keeptrusts_gateway_tokens_total', 'Tokens as reported by providers.', this.#tokens],
    ] as const) {
      new Counter({
        name,
        help,
        labelNames: tally.labels,
        registers,
        collect() {
          this.reset()
          for (const [labels, value] of tally.entries()) this.inc(labels, value)
        },
      })
    }
    new Counter({
      name: 'keeptrusts_gateway_cache_lookups_total',
      help: 'Looks for an answer that is there already, by outcome.',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset()
        this.inc({ outcome: 'hit' }, live.answers.hits)
        this.inc({ outcome: 'miss' }, live.answers.misses)
      },
    })
    new Counter({
      name: 'keeptrusts_gateway_mirrored_total',
      help: 'Copies of requests to the mirror target, by outcome.',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset()
        for (const [outcome, count] of live.mirrored) this.inc({ outcome }, count)
      },
    })
    registerSpend(registers, live.spend)
    const gauges: [string, string, () => number][] = [
      ['keeptrusts_gateway_active_requests', 'Requests under way.', live.active],
      ['keeptrusts_gateway_detached_calls', 'Calls read on although their caller left.', live.detached],
      ['keeptrusts_gateway_held_bytes', 'Bytes of requests and answers that are held in memory.', live.heldBytes],
      ['keeptrusts_gateway_ready', '1 when a verified configuration is in force.', () => Number(live.ready())],
      ['keeptrusts_gateway_spool_depth', 'Records that wait for the control plane.', () => live.spool.depth],
      ['keeptrusts_gateway_spool_bytes', 'Bytes of waiting records.', () => live.spool.bytes],
      ['keeptrusts_gateway_records_lost', 'Records lost under relaxed durability.', () => this.recordsLost],
      ['keeptrusts_gateway_clients_aborted', 'Callers that hung up early.', () => this.clientsAborted],
      [
        'keeptrusts_gateway_overhead_p50_us',
        'Own time per request, median, microseconds.',
        () => this.overheadUs.quantile(0.5) ?? 0,
      ],
      [
        'keeptrusts_gateway_overhead_p99_us',
        'Own time per request, p99, microseconds.',
        () => this.overheadUs.quantile(0.99) ?? 0,
      ],
      ['process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss()],
    ]
    for (const [name, help, read] of gauges) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    }
    return registry
  }
}

/** Counts by a few labels whose values are joined by SEPARATOR into one key. */
class Tally<L extends string> {
  readonly #counts = new Map<string, number>()

  constructor(readonly labels: readonly L[]) {}

  add(key: string, amount: number): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + amount)
  }

  *entries(): Generator<[Partial<Record<L, string>>, number]> {
    for (const [key, count] of this.#counts) {
      const values = key.split(SEPARATOR)
      const labels: Partial<Record<L, string>> = {}
      this.labels.forEach((label, at) => {
        labels[label] = values[at] ?? ''
      })
      yield [labels, count]
    }
  }
}

const SEPARATOR = '\u0000'

/** Quantiles with at most 5% error at 240 numbers of memory: each bucket is 10% wider than the one before. */
export class Histogram {
  readonly #buckets = new Uint32Array(240)
  #count = 0

  record(value: number): void {
    const bucket = value <= 1 ? 0 : Math.min(this.#buckets.length - 1, Math.ceil(Math.log(value) / GROWTH))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#count += 1
  }

  /** @returns null while nothing has been recorded */
  quantile(share: number): number | null {
    if (this.#count === 0) return null
    let rest = Math.ceil(this.#count * share)
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      rest -= this.#buckets[bucket] ?? 0
      if (rest <= 0) return Math.round(Math.exp((bucket - 0.5) * GROWTH))
    }
    return Math.round(Math.exp(this.#buckets.length * GROWTH))
  }
}

const GROWTH = Math.log(1.1)
