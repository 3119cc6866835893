import { type ChildProcess, execFileSync } from 'node:child_process'
import { appendFile, chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { TransactionSql } from 'postgres'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { gatewayOf } from '@/control-plane/events/testing'
import { migrate } from '@/control-plane/migrate'
import { startControlPlane, type TestOrganization, type TestPlane } from '@/control-plane/testing'
import { events } from '@/lib/contract/events'
import { teams } from '@/lib/contract/teams'
import { LogFile } from './log-file'
import { prepareEmbeddedPostgres } from './postgres'

const KILLS = 20
const WRITERS_PER_ORGANIZATION = 2
const BATCH = 20
/** What a server that is killed and comes back does not reach. */
const PROMPT_MS = 2_000
/** Connections of the control plane (startControlPlane). */
const POOL = 8
/** Of starting beside orphans, some tenths of a second each. */
const PATIENT_ATTEMPTS = 20

let directory: string
let server: Awaited<ReturnType<typeof prepareEmbeddedPostgres>>
let running: ChildProcess
let plane: TestPlane

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keeptrusts-kill-'))
  await chmod(directory, 0o711)
  const log = new LogFile(join(directory, 'postgres.log'))
  server = await prepareEmbeddedPostgres({ dataDirectory: directory, log, say: () => undefined })
  // After a crash every file is synced first, which takes longer than the recovery; Linux can do that in one go.
  const method = process.platform === 'linux' ? 'syncfs' : 'fsync'
  await appendFile(join(server.directory, 'postgresql.conf'), `recovery_init_sync_method = ${method}\n`)
  running = server.launch()
  await untilTaken(() => migrate(server.url, { appPassword: inject('appPassword') }))
  plane = await startControlPlane({ templateUrl: server.url, promptMs: PROMPT_MS, requestMs: PROMPT_MS })
}, 60_000)

afterAll(async () => {
  await Promise.race([plane?.stop(), delay(10_000)])
  if (running) await ended(running, () => running.kill('SIGINT'))
  await rm(directory, { recursive: true, force: true })
}, 30_000)

test('PostgreSQL killed again and again under load loses and doubles no acknowledged event', async () => {
  const organizations = [await plane.organization('One'), await plane.organization('Two')]
  const writers = await Promise.all(
    organizations.flatMap((organization) =>
      Array.from({ length: WRITERS_PER_ORGANIZATION }, (_, index) => writer(organization, `gw_${index}`)),
    ),
  )
  const working = Promise.all(writers.map(({ work }) => work()))
  const sum = (of: (each: (typeof writers)[number]) => number) => writers.reduce((total, each) => total + of(each), 0)

  let killedAtWork = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const before = sum(({ acknowledged }) => acknowledged.size)
    await untilTaken(async () => expect(sum(({ acknowledged }) => acknowledged.size)).toBeGreaterThan(before))
    // Somewhere in the middle of what follows: batches take about this long.
    await delay((kill * 7) % 40)
    if (writers.some(({ isWaiting }) => isWaiting())) killedAtWork += 1
    const orphans = childrenOf(running.pid ?? 0)
    await ended(running, () => killHard(running, kill % 2 === 0 ? 'server' : 'everything'))
    running = await relaunch(orphans)
  }
  for (const each of writers) each.stop()
  await working

  expect(killedAtWork).toBeGreaterThan(KILLS / 2)
  expect(sum(({ refusals }) => refusals())).toBeGreaterThanOrEqual(KILLS)
  for (const [index, organization] of organizations.entries()) {
    const mine = writers.slice(index * WRITERS_PER_ORGANIZATION, (index + 1) * WRITERS_PER_ORGANIZATION)
    const acknowledged = mine.flatMap((each) => [...each.acknowledged])
    const stored = await plane.owner<{ event_id: string }[]>`
      select event_id from events where org_id = ${organization.orgId} order by seq`
    expect(stored.map(({ event_id }) => event_id).toSorted()).toEqual(acknowledged.toSorted())
    await expectWhole(organization)
  }
  expect((await plane.send('GET', '/readyz')).status).toBe(200)
}, 120_000)

test('a batch whose connection is never answered is refused in time, instead of keeping all others waiting for ever', async () => {
  const organization = await plane.organization('Hung')
  const { gateway, event } = await gatewayOf(organization, 'gw_hung')
  const body = JSON.stringify({ events: [event()] })
  const send = () => plane.send('POST', events.ingest.path, { token: gateway.token, body })
  const answers = await unanswered(
    (sql) => sql`select from org_counters where org_id = ${organization.orgId} for update`,
    'record_events(',
    send,
  )
  expect(answers.map(({ status, json }) => [status, json.code])).toEqual([[503, 'unavailable']])
  await expect.poll(async () => (await send()).status, { timeout: 10_000 }).toBe(200)
  await expectWhole(organization)
}, 60_000)

test('requests whose connections are never answered are refused in time, and give way to others', async () => {
  const { token } = await (await plane.organization('Hung too')).as(['members:read'])
  const read = () => plane.send('GET', teams.list.path, { token })
  // As many as there are connections.
  const answers = await unanswered((sql) => sql`lock table teams in access exclusive mode`, '"teams"', read, POOL)
  expect(answers.map(({ status, json }) => [status, json.code])).toEqual(answers.map(() => [503, 'unavailable']))
  await expect.poll(async () => (await read()).status, { timeout: 10_000 }).toBe(200)
}, 60_000)

/** What `send`, `times` at once, is answered when the processes that work on it, found by their statement, hang for good. */
async function unanswered<T>(
  lock: (sql: TransactionSql) => Promise<unknown>,
  statement: string,
  send: () => Promise<T>,
  times = 1,
): Promise<T[]> {
  const locked = Promise.withResolvers<number>()
  const release = Promise.withResolvers<void>()
  const holding = plane.owner.begin(async (sql) => {
    await lock(sql)
    const [holder] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    locked.resolve(holder?.pid ?? 0)
    await release.promise
  })
  const holder = await locked.promise
  const answers = Array.from({ length: times }, send)
  const pids = await waitingBehind(holder, statement, times)
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  try {
    release.resolve()
    await holding
    expect(pids).toHaveLength(times)
    return await Promise.all(answers)
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
}

/** The processes of PostgreSQL that go on with a statement as soon as `holder`, another one, lets go of its lock. */
async function waitingBehind(holder: number, statement: string, count: number): Promise<number[]> {
  for (let attempt = 1; ; attempt++) {
    const found = await plane.owner<{ pid: number }[]>`
      select pid from pg_stat_activity
      where ${holder} = any(pg_blocking_pids(pid)) and position(${statement} in query) > 0`
    if (found.length === count || attempt === 100) return found.map(({ pid }) => pid)
    await delay(20)
  }
}

/** Numbers without gaps over events and activity, leaves that are the hashes of their lines, rollups that add up. */
async function expectWhole({ orgId }: TestOrganization): Promise<void> {
  const [record] = await plane.owner`
    select count(*)::int as records, max(seq)::int as last, count(distinct seq)::int as numbers,
      bool_and(leaf_hash = sha256('\\x00'::bytea || convert_to(line, 'UTF8'))) as hashed
    from (select seq, line, leaf_hash from events where org_id = ${orgId}
          union all select seq, line, leaf_hash from activity where org_id = ${orgId}) as records`
  expect(record).toEqual({ records: record?.last, last: record?.last, numbers: record?.last, hashed: true })
  const [sums] = await plane.owner`
    select (select count(*)::int from events where org_id = ${orgId}) as events,
      (select sum(tokens_total)::int from events where org_id = ${orgId}) as tokens`
  for (const table of ['usage_hourly', 'usage_daily']) {
    const [kept] = await plane.owner`
      select sum(events)::int as events, sum(tokens_total)::int as tokens from ${plane.owner(table)} where org_id = ${orgId}`
    expect(kept).toEqual(sums)
  }
  const [missing] = await plane.owner`
    select sum(missing)::int as missing from gateway_positions where org_id = ${orgId}`
  expect(missing).toEqual({ missing: 0 })
}

/** Sends batch after batch, each again until it is acknowledged, as the gateway's delivery does. */
async function writer(organization: TestOrganization, gatewayId: string) {
  const { gateway, event } = await gatewayOf(organization, gatewayId)
  const acknowledged = new Set<string>()
  let refusals = 0
  let waiting = false
  let stopped = false
  const sendOnce = async (body: string): Promise<boolean> => {
    waiting = true
    const answer = await plane.send('POST', events.ingest.path, { token: gateway.token, body })
    waiting = false
    if (answer.status === 200) {
      const { accepted, duplicates, rejected } = events.ingest.output.parse(answer.json)
      expect([accepted + duplicates, rejected]).toEqual([BATCH, []])
      return true
    }
    refusals += 1
    expect(answer.json).toMatchObject({ status: 503, code: 'unavailable' })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('retry-after')).toBe('2')
    return false
  }
  const work = async () => {
    while (!stopped) {
      const batch = Array.from({ length: BATCH }, () => event())
      const body = JSON.stringify({ events: batch })
      while (!(await sendOnce(body))) await delay(100)
      for (const { event_id } of batch) acknowledged.add(event_id)
    }
  }
  return { acknowledged, work, refusals: () => refusals, isWaiting: () => waiting, stop: () => (stopped = true) }
}

/** The server alone, whose children then notice that they are orphans and end; or all of it at once. */
function killHard({ pid }: ChildProcess, what: 'server' | 'everything'): void {
  if (pid === undefined) throw new Error('PostgreSQL does not run.')
  const children = what === 'server' ? [] : childrenOf(pid)
  for (const victim of [pid, ...children]) killOne(victim)
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // A connection may have ended since the list was made.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

const childrenOf = (parent: number) =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid] : []))

/**
 * Orphans of the killed server hold its shared memory for a moment, and PostgreSQL refuses to start beside them. One that waits
 * for what another orphan had when it ended does not notice that it is one: it is ended as whoever runs a server would do it.
 */
async function relaunch(orphans: readonly number[]): Promise<ChildProcess> {
  for (let attempt = 1; ; attempt++) {
    if (attempt > PATIENT_ATTEMPTS) for (const orphan of orphans) killOne(orphan)
    const child = server.launch()
    const gone = new Promise<false>((resolve) => child.once('exit', () => resolve(false)))
    const isUp = await Promise.race([gone, untilTaken(() => plane.owner`select 1`).then(() => true)])
    if (isUp) return child
    await delay(20)
  }
}

async function ended(child: ChildProcess, act: () => void): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  act()
  await gone
}

/** Tries again until it works; the test's own time limit ends it. */
async function untilTaken(attempt: () => Promise<unknown>): Promise<void> {
  for (;;) {
    const done = await attempt().then(
      () => true,
      () => false,
    )
    if (done) return
    await delay(25)
  }
}
