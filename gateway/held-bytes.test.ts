import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { chainOf } from '@/lib/policy/engine/chain'
import { wordPolicy } from './mcp/mcp-testing'
import { completionFrames, httpTarget, postChat, startTestGateway, startUpstream, type TestGateway } from './testing'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const HELD_MAX = 1_000_000
const WORDS = Array.from({ length: 100 }, () => 'word '.repeat(20))
const STREAMS = 300

/** A provider whose streams stay open until the test ends them, behind a policy that holds all of an answer back. */
async function buffered() {
  const streams: ServerResponse[] = []
  const upstream = await startUpstream((response) => {
    streams.push(response)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(completionFrames(WORDS).slice(0, -3).join(''))
  })
  const gateway = await startTestGateway({
    targets: [httpTarget(upstream.url)],
    config: { chain: chainOf([wordPolicy('nothing', ['output'])]) },
    limits: { heldBytesMax: HELD_MAX },
  })
  open.push(gateway, upstream)
  const key = gateway.addKey()
  const ask = () =>
    postChat(gateway.url, key, { model: 'm', stream: true, messages: [{ role: 'user', content: 'Hi' }] })
  return { gateway, streams, ask }
}

async function heldBytes({ gateway }: TestGateway): Promise<number> {
  const metrics = (await gateway.metrics()) as { name: string; values: { value: number }[] }[]
  return metrics.find(({ name }) => name === 'keeptrusts_gateway_held_bytes')?.values[0]?.value ?? Number.NaN
}

describe('many streams that a policy holds back', () => {
  test('hold no more together than a gateway may: the others are refused, and all room comes back', async () => {
    const { gateway, streams, ask } = await buffered()
    const answers = Array.from({ length: STREAMS }, ask)
    const refused: Response[] = []
    for (const answer of answers) void answer.then((response) => response.status === 503 && refused.push(response))
    await expect.poll(() => streams.length, { timeout: 20_000 }).toBe(STREAMS)
    await expect.poll(() => refused.length, { timeout: 20_000 }).toBeGreaterThan(STREAMS / 2)
    expect(await heldBytes(gateway)).toBeGreaterThan(HELD_MAX / 2)
    expect(await heldBytes(gateway)).toBeLessThanOrEqual(HELD_MAX)
    const [first] = refused
    expect(first?.headers.get('retry-after')).toBe('1')
    expect(await first?.json()).toMatchObject({ error: { code: 'overloaded', retryable: true } })

    for (const stream of streams) stream.end(completionFrames(['']).slice(-3).join(''))
    const bodies = await Promise.all(
      answers.map(async (answer) => (await answer).status === 200 && (await answer).text()),
    )
    const whole = bodies.filter((body) => body !== false)
    expect(whole.length).toBeGreaterThan(5)
    for (const body of whole) expect(body.split('word ')).toHaveLength(2_001)
    await expect.poll(() => heldBytes(gateway), { timeout: 20_000 }).toBe(0)
    const failed = gateway.events().filter(({ error_code }) => error_code === 'overloaded')
    expect(failed).toHaveLength(STREAMS - whole.length)
    expect(failed[0]).toMatchObject({ status_code: 503, attempts: [{ error: 'gateway_full' }] })
    expect(gateway.errors).toEqual([])
  }, 60_000)
})

test('a stream for whose copy there is no room reaches its caller, and its record says that none was kept', async () => {
  const words = Array.from({ length: 50 }, () => 'word '.repeat(400))
  const upstream = await startUpstream((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(completionFrames(words).join(''))
  })
  const gateway = await startTestGateway({
    targets: [httpTarget(upstream.url)],
    settings: { payload_capture: 'full' },
    limits: { heldBytesMax: 50_000 },
  })
  open.push(gateway, upstream)
  const body = { model: 'm', stream: true, messages: [{ role: 'user', content: 'Hi' }] }
  const text = await (await postChat(gateway.url, gateway.addKey(), body)).text()
  expect(text.split('word ')).toHaveLength(20_001)
  const [event] = await gateway.eventsSoon(1)
  expect(event).toMatchObject({ degraded: 'capture.no_room', error_code: null, payload: { capture: 'full' } })
  expect(event?.payload.response_sha256).toMatch(/^[0-9a-f]{64}$/)
  expect(gateway.captures()).toMatchObject([{ response: null }])
  await expect.poll(() => heldBytes(gateway), { timeout: 20_000 }).toBe(0)
})

test.each([
  ['ends', true],
  ['does not end', false],
])(
  'a stream for whose last words there is no room, and which %s with them, is not taken for a whole one',
  async (_, ends) => {
    const waiting: ServerResponse[] = []
    const frames = completionFrames(['one ', 'two'])
    const upstream = await startUpstream((response, { body }) => {
      waiting.push(response)
      if (!body.includes('"stream":true')) return
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(frames.slice(0, 2).join(''))
    })
    const heldBytesMax = 100_000
    const gateway = await startTestGateway({ targets: [httpTarget(upstream.url)], limits: { heldBytesMax } })
    open.push(gateway, upstream)
    const key = gateway.addKey()
    const chat = (content: string) => ({ model: 'm', messages: [{ role: 'user', content }] })
    const small = JSON.stringify({ ...chat('Hi'), stream: true })
    const stream = await postChat(gateway.url, key, small)
    const room = heldBytesMax - small.length - JSON.stringify(chat('')).length
    const whole = postChat(gateway.url, key, chat('a'.repeat(room)))
    await expect.poll(() => waiting.length).toBe(2)

    waiting[0]?.write(frames.slice(2).join(''))
    if (ends) waiting[0]?.end()
    const text = await stream.text()
    expect([text.includes('"one "'), text.includes('[DONE]')]).toEqual([true, false])
    expect(text).toContain('"code":"overloaded"')
    expect(gateway.events()).toMatchObject([{ error_code: 'overloaded', attempts: [{ error: 'gateway_full' }] }])
    waiting[1]?.destroy()
    expect((await whole).status).toBe(502)
  },
)
