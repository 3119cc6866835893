import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { PgBoss } from 'pg-boss'
import pino from 'pino'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { newId } from '@/lib/ids'
import { inTenant } from '../tenant'
import { startControlPlane } from '../testing'
import { JOBS_SCHEMA } from './install'
import { Jobs } from './jobs'
import { queue } from './queue'

const plane = await startControlPlane({ jobs: true })
const { jobs, log, db } = plane.services
const others: Jobs[] = []
/** Another process of the installation, as far as the database can tell. */
const otherJobs = (works = true) => {
  const other = new Jobs({ url: plane.databaseUrl, log, works })
  others.push(other)
  return other
}
afterAll(async () => {
  await Promise.all(others.map((other) => other.close()))
  await plane.stop()
})

const Numbered = z.object({ n: z.number().int() })
const stored = (name: string) =>
  plane.owner<{ state: string; data: { n: number }; output: unknown; attempts: number }[]>`
    select state::text, data, output, retry_count as attempts from pgboss.job where name = ${name} order by created_on`

test('a job is done by whoever works on its queue, with the data that was handed in', async () => {
  const greetings = queue('test.done', Numbered)
  const { promise: done, resolve } = Promise.withResolvers<number>()
  await jobs.work(greetings, async ({ n }) => resolve(n))
  await otherJobs(false).send(greetings, { n: 7 })
  expect(await done).toBe(7)
})

test('two processes do each of many jobs once', async () => {
  const many = queue('test.many', Numbered, { concurrency: 3 })
  const seen: number[] = []
  const workers = new Set<string>()
  const { promise: all, resolve } = Promise.withResolvers<void>()
  // However much later one begins, the other leaves it some.
  const { promise: both, resolve: bothWork } = Promise.withResolvers<void>()
  const handlerOf =
    (worker: string) =>
    async ({ n }: { n: number }) => {
      workers.add(worker)
      if (workers.size === 2) bothWork()
      await both
      seen.push(n)
      if (seen.length === 60) resolve()
    }
  for (let n = 0; n < 60; n++) await jobs.send(many, { n })
  await Promise.all([jobs.work(many, handlerOf('one')), otherJobs().work(many, handlerOf('two'))])
  await all
  await expect
    .poll(async () => (await stored('test.many')).filter(({ state }) => state === 'completed').length)
    .toBe(60)
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n))
  expect(workers).toEqual(new Set(['one', 'two']))
})

test('a job exists when, and only if, the transaction it was handed in with commits', async () => {
  const outbox = queue('test.outbox', Numbered)
  const orgId = newId('org')
  const change = inTenant(db, orgId, async (tx) => {
    expect(await jobs.sendIn(tx, outbox, { n: 1 })).toEqual(expect.any(String))
    throw new Error('no')
  })
  await expect(change).rejects.toThrow('no')
  expect(await stored('test.outbox')).toEqual([])
  await inTenant(db, orgId, async (tx) => {
    await jobs.sendIn(tx, outbox, { n: 2 })
    expect(await stored('test.outbox'), 'nobody else sees it yet').toEqual([])
  })
  expect(await stored('test.outbox')).toMatchObject([{ data: { n: 2 }, state: 'created' }])
  const { promise: done, resolve } = Promise.withResolvers<number>()
  await jobs.work(outbox, async ({ n }) => resolve(n))
  expect(await done).toBe(2)
})

test('a worker that is killed in the middle of a job loses it to another', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-jobs-test-'))
  const program = await programThatHangs(directory)
  const child = spawn(process.execPath, [program, plane.databaseUrl], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await jobs.send(queue('test.killed', Numbered), { n: 5 })
    await once(child.stdout, 'data')
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  } finally {
    child.kill('SIGKILL')
    await rm(directory, { recursive: true })
  }
  expect(await stored('test.killed')).toMatchObject([{ state: 'active' }])
  await letTimePass('test.killed', '1 minute')
  await makeDue('test.killed')

  const { promise: run, resolve } = Promise.withResolvers<{ n: number; attempt: number }>()
  await jobs.work(queue('test.killed', Numbered), async ({ n }, { attempt }) => resolve({ n, attempt }))
  expect(await run).toEqual({ n: 5, attempt: 2 })
})

test('a job that fails is tried as often as its queue says, and then somebody hears that it is lost', async () => {
  const failing = queue('test.failing', Numbered, { retryLimit: 1, retryDelaySeconds: 1, tellsLost: true })
  const attempts: number[] = []
  const { promise: lost, resolve } = Promise.withResolvers<number>()
  await jobs.work(
    failing,
    async (_, { attempt }) => {
      attempts.push(attempt)
      throw new Error('the prompt was: hunter2')
    },
    async ({ n }) => resolve(n),
  )
  await jobs.send(failing, { n: 9 })
  await expect.poll(async () => (await stored('test.failing'))[0]?.state, { timeout: 10_000 }).toBe('failed')
  expect(attempts).toEqual([1, 2])
  expect(
    JSON.stringify(await stored('test.failing')),
    'what a handler says may hold what nobody may read',
  ).not.toContain('hunter2')
  expect(await lost).toBe(9)
})

test('of one key an exclusive queue has one job at a time, a stately one also the next', async () => {
  const work = Promise.withResolvers<void>()
  const exclusive = queue('test.exclusive', Numbered, { policy: 'exclusive' })
  const stately = queue('test.stately', Numbered, { policy: 'stately', concurrency: 2 })
  const running = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  for (const [at, kind] of [exclusive, stately].entries()) {
    await jobs.work(kind, async () => {
      running[at]?.resolve()
      await work.promise
    })
    expect(await jobs.send(kind, { n: 1 }, { key: 'a' })).not.toBeNull()
    await running[at]?.promise
  }
  expect(await jobs.send(exclusive, { n: 2 }, { key: 'a' })).toBeNull()
  expect(await jobs.send(stately, { n: 2 }, { key: 'a' })).not.toBeNull()
  expect(await jobs.send(stately, { n: 3 }, { key: 'a' })).toBeNull()
  expect(await jobs.send(exclusive, { n: 4 }, { key: 'b' })).not.toBeNull()
  await inTenant(db, newId('org'), async (tx) => {
    expect(await jobs.sendIn(tx, exclusive, { n: 5 }, { key: 'a' })).toBeNull()
    // A refused job does not break the transaction.
    expect(await jobs.sendIn(tx, exclusive, { n: 6 }, { key: 'c' })).not.toBeNull()
  })
  work.resolve()
  await expect(jobs.send(exclusive, { n: 1 })).rejects.toThrow('need a key')
  await expect(jobs.send(queue('test.plain', Numbered), { n: 1 }, { key: 'a' })).rejects.toThrow('have no key')
})

test('data of another shape is not handed in', async () => {
  const strict = queue('test.strict', z.strictObject({ n: z.number() }))
  await expect(jobs.send(strict, JSON.parse('{"n":"1"}'))).rejects.toThrow()
  await expect(jobs.schedule(strict, '0 * * * *', JSON.parse('{"n":1,"m":2}'))).rejects.toThrow()
  expect(await stored('test.strict')).toEqual([])
})

test('work under way is told when the process stops: it ends in time, or another does it', async () => {
  const long = queue('test.stopped', Numbered)
  const ending = queue('test.ending', Numbered)
  const stopping = otherJobs()
  const nearlyDone = Promise.withResolvers<void>()
  await stopping.work(ending, async (_, { signal }) => {
    nearlyDone.resolve()
    await once(signal, 'abort')
  })
  await jobs.send(ending, { n: 1 })
  await nearlyDone.promise
  const started = Promise.withResolvers<void>()
  const told = Promise.withResolvers<void>()
  await stopping.work(long, async (_, { signal }) => {
    started.resolve()
    await once(signal, 'abort')
    told.resolve()
    signal.throwIfAborted()
  })
  await jobs.send(long, { n: 3 })
  await started.promise
  await stopping.close()
  await told.promise
  expect(await stored('test.ending')).toMatchObject([{ state: 'completed' }])
  expect(await stored('test.stopped')).toMatchObject([{ state: 'retry' }])
  await expect(stopping.send(long, { n: 4 })).rejects.toMatchObject({ code: 'unavailable' })
  await makeDue('test.stopped')
  const { promise: again, resolve } = Promise.withResolvers<number>()
  await jobs.work(long, async (_, { attempt }) => resolve(attempt))
  expect(await again).toBe(2)
})

test('work that does not listen when the process stops is handed back all the same', async () => {
  const deaf = queue('test.deaf', Numbered)
  const stopping = otherJobs()
  const started = Promise.withResolvers<void>()
  await stopping.work(deaf, async () => {
    started.resolve()
    await new Promise(() => undefined)
  })
  await jobs.send(deaf, { n: 1 })
  await started.promise
  await stopping.close()
  expect(await stored('test.deaf')).toMatchObject([{ state: 'retry' }])
})

test('a poll that fails is logged with its cause', async () => {
  const logged: { msg: string }[] = []
  const heard = pino({}, { write: (line) => logged.push(JSON.parse(line)) })
  const other = new Jobs({ url: plane.databaseUrl, log: heard, works: true })
  others.push(other)
  await plane.owner`alter table pgboss.job_common rename to job_away`
  try {
    await other.work(queue('test.unpolled', Numbered), async () => undefined)
    // What is no error has no type, and would be logged with all that it carries.
    const err = expect.objectContaining({
      type: 'Error',
      message: expect.stringContaining('does not exist'),
      code: '42P01',
    })
    await expect
      .poll(() => logged, { timeout: 15_000 })
      .toContainEqual(expect.objectContaining({ msg: 'jobs: a poll failed', queue: 'test.unpolled', err }))
  } finally {
    await plane.owner`alter table pgboss.job_away rename to job_common`
  }
})

test('a schedule is kept once for the installation, and replaced by the next of its key', async () => {
  const hourly = queue('test.hourly', Numbered)
  await jobs.schedule(hourly, '0 * * * *', { n: 1 }, 'org_a')
  await otherJobs().schedule(hourly, '5 * * * *', { n: 2 }, 'org_a')
  await jobs.schedule(hourly, '9 * * * *', { n: 3 }, 'org_b')
  await jobs.unschedule(hourly, 'org_b')
  const schedules = await plane.owner`select key, cron, timezone, data from pgboss.schedule where name = 'test.hourly'`
  expect([...schedules]).toEqual([{ key: 'org_a', cron: '5 * * * *', timezone: 'UTC', data: { n: 2 } }])
  await expect(jobs.schedule(hourly, 'never', { n: 1 })).rejects.toThrow()
})

test('the application may use the queue, and change nothing of how it is built', async () => {
  const { sql } = plane.database
  await expect(sql`create table pgboss.other (id int)`).rejects.toMatchObject({ code: '42501' })
  await expect(sql`drop table pgboss.schedule`).rejects.toMatchObject({ code: '42501' })
  await expect(sql`truncate pgboss.job`).rejects.toMatchObject({ code: '42501' })
})

/** Ends the pause before a retry. */
const makeDue = (name: string) =>
  plane.owner`update pgboss.job set start_after = now() where name = ${name} and state = 'retry'`

/** Sets back what workers said last, and looks, as pg-boss does from time to time. */
async function letTimePass(name: string, interval: string): Promise<void> {
  await plane.owner`
    update pgboss.job set started_on = started_on - ${interval}::interval, heartbeat_on = heartbeat_on - ${interval}::interval
    where name = ${name} and state = 'active'`
  await plane.owner`update pgboss.queue set monitor_on = null, monitor_claim_on = null where name = ${name}`
  const boss = new PgBoss({
    connectionString: plane.databaseUrl,
    schema: JOBS_SCHEMA,
    migrate: false,
    supervise: false,
    schedule: false,
    reindex: false,
  })
  await boss.start()
  await boss.supervise(name)
  await boss.stop()
}

/** A program that takes a job, says so, and never ends. */
async function programThatHangs(directory: string): Promise<string> {
  const outfile = join(directory, 'hangs.mjs')
  await build({
    stdin: {
      contents: `
        import pino from 'pino'
        import { z } from 'zod'
        import { Jobs } from './jobs'
        import { queue } from './queue'
        const jobs = new Jobs({ url: process.argv[2], log: pino({ level: 'silent' }), works: true })
        await jobs.work(queue('test.killed', z.object({ n: z.number() })), async () => {
          process.stdout.write('taken')
          await new Promise(() => undefined)
        })`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    alias: { '@': join(import.meta.dirname, '..', '..') },
    external: ['pg-native'],
    banner: {
      js: `import { createRequire } from 'node:module'
        const require = createRequire(import.meta.url)
        const __filename = import.meta.filename
        const __dirname = import.meta.dirname`,
    },
    logLevel: 'error',
  })
  return outfile
}
