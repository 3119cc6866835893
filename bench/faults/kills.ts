import { setTimeout as delay } from 'node:timers/promises'
import { Random } from './random'
import { World } from './world'

const KINDS = [
  'control plane, SIGKILL',
  'postmaster, SIGKILL',
  'all of PostgreSQL, SIGKILL',
  'control plane and all of PostgreSQL, SIGKILL',
  'control plane, SIGTERM',
] as const
type Kind = (typeof KINDS)[number]
const EVENTS_MIN = 100
const EVENTS_MORE = 300
const WHOLE_EVERY = 25
const FAILED_TRIALS_MAX = 5
/** Stopping takes this long at most: the grace of open requests, the last digests and jobs that are handed back. */
const STOP_WITHIN_MS = 10_000
/** A job whose worker was killed is given to another after two heartbeats and a poll, and exports may wait in line. */
const EXPORTS_END_WITHIN_MS = 240_000

type Tally = { trials: number; seeds: number[]; longestRecoveryMs: number }

type KillOptions = {
  trials: number
  seed: number
  /** Whether exports and verifications are under way, too. Those that are cut off take a minute to be given to others. */
  hasJobs: boolean
}

/** @returns Markdown: counts by kind, and every failure with the seed that repeats it */
export async function killTrials({ trials, seed, hasJobs }: KillOptions): Promise<string> {
  const world = await World.open({ preloaded: hasJobs ? 3_000 : 100 })
  const killing = new Killing(world, hasJobs)
  const tallies = new Map<Kind, Tally>(KINDS.map((kind) => [kind, { trials: 0, seeds: [], longestRecoveryMs: 0 }]))
  const failures: string[] = []
  const startedAt = performance.now()
  let done = 0
  try {
    for (let trial = 0; trial < trials; trial++) {
      const random = new Random(seed + trial)
      const kind = random.pick(KINDS)
      const tally = tallies.get(kind)
      if (!tally) continue
      const isWhole = (trial + 1) % WHOLE_EVERY === 0
      const { wrong, recoveryMs } = await killing.trial(kind, random, isWhole)
      done += 1
      tally.trials += 1
      tally.longestRecoveryMs = Math.max(tally.longestRecoveryMs, recoveryMs)
      if (wrong.length > 0) tally.seeds.push(seed + trial)
      for (const what of wrong) {
        failures.push(`seed ${seed + trial} (${kind}): ${what}`)
        process.stderr.write(`${failures.at(-1)}\n`)
      }
      if (isWhole || done === 5) say(done, trials, startedAt, failures.length)
      if ([...tallies.values()].reduce((sum, { seeds }) => sum + seeds.length, 0) >= FAILED_TRIALS_MAX) break
    }
    for (const what of await killing.finish()) failures.push(`at the end: ${what}`)
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    return report(killing, tallies, failures, { seed, seconds, done })
  } finally {
    await world.close()
  }
}

class Killing {
  /** What was under way at the moment of a kill. */
  readonly cut = { batches: 0, digests: 0, secondKills: 0 }
  readonly stops: number[] = []
  #signing = 0
  readonly #begins: Date[] = [new Date(Date.now() - 60_000)]

  constructor(
    readonly world: World,
    readonly hasJobs: boolean,
  ) {}

  async trial(kind: Kind, random: Random, isWhole: boolean): Promise<{ wrong: string[]; recoveryMs: number }> {
    const { database, planes } = this.world.installation
    const plane = planes[0]
    if (!plane) throw new Error('There is no control plane.')
    this.#begins.push(new Date(Date.now() - 1_000))
    const wrong: string[] = []
    const count = EVENTS_MIN + random.below(EVENTS_MORE)
    const loads = this.world.senders.map((sender) => sender.make(random.fork(), count, 300))
    const jobs = this.#work(random.fork())
    await delay(random.next() * random.pick([40, 150, 500]))

    this.cut.batches += this.world.senders.some(({ depth }) => depth > 0) ? 1 : 0
    this.cut.digests += this.#signing > 0 ? 1 : 0
    await this.world.exports.noteKill()
    const killedAt = performance.now()
    await this.#kill(kind, wrong)
    if (random.chance(0.1)) {
      // Also while it recovers.
      this.cut.secondKills += 1
      const starting = Promise.allSettled([database.start(), plane.start({ withinMs: 20_000 })])
      await delay(random.next() * 1_500)
      await plane.kill()
      if (random.chance(0.5)) await database.kill({ withChildren: true })
      await database.start()
      await plane.start()
      await starting
    }
    await Promise.all([database.start(), plane.start()])
    const recoveryMs = performance.now() - killedAt
    await Promise.all(loads)
    await jobs
    if (!(await this.world.drained()))
      wrong.push(`events are not delivered: ${this.world.senders.map((each) => each.trouble)}`)
    const since = isWhole ? this.#begins[0] : this.#begins.at(-4)
    wrong.push(...(await this.world.trail.look(since ?? new Date(0))))
    wrong.push(...(await this.world.records.look(this.world.senders, { isWhole })))
    wrong.push(...(await this.world.exports.look()))
    for (const { unasked } of [database, plane]) wrong.push(...unasked.splice(0))
    await this.world.trail.pin()
    return { wrong, recoveryMs }
  }

  /** What was cut off long ago comes to its end, too. @returns what is wrong */
  async finish(): Promise<string[]> {
    const exported = await this.world.exports.finish(EXPORTS_END_WITHIN_MS)
    const verified = await this.world.trail.lookAtStarted()
    const archived = this.hasJobs ? await this.world.trail.lookAtArchive() : []
    return [
      ...exported,
      ...verified,
      ...archived,
      ...(await this.world.records.look(this.world.senders, { isWhole: true })),
    ]
  }

  /** Digests, an export and a verification at random moments. Ends when all have been answered or cut off. */
  async #work(random: Random): Promise<void> {
    const sign = async (afterMs: number) => {
      await delay(afterMs)
      this.#signing += 1
      await this.world.trail.sign().finally(() => {
        this.#signing -= 1
      })
    }
    const jobs = [sign(0), sign(random.next() * 100), sign(random.next() * 300)]
    if (this.hasJobs && random.chance(0.5))
      jobs.push(this.world.exports.start(random, this.#begins.at(-40) ?? this.#begins[0] ?? new Date(0)))
    if (this.hasJobs && random.chance(0.2)) jobs.push(this.world.trail.startVerification())
    await Promise.all(jobs)
  }

  async #kill(kind: Kind, wrong: string[]): Promise<void> {
    const { database, planes } = this.world.installation
    const [plane] = planes
    switch (kind) {
      case 'control plane, SIGKILL':
        return plane?.kill()
      case 'postmaster, SIGKILL':
        return database.kill()
      case 'all of PostgreSQL, SIGKILL':
        return database.kill({ withChildren: true })
      case 'control plane and all of PostgreSQL, SIGKILL':
        await Promise.all([plane?.kill(), database.kill({ withChildren: true })])
        return
      case 'control plane, SIGTERM': {
        const stopped = await plane?.stop('SIGTERM')
        this.stops.push(stopped?.ms ?? 0)
        if (stopped?.status !== 0) wrong.push(`the control plane stopped with ${stopped?.status}`)
        if ((stopped?.ms ?? 0) > STOP_WITHIN_MS) wrong.push(`the control plane took ${stopped?.ms} ms to stop`)
      }
    }
  }
}

const say = (done: number, trials: number, startedAt: number, failures: number) =>
  process.stderr.write(
    `${done} of ${trials} trials in ${Math.round((performance.now() - startedAt) / 1_000)} s, ${failures} failures\n`,
  )

function report(
  { world, cut, stops }: Killing,
  tallies: ReadonlyMap<Kind, Tally>,
  failures: string[],
  { seed, seconds, done }: { seed: number; seconds: number; done: number },
): string {
  const { records, trail, exports } = world
  const acknowledged = world.senders.reduce((sum, sender) => sum + sender.acknowledged.length, 0)
  return [
    '## Killed at work',
    '',
    `${done} trials in ${seconds} s, seeds ${seed} to ${seed + done - 1}. ${cut.batches} hit batches, ${cut.digests} digests, ${exports.cutOff} exports under way; ${cut.secondKills} killed again while it recovered.`,
    '',
    '| what was ended | trials | failed | longest until it served again |',
    '|---|--:|--:|--:|',
    ...[...tallies].map(
      ([kind, { trials, seeds, longestRecoveryMs }]) =>
        `| ${kind} | ${trials} | ${seeds.length} | ${(longestRecoveryMs / 1_000).toFixed(1)} s |`,
    ),
    '',
    `Records acknowledged: ${acknowledged}, of which ${records.events} different good events; all stored once. Digests acknowledged: ${trail.acknowledged.size}. Exports completed and compared: ${exports.completed}, failed and made again: ${exports.failed}. Verifications cut off: ${trail.started}. Longest stop: ${(Math.max(0, ...stops) / 1_000).toFixed(1)} s.`,
    '',
    failures.length === 0 ? 'No failure.' : failures.map((what) => `- ${what}`).join('\n'),
  ].join('\n')
}
