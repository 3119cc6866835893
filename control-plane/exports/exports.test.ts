import { createHash } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { events } from '@/lib/contract/events'
import { exports } from '@/lib/contract/exports'
import { startControlPlane } from '../testing'
import { downloaded, exported, exportOver, MAY, organizationWith } from './testing'

const plane = await startControlPlane({ jobs: true })
afterAll(() => plane.stop())

const linesOf = (bytes: Buffer) => bytes.toString().split('\n').slice(0, -1)
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('what a script of the documents asks for is made, and is the stored lines verbatim', async () => {
  const home = await organizationWith(plane, 40)
  const writer = await home.as('role_configurations_writer')
  const body = '{"format":"json","time_window":{"since":"2026-05-01T00:00:00Z","until":"2026-05-31T23:59:59Z"}}'
  const { status, json } = await plane.send('POST', '/v1/exports', { token: writer.token, body })
  expect(status).toBe(202)
  expect(json).toMatchObject({ state: 'queued', status: 'queued', type: 'events', format: 'json' })
  expect(await exportOver(writer, String(json.id))).toMatchObject({ state: 'completed', rows_done: 40, error: null })

  const { done, file, bytes } = await exported(writer, { time_window: MAY })
  const stored = await plane.owner`select line from events where org_id = ${home.orgId} order by occurred_at, seq`
  expect(linesOf(bytes)).toEqual(stored.map(({ line }) => line))
  expect(file).toMatchObject({ size: bytes.length, etag: `"${done.sha256}"`, fileName: done.file_name })
  expect(sha256(bytes)).toBe(done.sha256)
  expect(done.file_name).toMatch(/^keeptrusts-events-\d{8}T\d{6}Z\.jsonl$/)
})

test('a time window may be a text, and what is not one is refused', async () => {
  const home = await plane.organization()
  const client = await home.as('role_exporter')
  const before = Date.now()
  const made = await client(exports.create, { time_window: '24h' })
  expect(Date.parse(made.until) - Date.parse(made.since)).toBe(86_400_000)
  expect(Date.parse(made.until)).toBeGreaterThanOrEqual(before)
  const ask = (body: object) => client(exports.create, body as never).catch((error: unknown) => error)
  for (const time_window of [undefined, 'yesterday', { since: '2026-05-02', until: '2026-05-01' }, '401d']) {
    expect(await ask({ time_window }), String(time_window)).toMatchObject({ code: 'invalid_request' })
  }
  expect(await ask({ time_window: '1h', filter: 'verdict' })).toMatchObject({ code: 'invalid_filter' })
  expect(await ask({ time_window: '1h', fields: ['modell'] })).toMatchObject({
    message: 'There is no field "modell". Did you mean "model"?',
  })
})

test('the manifest says what the file is and what it holds, part by part', async () => {
  const home = await organizationWith(plane, 6, (index) => ({
    verdict: index < 2 ? 'block' : 'allow',
    event_cost_attribution: {
      total_cost_usd: index === 0 ? null : `0.00000000${index}`,
      input_cost_usd: null,
      output_cost_usd: null,
      currency: 'USD',
      price_book_version: null,
      price_status: index === 0 ? 'unknown' : 'priced',
      source_spend_log_id: null,
      units: [],
    },
  }))
  const client = await home.as('role_auditor')
  const { done, bytes } = await exported(client, { time_window: MAY, purpose: 'Audit of May' })
  const { body, etag, fileName } = await client.download(exports.download, { id: done.id, part: 'manifest.json' })
  const text = await downloaded(body)
  const manifest = JSON.parse(text.toString())
  expect(manifest).toEqual(done.manifest)
  expect([etag, fileName]).toEqual([`"${sha256(text)}"`, `${done.file_name}.manifest.json`])
  expect(manifest).toMatchObject({
    export_id: done.id,
    org_id: home.orgId,
    rows: 6,
    cost_usd: '0.000000015',
    unpriced: 1,
    bytes: bytes.length,
    sha256: sha256(bytes),
    purpose: 'Audit of May',
    created_by: { name: 'auditor' },
    through_seq: done.through_seq,
  })
  const [part, ...more] = manifest.parts
  expect(more).toEqual([])
  expect(part).toMatchObject({ number: 1, rows: 6, cost_usd: '0.000000015', unpriced: 1, sha256: sha256(bytes) })
  // Nothing has been signed yet, and it says so.
  expect(manifest.trail).toEqual({
    digests: [],
    digests_left_out: 0,
    uncovered: { seq_first: part.seq_first, seq_last: part.seq_last },
  })
})

test('names the digests of the trail that cover it, and what none covers yet', async () => {
  const home = await organizationWith(plane, 10)
  const places = await plane.owner`select seq from events where org_id = ${home.orgId} order by seq`
  const seqs = places.map(({ seq }) => Number(seq))
  const digest = (number: number, first: number, last: number) => plane.owner`
    insert into trail_digests (org_id, number, digest_id, period_start, period_end, seq_start, seq_end, tree_size,
      root_hash, body, signature, kid, checkpoint, storage_key)
    values (${home.orgId}, ${number}, ${`dig_${number}`}, now(), now(), ${first}, ${last}, ${last},
      ${String(number).repeat(64)}, '', '', '', '', '')`
  const at = (index: number) => seqs[index] ?? 0
  await digest(1, 1, at(0) - 1)
  await digest(2, at(0), at(4))
  await digest(3, at(4) + 1, at(4))
  await digest(4, at(4) + 1, at(7))
  const { done } = await exported(await home.as('role_auditor'), { time_window: MAY })
  expect(done.manifest?.trail).toEqual({
    digests: [
      { digest_id: 'dig_2', seq_start: at(0), seq_end: at(4), root_hash: '2'.repeat(64) },
      { digest_id: 'dig_4', seq_start: at(4) + 1, seq_end: at(7), root_hash: '4'.repeat(64) },
    ],
    digests_left_out: 0,
    uncovered: { seq_first: at(7) + 1, seq_last: at(9) },
  })
})

test('holds the record as it was when it was asked for', async () => {
  const idle = await startControlPlane()
  try {
    const home = await organizationWith(idle, 5)
    const client = await home.as('role_exporter')
    const { id } = await client(exports.create, { time_window: MAY })
    await home.gateway(events.ingest, { events: [home.event({ timestamp: '2026-05-03T00:00:00.000Z' })] })
    const { runExport } = await import('./run/run-export')
    const run = { id: 'job', attempt: 1, isLastAttempt: false, signal: new AbortController().signal }
    await runExport(idle.services, { org_id: home.orgId, export_id: id }, run)
    expect(await client(exports.get, { id })).toMatchObject({ state: 'completed', rows_done: 5 })
  } finally {
    await idle.stop()
  }
})

test('escalations are the decisions that were escalated', async () => {
  const home = await organizationWith(plane, 9, (index) => ({ verdict: index % 3 === 0 ? 'escalate' : 'allow' }))
  const { done, bytes } = await exported(await home.as('role_exporter'), { type: 'escalations', time_window: MAY })
  expect(done.rows_done).toBe(3)
  expect(linesOf(bytes).map((line) => JSON.parse(line).verdict)).toEqual(['escalate', 'escalate', 'escalate'])
})

test('activity is exported by those who may export activity, and is hidden from all others', async () => {
  const home = await organizationWith(plane, 1)
  const finance = await home.as('role_finance')
  await expect(finance(exports.create, { type: 'activity', time_window: '1h' })).rejects.toMatchObject({
    message: 'This needs the permission activity:export.',
  })
  const auditor = await home.as('role_auditor')
  const { done, bytes } = await exported(auditor, {
    type: 'activity',
    time_window: '1h',
    filter: 'action~registered',
  })
  const stored = await plane.owner`
    select line from activity where org_id = ${home.orgId} and action like '%registered%' order by seq`
  expect(linesOf(bytes)).toEqual(stored.map(({ line }) => line))
  expect(stored).not.toEqual([])
  await expect(finance(exports.get, { id: done.id })).rejects.toMatchObject({ code: 'not_found' })
  expect((await finance(exports.list, {})).items).toEqual([])
  expect((await auditor(exports.list, {})).items.map(({ id }) => id)).toEqual([done.id])
})

test("a team's key exports its team's rows only, and sees its team's exports only", async () => {
  const home = await organizationWith(plane, 10, (index) => ({ team_id: index % 2 === 0 ? 'team_a' : 'team_b' }))
  const ofA = await home.as('role_exporter', { teamId: 'team_a' })
  const ofB = await home.as('role_exporter', { teamId: 'team_b' })
  const all = await home.as('role_exporter')
  const { done, bytes } = await exported(ofA, { time_window: MAY })
  expect(linesOf(bytes).map((line) => JSON.parse(line).team_id)).toEqual(Array(5).fill('team_a'))
  expect(done).toMatchObject({ team_id: 'team_a', rows_done: 5 })
  expect(await ofA(exports.preview, { time_window: MAY })).toMatchObject({ rows: 5 })
  for (const path of ['', '/download', '/download?part=1', '/download?part=manifest.json']) {
    const { status } = await plane.send('GET', `/v1/exports/${done.id}${path}`, { token: ofB.token })
    expect(status, path).toBe(404)
  }
  expect((await ofB(exports.list, {})).items).toEqual([])
  expect((await all(exports.list, {})).items).toHaveLength(1)
  await expect(ofA(exports.create, { type: 'activity', time_window: '1h' })).rejects.toMatchObject({
    code: 'forbidden',
  })
  await expect(ofA(activity.list, {})).rejects.toMatchObject({ code: 'forbidden' })
})

test('whatever is done with an export leaves an entry with its purpose', async () => {
  const home = await organizationWith(plane, 1)
  const client = await home.as('role_auditor')
  const { done } = await exported(client, { time_window: MAY, purpose: 'Ticket 4711' })
  await client(exports.link, { id: done.id })
  await client(exports.delete, { id: done.id })
  const { items } = await client(activity.list, { target_id: done.id })
  expect(items.map(({ action }) => action).toReversed()).toEqual([
    'export.created',
    'export.downloaded',
    'export.linked',
    'export.deleted',
  ])
  for (const { action, after, before } of items) {
    if (action !== 'export.linked') expect({ ...before, ...after }, action).toMatchObject({ purpose: 'Ticket 4711' })
  }
})

test('a deleted export is gone with its files', async () => {
  const home = await organizationWith(plane, 3)
  const client = await home.as('role_exporter')
  const { done } = await exported(client, { time_window: MAY })
  const stored = () => plane.services.objects.list(`${home.orgId}/exports/${done.id}/`)
  expect((await stored()).objects).toHaveLength(1)
  await client(exports.delete, { id: done.id })
  await expect(client(exports.get, { id: done.id })).rejects.toMatchObject({ code: 'not_found' })
  await expect.poll(async () => (await stored()).objects).toEqual([])
})

test('an export that is over keeps its manifest and loses its files', async () => {
  const home = await organizationWith(plane, 3)
  const client = await home.as('role_exporter')
  const { done } = await exported(client, { time_window: MAY })
  const { expireExport } = await import('./commands')
  const job = { org_id: home.orgId, export_id: done.id }
  await expireExport(plane.services, job)
  expect(await client(exports.get, { id: done.id })).toMatchObject({ state: 'completed' })
  await plane.owner`update exports set expires_at = now() where org_id = ${home.orgId}`
  await expireExport(plane.services, job)
  expect(await client(exports.get, { id: done.id })).toMatchObject({ state: 'expired', manifest: { rows: 3 } })
  await expect(client.download(exports.download, { id: done.id })).rejects.toMatchObject({ code: 'conflict' })
  const { body } = await client.download(exports.download, { id: done.id, part: 'manifest.json' })
  expect(JSON.parse((await downloaded(body)).toString())).toMatchObject({ rows: 3 })
  await expect.poll(async () => (await plane.services.objects.list(`${home.orgId}/`)).objects).toEqual([])
})

test('the same key makes one export', async () => {
  const home = await organizationWith(plane, 1)
  const client = await home.as('role_exporter')
  const make = () => client(exports.create, { time_window: MAY }, { idempotencyKey: 'nightly-1' })
  expect((await make()).id).toBe((await make()).id)
})

test('no organisation keeps all others waiting', async () => {
  const idle = await startControlPlane()
  try {
    const home = await idle.organization()
    const client = await home.as('role_exporter')
    const asked = Array.from({ length: 30 }, () => client(exports.create, { time_window: '1h' }))
    const made = (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled')
    expect(made).toHaveLength(20)
    await expect(client(exports.create, { time_window: '1h' })).rejects.toMatchObject({ code: 'rate_limited' })
    const other = await (await idle.organization()).as('role_exporter')
    expect(await other(exports.create, { time_window: '1h' })).toMatchObject({ state: 'queued' })
  } finally {
    await idle.stop()
  }
})

test('activity is the answer itself for a script that stores what it is sent', async () => {
  const home = await organizationWith(plane, 1)
  const { token } = await home.as('role_exporter')
  const body =
    '{"since":"2026-05-01T00:00:00Z","until":"2099-05-31T23:59:59Z","format":"json_lines","purpose":"Nightly"}'
  await expect(
    plane.send('POST', '/v1/activity/export', { token, body }).then(({ json }) => json.detail),
  ).resolves.toBe('The range may span 400 days.')
  const since = new Date(Date.now() - 3_600_000).toISOString()
  const ask = (format: string) =>
    plane.send('POST', '/v1/activity/export', { token, body: JSON.stringify({ since, format, purpose: 'Nightly' }) })
  const { status, text, headers } = await ask('json_lines')
  expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
  const stored = await plane.owner`select line, action from activity where org_id = ${home.orgId} order by seq`
  const [exportedEntry, ...before] = stored.toReversed()
  expect(exportedEntry?.action).toBe('activity.exported')
  expect(text).toBe(
    before
      .toReversed()
      .map(({ line }) => `${line}\n`)
      .join(''),
  )
  const again = JSON.parse((await ask('json')).text)
  expect(again.items).toEqual(stored.map(({ line }) => JSON.parse(line)))
  expect((await ask('csv')).text.split('\r\n')).toHaveLength(stored.length + 3)
})
