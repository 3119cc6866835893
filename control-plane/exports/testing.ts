import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from '@/lib/client'
import { type DecisionEvent, events, type GatewayEvent } from '@/lib/contract/events'
import type { Export } from '@/lib/contract/export-shapes'
import { exports } from '@/lib/contract/exports'
import { gatewayOf } from '../events/testing'
import type { TestPlane } from '../testing'

/** The month that the events of `organizationWith` are of. */
export const MAY = { since: '2026-05-01T00:00:00Z', until: '2026-06-01T00:00:00Z' }

/** An organisation with events spread over May 2026, each with what is given for its number. */
export async function organizationWith(
  plane: TestPlane,
  count: number,
  given: (index: number) => Partial<GatewayEvent> = () => ({}),
) {
  const organization = await plane.organization()
  const { gateway, event } = await gatewayOf(organization)
  const batch = Array.from({ length: count }, (_, index) =>
    event({ timestamp: `2026-05-${String(1 + (index % 31)).padStart(2, '0')}T12:00:00.000Z`, ...given(index) }),
  )
  const { accepted } = await gateway(events.ingest, { events: batch })
  if (accepted !== count) throw new Error(`${accepted} of ${count} events were accepted.`)
  return { ...organization, gateway, event }
}

/** Reads an export until it is over, in one way or another. */
export async function exportOver(client: Client, id: string): Promise<Export> {
  for (;;) {
    const found = await client(exports.get, { id })
    if (found.state !== 'queued' && found.state !== 'running') return found
    await delay(20)
  }
}

/** All bytes of a download. */
export const downloaded = async (body: ReadableStream<Uint8Array>): Promise<Buffer> =>
  Buffer.from(await new Response(body).arrayBuffer())

/** Makes an export and reads its file. */
export async function exported(client: Client, input: Parameters<typeof client<typeof exports.create>>[1]) {
  const { id } = await client(exports.create, input)
  const done = await exportOver(client, id)
  if (done.state !== 'completed') throw new Error(`The export has ${done.state}: ${done.error}`)
  const file = await client.download(exports.download, { id })
  return { done, file, bytes: await downloaded(file.body) }
}

/** RFC 4180, read by the letter: what an exporter of ours should not have to be trusted with. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (let at = 0; at < text.length; ) {
    let value = ''
    if (text[at] === '"') {
      for (at++; ; at++) {
        if (text[at] === '"' && text[at + 1] !== '"') break
        if (text[at] === '"') at++
        if (at >= text.length) throw new Error('A quote is not closed.')
        value += text[at]
      }
      at++
    } else {
      while (at < text.length && text[at] !== ',' && text[at] !== '\r') {
        if (text[at] === '"' || text[at] === '\n') throw new Error(`A bare field holds ${JSON.stringify(text[at])}.`)
        value += text[at++]
      }
    }
    row.push(value)
    if (text[at] === ',') {
      at++
      continue
    }
    if (text.slice(at, at + 2) !== '\r\n') throw new Error('A row does not end with CRLF.')
    at += 2
    rows.push(row)
    row = []
  }
  return rows
}

/** Rows of a CSV file by the names in its header. */
export const objectsOf = ([names = [], ...rows]: string[][]) =>
  rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]])))

/** What a gateway says of an event with a price. */
export const PRICE: DecisionEvent['event_cost_attribution'] = {
  total_cost_usd: '0.012345678',
  input_cost_usd: '0.01',
  output_cost_usd: null,
  currency: 'USD',
  price_book_version: 'v1',
  price_status: 'priced',
  source_spend_log_id: null,
  units: [],
}
