import { Counter, Gauge, type Registry } from 'prom-client'
import { usdOfNano } from '@/lib/money'
import type { SpendGate } from './spend-gate'

/** Prometheus knows floating-point numbers only: what it shows of money is for looking at, never for reckoning. */
const shown = (nano: bigint): number => Number(usdOfNano(nano))

/** What budgets and wallets did here, read when `/metrics` is. */
export function registerSpend(registers: Registry[], gate: SpendGate): void {
  const counters: [string, string, string, () => [string, number][]][] = [
    [
      'keeptrusts_gateway_spend_requests_total',
      'Requests under budgets or wallets, by outcome.',
      'outcome',
      () => [
        ['reserved', gate.counts.reserved],
        ['alone', gate.counts.alone],
        ['refused', gate.counts.refused],
        ['unavailable', gate.counts.unavailable],
      ],
    ],
    [
      'keeptrusts_gateway_spend_usd_total',
      'US dollars reserved for requests, and settled when they were over.',
      'kind',
      () => [
        ['reserved', shown(gate.counts.reservedNano)],
        ['settled', shown(gate.counts.settledNano)],
      ],
    ],
    [
      'keeptrusts_gateway_spend_lease_asks_total',
      'Questions to the control plane for slices of budgets and wallets, by outcome.',
      'outcome',
      () => {
        const { asks, failures } = gate.leases?.counts ?? { asks: 0, failures: 0 }
        return [
          ['answered', asks - failures],
          ['failed', failures],
        ]
      },
    ],
  ]
  for (const [name, help, label, read] of counters) {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset()
        for (const [value, count] of read()) this.inc({ [label]: value }, count)
      },
    })
  }
  new Gauge({
    name: 'keeptrusts_gateway_spend_held_usd',
    help: 'US dollars of budgets and wallets that this gateway holds.',
    registers,
    collect() {
      this.set(shown(gate.leases?.held ?? 0n))
    },
  })
}
