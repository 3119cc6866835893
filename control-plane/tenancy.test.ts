import { afterAll, describe, expect, test } from 'vitest'
import { requestFor } from '@/lib/client'
import { ENDPOINTS } from '@/lib/contract/all'
import { budgets } from '@/lib/contract/budgets'
import { configurations } from '@/lib/contract/configurations'
import { pathNames } from '@/lib/contract/endpoint'
import { events } from '@/lib/contract/events'
import { exportSchedules, exports } from '@/lib/contract/exports'
import { gateways } from '@/lib/contract/gateways'
import { holds } from '@/lib/contract/holds'
import { members } from '@/lib/contract/members'
import { modelPricing } from '@/lib/contract/model-pricing'
import { sessions } from '@/lib/contract/sessions'
import { teams } from '@/lib/contract/teams'
import { tokens } from '@/lib/contract/tokens'
import { trail } from '@/lib/contract/trail'
import { usage } from '@/lib/contract/usage'
import { views } from '@/lib/contract/views'
import { wallets } from '@/lib/contract/wallets'
import { newId } from '@/lib/ids'
import { startControlPlane } from './testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const home = await plane.organization('Home')
const away = await plane.organization('Away')
const owner = await home.as('role_owner')

const token = (await owner(tokens.create, { name: 'app', token_type: 'gateway' })).token
const gateway = await owner(gateways.register, { id: 'gw-home' })
const ana = { email: 'ana@example.com', password: 'a long enough password' }
const member = await owner(members.create, { ...ana, name: 'Ana', role_id: 'role_viewer' })
const { session_token } = await plane.client('')(sessions.create, ana)
const view = await plane.client(session_token)(views.save, { name: 'Home view', query: '', shared: true })
const hold = await owner(holds.create, { name: 'Case', reason: 'notice' })
const configuration = await owner(configurations.create, { ...configurations.create.example.input, name: 'home' })

const digest = await owner(trail.sign, {})
const sink = await owner(trail.createSink, { kind: 'file', settings: {} })
const verification = await owner(trail.verify, { start_time: '1h' })
const exported = await owner(exports.create, { time_window: '24h' })
const schedule = await owner(exportSchedules.create, { name: 'home', every: 'day' })

const team = await owner(teams.create, { name: 'Home team' })
const budget = await owner(budgets.create, { ...budgets.create.example.input, name: 'Home budget' })
const repricing = await owner(modelPricing.reprice, { since: '1h' })
const credit = await owner(wallets.credit, { amount_usd: '10' })
const invoice = await owner(usage.importInvoice, {
  month: '2026-02',
  provider: 'openai',
  content: 'start_time,model,amount_value\n2026-02-01,gpt-home,1.5\n',
})
await owner(wallets.allocate, { user_id: 'ana-at-home', amount_usd: '1' })

const gatewayProcess = await home.as([], { gatewayId: gateway.id })
const { rejected } = await gatewayProcess(events.ingest, { events: [{}] })

const EXISTING: Record<string, { theirs: string; missing: string }> = {
  tokens: { theirs: token.id, missing: newId('tok') },
  gateways: { theirs: gateway.id, missing: 'gw-none' },
  views: { theirs: view.id, missing: newId('view') },
  quarantine: { theirs: rejected[0]?.quarantine_id ?? '', missing: newId('qua') },
  members: { theirs: member.id, missing: newId('usr') },
  holds: { theirs: hold.id, missing: newId('hold') },
  configurations: { theirs: configuration.id, missing: newId('cfg') },
  exports: { theirs: exported.id, missing: newId('exp') },
  exportSchedules: { theirs: schedule.id, missing: newId('exs') },
  digests: { theirs: digest.digest_id, missing: newId('dig') },
  sinks: { theirs: sink.id, missing: newId('snk') },
  verifications: { theirs: verification.id, missing: newId('ver') },
  teams: { theirs: team.id, missing: newId('team') },
  wallets: { theirs: 'user:ana-at-home', missing: 'user:none' },
  ledger: { theirs: credit.transaction_id ?? '', missing: newId('ltx') },
  usage: { theirs: invoice.id ?? '', missing: newId('inv') },
  budgets: { theirs: budget.id, missing: newId('bud') },
  modelPricing: { theirs: repricing.id, missing: newId('rpr') },
}

describe("another organisation's id", () => {
  const addressed = ENDPOINTS.filter(({ path }) => pathNames(path).includes('id'))
  test.each(addressed.map((endpoint) => [endpoint.name, endpoint] as const))(
    '%s answers as for an unknown one',
    async (name, endpoint) => {
      const isOfGateway = ['configurations.runtimeState', 'limits.lease', 'spendLeases.take'].includes(name)
      const [area = '', kind = ''] = endpoint.path.split('/').slice(2)
      const resource = isOfGateway ? 'gateways' : area === 'trail' ? kind : (name.split('.')[0] ?? '')
      const known = EXISTING[resource]
      if (!known) return expect(['events', 'payloads', 'sessions']).toContain(resource)
      const isReport = endpoint.access === 'gateways:report'
      const stranger = isReport ? await away.as([], { gatewayId: 'gw-away' }) : await away.as('role_owner')
      const ask = async (id: string) => {
        const input = { ...endpoint.example.input, id }
        const request = requestFor(endpoint, 'http://control-plane.test', input, {
          authorization: `Bearer ${stranger.token}`,
        })
        const response = await plane.fetch(request)
        const { request_id: _, ...problem } = (await response.json()) as Record<string, unknown>
        return JSON.parse(JSON.stringify(problem).replaceAll(id, 'ID')) as Record<string, unknown>
      }
      const theirs = await ask(known.theirs)
      expect(theirs).toEqual(await ask(known.missing))
      expect(theirs).toMatchObject({ status: 404, code: 'not_found' })
    },
  )
})

test('no list shows what belongs to another organisation', async () => {
  const { token: bearer } = await away.as('role_owner')
  for (const path of [
    '/v1/tokens',
    '/v1/views',
    '/v1/gateways',
    '/v1/configurations',
    '/v1/members',
    '/v1/holds?state=all',
    '/v1/activity',
    '/v1/events',
    '/v1/exports',
    '/v1/exports/schedules',
    '/v1/trail/digests',
    '/v1/trail/sinks',
    '/v1/trail/verifications',
    '/v1/teams',
    '/v1/wallets',
    '/v1/ledger/accounts',
    '/v1/ledger/entries.csv',
    '/v1/billing/budgets',
    '/v1/usage/invoices',
  ]) {
    const { text } = await plane.send('GET', path, { token: bearer })
    for (const { theirs } of Object.values(EXISTING)) expect(text, path).not.toContain(theirs)
  }
})

test('an organisation of the same name for a key is no obstacle', async () => {
  const stranger = await away.as('role_owner')
  const made = await stranger(tokens.create, { name: 'app', token_type: 'gateway' })
  expect(made.token.name).toBe('app')
})

describe('the database itself', () => {
  test('forces row-level security both ways on every table that has an organisation', async () => {
    const tables = await plane.owner<{ name: string; forced: boolean; policy: string | null }[]>`
      select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced,
             (select concat_ws(' / ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
              from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant') as policy
      from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      where c.relkind in ('r', 'p')
        and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped)`
    expect(tables.length).toBeGreaterThan(12)
    const rule = "(org_id = current_setting('app.org_id'::text, true))"
    for (const table of tables) expect(table).toEqual({ name: table.name, forced: true, policy: `${rule} / ${rule}` })
  })

  test('holds no table without an organisation but those that cannot have one', async () => {
    const rows = await plane.owner<{ name: string }[]>`
      select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      where c.relkind in ('r', 'p') and not exists (
        select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped)`
    expect(rows.map(({ name }) => name).toSorted()).toEqual([
      'installation',
      'price_catalogues',
      'sign_in_throttle',
      'used_id_tokens',
    ])
  })

  test('gives the application neither superpowers nor a way round', async () => {
    const [role] = await plane.owner`
      select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,
             (select count(*)::int from pg_class c where c.relowner = r.oid) as owned
      from pg_roles r where rolname = 'keeptrusts_app'`
    expect(role).toEqual({ rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false, owned: 0 })
  })

  test.each(['events', 'payloads', 'activity', 'bundles', 'configuration_versions'])(
    'lets nobody change or delete %s',
    async (table) => {
      const [may] = await plane.owner`
      select has_table_privilege('keeptrusts_app', ${table}, 'UPDATE') as updates,
             has_table_privilege('keeptrusts_app', ${table}, 'DELETE') as deletes,
             has_table_privilege('keeptrusts_app', ${table}, 'TRUNCATE') as truncates,
             has_table_privilege('keeptrusts_app', ${table}, 'INSERT') as inserts`
      expect(may).toEqual({ updates: false, deletes: false, truncates: false, inserts: true })
    },
  )

  test('shows a query that forgot its organisation no more than its own, and nothing before one is known', async () => {
    const counts = (orgId: string) =>
      plane.database.sql.begin(async (tx) => {
        await tx`select set_config('app.org_id', ${orgId}, true)`
        const [row] =
          await tx`select count(*)::int as tokens, count(*) filter (where org_id <> ${orgId})::int as others from tokens`
        return row
      })
    expect(await counts(home.orgId)).toMatchObject({ others: 0 })
    expect(await counts('')).toEqual({ tokens: 0, others: 0 })
  })

  test('accepts no row for another organisation', async () => {
    const forged = plane.database.sql.begin(async (tx) => {
      await tx`select set_config('app.org_id', ${away.orgId}, true)`
      await tx`insert into teams (org_id, id, name) values (${home.orgId}, 'team_x', 'Forged')`
    })
    await expect(forged).rejects.toMatchObject({ code: '42501' })
  })
})
