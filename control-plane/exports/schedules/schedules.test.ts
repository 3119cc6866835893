import { afterAll, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { exportSchedules, exports } from '@/lib/contract/exports'
import { startControlPlane } from '../../testing'
import { sweepExports } from '../sweep'
import { organizationWith } from '../testing'
import { runSchedule } from './commands'

const plane = await startControlPlane()
afterAll(() => plane.stop())

const DAILY = { name: 'Daily', every: 'day', filter: 'verdict=block', format: 'csv', purpose: 'Review' } as const

test('each run makes the export of its period and hands in the next', async () => {
  const home = await organizationWith(plane, 1)
  const client = await home.as('role_auditor')
  const { id } = await client(exportSchedules.create, DAILY)
  const due = async (at: string) => {
    await plane.owner`update export_schedules set next_run_at = ${at} where id = ${id}`
    await runSchedule(plane.services, { org_id: home.orgId, schedule_id: id, due_at: at })
  }
  await due('2026-05-10T01:00:00.000000Z')
  const { items } = await client(exports.list, { schedule_id: id })
  expect(items).toMatchObject([
    {
      schedule_id: id,
      type: 'events',
      format: 'csv',
      filter: 'verdict=block',
      purpose: 'Review',
      since: '2026-05-09T00:00:00.000000Z',
      until: '2026-05-10T00:00:00.000000Z',
    },
  ])
  const [schedule] = (await client(exportSchedules.list, {})).items
  expect(schedule).toMatchObject({ next_run_at: '2026-05-11T01:00:00.000000Z', last_export_id: items[0]?.id })
  const jobs =
    await plane.owner`select data from pgboss.job where name = 'exports.schedule' and data->>'schedule_id' = ${id}`
  expect(jobs.map(({ data }) => data.due_at)).toContain('2026-05-11T01:00:00.000000Z')

  // The same run again, as after a crash behind its commit, makes no second export.
  await runSchedule(plane.services, { org_id: home.orgId, schedule_id: id, due_at: '2026-05-10T01:00:00.000000Z' })
  expect((await client(exports.list, { schedule_id: id })).items).toHaveLength(1)
})

test('a schedule can be paused, changed and deleted, and each leaves an entry', async () => {
  const home = await plane.organization()
  const client = await home.as('role_auditor')
  const made = await client(exportSchedules.create, DAILY)
  const paused = await client(exportSchedules.update, { id: made.id, enabled: false })
  expect(paused).toEqual({ ...made, enabled: false })
  await runSchedule(plane.services, { org_id: home.orgId, schedule_id: made.id, due_at: made.next_run_at })
  expect((await client(exports.list, {})).items).toEqual([])
  const moved = await client(exportSchedules.update, {
    id: made.id,
    enabled: true,
    every: 'month',
    timezone: 'Asia/Tokyo',
  })
  expect(moved.next_run_at).toMatch(/T16:00:00\.000000Z$/)
  await client(exportSchedules.delete, { id: made.id })
  expect((await client(exportSchedules.list, {})).items).toEqual([])
  const { items } = await client(activity.list, { target_id: made.id })
  expect(items.map(({ action }) => action).toReversed()).toEqual([
    'export_schedule.created',
    'export_schedule.updated',
    'export_schedule.updated',
    'export_schedule.deleted',
  ])
})

test('what cannot be is refused', async () => {
  const home = await plane.organization()
  const client = await home.as('role_auditor')
  await client(exportSchedules.create, DAILY)
  const ask = (change: object) =>
    client(exportSchedules.create, { ...DAILY, name: 'Other', ...change }).catch((error: unknown) => error)
  expect(await ask({ name: 'Daily' })).toMatchObject({ code: 'name_taken' })
  expect(await ask({ timezone: 'Europe/Nowhere' })).toMatchObject({ code: 'invalid_request' })
  expect(await ask({ hour: 24 })).toMatchObject({ code: 'invalid_request' })
  expect(await ask({ filter: 'nothing=1' })).toMatchObject({ code: 'invalid_filter' })
  const finance = await home.as('role_finance')
  await expect(finance(exportSchedules.create, { ...DAILY, type: 'activity', filter: '' })).rejects.toMatchObject({
    code: 'forbidden',
  })
})

test("a team's schedule exports its team's rows, and others' teams do not see it", async () => {
  const home = await plane.organization()
  const ofA = await home.as('role_exporter', { teamId: 'team_a' })
  const ofB = await home.as('role_exporter', { teamId: 'team_b' })
  const { id, next_run_at } = await ofA(exportSchedules.create, DAILY)
  await runSchedule(plane.services, { org_id: home.orgId, schedule_id: id, due_at: next_run_at })
  expect((await ofA(exports.list, {})).items).toMatchObject([{ team_id: 'team_a' }])
  expect((await ofB(exports.list, {})).items).toEqual([])
  expect((await ofB(exportSchedules.list, {})).items).toEqual([])
  await expect(ofB(exportSchedules.delete, { id })).rejects.toMatchObject({ code: 'not_found' })
})

test('work whose jobs were lost is handed in again', async () => {
  const home = await plane.organization()
  const client = await home.as('role_auditor')
  const waiting = await client(exports.create, { time_window: '1h' })
  const schedule = await client(exportSchedules.create, DAILY)
  await plane.owner`update export_schedules set next_run_at = now() - interval '1 minute' where id = ${schedule.id}`
  await plane.owner`delete from pgboss.job where data->>'org_id' = ${home.orgId}`
  await sweepExports(plane.services)
  await sweepExports(plane.services)
  const jobs = await plane.owner`select name, data from pgboss.job where data->>'org_id' = ${home.orgId}`
  const ofExport = jobs.filter(({ data }) => data.export_id === waiting.id)
  expect(ofExport.map(({ name }) => name)).toEqual(['exports.run'])
  expect(jobs.some(({ data }) => data.schedule_id === schedule.id)).toBe(true)
})
