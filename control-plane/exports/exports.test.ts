import { createHash } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { exports } from '@/lib/contract/exports'
import type { ExportManifest } from '@/lib/contract/export-shapes'
import { gatewayOf } from '../events/testing'
import { startControlPlane } from '../testing'
import { downloaded, exportOver } from './testing'

const plane = await startControlPlane({ jobs: true })
afterAll(() => plane.stop())

const MAY = { since: '2026-05-01T00:00:00Z', until: '2026-05-31T23:59:59Z' }
const inMay = (day: number) => `2026-05-${String(day).padStart(2, '0')}T12:00:00.000Z`

async function orgWithEvents(count: number, given: (index: number) => object = () => ({})) {
  const org = await plane.organization()
  const { gateway, event } = await gatewayOf(org)
  const batch = Array.from({ length: count }, (_, index) => event({ timestamp: inMay(1 + (index % 28)), ...given(index) }))
  const answer = await gateway(events.ingest, { events: batch })
  expect(answer.rejected).toEqual([])
  return { org, batch }
}

const linesOf = (bytes: Buffer) => bytes.toString().split('\n').slice(0, -1)

test('what a script of the documents asks for is made, and is the stored lines verbatim', async () => {
  const { org } = await orgWithEvents(30)
  const writer = await org.as('role_configurations_writer')
  const body = '{"format":"json_lines","time_window":{"since":"2026-05-01T00:00:00Z","until":"2026-05-31T23:59:59Z"}}'
  const { status, json } = await plane.send('POST', '/v1/exports', { token: writer.token, body })
  expect(status).toBe(202)
  expect(json).toMatchObject({ state: 'queued', type: 'events', format: 'json_lines' })
  const done = await exportOver(writer, String(json.id))
  expect(done).toMatchObject({ state: 'completed', rows_done: 30, error: null })
  const file = await writer.download(exports.download, { id: done.id })
  const bytes = await downloaded(file.body)
  const stored = await plane.owner`select line from events where org_id = ${org.orgId} order by occurred_at, seq`
  expect(linesOf(bytes)).toEqual(stored.map(({ line }) => line))
  expect(file).toMatchObject({ size: bytes.length, etag: `"${done.sha256}"`, fileName: done.file_name })
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(done.sha256)
  expect(done.file_name).toMatch(/^keeptrusts-events-\d{8}T\d{6}Z\.jsonl$/)
})
