import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'

type Options = {
  ratePerSecond: number
  seconds: number
  key: string
  body: string
  systems: { name: string; url: string; headers: Record<string, string> }[]
}

export type Latency = { name: string; p50Ms: number; p99Ms: number }

/**
 * Time from sending to the last byte at a fixed rate, independent of how fast answers come (open loop). The systems
 * take turns request by request, so that a slow moment of the machine falls on all of them alike.
 */
export async function latencyAt({ ratePerSecond, seconds, key, body, systems }: Options): Promise<Latency[]> {
  const lanes = systems.map((system) => ({
    ...system,
    pool: new Pool(system.url, { connections: 16, headersTimeout: 10_000, bodyTimeout: 10_000 }),
    samples: [] as number[],
  }))
  const intervalMs = 1_000 / (ratePerSecond * lanes.length)
  const total = Math.round(ratePerSecond * seconds * lanes.length)
  const warmUp = lanes.length * 50
  const open: Promise<void>[] = []
  const startedAt = performance.now()
  for (let i = 0; i < total + warmUp; i++) {
    const lane = lanes[i % lanes.length]
    if (!lane) throw new Error('There is nothing to measure.')
    const waitMs = startedAt + i * intervalMs - performance.now()
    if (waitMs > 1) await delay(waitMs)
    const sentAt = performance.now()
    const sent = lane.pool
      .request({
        path: '/v1/chat/completions',
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...lane.headers },
        body,
      })
      .then(async (response) => {
        await response.body.dump()
        if (response.statusCode !== 200) throw new Error(`${lane.name} answered ${response.statusCode}.`)
        if (i >= warmUp) lane.samples.push(performance.now() - sentAt)
      })
    open.push(sent)
  }
  await Promise.all(open)
  await Promise.all(lanes.map((lane) => lane.pool.close()))
  return lanes.map(({ name, samples }) => ({ name, p50Ms: quantile(samples, 0.5), p99Ms: quantile(samples, 0.99) }))
}

const quantile = (samples: number[], q: number): number =>
  samples.toSorted((a, b) => a - b)[Math.min(samples.length - 1, Math.floor(samples.length * q))] ?? Number.NaN
