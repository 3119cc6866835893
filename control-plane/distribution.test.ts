import { afterAll, expect, test } from 'vitest'
import { startControlPlane } from './testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

/** Tables that a distributed database such as Citus would spread by organisation: all that have one. */
const TENANT_TABLES = `
  select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
  where c.relkind in ('r', 'p') and exists (
    select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped)`

test('every primary key and every unique index begins with the organisation', async () => {
  const keys = await plane.owner.unsafe<{ name: string; first: string; primary: boolean }[]>(`
    select i.indexrelid::regclass::text as name, i.indisprimary as primary,
      (select attname from pg_attribute where attrelid = i.indrelid and attnum = i.indkey[0]) as first
    from pg_index i where i.indisunique and i.indrelid in (${TENANT_TABLES})`)
  expect(keys.length).toBeGreaterThan(30)
  expect(keys.filter(({ first }) => first !== 'org_id')).toEqual([])

  const without = await plane.owner.unsafe(`
    select t.oid::regclass::text as name from (${TENANT_TABLES}) as t
    where not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)`)
  expect(without).toEqual([])
})

test('no foreign key leads from one organisation into another', async () => {
  const loose = await plane.owner.unsafe(`
    select k.conname from pg_constraint k where k.contype = 'f' and k.conrelid in (${TENANT_TABLES})
      and not exists (
        select from unnest(k.conkey, k.confkey) as pair (here, there)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = pair.here and a.attname = 'org_id'
        join pg_attribute b on b.attrelid = k.confrelid and b.attnum = pair.there and b.attname = 'org_id')`)
  expect(loose).toEqual([])
})

test('partitions are by time, which the organisation is part of every key of', async () => {
  const [events] = await plane.owner<{ by: string }[]>`select pg_get_partkeydef('events'::regclass) as by`
  expect(events?.by).toBe('RANGE (occurred_at)')
})
