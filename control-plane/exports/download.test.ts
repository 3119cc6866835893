import { createHash } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { exports } from '@/lib/contract/exports'
import { startControlPlane } from '../testing'
import { runExport } from './run/run-export'
import { downloaded, organizationWith } from './testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

/** An export in parts that were cut where the test says. */
const home = await organizationWith(plane, 62)
const client = await home.as('role_exporter')
const RUN = { id: 'job', attempt: 1, isLastAttempt: false, signal: new AbortController().signal }
const CUTS = ['2026-05-08T00:00:00Z', '2026-05-09T00:00:00Z', '2026-05-09T01:00:00Z', '2026-05-20T00:00:00Z']
const made = await client(exports.create, { time_window: { since: '2026-05-01', until: '2026-06-01' } })
await plane.owner`update exports set plan = ${plane.owner.json([made.since, ...CUTS, made.until])} where id = ${made.id}`
await runExport(plane.services, { org_id: home.orgId, export_id: made.id }, RUN)
const done = await client(exports.get, { id: made.id })
const whole = await downloaded((await client.download(exports.download, { id: made.id })).body)
const path = `/v1/exports/${made.id}/download`

/** The bytes as they are, not as text. */
async function get(url: string, headers: Record<string, string> = {}, token: string | null = client.token) {
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
  const request = new Request(`http://control-plane.test${url}`, { headers: { ...authorization, ...headers } })
  const response = await plane.fetch(request)
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}

test('parts one after the other are the file, and each has the checksum that the manifest says', async () => {
  expect(done.state).toBe('completed')
  const parts = done.manifest?.parts ?? []
  expect(parts.map(({ rows }) => rows)).toEqual([14, 2, 0, 22, 24])
  const bytes: Buffer[] = []
  for (const { number, sha256, bytes: size } of parts) {
    const part = await get(`${path}?part=${number}`)
    expect(createHash('sha256').update(part.bytes).digest('hex')).toBe(sha256)
    expect([part.headers.get('etag'), part.bytes.length]).toEqual([`"${sha256}"`, size])
    bytes.push(part.bytes)
  }
  expect(Buffer.concat(bytes).equals(whole)).toBe(true)
  expect((await get(`${path}?part=6`)).status).toBe(404)
})

describe('a range', () => {
  const last = whole.length - 1
  const middle = (done.manifest?.parts[0]?.bytes ?? 0) - 10
  test.each([
    ['from the start', 'bytes=0-99', 0, 99],
    ['over the end of a part', `bytes=${middle}-${middle + 4_000}`, middle, middle + 4_000],
    ['to the end', 'bytes=1000-', 1_000, last],
    ['the last bytes', 'bytes=-500', last - 499, last],
    ['more than there is', `bytes=5-${last + 9_999}`, 5, last],
    ['one byte', `bytes=${last}-${last}`, last, last],
  ])('%s is those bytes', async (_, range, start, end) => {
    const { status, headers, bytes } = await get(path, { range })
    expect([status, headers.get('content-range')]).toEqual([206, `bytes ${start}-${end}/${whole.length}`])
    expect(headers.get('content-length')).toBe(String(end - start + 1))
    expect(bytes.equals(whole.subarray(start, end + 1))).toBe(true)
  })

  test.each([`bytes=${whole.length}-`, 'bytes=-0'])('%s cannot be', async (range) => {
    const { status, headers, bytes } = await get(path, { range })
    expect([status, headers.get('content-range'), bytes.length]).toEqual([416, `bytes */${whole.length}`, 0])
  })

  test.each(['bytes=5-1', 'lines=1-2', 'bytes=0-1,5-6', 'bytes=', 'bytes=-', `bytes=${'9'.repeat(400)}-`])(
    '%s is none, so all of it comes',
    async (range) => {
      const { status, bytes } = await get(path, { range })
      expect([status, bytes.length]).toEqual([200, whole.length])
    },
  )

  test('goes on with the same file only', async () => {
    const going = (etag: string) => get(path, { range: 'bytes=100-', 'if-range': etag })
    expect((await going(`"${done.sha256}"`)).status).toBe(206)
    expect((await going(`"${'0'.repeat(64)}"`)).bytes.equals(whole)).toBe(true)
  })
})

test('what the caller has already is not sent again, nor recorded as taken', async () => {
  const entries = async () => (await client(activity.list, { action: 'export.downloaded', limit: 200 })).items.length
  const before = await entries()
  const { status, bytes } = await get(path, { 'if-none-match': `"${done.sha256}"` })
  expect([status, bytes.length, await entries()]).toEqual([304, 0, before])
  await get(path)
  expect(await entries()).toBe(before + 1)
})

test('what says how large it is before it is read is not read for that', async () => {
  const request = new Request(`http://control-plane.test${path}`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${client.token}` },
  })
  const response = await plane.fetch(request)
  expect([response.status, response.headers.get('content-length')]).toEqual([200, String(whole.length)])
})

describe('a link', () => {
  const link = (input: { part?: string; seconds?: number } = {}) => client(exports.link, { id: made.id, ...input })

  test('opens its file without a token, and what it opens is recorded as of whoever made it', async () => {
    const { url } = await link()
    const { status, bytes } = await get(url, {}, null)
    expect([status, bytes.equals(whole)]).toEqual([200, true])
    const { items } = await client(activity.list, { target_id: made.id, limit: 1 })
    expect(items[0]).toMatchObject({
      action: 'export.downloaded',
      actor: { name: 'exporter' },
      after: { over: 'link' },
    })
  })

  test('opens the part that it names and answers ranges', async () => {
    const { url } = await link({ part: '2' })
    expect((await get(url, {}, null)).bytes.length).toBe(done.manifest?.parts[1]?.bytes)
    expect((await get(url, { range: 'bytes=0-9' }, null)).bytes.length).toBe(10)
  })

  test('lives for five minutes at most', async () => {
    await expect(link({ seconds: 301 })).rejects.toMatchObject({ code: 'invalid_request' })
    const { url } = await link({ seconds: 1 })
    await expect.poll(async () => (await get(url, {}, null)).status, { timeout: 5_000 }).toBe(403)
  })

  test('that was changed, cut off or made up opens nothing', async () => {
    const { url } = await link()
    const sealed = url.slice('/v1/downloads/'.length)
    const flipped = `${sealed.slice(0, 40)}${sealed[40] === 'A' ? 'B' : 'A'}${sealed.slice(41)}`
    const foreign = plane.services.sealing.seal(
      JSON.stringify({ kind: 'other', org_id: home.orgId, export_id: made.id }),
    )
    for (const forged of [flipped, sealed.slice(0, -8), 'x', Buffer.from(foreign, 'base64').toString('base64url')]) {
      expect((await get(`/v1/downloads/${forged}`, {}, null)).status).toBe(404)
    }
  })

  test('cannot be had for what does not exist, is not finished, or belongs to others', async () => {
    const waiting = await client(exports.create, { time_window: '1h' })
    await expect(client(exports.link, { id: waiting.id })).rejects.toMatchObject({ code: 'conflict' })
    await expect(link({ part: '99' })).rejects.toMatchObject({ code: 'not_found' })
    const stranger = await (await plane.organization()).as('role_owner')
    await expect(stranger(exports.link, { id: made.id })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('opens nothing once its export was deleted', async () => {
    const other = await client(exports.create, { time_window: '1h' })
    await runExport(plane.services, { org_id: home.orgId, export_id: other.id }, RUN)
    const { url } = await client(exports.link, { id: other.id })
    expect((await get(url, {}, null)).status).toBe(200)
    await client(exports.delete, { id: other.id })
    expect((await get(url, {}, null)).status).toBe(404)
  })
})
