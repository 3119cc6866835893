import { setTimeout as delay } from 'node:timers/promises'
import { gatewayEvent } from '../../control-plane/events/testing'
import { Answers } from './answers'
import { Random } from './random'
import { World } from './world'

/** The database is stopped for a while in the middle of the work. @returns Markdown */
export async function outage(seconds: number, seed: number): Promise<string> {
  const world = await World.open()
  const answers = new Answers()
  try {
    const since = new Date(Date.now() - 60_000)
    const { installation, senders } = world
    const [gateway] = installation.gateways
    const url = `http://127.0.0.1:${installation.ports[0]}`
    const wrong: string[] = []
    const made = senders.map((sender, at) => sender.make(new Random(seed + at), seconds * 40, seconds * 1_000 + 3_000))
    await delay(1_500)
    await installation.database.stop('SIGINT')
    const stoppedAt = performance.now()
    while (performance.now() - stoppedAt < seconds * 1_000) {
      // An event that waits nowhere: it is refused while there is no place for it.
      const event = gatewayEvent(gateway?.id ?? '', { gateway_seq: 1 })
      const asked = answers.ask('POST', `${url}/v1/events`, gateway?.token ?? '', { events: [event] })
      if ((await asked) === 200) wrong.push('an event was acknowledged while the database was away')
      if ((await answers.ask('GET', `${url}/readyz`, gateway?.token ?? '')) !== 503) wrong.push('/readyz was not 503')
      const alive = await fetch(`${url}/healthz`).then(({ status }) => status)
      if (alive !== 200) wrong.push(`/healthz answered ${alive}`)
      await delay(500)
    }
    const waiting = senders.reduce((sum, { depth }) => sum + depth, 0)
    await installation.database.start()
    const backAt = performance.now()
    await Promise.all(made)
    await world.drained()
    const drainedMs = performance.now() - backAt
    wrong.push(...answers.wrong, ...(await world.look(since)))
    for (const plane of installation.planes) wrong.push(...plane.unasked)
    return [
      `## The database stopped for ${seconds} s`,
      '',
      `${waiting} events waited on the gateways’ disks when it came back; all were acknowledged ${(drainedMs / 1_000).toFixed(1)} s later.`,
      '',
      ...answers.lines,
      '',
      wrong.length === 0 ? 'No failure.' : wrong.map((what) => `- FAILED: ${what}`).join('\n'),
    ].join('\n')
  } finally {
    await world.close()
  }
}
