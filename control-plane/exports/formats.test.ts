import { parquetReadObjects } from 'hyparquet'
import { afterAll, describe, expect, test } from 'vitest'
import type { DecisionEvent } from '@/lib/contract/events'
import { EXPORT_FORMATS } from '@/lib/contract/export-shapes'
import { exports } from '@/lib/contract/exports'
import { startControlPlane } from '../testing'
import { exported, MAY, objectsOf, organizationWith, PRICE, readCsv } from './testing'

const plane = await startControlPlane({ jobs: true })
afterAll(() => plane.stop())

const home = await organizationWith(plane, 25, (index) => ({
  token_name: `name "${index}", with\nlines`,
  user_agent: index % 2 ? null : 'Ünïcode ✓ 𝄞',
  tokens: index % 3 ? { input: index, output: 2, cached: 1, reasoning: 0 } : null,
  event_cost_attribution: index % 3 ? PRICE : { ...PRICE, total_cost_usd: null, price_status: 'unknown' },
}))
const client = await home.as('role_exporter')
const all = await exported(client, { time_window: MAY })
const events: DecisionEvent[] = all.bytes
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line))

describe('every format holds the same rows', () => {
  test('json is one document that says what it is', async () => {
    const { bytes, done } = await exported(client, { format: 'json', time_window: MAY })
    const { items, ...head } = JSON.parse(bytes.toString())
    expect(items).toEqual(events)
    expect(head).toEqual({
      export_id: done.id,
      type: 'events',
      created_at: done.created_at,
      time_range: { since: done.since, until: done.until },
      filter: '',
      through_seq: done.through_seq,
    })
  })

  test('csv has a header and a row each', async () => {
    const { bytes } = await exported(client, { format: 'csv', time_window: MAY })
    const rows = objectsOf(readCsv(bytes.toString()))
    expect(rows).toHaveLength(25)
    for (const [index, row] of rows.entries()) {
      const event = events[index]
      expect(row).toMatchObject({
        event_id: event?.event_id,
        timestamp: event?.timestamp,
        seq: String(event?.seq),
        token_name: event?.token_name,
        user_agent: event?.user_agent ?? '',
        stream: 'false',
        tokens_input: event?.tokens ? String(event.tokens.input) : '',
        cost_usd: event?.event_cost_attribution.total_cost_usd ?? '',
        latency_ms: '1.9',
      })
    }
  })

  test('parquet has typed columns', async () => {
    const { bytes } = await exported(client, { format: 'parquet', time_window: MAY })
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
    const rows = await parquetReadObjects({ file })
    expect(rows).toHaveLength(25)
    for (const [index, row] of rows.entries()) {
      const event = events[index]
      expect(row).toMatchObject({
        event_id: event?.event_id,
        timestamp: new Date(event?.timestamp ?? ''),
        seq: BigInt(event?.seq ?? 0),
        token_name: event?.token_name,
        user_agent: event?.user_agent ?? null,
        stream: false,
        tokens_input: event?.tokens ? BigInt(event.tokens.input) : null,
        cost_usd: event?.event_cost_attribution.total_cost_usd ? 0.012345678 : null,
        latency_ms: 1.9,
      })
    }
  })

  test.each(EXPORT_FORMATS)('%s holds the selected fields in their order, and no others', async (format) => {
    const fields = ['seq', 'token_name', 'policy_results', 'cost_usd']
    const { bytes, done } = await exported(client, { format, time_window: MAY, fields })
    expect(done.fields).toEqual(fields)
    const text = bytes.toString()
    const read: Record<typeof format, () => object[] | Promise<object[]>> = {
      json: () => JSON.parse(text).items,
      json_lines: () =>
        text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      csv: () => objectsOf(readCsv(text)),
      parquet: () => parquetReadObjects({ file: new Uint8Array(bytes).buffer }),
    }
    const rows = await read[format]()
    expect(rows).toHaveLength(25)
    for (const row of rows) expect(Object.keys(row)).toEqual(fields)
    expect(rows.map((row) => Number(Reflect.get(row, 'seq')))).toEqual(events.map(({ seq }) => seq))
  })

  test('fields can be left out instead', async () => {
    const { done } = await exported(client, { time_window: MAY, without_fields: ['client_ip', 'user_agent'] })
    expect(done.fields).toContain('event_id')
    expect(done.fields).not.toContain('client_ip')
    expect(done.fields).not.toContain('user_agent')
  })

  test.each(EXPORT_FORMATS)('%s of no rows is a file of its kind', async (format) => {
    const { bytes, done } = await exported(client, { format, time_window: '1s' })
    expect(done).toMatchObject({ rows_done: 0, cost_usd: '0.000000000' })
    if (format === 'json') expect(JSON.parse(bytes.toString()).items).toEqual([])
    if (format === 'json_lines') expect(bytes).toHaveLength(0)
    if (format === 'csv') expect(readCsv(bytes.toString())).toHaveLength(1)
    if (format === 'parquet') expect(await parquetReadObjects({ file: new Uint8Array(bytes).buffer })).toEqual([])
  })

  test('a preview says what the file will hold', async () => {
    for (const format of EXPORT_FORMATS) {
      const { done } = await exported(client, { format, time_window: MAY })
      const { rows, cost_usd, unpriced, bytes_estimated, accuracy } = await client(exports.preview, {
        format,
        time_window: MAY,
      })
      expect({ rows, cost_usd, unpriced, accuracy }).toEqual({
        rows: done.rows_done,
        cost_usd: done.cost_usd,
        unpriced: done.unpriced,
        accuracy: 'exact',
      })
      if (format === 'json_lines') expect(Math.abs(bytes_estimated - done.bytes)).toBeLessThan(done.bytes / 100)
      expect(bytes_estimated).toBeGreaterThan(0)
    }
    const asked = await plane.send('GET', '/v1/exports/preview?since=2026-05-01&until=2026-06-01&format=csv', {
      token: client.token,
    })
    expect(asked.json).toMatchObject({ rows: 25, accuracy: 'exact' })
  })
})
