import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { Agent, request } from 'undici'
import { gatewayEvent } from '../../control-plane/events/testing'
import { registerGateway } from '../../control-plane/gateways/commands'
import { appUrl, migrate } from '../../control-plane/migrate'
import { createOrganization } from '../../control-plane/organization/commands'
import { asSystem } from '../../control-plane/system'
import { createToken } from '../../control-plane/tokens/commands'
import { newId } from '../../lib/ids'
import { LogFile } from '../../server/log-file'
import { prepareEmbeddedPostgres } from '../../server/postgres'
import { openServices } from './plane'

const GATEWAYS = 4
const BATCH = 50
const DELAY_MAX_MS = 120

/**
 * Kills the control plane or PostgreSQL with SIGKILL at random moments while gateways send, each batch again until it is
 * acknowledged, and then compares what was acknowledged with what is there. `BENCH_KILLS` says how often (500),
 * `BENCH_SEED` repeats the moments of a run, as far as a machine repeats anything.
 */
export async function benchKill(): Promise<string> {
  const kills = Number(process.env.BENCH_KILLS ?? 500)
  const seed = Number(process.env.BENCH_SEED ?? randomInt(2 ** 32))
  const random = seeded(seed)
  const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-kill-'))
  await chmod(directory, 0o711)
  const log = new LogFile(join(directory, 'postgres.log'))
  const server = await prepareEmbeddedPostgres({ dataDirectory: directory, log, say: () => undefined })
  await appendFile(join(server.directory, 'postgresql.conf'), 'recovery_init_sync_method = syncfs\n')
  let database = await launched(server)
  const password = randomBytes(24).toString('base64url')
  await migrate(server.url, { appPassword: password })
  const url = appUrl(server.url, password)
  const { orgId, gateways } = await organizationOf(url)
  let plane = await planeOn(url, directory)

  const senders = gateways.map((gateway) => new Sender(gateway, () => plane.port))
  const working = Promise.all(senders.map((sender) => sender.run()))
  const startedAt = performance.now()
  const killed = { 'control plane': 0, 'database server': 0, 'all of the database': 0 }
  try {
    for (let kill = 0; kill < kills; kill++) {
      await delay(random() * DELAY_MAX_MS)
      const what =
        (['control plane', 'database server', 'all of the database'] as const)[Math.floor(random() * 3)] ??
        'control plane'
      killed[what] += 1
      if (what === 'control plane') {
        plane.child.kill('SIGKILL')
        await once(plane.child, 'exit')
        plane = await planeOn(url, directory)
      } else {
        killHard(database, what === 'all of the database')
        await once(database, 'exit')
        database = await launched(server)
      }
      const before = senders.map(({ acknowledged }) => acknowledged.size)
      while (senders.every(({ acknowledged }, at) => acknowledged.size === before[at])) await delay(5)
    }
    for (const sender of senders) sender.stop()
    await working
    const acknowledged = new Set(senders.flatMap((sender) => [...sender.acknowledged]))
    const found = await compare(server.url, orgId, acknowledged)
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    return [
      '## Killed while recording',
      '',
      `${kills} kills in ${seconds} s (${Object.entries(killed)
        .map(([what, count]) => `${what} ${count}`)
        .join(', ')}), seed ${seed}.`,
      '',
      '| events acknowledged | lost | doubled | never acknowledged | numbers missing | wrong leaf hashes | rollup rows that differ | numbers of gateways missing |',
      '|--:|--:|--:|--:|--:|--:|--:|--:|',
      `| ${acknowledged.size} | ${found.join(' | ')} |`,
    ].join('\n')
  } finally {
    for (const sender of senders) sender.stop()
    plane.child.kill('SIGKILL')
    const gone = once(database, 'exit')
    database.kill('SIGINT')
    await gone
    await rm(directory, { recursive: true, force: true })
  }
}

/** Sends batch after batch, each again until it is acknowledged, as the gateway's delivery does. */
class Sender {
  readonly acknowledged = new Set<string>()
  readonly #dispatcher = new Agent({ connections: 1 })
  #isStopped = false
  #seq = 0

  constructor(
    readonly gateway: { id: string; key: string },
    readonly port: () => number,
  ) {}

  stop(): void {
    this.#isStopped = true
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const batch = Array.from({ length: BATCH }, () => gatewayEvent(this.gateway.id, { gateway_seq: ++this.#seq }))
      const body = JSON.stringify({ events: batch })
      while (!(await this.#send(body))) await delay(20)
      for (const { event_id } of batch) this.acknowledged.add(event_id)
    }
  }

  async #send(body: string): Promise<boolean> {
    const headers = { authorization: `Bearer ${this.gateway.key}`, 'content-type': 'application/json' }
    try {
      const answer = await request(`http://127.0.0.1:${this.port()}/v1/events`, {
        method: 'POST',
        headers,
        body,
        dispatcher: this.#dispatcher,
        headersTimeout: 10_000,
      })
      const { accepted, duplicates } = (await answer.body.json()) as { accepted?: number; duplicates?: number }
      if (answer.statusCode !== 200 && answer.statusCode !== 503) throw new WrongAnswer(answer.statusCode)
      return answer.statusCode === 200 && (accepted ?? 0) + (duplicates ?? 0) === BATCH
    } catch (thrown) {
      if (thrown instanceof WrongAnswer) throw thrown
      return false
    }
  }
}

/** Neither recorded nor unavailable: something that must not happen however things are killed. */
class WrongAnswer extends Error {
  constructor(status: number) {
    super(`The control plane answered ${status}.`)
  }
}

async function organizationOf(url: string) {
  const { services, close } = await openServices(url)
  const orgId = newId('org')
  await createOrganization(services, { orgId, name: 'Kill' })
  const gateways: { id: string; key: string }[] = []
  for (let n = 0; n < GATEWAYS; n++) {
    const id = `gw_${n}`
    const { key } = await asSystem(services, orgId, async (ctx) => {
      await registerGateway(ctx, { id })
      const runtime = { token_type: 'access', purpose: 'gateway_runtime', gateway_id: id, scope: 'org' } as const
      return createToken(ctx, { name: id, ...runtime })
    })
    gateways.push({ id, key })
  }
  await services.hub.close()
  await close()
  return { orgId, gateways }
}

async function planeOn(url: string, directory: string): Promise<{ child: ChildProcess; port: number }> {
  for (;;) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'bench-kill-plane.mjs'), url], {
      stdio: ['ignore', 'pipe', 'ignore'],
      // Who is killed cleans up nothing: what it leaves goes with the rest.
      env: { ...process.env, TMPDIR: directory },
    })
    // Without its database it does not start; then it is started again.
    const port = await new Promise<number | null>((resolve) => {
      child.stdout?.once('data', (text: Buffer) => resolve(Number(text)))
      child.once('exit', () => resolve(null))
    })
    if (port !== null) return { child, port }
    await delay(50)
  }
}

/** Orphans of a killed server hold its shared memory for a moment, and PostgreSQL refuses to start beside them. */
async function launched(server: Awaited<ReturnType<typeof prepareEmbeddedPostgres>>): Promise<ChildProcess> {
  for (;;) {
    const child = server.launch()
    let isGone = false
    child.once('exit', () => {
      isGone = true
    })
    while (!isGone) {
      const client = new pg.Client({ connectionString: server.url, connectionTimeoutMillis: 1_000 })
      const isUp = await client.connect().then(
        () => true,
        () => false,
      )
      await client.end().catch(() => undefined)
      if (isUp) return child
      await delay(10)
    }
    await delay(20)
  }
}

function killHard({ pid }: ChildProcess, withChildren: boolean): void {
  if (pid === undefined) return
  const children = withChildren
    ? execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
        .split('\n')
        .map((line) => line.trim().split(/\s+/).map(Number))
        .flatMap(([child, parent]) => (child !== undefined && parent === pid ? [child] : []))
    : []
  for (const victim of [pid, ...children]) {
    try {
      process.kill(victim, 'SIGKILL')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
}

/** What is wrong, in the order of the table. */
async function compare(ownerUrl: string, orgId: string, acknowledged: ReadonlySet<string>): Promise<number[]> {
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  const one = async (sql: string) => Number((await owner.query<{ n: string }>(sql, [orgId])).rows[0]?.n)
  const { rows } = await owner.query<{ event_id: string }>('select event_id from events where org_id = $1', [orgId])
  const stored = new Set(rows.map(({ event_id }) => event_id))
  const records = `(select seq, line, leaf_hash from events where org_id = $1
    union all select seq, line, leaf_hash from activity where org_id = $1) as records`
  const differing = async (table: string, unit: string) =>
    one(`with counted as (select date_trunc('${unit}', occurred_at, 'UTC') as at, verdict, coalesce(model, '') as model,
        count(*) as events, sum(tokens_total) as tokens from events where org_id = $1 group by 1, 2, 3),
      kept as (select at, verdict, model, sum(events) as events, sum(tokens_total) as tokens from ${table}
        where org_id = $1 group by 1, 2, 3)
      select count(*) as n from counted full join kept using (at, verdict, model)
      where counted.events is distinct from kept.events or counted.tokens is distinct from kept.tokens`)
  const found = [
    acknowledged.difference(stored).size,
    rows.length - stored.size,
    stored.difference(acknowledged).size,
    await one(`select max(seq) - count(distinct seq) + (count(*) - count(distinct seq)) as n from ${records}`),
    await one(
      `select count(*) as n from ${records} where leaf_hash <> sha256('\\x00'::bytea || convert_to(line, 'UTF8'))`,
    ),
    (await differing('usage_hourly', 'hour')) + (await differing('usage_daily', 'day')),
    await one('select coalesce(sum(missing), 0) as n from gateway_positions where org_id = $1'),
  ]
  await owner.end()
  return found
}

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
