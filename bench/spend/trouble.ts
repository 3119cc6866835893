import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../faults/random'
import type { World } from './world'

const DRAIN_MS_MAX = 60_000

export type Faults = { cuts: number; kills: number; jumps: number }

const BODY = JSON.stringify({ model: 'bench', max_tokens: 5, messages: [{ role: 'user', content: 'Yes or no?' }] })

/** The status; 0 when there was no answer. */
export async function call(url: string, key: string): Promise<number> {
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: BODY,
      signal: AbortSignal.timeout(15_000),
    })
    await response.arrayBuffer()
    return response.status
  } catch {
    return 0
  }
}

/** Until the load is over; then all is healed. */
export async function makeTrouble(
  { gateways, hasClock }: World,
  random: Random,
  { faults }: { faults: Faults },
  signal: AbortSignal,
): Promise<void> {
  for (const { link } of gateways) link.faults = 0.05
  const works: Promise<void>[] = []
  const busy = new Set<number>()
  while (!signal.aborted) {
    await delay(20 + random.below(200))
    const at = random.below(gateways.length)
    const gateway = gateways[at]
    if (gateway === undefined || busy.has(at)) continue
    const lengthMs = 50 + random.below(900)
    const kind = random.pick(['cut', 'cut', 'kill', hasClock ? 'jump' : 'cut'])
    busy.add(at)
    const work = async () => {
      if (kind === 'cut') {
        faults.cuts += 1
        gateway.link.cut()
        await delay(lengthMs)
        gateway.link.heal()
      } else if (kind === 'kill') {
        faults.kills += 1
        await gateway.kill()
        await delay(lengthMs / 2)
        await gateway.start()
      } else {
        faults.jumps += 1
        await gateway.jump((random.below(2) === 0 ? -1 : 1) * random.below(90_000))
        await delay(lengthMs)
        await gateway.jump(0)
      }
      busy.delete(at)
    }
    works.push(work())
  }
  await Promise.all(works)
  for (const { link } of gateways) link.faults = 0
}

/**
 * Until every gateway has delivered what it recorded.
 *
 * @param recorded how much there is, in calls
 * @returns what stands in the way after a while; null when nothing does
 */
export async function settled(
  { gateways, noteDatabase }: World,
  recorded: () => Promise<number>,
  seed: number,
): Promise<string | null> {
  const startedAt = performance.now()
  let before = -1
  for (let same = 0; same < 3; ) {
    const depths = await Promise.all(gateways.map(({ url }) => spoolDepth(url)))
    const now = await recorded()
    same = depths.every((depth) => depth === 0) && now === before ? same + 1 : 0
    before = now
    if (performance.now() - startedAt > DRAIN_MS_MAX) {
      await noteDatabase(`database-${seed}`)
      return `spools were not empty after ${DRAIN_MS_MAX / 1_000} s: ${depths.join(' ')}`
    }
    await delay(150)
  }
  return null
}

async function spoolDepth(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^keeptrusts_gateway_spool_depth(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? Number.NaN)
}
