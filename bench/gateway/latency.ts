import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { median } from '../processes'
import { KEY, type System } from './systems'

type Options = { body: string; systems: readonly System[]; ratePerSecond: number; rounds: number; seconds: number }

type Samples = { p50: number[]; p99: number[]; failed: number }

/**
 * Time from sending to the last byte at a fixed rate, independent of how fast answers come (open loop). One system at a
 * time, in turns, so that a slow minute of the machine falls on all of them alike; medians of the rounds.
 */
export async function latency({ body, systems, ratePerSecond, rounds, seconds }: Options): Promise<string[]> {
  const results = new Map<System, Samples>(systems.map((system) => [system, { p50: [], p99: [], failed: 0 }]))
  for (let round = 0; round <= rounds; round++) {
    for (const [system, result] of results) {
      console.error(`latency at ${ratePerSecond}/s, round ${round} of ${rounds}: ${system.name}`)
      const { samples, failed } = await samplesOf(system, body, ratePerSecond, round === 0 ? 1 : seconds)
      if (round === 0) continue // warms up
      result.failed += failed
      result.p50.push(quantile(samples, 0.5))
      result.p99.push(quantile(samples, 0.99))
    }
  }
  const [first] = results.values()
  if (!first) throw new Error('Nothing was measured.')
  const direct = { p50: median(first.p50), p99: median(first.p99) }
  const nginx = [...results].find(([{ name }]) => name.startsWith('nginx'))?.[1]
  const nginxAdds = nginx ? median(nginx.p50) - direct.p50 : null
  const added = (ms: number) => `${ms < 0 ? '' : '+'}${ms.toFixed(3)} ms`
  return [
    '',
    `### Latency added at ${ratePerSecond.toLocaleString('en')} requests/s, JSON of 1 KB`,
    '',
    '| system | p50 | p99 | p50, of nginx | failed |',
    '|---|--:|--:|--:|--:|',
    `| direct, not subtracted | ${direct.p50.toFixed(3)} ms | ${direct.p99.toFixed(3)} ms | | ${first.failed} |`,
    ...[...results].slice(1).map(([{ name }, { p50, p99, failed }]) => {
      const [adds50, adds99] = [median(p50) - direct.p50, median(p99) - direct.p99]
      const cells = [added(adds50), added(adds99), nginxAdds === null ? '' : (adds50 / nginxAdds).toFixed(1), failed]
      return `| ${name.startsWith('Keeptrusts') ? `**${name}**` : name} | ${cells.join(' | ')} |`
    }),
  ]
}

async function samplesOf(system: System, body: string, ratePerSecond: number, seconds: number) {
  const pool = new Pool(system.url, { connections: 64, headersTimeout: 5_000, bodyTimeout: 5_000 })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}`, ...system.headers }
  const samples: number[] = []
  let failed = 0
  const send = async (counts: boolean) => {
    const sentAt = performance.now()
    try {
      const { statusCode, body: answer } = await pool.request({ path: PATH, method: 'POST', headers, body })
      await answer.dump()
      if (statusCode !== 200) failed += 1
      else if (counts) samples.push(performance.now() - sentAt)
    } catch {
      failed += 1 // too slow for its rate
    }
  }
  const open: Promise<void>[] = []
  const total = ratePerSecond * seconds
  const skipped = Math.min(total, ratePerSecond) / 5 // connections are being opened
  const startedAt = performance.now()
  for (let i = 0; i < total; i++) {
    const waitMs = startedAt + (i * 1_000) / ratePerSecond - performance.now()
    if (waitMs > 0.5) await delay(waitMs)
    open.push(send(i >= skipped))
  }
  const gaveUp = setTimeout(() => void pool.destroy(), PATIENCE_MS)
  await Promise.all(open)
  clearTimeout(gaveUp)
  await pool.destroy()
  return { samples, failed }
}

const PATH = '/v1/chat/completions'
/** For a system that cannot keep up. */
const PATIENCE_MS = 5_000

export const quantile = (samples: readonly number[], q: number): number =>
  samples.toSorted((a, b) => a - b)[Math.min(samples.length - 1, Math.floor(samples.length * q))] ?? Number.NaN
