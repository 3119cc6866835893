import { setTimeout as delay } from 'node:timers/promises'
import { Random } from './random'
import { isAway } from './trail-check'
import { World } from './world'

/** Longer than a session may idle in its transaction, and than it takes to give the jobs of a silent worker to another. */
const PAUSED_MS = 52_000
const BUSY_MS = 8_000
const CATCHES_MAX = 300

/** Two control planes on one database; one of them sleeps in the middle of a transaction until its locks are lost. */
export async function twoPlanes(pauses: number, seed: number): Promise<string> {
  const world = await World.open({ planes: 2, preloaded: 4_000 })
  const random = new Random(seed)
  const wrong: string[] = []
  const caught: string[] = []
  let longestSilenceMs = 0
  let signed = 0
  try {
    const since = new Date(Date.now() - 60_000)
    const [first] = world.installation.planes
    if (!first) throw new Error('There is no control plane.')
    const busy = Promise.all(world.senders.map((sender) => sender.make(random.fork(), 1_000, BUSY_MS)))
    for (const until = performance.now() + BUSY_MS; performance.now() < until; ) {
      const both = await Promise.all([world.trail.sign(0), world.trail.sign(1), world.trail.sign(1)])
      signed += both.filter(Boolean).length
    }
    await busy
    wrong.push(...(await world.look(since)).map((what) => `both at work: ${what}`))

    for (let pause = 0; pause < pauses; pause++) {
      await world.trail.pin(1)
      await world.exports.start(random, since)
      const made = Promise.all(world.senders.map((sender) => sender.make(random.fork(), 1_500, PAUSED_MS / 2)))
      const attempts: Promise<unknown>[] = []
      const what = await catchInTransaction(world, random, attempts)
      if (what === undefined) {
        wrong.push('it was never caught in a transaction')
        await made
        continue
      }
      caught.push(what)
      const pausedAt = performance.now()
      let acknowledgedAt = pausedAt
      const [, other] = world.senders
      let seen = other?.acknowledged.length ?? 0
      while (performance.now() - pausedAt < PAUSED_MS) {
        if (await world.trail.sign(1)) signed += 1
        const now = other?.acknowledged.length ?? 0
        if (now > seen || other?.depth === 0) acknowledgedAt = performance.now()
        seen = now
        longestSilenceMs = Math.max(longestSilenceMs, performance.now() - acknowledgedAt)
        await delay(100)
      }
      wrong.push(...(await world.exports.finish(45_000, 1)).map((each) => `while one slept: ${each}`))
      first.resume()
      await Promise.all(attempts)
      await made
      wrong.push(...(await world.look(since)).map((each) => `after pause ${pause + 1} (${what}): ${each}`))
    }
    for (const { unasked } of world.installation.planes) wrong.push(...unasked)
    return [
      '## Two control planes, one asleep',
      '',
      `${signed} digests signed by both, ${pauses} pauses of ${PAUSED_MS / 1_000} s (SIGSTOP), seed ${seed}. Asleep in: ${caught.join('; ')}. The other went without an acknowledgement for ${(longestSilenceMs / 1_000).toFixed(1)} s at most.`,
      '',
      wrong.length === 0 ? 'No failure.' : wrong.map((each) => `- FAILED: ${each}`).join('\n'),
    ].join('\n')
  } finally {
    await world.close()
  }
}

/**
 * Stops the first control plane again and again until it has a transaction open that has written or locked rows.
 * @returns its last statement
 */
async function catchInTransaction(
  world: World,
  random: Random,
  attempts: Promise<unknown>[],
): Promise<string | undefined> {
  const { installation, trail } = world
  const [first] = installation.planes
  for (let attempt = 0; attempt < CATCHES_MAX; attempt++) {
    attempts.push(
      trail.sign(0).catch((thrown: unknown) => {
        if (!isAway(thrown)) throw thrown
      }),
    )
    await delay(random.next() * 60)
    first?.pause()
    // Long enough that whatever the other one does is over.
    await delay(400)
    const rows = await installation.sql<{ query: string }>(
      `select left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as query from pg_stat_activity
      where application_name = 'keeptrusts' and state = 'idle in transaction' and backend_xid is not null
        and state_change < clock_timestamp() - interval '300 milliseconds'`,
    )
    if (rows.length > 0) return rows.map(({ query }) => query).join(' | ')
    first?.resume()
  }
  return undefined
}
