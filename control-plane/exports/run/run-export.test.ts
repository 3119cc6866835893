import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '@/lib/client'
import { events } from '@/lib/contract/events'
import { EXPORT_FORMATS, type ExportFormat } from '@/lib/contract/export-shapes'
import { exports } from '@/lib/contract/exports'
import { AppError } from '@/lib/errors'
import type { Services } from '../../context'
import type { ObjectStore } from '../../objects/object-store'
import { startControlPlane, type TestOrganization, type TestPlane } from '../../testing'
import { downloaded, organizationWith } from '../testing'
import { runExport } from './run-export'

let plane: TestPlane
let home: TestOrganization
let client: Client
beforeAll(async () => {
  plane = await startControlPlane()
  home = await organizationWith(plane, 93)
  client = await home.as('role_exporter')
})
afterAll(() => plane.stop())

const CUTS = ['2026-05-08T00:00:00Z', '2026-05-15T00:00:00Z', '2026-05-22T00:00:00Z']
const run = (attempt = 1, signal = new AbortController().signal) => ({
  id: 'job',
  attempt,
  isLastAttempt: false,
  signal,
})

async function create(format: ExportFormat = 'json_lines') {
  const made = await client(exports.create, { format, time_window: { since: '2026-05-01', until: '2026-06-01' } })
  await plane.owner`update exports set plan = ${plane.owner.json([made.since, ...CUTS, made.until])} where id = ${made.id}`
  return { id: made.id, job: { org_id: home.orgId, export_id: made.id } }
}

/** In one part, more than fits into the buffers on the way from the database to the file. */
const LARGE = 5_000
async function largeExport() {
  const { orgId, as, gateway, event } = await organizationWith(plane, 1_000)
  for (let more = 1_000; more < LARGE; more += 1_000) {
    const batch = Array.from({ length: 1_000 }, () => event({ timestamp: '2026-05-05T12:00:00.000Z' }))
    await gateway(events.ingest, { events: batch })
  }
  const exporter = await as('role_exporter')
  const made = await exporter(exports.create, { time_window: { since: '2026-05-01', until: '2026-06-01' } })
  await plane.owner`update exports set plan = ${plane.owner.json([made.since, made.until])} where id = ${made.id}`
  return { client: exporter, id: made.id, job: { org_id: orgId, export_id: made.id } }
}

const fileOf = async (id: string) => downloaded((await client.download(exports.download, { id })).body)
const storedOf = async (id: string) => (await plane.services.objects.list(`${home.orgId}/exports/${id}/`)).objects
const partsOf = (id: string) =>
  plane.owner`select number, finished_at from export_parts where export_id = ${id} order by 1`

/** The same services, but the object store does what the test says when something is written. */
function storing(
  put: (key: string, write: () => Promise<number>, content: Parameters<ObjectStore['put']>[1]) => Promise<number>,
): Services {
  const { objects } = plane.services
  const store = new Proxy(objects, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name)
      if (name === 'put') {
        return (...args: Parameters<ObjectStore['put']>) => put(args[0], () => target.put(...args), args[1])
      }
      return typeof own === 'function' ? own.bind(target) : own
    },
  })
  return { ...plane.services, objects: store }
}

/** A worker that ends when it has written a part and before it could say so. */
class Killed extends Error {}
const killedAfter = (part: string) =>
  storing(async (key, write) => {
    await write()
    if (key.endsWith(part)) throw new Killed()
    return 0
  })

describe('after a crash', () => {
  test.each(EXPORT_FORMATS)(
    'the finished parts of %s are kept, and the file is what it would have been',
    async (format) => {
      const { id, job } = await create(format)
      await expect(runExport(killedAfter('part-00003'), job, run())).rejects.toThrow(Killed)
      const before = await partsOf(id)
      expect(before.map(({ number }) => number)).toEqual([1, 2])
      await runExport(plane.services, job, run(2))
      expect((await partsOf(id)).slice(0, 2)).toEqual(before)
      const done = await client(exports.get, { id })
      expect(done).toMatchObject({ state: 'completed', rows_done: 93 })
      const file = await fileOf(id)

      await plane.owner`delete from export_parts where export_id = ${id}`
      await plane.owner`update exports set state = 'queued', manifest = null where id = ${id}`
      await runExport(plane.services, job, run())
      expect((await fileOf(id)).equals(file)).toBe(true)
      expect((await client(exports.get, { id })).sha256).toBe(done.sha256)
    },
  )

  test('a part that was damaged meanwhile is made again, and those after it', async () => {
    const { id, job } = await create('csv')
    await expect(runExport(killedAfter('part-00004'), job, run())).rejects.toThrow(Killed)
    const [, second] = await storedOf(id)
    await plane.services.objects.put(second?.key ?? '', 'damaged')
    await runExport(plane.services, job, run(2))
    const done = await client(exports.get, { id })
    const other = await create('csv')
    await runExport(plane.services, other.job, run())
    expect(done.sha256).toBe((await client(exports.get, { id: other.id })).sha256)
  })
})

test('a stopping process leaves the rest to the next', async () => {
  const { id, job } = await create()
  const stopping = new AbortController()
  const services = storing(async (key, write) => {
    const size = await write()
    if (key.endsWith('part-00002')) stopping.abort(new Error('The process stops.'))
    return size
  })
  await expect(runExport(services, job, run(1, stopping.signal))).rejects.toThrow('The process stops.')
  expect(await client(exports.get, { id })).toMatchObject({ state: 'running', error: null })
  await runExport(plane.services, job, run(2))
  expect(await client(exports.get, { id })).toMatchObject({ state: 'completed', rows_done: 93 })
})

describe('a store without space', () => {
  const full = () => storing(() => Promise.reject(new AppError('unavailable', 'The object store has no space left.')))

  test('is named while it is tried again, and once there is space the export is completed', async () => {
    const { id, job } = await create()
    await expect(runExport(full(), job, run())).rejects.toMatchObject({ code: 'unavailable' })
    expect(await client(exports.get, { id })).toMatchObject({
      state: 'queued',
      error: 'The object store has no space left. Trying again.',
    })
    await runExport(plane.services, job, run(2))
    expect(await client(exports.get, { id })).toMatchObject({ state: 'completed', error: null })
  })

  test('that shows in the middle of a part lets go of the database, and is named', async () => {
    const { client: other, job, id } = await largeExport()
    const services = storing(async (key, write, content) => {
      if (!key.endsWith('part-00001') || !(content instanceof Readable)) return write()
      // As a file does: what it cannot take ends the reading of its source.
      let taken = 0
      for await (const _ of content) if (++taken === 3) break
      throw new AppError('unavailable', 'The object store has no space left.')
    })
    await expect(runExport(services, job, run())).rejects.toMatchObject({ code: 'unavailable' })
    expect(await other(exports.get, { id })).toMatchObject({
      state: 'queued',
      error: 'The object store has no space left. Trying again.',
    })
    await runExport(plane.services, job, run(2))
    expect(await other(exports.get, { id })).toMatchObject({ state: 'completed', rows_done: LARGE })
  })

  test('ends the export when it lasts, with its cause', async () => {
    const { id, job } = await create()
    await runExport(full(), job, run(6))
    const failed = await client(exports.get, { id })
    expect(failed).toMatchObject({ state: 'failed', error: 'The object store has no space left.', manifest: null })
    await expect(client.download(exports.download, { id })).rejects.toMatchObject({
      code: 'conflict',
      message: 'This export has failed: The object store has no space left.',
    })
  })
})

describe('somebody', () => {
  const afterPart = (part: string, act: () => Promise<unknown>) =>
    storing(async (key, write) => {
      const size = await write()
      if (key.endsWith(part)) await act()
      return size
    })

  test('who cancels it stops the worker, and nothing stays', async () => {
    const { id, job } = await create()
    await runExport(
      afterPart('part-00002', () => client(exports.cancel, { id })),
      job,
      run(),
    )
    expect(await client(exports.get, { id })).toMatchObject({ state: 'cancelled', manifest: null })
    expect(await storedOf(id)).toEqual([])
    await expect(client(exports.cancel, { id })).resolves.toMatchObject({ state: 'cancelled' })
  })

  test('who deletes it does so too', async () => {
    const { id, job } = await create()
    await runExport(
      afterPart('part-00001', () => client(exports.delete, { id })),
      job,
      run(),
    )
    await expect(client(exports.get, { id })).rejects.toMatchObject({ code: 'not_found' })
    expect(await storedOf(id)).toEqual([])
  })

  test('cannot cancel what is done', async () => {
    const { id, job } = await create()
    await runExport(plane.services, job, run())
    await expect(client(exports.cancel, { id })).rejects.toMatchObject({ code: 'conflict' })
    await runExport(plane.services, job, run())
    expect(await client(exports.get, { id })).toMatchObject({ state: 'completed' })
  })
})
