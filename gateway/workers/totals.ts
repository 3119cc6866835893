import { AggregatorRegistry } from 'prom-client'
import type { Member } from './member'
import type { WorkerReport } from './messages'

type Metric = { name: string; type: string; help: string; aggregator?: string; values: unknown[] }

/** Of these the whole is as the highest of its parts; of all others it is their sum. */
const HIGHEST = new Set([
  'keeptrusts_gateway_ready',
  'keeptrusts_gateway_overhead_p50_us',
  'keeptrusts_gateway_overhead_p99_us',
])

/** What all workers did together. Counts of workers that are gone stay in it: a counter never falls. */
export class Totals {
  readonly #reports = new Map<Member, WorkerReport>()
  #requestsOfGone = 0
  #countersOfGone: Promise<object[]> = Promise.resolve([])

  /** Told with every news of a worker. */
  take(member: Member): void {
    const { report } = member
    if (report === null) return
    if (member.state !== 'gone') {
      this.#reports.set(member, report)
      return
    }
    if (!this.#reports.delete(member)) return
    this.#requestsOfGone += report.requestsProcessed
    const counters = report.metrics.filter((metric) => (metric as Metric).type === 'counter')
    // Added up at once: the list must not grow with every worker that ever was.
    this.#countersOfGone = this.#countersOfGone.then((gone) =>
      AggregatorRegistry.aggregate([gone, counters]).getMetricsAsJSON(),
    )
  }

  sum(): Omit<WorkerReport, 'metrics' | 'isReady'> {
    const reports = [...this.#reports.values()]
    const add = (read: (report: WorkerReport) => number) => reports.reduce((sum, report) => sum + read(report), 0)
    return {
      spoolDepth: add(({ spoolDepth }) => spoolDepth),
      spoolBytes: add(({ spoolBytes }) => spoolBytes),
      requestsProcessed: this.#requestsOfGone + add(({ requestsProcessed }) => requestsProcessed),
      overheadP50Us: highest(reports.map(({ overheadP50Us }) => overheadP50Us)),
      overheadP99Us: highest(reports.map(({ overheadP99Us }) => overheadP99Us)),
      lastError: reports.find(({ lastError }) => lastError)?.lastError ?? null,
    }
  }

  /** For Prometheus. */
  async metrics(workers: number, leftovers: { depth: number; bytes: number } | null): Promise<string> {
    const primary = [
      gauge('keeptrusts_gateway_workers', 'Worker processes that serve.', workers),
      gauge('keeptrusts_gateway_spool_depth', 'Records that wait for the control plane.', leftovers?.depth ?? 0),
      gauge('keeptrusts_gateway_spool_bytes', 'Bytes of waiting records.', leftovers?.bytes ?? 0),
      gauge('process_resident_memory_bytes', 'Resident memory.', process.memoryUsage.rss()),
    ]
    const parts = [...[...this.#reports.values()].map(({ metrics }) => metrics), primary, await this.#countersOfGone]
    const whole = parts.map((metrics) =>
      metrics.map((metric) => ({ ...metric, aggregator: HIGHEST.has((metric as Metric).name) ? 'max' : 'sum' })),
    )
    return AggregatorRegistry.aggregate(whole).metrics()
  }
}

const gauge = (name: string, help: string, value: number): Metric => ({
  name,
  help,
  type: 'gauge',
  values: [{ value, labels: {} }],
})

const highest = (values: (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}
