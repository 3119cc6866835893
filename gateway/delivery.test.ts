import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { events } from '@/lib/contract/events'
import { bodyOf, Delivery } from './delivery'
import { openSpool } from './spool'
import { appended, spoolRecord } from './spool-port'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

type Batch = { events: { event_id: string; note?: unknown }[]; captures: unknown[] }
type Answer = { status: number; body?: object }

/** A spool and a control plane whose answers the test decides. */
async function setUp(answer: (batch: Batch, turn: number) => Answer, change = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'kt-delivery-'))
  undo.push(() => rm(directory, { recursive: true, force: true }))
  const batches: Batch[] = []
  const server = createServer(async (request, response) => {
    const batch = JSON.parse(await textOf(request)) as Batch
    batches.push(batch)
    const { status, body } = answer(batch, batches.length)
    response
      .writeHead(status)
      .end(JSON.stringify(body ?? { accepted: batch.events.length, duplicates: 0, rejected: [] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undo.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  const spool = await openSpool({ directory: join(directory, 'spool') })
  undo.push(() => spool.close())
  const logged: string[] = []
  const log = {
    warn: (_: object, text: string) => logged.push(text),
    error: (_: object, text: string) => logged.push(text),
  }
  const rejectedPath = join(directory, 'rejected.jsonl')
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const delivery = new Delivery({
    spool,
    apiUrl,
    token: 't',
    log,
    rejectedPath,
    retryFirstMs: 1,
    retryMaxMs: 4,
    ...change,
  })
  undo.push(() => delivery.stop(0))
  return { spool, delivery, batches, logged, rejectedPath }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const event = (n: number, note?: unknown) => JSON.stringify({ event_id: `evt_${String(n).padStart(32, '0')}`, note })
const numbers = (batches: Batch[]) =>
  batches.flatMap((batch) => batch.events.map(({ event_id }) => Number(event_id.slice(4))))

async function until(isRight: () => boolean): Promise<void> {
  while (!isRight()) await new Promise((resolve) => setTimeout(resolve, 2))
}

describe('delivery', () => {
  test('brings everything in order and leaves nothing behind', async () => {
    const { spool, delivery, batches } = await setUp(() => ({ status: 200 }), { batchRecordsMax: 50 })
    await Promise.all(Array.from({ length: 230 }, (_, n) => appended(spool, spoolRecord(event(n), null))))
    delivery.start()
    await until(() => spool.depth === 0)
    expect(numbers(batches)).toEqual(Array.from({ length: 230 }, (_, n) => n))
    expect(Math.max(...batches.map((batch) => batch.events.length))).toBe(50)
  })

  test('keeps what a failing control plane has not acknowledged, and says so once', async () => {
    const { spool, delivery, batches, logged } = await setUp((_, turn) => ({ status: turn <= 9 ? 503 : 200 }))
    await Promise.all(Array.from({ length: 20 }, (_, n) => appended(spool, spoolRecord(event(n), null))))
    delivery.start()
    await until(() => spool.depth === 0)
    expect(new Set(numbers(batches.slice(9))).size).toBe(20)
    expect(batches.slice(5, 9).every((batch) => batch.events.length === 1)).toBe(true)
    expect(logged).toEqual([
      'events could not be delivered; they stay on disk',
      'event delivery keeps failing; events stay on disk',
      'event delivery works again',
    ])
    expect(delivery.lastError).toBeNull()
  })

  test.each([401, 403, 404])('keeps events and names the cause when the answer is %i', async (status) => {
    const { spool, delivery, batches } = await setUp(() => ({ status }))
    await appended(spool, spoolRecord(event(1), null))
    delivery.start()
    await until(() => batches.length > 3)
    expect(spool.depth).toBe(1)
    expect(delivery.lastError).toMatchObject({ code: 'event_delivery_refused' })
  })

  test('moves refused events to a file with the reason and delivers the others', async () => {
    const { spool, delivery, rejectedPath } = await setUp(() => ({
      status: 200,
      body: { accepted: 2, duplicates: 0, rejected: [{ index: 1, event_id: null, reason: 'another gateway' }] },
    }))
    await Promise.all([1, 2, 3].map((n) => appended(spool, spoolRecord(event(n), null))))
    delivery.start()
    await until(() => spool.depth === 0)
    const [line = '', ...rest] = (await readFile(rejectedPath, 'utf8')).trim().split('\n')
    expect(rest).toEqual([])
    expect(JSON.parse(line)).toMatchObject({ reason: 'another gateway', record: spoolRecord(event(2), null) })
  })

  test('one record that makes the request as such unacceptable does not hold up the others', async () => {
    const { spool, delivery, batches, rejectedPath } = await setUp((batch) => ({
      status: batch.events.some(({ note }) => note === 'poison') ? 400 : 200,
    }))
    await Promise.all(
      Array.from({ length: 33 }, (_, n) => appended(spool, spoolRecord(event(n, n === 20 ? 'poison' : 0), null))),
    )
    delivery.start()
    await until(() => spool.depth === 0)
    const delivered = numbers(batches.filter((batch) => !batch.events.some(({ note }) => note === 'poison')))
    expect(delivered.sort((a, b) => a - b)).toEqual(Array.from({ length: 33 }, (_, n) => n).filter((n) => n !== 20))
    expect((await readFile(rejectedPath, 'utf8')).trim().split('\n').length).toBe(1)
  })

  test('stops in time with what is left on disk when the control plane does not answer', async () => {
    const { spool, delivery } = await setUp(() => ({ status: 503 }))
    await appended(spool, spoolRecord(event(1), null))
    delivery.start()
    await delivery.stop(50)
    expect(spool.depth).toBe(1)
  })
})

describe('the body of a batch', () => {
  test('is what the contract takes, whatever texts the events hold', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(',"capture":{"request":', '}],"captures":[', '{"event":'),
    )
    const bytes = fc.option(fc.uint8Array({ maxLength: 50 }).map((it) => Buffer.from(it)))
    const record = fc.record({
      note: fc.oneof(nasty, fc.json()),
      capture: fc.option(fc.record({ request: bytes, response: bytes, salt: fc.constant(Buffer.alloc(32, 7)) })),
    })
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), (records) => {
        const body = bodyOf(records.map(({ note, capture }, n) => Buffer.from(spoolRecord(event(n, note), capture))))
        const parsed = events.ingest.input.parse(JSON.parse(body.toString('utf8')))
        expect(parsed.events).toEqual(records.map(({ note }, n) => JSON.parse(Buffer.from(event(n, note)).toString())))
        const captures = records.flatMap(({ capture }, n) =>
          capture
            ? [
                {
                  event_id: JSON.parse(event(n)).event_id,
                  request: inBase64(capture.request),
                  response: inBase64(capture.response),
                  salt: inBase64(capture.salt),
                },
              ]
            : [],
        )
        expect(parsed.captures).toEqual(captures)
      }),
      { numRuns: 300 },
    )
  })
})

const inBase64 = (bytes: Buffer | null) => bytes?.toString('base64') ?? null
