import { type ClientRequest, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { completion, completionFrames, httpTarget, postChat, startTestGateway, startUpstream } from './testing'

const CHAT = { model: 'gpt-test', messages: [{ role: 'user', content: 'hello' }] }
const STREAM = { ...CHAT, stream: true }
const EVENT_STREAM = { 'content-type': 'text/event-stream' }
const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const open of closing.splice(0)) await open.close()
})

/** A provider that answers when the test says so. */
async function heldProvider(options: Parameters<typeof startTestGateway>[0] = {}) {
  const asked: ((response: ServerResponse) => void)[] = []
  const responses: ServerResponse[] = []
  const upstream = await startUpstream((response) => {
    const next = asked.shift()
    if (next) next(response)
    else responses.push(response)
  })
  const gateway = await startTestGateway({ targets: [httpTarget(upstream.url)], ...options })
  closing.push(gateway, upstream)
  const nextResponse = () =>
    new Promise<ServerResponse>((resolve) => {
      const ready = responses.shift()
      if (ready) resolve(ready)
      else asked.push(resolve)
    })
  return { gateway, upstream, key: gateway.addKey(), nextResponse }
}

function open(port: number, key: string, body: object): { request: ClientRequest; response: Promise<IncomingMessage> } {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
  const request = httpRequest({
    port,
    host: '127.0.0.1',
    path: '/v1/chat/completions',
    method: 'POST',
    headers,
    agent: false,
  })
  const response = new Promise<IncomingMessage>((resolve) => request.on('response', resolve))
  request.on('error', () => {}) // the test hangs up on purpose
  request.end(JSON.stringify(body))
  return { request, response }
}

/** Waits until the gateway has noticed that a caller left. */
async function hungUp(url: string): Promise<void> {
  while (!(await (await fetch(`${url}/metrics`)).text()).includes('keeptrusts_gateway_detached_calls 1')) await sleep(5)
}

describe('a caller that hangs up', () => {
  test('in a stream leaves a record with the usage, which is read to the end', async () => {
    const { gateway, key, nextResponse } = await heldProvider()
    const frames = completionFrames(['a', 'b', 'c'])
    const { response } = open(gateway.port, key, STREAM)
    const provider = await nextResponse()
    provider.writeHead(200, EVENT_STREAM).write(frames[0])
    const answer = await response
    await new Promise((resolve) => answer.once('data', resolve))
    answer.destroy()
    await hungUp(gateway.url)
    for (const frame of frames.slice(1)) provider.write(frame)
    provider.end()
    const [event] = await gateway.eventsSoon(1)
    expect(event).toMatchObject({ client_aborted: true, status_code: 200, stream: true, error_code: null })
    expect(event?.tokens).toMatchObject({ input: 5, output: 3 })
    expect(event?.payload.response_bytes).toBeLessThan(frames.join('').length)
  })

  test('before any answer leaves a record too', async () => {
    const { gateway, key, nextResponse } = await heldProvider()
    const { request } = open(gateway.port, key, CHAT)
    const provider = await nextResponse()
    request.destroy()
    await hungUp(gateway.url)
    provider.end(JSON.stringify(completion('too late')))
    const [event] = await gateway.eventsSoon(1)
    expect(event).toMatchObject({ client_aborted: true, status_code: 499, tokens: { input: 11, output: 7 } })
    expect(event?.payload).toMatchObject({ response_sha256: null, response_bytes: 0 })
  })

  test('is not read on for longer than the bound, and the provider is told', async () => {
    const { gateway, upstream, key, nextResponse } = await heldProvider({ limits: { detachedMsMax: 10 } })
    const { request } = open(gateway.port, key, STREAM)
    await nextResponse()
    request.destroy()
    const [event] = await gateway.eventsSoon(1)
    expect(event).toMatchObject({ client_aborted: true, error_code: 'client_closed_request', tokens: null })
    expect(event?.attempts).toMatchObject([{ error: 'caller_left' }])
    while (upstream.aborted === 0) await sleep(5)
    expect(gateway.gateway.stats().activeRequests).toBe(0)
  })

  test('is not read on for more bytes than the bound', async () => {
    const { gateway, upstream, key, nextResponse } = await heldProvider({ limits: { detachedBytesMax: 1_000 } })
    const { response } = open(gateway.port, key, STREAM)
    const provider = await nextResponse()
    const [frame = ''] = completionFrames([])
    provider.writeHead(200, EVENT_STREAM).write(frame)
    ;(await response).destroy()
    while (upstream.aborted === 0) {
      provider.write(frame)
      await sleep(2)
    }
    expect(await gateway.eventsSoon(1)).toMatchObject([{ client_aborted: true, error_code: 'client_closed_request' }])
  })

  test('is not read on when too many others are', async () => {
    const { gateway, upstream, key, nextResponse } = await heldProvider({ limits: { detachedCallsMax: 0 } })
    const { request } = open(gateway.port, key, STREAM)
    await nextResponse()
    request.destroy()
    expect(await gateway.eventsSoon(1)).toMatchObject([{ client_aborted: true }])
    while (upstream.aborted === 0) await sleep(5)
  })

  test('while still sending leaves nothing behind', async () => {
    const { gateway, key, upstream } = await heldProvider()
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`
    const socket = connect(gateway.port, '127.0.0.1')
    socket.write(`${head}Content-Length: 500\r\n\r\n{"model"`)
    while (gateway.gateway.stats().activeRequests === 0) await sleep(2)
    socket.destroy()
    while (gateway.gateway.stats().activeRequests > 0) await sleep(2)
    expect(gateway.events()).toEqual([])
    expect(upstream.requests).toEqual([])
  })
})

describe('a caller that reads slowly', () => {
  test('holds the provider back instead of filling the memory, and still gets every byte', async () => {
    const { gateway, key, nextResponse } = await heldProvider({ answerBytesMax: 128 * 1_048_576 })
    const { response } = open(gateway.port, key, STREAM)
    const provider = await nextResponse()
    provider.writeHead(200, EVENT_STREAM)
    const frame = `data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(60_000) }, finish_reason: null }] })}\n\n`
    const total = 64 * 1_048_576
    let sent = 0
    const pump = () => {
      while (sent < total) {
        sent += frame.length
        if (!provider.write(frame)) return
      }
      provider.end('data: [DONE]\n\n')
    }
    provider.on('drain', pump)
    const answer = await new Promise<IncomingMessage>((resolve) => {
      response.then(resolve)
      pump()
    })
    answer.pause()
    let before = -1
    while (sent !== before) {
      before = sent
      await sleep(250) // until nothing moves any more: kernel buffers are full and everybody waits
    }
    expect(sent).toBeLessThan(total / 2)
    let received = 0
    for await (const chunk of answer) received += chunk.length
    expect(received).toBe(Math.ceil(total / frame.length) * frame.length + 'data: [DONE]\n\n'.length)
    expect(await gateway.eventsSoon(1)).toMatchObject([{ client_aborted: false, status_code: 200 }])
  }, 60_000)

  test('and then not at all is cut off, and recorded', async () => {
    const { gateway, key, nextResponse } = await heldProvider({ limits: { stalledMsMax: 50, detachedMsMax: 50 } })
    const { response } = open(gateway.port, key, STREAM)
    const provider = await nextResponse()
    provider.writeHead(200, EVENT_STREAM)
    const frame = `data: ${'x'.repeat(60_000)}\n\n`
    const pump = () => {
      while (!provider.destroyed && provider.write(frame));
    }
    provider.on('drain', pump)
    pump()
    ;(await response).pause()
    expect(await gateway.eventsSoon(1)).toMatchObject([{ client_aborted: true, stream: true }])
  })
})

describe('a change while a stream is running', () => {
  test('a revoked key finishes what it has begun; its next call is refused', async () => {
    const { gateway, key, nextResponse } = await heldProvider()
    const frames = completionFrames(['a', 'b'])
    const { response } = open(gateway.port, key, STREAM)
    const provider = await nextResponse()
    provider.writeHead(200, EVENT_STREAM).write(frames[0])
    const answer = await response
    gateway.changeKey(key, { dead: 'token_revoked' })
    expect((await postChat(gateway.url, key, CHAT)).status).toBe(401)
    provider.end(frames.slice(1).join(''))
    let text = ''
    for await (const chunk of answer.setEncoding('utf8')) text += chunk
    expect(text).toContain('[DONE]')
    expect(gateway.events()).toMatchObject([{ status_code: 200, token_id: 'tok_test' }])
  })

  test('a new configuration applies to new calls; the running one is recorded under its own', async () => {
    const { gateway, key, nextResponse } = await heldProvider()
    const { response } = open(gateway.port, key, CHAT)
    const provider = await nextResponse()
    const { config } = gateway.store.current
    if (config === null) throw new Error('no configuration')
    gateway.store.swap({ config: { ...config, version: '2.0.0', compiled: { ...config.compiled, targets: [] } } })
    expect((await postChat(gateway.url, key, CHAT)).status).toBe(404)
    provider.end(JSON.stringify(completion('done')))
    expect((await response).headers['x-keeptrusts-config-version']).toBe('1.2.3')
    expect(gateway.events().map(({ config_version }) => config_version)).toEqual(['2.0.0', '1.2.3'])
  })
})

describe('draining', () => {
  test('lets a stream finish, says not ready meanwhile, and takes no new connection', async () => {
    const { gateway, key, nextResponse } = await heldProvider()
    const frames = completionFrames(['a'])
    const { response } = open(gateway.port, key, STREAM)
    const provider = await nextResponse()
    provider.writeHead(200, EVENT_STREAM).write(frames[0])
    const answer = await response
    const drained = gateway.gateway.drain(10_000)
    expect(gateway.gateway.isReady()).toBe(false)
    await expect(fetch(`${gateway.url}/readyz`)).rejects.toThrow()
    provider.end(frames.slice(1).join(''))
    let text = ''
    for await (const chunk of answer.setEncoding('utf8')) text += chunk
    await drained
    expect(text).toContain('[DONE]')
    expect(gateway.events()).toMatchObject([{ status_code: 200, error_code: null }])
  })

  test('waits for a caller that still takes what was answered', async () => {
    const { gateway, key, nextResponse } = await heldProvider()
    const { response } = open(gateway.port, key, CHAT)
    const body = JSON.stringify(completion('x'.repeat(24 * 1_048_576)))
    const provider = await nextResponse()
    provider.end(body)
    const answer = (await response).pause()
    await gateway.eventsSoon(1)
    const drained = gateway.gateway.drain(10_000)
    await sleep(50)
    let received = 0
    for await (const chunk of answer) received += chunk.length
    await drained
    expect(received).toBe(body.length)
    expect(gateway.gateway.stats().activeRequests).toBe(0)
  })

  test('an answer that nobody takes is cut off', async () => {
    const { gateway, key, nextResponse } = await heldProvider({ limits: { stalledMsMax: 50 } })
    const { response } = open(gateway.port, key, CHAT)
    ;(await nextResponse()).end(JSON.stringify(completion('x'.repeat(24 * 1_048_576))))
    ;(await response).pause()
    await gateway.eventsSoon(1)
    while (gateway.gateway.stats().activeRequests > 0) await sleep(20)
  })

  test('records what it has to cut off', async () => {
    const { gateway, key, nextResponse } = await heldProvider()
    const { response } = open(gateway.port, key, CHAT)
    await nextResponse()
    await gateway.gateway.drain(20)
    expect((await response).statusCode).toBe(503)
    expect(gateway.events()).toMatchObject([{ status_code: 503, attempts: [{ error: 'gateway_shutdown' }] }])
  })
})
