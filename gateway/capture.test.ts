import { hash } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { PAYLOAD_BYTES_MAX } from '@/lib/contract/events'
import { PlainResponse } from './http/plain-response'
import { completion, completionFrames, httpTarget, postChat, startTestGateway, startUpstream } from './testing'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const open of closing.splice(0)) await open.close()
})

type Answerer = Parameters<typeof startUpstream>[0]
type Capture = 'none' | 'redacted' | 'full'

async function capturing(capture: Capture, answer: Answerer, durability: 'strict' | 'relaxed' = 'strict') {
  const upstream = await startUpstream(answer)
  const settings = { payload_capture: capture }
  const gateway = await startTestGateway({ targets: [httpTarget(upstream.url)], settings, durability })
  closing.push(gateway, upstream)
  const key = gateway.addKey()
  return {
    gateway,
    ask: async (body: unknown) => (await postChat(gateway.url, key, body)).text(),
    async kept() {
      const [event] = await gateway.eventsSoon(1)
      const [capture] = gateway.captures()
      if (event === undefined) throw new Error('no record')
      const bytes = (text: string | null | undefined) => (text == null ? null : Buffer.from(text, 'base64'))
      const [request, response, salt] = [bytes(capture?.request), bytes(capture?.response), bytes(capture?.salt)]
      return { event, payload: event.payload, capture, request, response, salt: salt ?? Buffer.alloc(0) }
    },
  }
}

const sendJson =
  (value: unknown): Answerer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
const sendFrames =
  (frames: readonly string[]): Answerer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const frame of frames) response.write(frame)
    response.end()
  }
const chat = (content: string, extra = {}) => ({ model: 'm', messages: [{ role: 'user', content }], ...extra })
const sha = (...bytes: Uint8Array[]) => hash('sha256', Buffer.concat(bytes), 'hex')

describe('what is captured in full', () => {
  test('is every byte both ways, under commitments that nobody can try without the salt', async () => {
    const { ask, kept } = await capturing('full', sendJson(completion('hi')))
    const body = Buffer.concat([
      Buffer.from('{"model":"m","messages":[{"content":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('\\u0000"}]}'),
    ])
    const text = await ask(body)

    const { payload, request, response, salt } = await kept()

    expect(request).toEqual(body)
    expect(response?.toString()).toBe(text)
    expect(salt).toHaveLength(32)
    expect(payload).toMatchObject({
      capture: 'full',
      commitment: 'salted',
      request_sha256: sha(salt, body),
      request_captured_sha256: sha(salt, body),
      response_sha256: sha(salt, Buffer.from(text)),
      response_captured_sha256: sha(salt, Buffer.from(text)),
    })
  })

  test('has a salt of its own in every event', async () => {
    const { ask, gateway } = await capturing('full', sendJson(completion('hi')))
    await ask(chat('a'))
    await ask(chat('a'))
    await gateway.eventsSoon(2)
    expect(new Set(gateway.captures().map((capture) => capture?.salt)).size).toBe(2)
  })

  test('commits to a stream as it was sent', async () => {
    const { ask, kept } = await capturing('full', sendFrames(completionFrames(['Hel', 'lo'])))
    const text = await ask(chat('Hi', { stream: true }))
    const { payload, response, salt } = await kept()
    expect(response?.toString()).toBe(text)
    expect(payload.response_sha256).toBe(sha(salt, Buffer.from(text)))
  })

  test('says so when bytes were too many to keep; the salt still proves what crossed', async () => {
    const { ask, kept } = await capturing('full', sendJson(completion('x'.repeat(PAYLOAD_BYTES_MAX))))
    const text = await ask(chat('Hi'))
    const { event, payload, response, salt } = await kept()
    expect(response).toBeNull()
    expect(event.degraded).toBe('capture.too_large')
    expect(payload).toMatchObject({
      response_sha256: sha(salt, Buffer.from(text)),
      response_captured_sha256: null,
    })
  })
})

test('what is not captured is hashed plainly, so that a copy alone proves it', async () => {
  const { ask, kept } = await capturing('none', sendJson(completion('hi')))
  const body = Buffer.from(JSON.stringify(chat('Hi')))
  const text = await ask(body)
  const { payload, capture } = await kept()
  expect(capture).toBeUndefined()
  expect(payload).toEqual({
    request_sha256: sha(body),
    response_sha256: sha(Buffer.from(text)),
    request_bytes: body.length,
    response_bytes: text.length,
    capture: 'none',
    commitment: 'plain',
    request_captured_sha256: null,
    response_captured_sha256: null,
  })
})

describe.each(['strict', 'relaxed'] as const)('what is captured in redacted form, %s', (durability) => {
  test('has no personal data and no secrets in it; what crossed is committed to beside it', async () => {
    const answer = completion('Write to bob@example.com')
    const { ask, kept } = await capturing('redacted', sendJson(answer), durability)
    const body = Buffer.from(JSON.stringify(chat('I am ana@example.com, key AKIAIOSFODNN7EXAMPL3')))
    const text = await ask(body)
    expect(text).toContain('bob@example.com')

    const { event, payload, request, response, salt } = await kept()

    expect(JSON.parse(String(request))).toMatchObject({
      model: 'm',
      messages: [{ role: 'user', content: expect.stringMatching(/^I am \[EMAIL\], key \[/) }],
    })
    expect(String(request)).not.toContain('AKIA')
    expect(JSON.parse(String(response)).choices[0].message.content).toBe('Write to [EMAIL]')
    expect(payload).toMatchObject({
      capture: 'redacted',
      commitment: 'salted',
      request_sha256: sha(salt, body),
      request_bytes: body.length,
      response_sha256: sha(salt, Buffer.from(text)),
      request_captured_sha256: sha(salt, request ?? Buffer.alloc(0)),
      response_captured_sha256: sha(salt, response ?? Buffer.alloc(0)),
    })
    expect(event.degraded).toBeNull()
  })

  test('of a stream is its text, masked across frames', async () => {
    const frames = completionFrames(['Write to bo', 'b@exam', 'ple.com now'])
    const { ask, kept } = await capturing('redacted', sendFrames(frames), durability)
    await ask(chat('Hi', { stream: true }))
    const { response } = await kept()
    expect(JSON.parse(String(response))).toEqual({
      form: 'assembled',
      parts: [{ place: 'choices.0.message.content', text: 'Write to [EMAIL] now' }],
    })
  })

  test('of a stream that repeats the answer so far is its text, once', async () => {
    const pieces = ['Write to bo', 'b@exam', 'ple.com now']
    const frames = pieces.map((content, at) => {
      const message = { role: 'assistant', content: pieces.slice(0, at + 1).join('') }
      const choice = { index: 0, finish_reason: '', message, delta: { content } }
      return `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [choice] })}\n\n`
    })
    const { ask, kept } = await capturing('redacted', sendFrames([...frames, 'data: [DONE]\n\n']), durability)
    await ask(chat('Hi', { stream: true }))
    const { response } = await kept()
    expect(JSON.parse(String(response))).toEqual({
      form: 'assembled',
      parts: [{ place: 'choices.0.message.content', text: 'Write to [EMAIL] now' }],
    })
  })

  test('is nothing where it cannot be read, and the record says so', async () => {
    const many = Array.from({ length: 20_001 }, () => 'x')
    const { ask, kept } = await capturing('redacted', sendJson(completion('hi')), durability)
    await ask(chat('ana@example.com', { metadata: many }))
    const { event, request } = await kept()
    expect(request).toBeNull()
    expect(event.payload.request_captured_sha256).toBeNull()
    expect(event.degraded).toBe('capture.unreadable')
  })
})

test('nothing is masked before an answer that does not wait for its record has been handed over', async () => {
  const { ask, gateway } = await capturing('redacted', sendJson(completion('hi')), 'relaxed')
  const { end: endOf } = PlainResponse.prototype
  const end = vi.spyOn(PlainResponse.prototype, 'end')
  const recordsThen = new Promise<number>((resolve) => {
    end.mockImplementation(function (this: PlainResponse, ...given: unknown[]) {
      if (given[1] === 'latin1') process.nextTick(() => resolve(gateway.spool.records.length))
      return Reflect.apply(endOf, this, given)
    })
  })
  await ask(chat('ana@example.com'))
  expect(await recordsThen).toBe(0)
  expect(await gateway.eventsSoon(1)).toHaveLength(1)
  end.mockRestore()
})
