import { once } from 'node:events'
import { text as readAll } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { bundledKt, contractServer } from './testing'

const bench = bundledKt()
const server = contractServer()
const env = () => ({ KEEPTRUSTS_API_URL: server.url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test' })
const kt = (...args: string[]) => bench.kt(args, { env: env() })
const bundled = (...args: string[]) => bench.bundled(args, { env: env() })

const EXAMPLE = events.get.example.output as DecisionEvent
const event = (seq: number, change: Partial<DecisionEvent> = {}): DecisionEvent => ({
  ...EXAMPLE,
  seq,
  event_id: `evt_019a6f0e1c2d7000${seq.toString(16).padStart(16, '0')}`,
  token_name: 'app-production-v2',
  ...change,
})
const frame = (one: DecisionEvent) => ({ id: String(one.seq), data: one })
const seqs = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).seq)

/** A log as the control plane keeps it: newest first on the list, after a `seq` on the stream. */
function record(log: DecisionEvent[]) {
  server.on(events.list, ({ filter, limit, cursor }) => {
    const from = Number(cursor ?? 0)
    const matching = log.filter((one) => !filter || filter === `token_name=${one.token_name}`).toReversed()
    const items = matching.slice(from, from + limit)
    return { items, events: items, next_cursor: from + limit < matching.length ? String(from + limit) : null }
  })
}

const page = (items: DecisionEvent[]) => ({ items, events: items, next_cursor: null })

describe('kt events tail', () => {
  test('shows earlier matches, then live ones, and ends at the limit', async () => {
    record([event(1), event(2, { token_name: 'other' }), event(3)])
    server.on(events.tail, async function* ({ after }) {
      for (const seq of [4, 5, 6, 7]) if (seq > (after ?? 0)) yield frame(event(seq))
      await new Promise(() => undefined)
    })

    // A process of its own: the stream that stays open must not keep it.
    const { code, stdout } = await bundled(
      'events',
      'tail',
      '--filter',
      'token_name=app-production-v2',
      '--limit',
      '5',
      '--json',
    )

    expect(code).toBe(0)
    expect(seqs(stdout)).toEqual([1, 3, 4, 5, 6])
    expect(server.asked.at(-1)).toMatchObject({
      name: 'events.tail',
      input: { filter: 'token_name=app-production-v2', after: 3 },
    })
  })

  test('opens no stream when there are enough already, and shows the newest in order', async () => {
    record(Array.from({ length: 300 }, (_, i) => event(i + 1)))

    // More than a pipe holds: all of it is written before the process ends.
    const { stdout } = await bundled('events', 'tail', '--limit', '250', '--json')

    expect(seqs(stdout)).toEqual(Array.from({ length: 250 }, (_, i) => i + 51))
    expect(server.asked.map(({ name }) => name)).not.toContain('events.tail')
  })

  test('neither loses nor repeats what is recorded between the list and the stream', async () => {
    let lists = 0
    server.on(events.list, () => page(lists++ === 0 ? [event(1)] : [event(3), event(1)]))
    server.on(events.tail, async function* ({ after }) {
      for (const seq of [2, 3, 4]) if (seq > (after ?? 0)) yield frame(event(seq))
    })

    expect(seqs((await kt('events', 'tail', '--limit', '4', '--json')).stdout)).toEqual([1, 3, 2, 4])
  })

  test('takes a broken stream up again after the last event', async () => {
    record([])
    let streams = 0
    server.on(events.tail, async function* ({ after = 0 }) {
      yield frame(event(after + 1))
      if (++streams === 1) throw new Error('cut')
      yield frame(event(after + 2))
    })

    const { code, stdout, stderr } = await kt('events', 'tail', '--limit', '5', '--json')

    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('Trying again.') })
    expect(seqs(stdout)).toEqual([1, 2, 3, 4, 5])
  })

  test('--no-follow ends with what is there', async () => {
    record([event(1)])

    expect(seqs((await kt('events', 'tail', '--no-follow', '--limit', '5', '--json')).stdout)).toEqual([1])
  })

  test('fails when the filter is refused, instead of trying for ever', async () => {
    server.on(events.list, () => {
      throw new AppError('invalid_filter', 'There is no field "tok".')
    })

    expect(await kt('events', 'tail', '--filter', 'tok=x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no field'),
    })
  })

  test('fails when the stream cannot be opened at all', async () => {
    record([])
    server.on(events.tail, () => {
      throw new AppError('unavailable', 'Starting.')
    })

    expect(await kt('events', 'tail')).toMatchObject({ code: 5 })
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('ends in peace on %s', async (signal) => {
    record([event(1)])
    server.on(events.tail, async function* () {
      yield frame(event(2))
      await new Promise(() => undefined)
    })
    const child = bench.start(['events', 'tail', '--json'], { env: env() })
    const errors = readAll(child.stderr)
    for await (const text of child.stdout.setEncoding('utf8')) if (text.includes('"seq":2')) break

    child.kill(signal)
    const [code] = await once(child, 'close')

    expect({ code, stderr: await errors }).toEqual({ code: 0, stderr: '' })
  })

  test('ends quietly when its reader goes away', async () => {
    record([event(1)])
    server.on(events.tail, async function* () {
      for (let seq = 2; ; seq++) {
        yield frame(event(seq))
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })
    const child = bench.start(['events', 'tail', '--json'], { env: env() })
    const errors = readAll(child.stderr)
    await once(child.stdout, 'data')

    child.stdout.destroy()
    const [code] = await once(child, 'close')

    expect({ code, stderr: await errors }).toEqual({ code: 0, stderr: '' })
  })
})

test('kt events list passes filter and window on and prints one line each', async () => {
  record([event(1), event(2, { verdict: 'block', status_code: 403, reason_code: 'model.not_allowed', tokens: null })])

  const { stdout } = await kt('events', 'list', '--since', '24h', '--until', '2027-01-01T00:00:00Z', '--limit', '2')

  const lines = stdout.trimEnd().split('\n')
  expect(lines[0]?.split(/ +/)).toEqual([
    'TIME',
    'VERDICT',
    'STATUS',
    'TOKEN',
    'MODEL',
    'TOKENS',
    'MS',
    'REASON',
    'EVENT',
  ])
  expect(lines[1]).toMatch(
    /^2026-04-23T10:00:00 {2}block +403 +app-production-v2 +gpt-5\.4-mini +- +2 +model\.not_allowed +evt_/,
  )
  expect(lines).toHaveLength(3)
  expect(server.asked[0]?.input).toMatchObject({ since: '24h', until: '2027-01-01T00:00:00Z', limit: 2 })
})

test('kt events get prints all of an event', async () => {
  server.on(events.get, () => EXAMPLE)

  expect(JSON.parse((await kt('events', 'get', EXAMPLE.event_id)).stdout)).toEqual(EXAMPLE)
})
