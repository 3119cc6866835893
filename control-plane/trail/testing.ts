import { scryptSync } from 'node:crypto'
import type { Client } from '@/lib/client'
import { events } from '@/lib/contract/events'
import { trail } from '@/lib/contract/trail'
import { newId } from '@/lib/ids'
import { gatewayOf } from '../events/testing'
import type { TestOrganization, TestPlane } from '../testing'

/** An organisation with an owner's key and a gateway that records. */
export async function recording(plane: TestPlane, organization?: TestOrganization) {
  const home = organization ?? (await plane.organization())
  const owner = await home.as('role_owner')
  const { gateway, event } = await gatewayOf(home)
  return {
    orgId: home.orgId,
    home,
    owner,
    gateway,
    event,
    record: async (count: number) => {
      const { accepted } = await gateway(events.ingest, { events: Array.from({ length: count }, () => event()) })
      if (accepted !== count) throw new Error(`Only ${accepted} of ${count} events were accepted.`)
    },
    sign: () => owner(trail.sign, {}),
    /** Deep, of everything, at once. */
    verify: async (given: { deep?: boolean; known?: string; start?: string; end?: string } = {}) => {
      const { result } = await owner(trail.verify, {
        start_time: given.start ?? '1h',
        ...(given.end === undefined ? {} : { end_time: given.end }),
        deep_verify: given.deep ?? true,
        wait: true,
        ...(given.known === undefined ? {} : { known_checkpoint: given.known }),
      })
      if (!result) throw new Error('The verification was not done in time.')
      return result
    },
  }
}

/** What a verification found, as `STATE seq` or `STATE`, sorted. */
export const found = ({ findings }: { findings: { state: string; seq?: number | undefined }[] }): string[] =>
  findings.map(({ state, seq }) => (seq === undefined ? state : `${state} ${seq}`)).toSorted()

const TABLES = [
  'events',
  'activity',
  'retirements',
  'trail_digests',
  'trail_keys',
  'trail_tiles',
  'trail_state',
  'org_counters',
  'usage_hourly',
  'usage_daily',
  'usage_totals',
  // Behind those whose triggers write them.
  'usage_dimensions_hourly',
  'usage_dimensions_daily',
]

/** Remembers an organisation's record as it is; the answer puts it back, whatever was done to it. */
export async function remember(plane: TestPlane, orgId: string): Promise<() => Promise<void>> {
  const { owner } = plane
  for (const table of TABLES) {
    await owner.unsafe(`drop table if exists before_${table}`)
    await owner.unsafe(`create table before_${table} as select * from ${table} where org_id = '${orgId}'`)
  }
  const columns = new Map(
    await Promise.all(TABLES.map(async (table) => [table, await columnsOf(plane, table)] as const)),
  )
  return async () => {
    for (const table of TABLES) {
      await owner.unsafe(`delete from ${table} where org_id = '${orgId}'`)
      await owner.unsafe(
        `insert into ${table} (${columns.get(table)}) select ${columns.get(table)} from before_${table}`,
      )
    }
  }
}

/** The columns that can be written, for an INSERT. */
export async function columnsOf({ owner }: TestPlane, table: string): Promise<string> {
  const rows = await owner<{ name: string }[]>`
    select column_name as name from information_schema.columns
    where table_schema = 'public' and table_name = ${table} and is_generated = 'NEVER'`
  return rows.map(({ name }) => name).join(', ')
}

/** A signed-in owner: a person, as far as the control plane can tell. */
export async function signedInOwner(plane: TestPlane, orgId: string): Promise<Client> {
  const id = newId('usr')
  const password = 'correct horse battery'
  const hash = scryptSync(password, 'salt', 32, { N: 1_024 }).toString('base64url')
  await plane.owner`insert into users (org_id, id, email, name, role_id, password_hash)
    values (${orgId}, ${id}, ${`${id}@example.com`}, 'Ana', 'role_owner', ${`scrypt$1024$8$1$c2FsdA$${hash}`})`
  const { json } = await plane.send('POST', '/v1/sessions', {
    body: JSON.stringify({ email: `${id}@example.com`, password }),
  })
  return plane.client(String(json.session_token))
}
