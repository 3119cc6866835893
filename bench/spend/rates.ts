import pg from 'pg'
import { asSystem } from '../../control-plane/system'
import { createToken } from '../../control-plane/tokens/commands'
import { createClient } from '../../lib/client'
import { budgets } from '../../lib/contract/budgets'
import { gateways } from '../../lib/contract/gateways'
import { PERMISSIONS } from '../../lib/contract/permissions'
import { spendLeases } from '../../lib/contract/spend-leases'
import { wallets } from '../../lib/contract/wallets'
import { startBenchDatabase } from '../events/database'
import { type BenchPlane, startBenchPlane } from '../events/plane'

const GATEWAYS = 4
const SCOPES = 4
const DURATION_MS = 5_000

/** How many slices and movements of money the control plane does in a second, beside the bare statements. */
export async function benchSpendRates(): Promise<string> {
  const database = await startBenchDatabase()
  const plane = await startBenchPlane(database.url)
  const client = new pg.Pool({ connectionString: database.url, max: 8 })
  try {
    const admin = await clientOf(plane, { permissions: HUMAN })
    const windows: { id: string; startMs: number }[] = []
    for (let at = 0; at < SCOPES; at++) {
      const budget = await admin(budgets.create, { name: `b${at}`, limit_usd: '1000000', scope: {} })
      windows.push({ id: budget.id, startMs: Date.parse(budget.current.starts_at) })
    }
    await admin(wallets.credit, { amount_usd: '1000000' })
    const leases = await leasesPerSecond(plane, admin, windows)
    const moves = await perSecond(8, (n) =>
      admin(wallets.allocate, { user_id: `user-${n % 8}`, amount_usd: '0.01' }).then(() => undefined),
    )
    await client.query('create table bare (id int primary key, leased bigint not null, spent bigint not null)')
    await client.query(`insert into bare select n, 0, 0 from generate_series(1, ${SCOPES}) n`)
    const bareLease = await perSecond(GATEWAYS, async () => {
      // In one order for everybody, as slices are granted.
      await client.query(`with locked as (select id from bare order by id for update)
        update bare b set leased = leased + 1 from locked where b.id = locked.id and spent + leased + 1 <= 1e15`)
    })
    await client.query('create table moves (id bigserial primary key, account int not null, amount bigint not null)')
    const bareMove = await perSecond(8, async () => {
      await client.query('insert into moves (account, amount) values (1, -1), (2, 1)')
    })
    const row = (name: string, rate: number, bare: number) =>
      `| ${name} | ${rate.toFixed(0)} | ${bare.toFixed(0)} | ${(rate / bare).toFixed(2)} |`
    return [
      '## Leases and movements of money',
      '',
      `The control plane in this process, without a network, PostgreSQL on the same cores. A lease is asked for by ${GATEWAYS} gateways at once, ${SCOPES} budgets in one group; a movement is an allocation with its activity entry. The bare statements have the locks and the synced commit, and nothing else.`,
      '',
      '| | per second | bare statement | of it |',
      '|---|--:|--:|--:|',
      row(`grants of ${SCOPES} slices`, leases, bareLease),
      row('ledger transactions', moves, bareMove),
    ].join('\n')
  } finally {
    await client.end()
    await plane.close()
    await database.stop()
  }
}

const HUMAN = PERMISSIONS.filter((permission) => permission !== 'events:ingest' && permission !== 'gateways:report')

async function clientOf(plane: BenchPlane, input: object) {
  const { key } = await asSystem(plane.services, plane.orgId, (ctx) =>
    createToken(ctx, { name: `key ${Math.random()}`, token_type: 'access', scope: 'org', ...input }),
  )
  return createClient({
    baseUrl: 'http://bench',
    headers: { authorization: `Bearer ${key}` },
    fetch: (request) => plane.fetch(request),
  })
}

async function leasesPerSecond(
  plane: BenchPlane,
  admin: Awaited<ReturnType<typeof clientOf>>,
  windows: readonly { id: string; startMs: number }[],
): Promise<number> {
  const clients: { id: string; client: ReturnType<typeof createClient>; granted: string[] }[] = []
  for (let at = 0; at < GATEWAYS; at++) {
    const id = `gw-${at}`
    await admin(gateways.register, { id })
    const client = await clientOf(plane, { purpose: 'gateway_runtime', gateway_id: id })
    clients.push({ id, client, granted: windows.map(() => '0') })
  }
  return perSecond(GATEWAYS, async (n) => {
    const one = clients[n % GATEWAYS]
    if (one === undefined) return
    const group = windows.map(({ id, startMs }, at) => ({
      source: { kind: 'budget' as const, budget_id: id, window_start_ms: startMs },
      known: one.granted[at] ?? '0',
      returned: '0',
      used: '0',
      want: '1000000',
      least: '1',
    }))
    const { groups } = await one.client(spendLeases.take, {
      id: one.id,
      instance: `instance-${one.id}`,
      groups: [group],
    })
    const [answer] = groups
    if (answer === undefined || answer.short.length > 0) throw new Error('A lease was not granted.')
    one.granted = answer.leases.map((lease) => lease?.granted ?? '0')
  })
}

/** Each of `concurrent` does the next when its last is done. */
async function perSecond(concurrent: number, work: (n: number) => Promise<void>): Promise<number> {
  for (let n = 0; n < concurrent; n++) await work(n)
  const startedMs = performance.now()
  let done = 0
  const worker = async (n: number) => {
    while (performance.now() - startedMs < DURATION_MS) {
      await work(n)
      done += 1
    }
  }
  await Promise.all(Array.from({ length: concurrent }, (_, n) => worker(n)))
  return (done * 1_000) / (performance.now() - startedMs)
}
