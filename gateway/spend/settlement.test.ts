import type { ServerResponse } from 'node:http'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { startFakeServer } from '../mcp/mcp-testing'
import { completion, completionFrames, httpTarget, postChat } from '../testing'
import { windowOf } from './fake-budgets'
import { answerJson, budget, FLAT_PRICES, priceBook, type SpendGateway, startSpendGateway } from './spend-testing'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close()
})

const ORG = windowOf('bud_org')
const PRICES = priceBook({ input: '2.5', output: '10', input_characters: '15', input_audio_hour: '0.36' })

function compiled(yaml: string) {
  const { config, diagnostics } = lintPolicyConfig(`pack: {name: test, version: 1.2.3, enabled: true}\n${yaml}`)
  if (config === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  const { targets: _, ...rest } = compileConfig(config, {}, { clock: () => performance.now() })
  return rest
}

async function start(...[spend, options = {}]: Parameters<typeof startSpendGateway>) {
  const started = await startSpendGateway(spend, { prices: PRICES, ...options })
  closing.push(started)
  started.budgets.limit(ORG, '1000')
  return started
}

/** Delivers every record and stops the gateway: then nothing is held any more, and what was charged is what was stated. */
async function expectSettled({ gateway, budgets }: SpendGateway): Promise<string> {
  const events = gateway.events()
  for (const event of events) budgets.settle(event)
  await gateway.close()
  const stated = events.reduce((sum, event) => sum + nanoUsdOf(event.event_cost_attribution.total_cost_usd ?? '0'), 0n)
  expect(budgets.spentOf(ORG)).toBe(usdOfNano(stated))
  expect(budgets.heldOf(ORG)).toBe('0.000000000')
  for (const { spend, event_cost_attribution: cost } of events) {
    if (spend === null || spend.refused_by !== undefined) continue
    expect(spend.leases).toHaveLength(1)
    if (cost.total_cost_usd !== null && Number(cost.total_cost_usd) > 0) {
      expect(nanoUsdOf(cost.total_cost_usd)).toBeLessThanOrEqual(nanoUsdOf(spend.reserved_usd))
    }
  }
  return usdOfNano(stated)
}

const CHAT = { model: 'gpt-test', max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] }
const sendChat = async ({ gateway, key }: SpendGateway, change: object = {}, init: RequestInit = {}) => {
  const response = await postChat(gateway.url, key, { ...CHAT, ...change }, init)
  await response.text().catch(() => undefined)
  return response
}
const post = (started: SpendGateway, path: string, body: object | FormData) =>
  fetch(`${started.gateway.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${started.key}`,
      ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }),
    },
    body: body instanceof FormData ? body : JSON.stringify(body),
  }).then(async (response) => {
    await response.arrayBuffer()
    return response.status
  })

async function metricSoon({ gateway }: SpendGateway, line: string): Promise<void> {
  while (!(await (await fetch(`${gateway.url}/metrics`)).text()).includes(`keeptrusts_gateway_${line}`)) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const FRAMES = completionFrames(['one ', 'two ', 'three'])
const stream = (response: ServerResponse, frames = FRAMES) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.end(frames.join(''))
}

describe('what a request cost, and no more, is settled for', () => {
  test('an answer, of which the most that it could cost was reserved', async () => {
    const started = await start({ budgets: [budget('bud_org')] })
    await sendChat(started)
    const [event] = started.gateway.events()
    // 80 bytes are 27 tokens at 2.50, and 50 at 10, for a million each.
    expect(event?.spend?.reserved_usd).toBe('0.000567500')
    expect(event?.event_cost_attribution).toMatchObject({
      total_cost_usd: '0.000097500',
      source_spend_log_id: event?.event_id.replace('evt_', 'ltx_'),
    })
    expect(await expectSettled(started)).toBe('0.000097500')
  })

  test('a stream, whole and broken off', async () => {
    let breaks = false
    const answer = (response: ServerResponse) => {
      if (!breaks) stream(response)
      else {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(FRAMES.slice(0, 2).join(''), () => response.destroy())
      }
    }
    const started = await start({ budgets: [budget('bud_org')] }, { answer })
    await sendChat(started, { stream: true })
    breaks = true
    await sendChat(started, { stream: true }).catch(() => undefined)
    await started.gateway.eventsSoon(2)
    expect(started.gateway.events().map((event) => event.event_cost_attribution.total_cost_usd)).toEqual([
      '0.000042500',
      '0.000100000', // 96 bytes are 32 tokens at 2.50, and four of text two at 10
    ])
    await expectSettled(started)
  })

  test.each([
    ['before the first byte', 0],
    ['in the middle', 2],
    ['at the last byte', FRAMES.length],
  ])('a stream whose caller leaves %s, which is read to its end', async (_, sent) => {
    const left = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const answer = async (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      for (const frame of FRAMES.slice(0, sent)) response.write(frame)
      asked.resolve()
      await left.promise
      response.end(FRAMES.slice(sent).join(''))
    }
    const started = await start({ budgets: [budget('bud_org')] }, { answer })
    const leaving = new AbortController()
    const call = postChat(started.gateway.url, started.key, { ...CHAT, stream: true }, { signal: leaving.signal })
    void call.catch(() => undefined)
    await asked.promise
    if (sent > 0) await (await call).body?.getReader().read()
    leaving.abort()
    await metricSoon(started, 'detached_calls 1')
    left.resolve()
    const [event] = await started.gateway.eventsSoon(1)
    expect(event?.client_aborted).toBe(true)
    expect(await expectSettled(started)).toBe('0.000042500')
  })

  test('a second target after the first failed, and nothing for the one that failed', async () => {
    const answer = (response: ServerResponse, { path }: { path: string }) =>
      path.startsWith('/broken') ? answerJson({ error: {} }, 500)(response) : answerJson(completion('hi'))(response)
    const started = await start(
      { budgets: [budget('bud_org')] },
      {
        answer,
        targets: (url) => [httpTarget(url.replace('/v1', '/broken/v1'), { id: 'broken' }), httpTarget(url)],
        more: { config: compiled('policies: {chain: []}') },
      },
    )
    expect((await sendChat(started)).status).toBe(200)
    expect(started.gateway.events()[0]?.attempts).toHaveLength(2)
    expect(await expectSettled(started)).toBe('0.000097500')
  })

  test('an answer from the cache, for which nothing is even reserved', async () => {
    const more = { config: compiled('policies: {chain: []}\ncache: {ttl_seconds: 60}') }
    const started = await start({ budgets: [budget('bud_org')] }, { more })
    await sendChat(started)
    expect((await sendChat(started)).headers.get('x-keeptrusts-cache')).toBe('hit')
    expect(started.gateway.events().map(({ spend }) => spend === null)).toEqual([false, true])
    expect(await expectSettled(started)).toBe('0.000097500')
  })

  test('embeddings, speech and transcripts', async () => {
    const answer = (response: ServerResponse, { path }: { path: string }) => {
      if (path.endsWith('/speech')) response.writeHead(200, { 'content-type': 'audio/mpeg' }).end(Buffer.alloc(32))
      else if (path.endsWith('/embeddings')) {
        const usage = { prompt_tokens: 3, total_tokens: 3 }
        answerJson({ object: 'list', model: 'embed', data: [], usage })(response)
      } else answerJson({ text: 'hi', usage: { type: 'duration', seconds: 2 } })(response)
    }
    const started = await start({ budgets: [budget('bud_org')] }, { answer })
    expect(await post(started, '/v1/embeddings', { model: 'embed', input: 'hello there' })).toBe(200)
    expect(await post(started, '/v1/audio/speech', { model: 'tts', voice: 'alloy', input: 'hello' })).toBe(200)
    const form = new FormData()
    form.append('model', 'whisper')
    form.append('file', new Blob([new Uint8Array(20_000)], { type: 'audio/mpeg' }), 'a.mp3')
    expect(await post(started, '/v1/audio/transcriptions', form)).toBe(200)
    // 3 x 2.50 and 5 x 15 for a million each, and two seconds of 0.36 for an hour.
    expect(await expectSettled(started)).toBe('0.000282500')
  })

  test('a stream that a policy stops before anybody saw of it, and that its provider had only begun to count', async () => {
    const events = [
      {
        type: 'message_start',
        message: { role: 'assistant', content: [], usage: { input_tokens: 9, output_tokens: 1 } },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'xyzzy is the secret word' } },
    ]
    const started = await start(
      { budgets: [budget('bud_org')] },
      {
        answer: (response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          // At once, so that nothing of it is passed on before the word is found.
          const said = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
          response.end(`${said.join('')}event: message_stop\ndata: {"type":"message_stop"}\n\n`)
        },
        prices: priceBook({ input: '2.5', output: '10' }, 'anthropic'),
        targets: (url) => [httpTarget(url, { provider: 'anthropic' })],
        more: { config: WITH_POLICY },
      },
    )
    expect(await post(started, '/v1/messages', { ...CHAT, stream: true })).toBe(409)
    const [event] = await started.gateway.eventsSoon(1)
    expect(event).toMatchObject({ verdict: 'block', tokens: { input: 9, output: 8 } })
    expect(event?.event_cost_attribution.price_status).toBe('estimated')
    expect(await expectSettled(started)).toBe('0.000102500')
  })

  test('a call of a tool that has a price', async () => {
    const server = await startFakeServer((asked, response) => {
      answerJson({ jsonrpc: '2.0', id: asked?.id, result: { content: [{ type: 'text', text: 'done' }] } })(response)
    })
    closing.push(server)
    const yaml = `policies: {chain: []}
providers: {targets: [{id: files, provider: mcp, base_url: '${server.url}', allow_private_network: true}]}`
    const { config } = lintPolicyConfig(`pack: {name: test, version: 1.2.3, enabled: true}\n${yaml}`)
    if (config === null) throw new Error('no configuration')
    const full = compileConfig(config, {})
    const started = await start(
      { budgets: [budget('bud_org')] },
      { prices: priceBook({ request: '5' }, 'mcp'), more: { config: full, targets: [...full.targets] } },
    )
    started.budgets.limit(ORG, '0.012')
    const call = async () => {
      const response = await fetch(`${started.gateway.url}/mcp/files`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${started.key}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read', arguments: {} } }),
      })
      const { error } = (await response.json()) as { error?: { data: object } }
      return { status: response.status, data: error?.data }
    }
    expect([await call(), await call()].map(({ status }) => status)).toEqual([200, 200])
    expect(await call()).toMatchObject({
      status: 402,
      data: { code: 'budget_exceeded', scopes: [{ budget_id: 'bud_org' }] },
    })
    expect(server.requests).toHaveLength(2)
    expect(started.gateway.events().map(({ reason_code }) => reason_code)).toEqual(['ok', 'ok', 'budget.exceeded'])
    const refusals = started.gateway.events().map(({ spend }) => spend?.refused_by)
    expect(refusals).toEqual([undefined, undefined, [{ kind: 'budget', id: 'bud_org', name: 'Budget bud_org' }]])
    expect(await expectSettled(started)).toBe('0.010000000')
  })

  test('a stream that runs while its budget begins anew: it belongs to the window in which it began, and the new one does not know of it', async () => {
    const running = Promise.withResolvers<ServerResponse>()
    let isFirst = true
    const answer = (response: ServerResponse) => {
      if (!isFirst) return answerJson(completion('hi'))(response)
      isFirst = false
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(FRAMES[0], () => running.resolve(response))
    }
    const HOUR_MS = 3_600_000
    const resetMs = Date.now() + HOUR_MS
    const [before, after] = [windowOf('bud_org', 0), windowOf('bud_org', resetMs)]
    const started = await start(
      { budgets: [budget('bud_org', { windows_ms: [0, resetMs] })] },
      { answer, prices: FLAT_PRICES },
    )
    // Each window has room for one request.
    for (const window of [before, after]) started.budgets.limit(window, '0.1')
    const streamed = sendChat(started, { stream: true })
    const response = await running.promise
    const { store } = started.gateway
    store.swap({ timeOriginMs: store.current.timeOriginMs + 2 * HOUR_MS })
    expect([started.budgets.heldOf(before), started.budgets.heldOf(after)]).toEqual(['0.100000000', '0.000000000'])
    expect((await sendChat(started)).status).toBe(200)
    const refused = await sendChat(started)
    expect(refused.status).toBe(402)
    expect([started.budgets.heldOf(before), started.budgets.heldOf(after)]).toEqual(['0.100000000', '0.100000000'])
    response.end(FRAMES.slice(1).join(''))
    expect((await streamed).status).toBe(200)
    const events = await started.gateway.eventsSoon(3)
    for (const event of events) started.budgets.settle(event)
    expect([started.budgets.spentOf(before), started.budgets.spentOf(after)]).toEqual(['0.100000000', '0.100000000'])
    await started.gateway.close()
    expect([started.budgets.heldOf(before), started.budgets.heldOf(after)]).toEqual(['0.000000000', '0.000000000'])
  })

  test('a copy for the mirror is charged to nobody, and holds nothing that others need', async () => {
    const copied = Promise.withResolvers<ServerResponse>()
    const answer = (response: ServerResponse, { path }: { path: string }) => {
      if (path.startsWith('/copy')) copied.resolve(response)
      else answerJson(completion('hi'))(response)
    }
    const started = await start(
      { budgets: [budget('bud_org')] },
      {
        answer,
        prices: FLAT_PRICES,
        targets: (url) => [
          httpTarget(url),
          httpTarget(url.replace('/v1', '/copy/v1'), { id: 'copy', models: ['gpt-copy'] }),
        ],
        more: { config: { mirror: { targetId: 'copy', percent: 100, timeoutMs: 5_000 } } },
      },
    )
    // Room for two requests, while a copy of the first is under way.
    started.budgets.limit(ORG, '0.2')
    expect((await sendChat(started)).status).toBe(200)
    const first = await copied.promise
    expect((await sendChat(started)).status).toBe(200)
    expect((await sendChat(started)).status).toBe(402)
    answerJson(completion('hi'))(first)
    await metricSoon(started, 'mirrored_total{outcome="ok"} 1')
    expect(started.gateway.events()).toHaveLength(3)
    expect(await expectSettled(started)).toBe('0.200000000')
  })

  test('an answer that could not be recorded: it is not charged, and is held until nobody can come for it', async () => {
    const started = await start({ budgets: [budget('bud_org')] })
    started.gateway.spool.failure = new Error('the disk is broken')
    expect((await sendChat(started)).status).toBe(503)
    await started.gateway.close()
    expect(started.budgets.heldOf(ORG)).toBe('0.000097500')
  })
})

const later = (answer: (response: ServerResponse) => void) => (response: ServerResponse) => {
  setTimeout(() => answer(response), 60)
}

/** What becomes of one request; it tells the provider itself. */
const OUTCOMES: Record<string, (response: ServerResponse) => void> = {
  answer: answerJson(completion('hi')),
  stream: (response) => stream(response),
  'error 500': answerJson({ error: {} }, 500),
  'error 400': answerJson({ error: { message: 'no' } }, 400),
  reset: (response) => {
    response.destroy()
  },
  garbage: answerJson({ nothing: 1 }),
  'no usage': answerJson({ ...completion('hi'), usage: undefined }),
  'truncated stream': (response) => stream(response, FRAMES.slice(0, 3)),
  'error in stream': (response) => stream(response, ['data: {"error":{"message":"no"}}\n\n']),
  'slow, and the caller leaves': later(answerJson(completion('late'))),
  'slow stream, and the caller leaves': later((response) => stream(response)),
  'blocked input': answerJson(completion('nobody should have asked')),
  'blocked output': answerJson(completion('the secret word is xyzzy')),
}

/** `leave` makes the caller go away. */
function play(response: ServerResponse, body: Buffer, leave: (at: number) => void): void {
  const text = body.toString()
  const outcome = Object.keys(OUTCOMES).find((one) => text.includes(`<${one}>`)) ?? 'answer'
  if (outcome.endsWith('leaves')) leave(Number(/<#(\d+)>/.exec(text)?.[1]))
  OUTCOMES[outcome]?.(response)
}

const MODEL = windowOf('bud_model')
const WITH_POLICY = compiled(`policies: {chain: [dlp-filter]}
policy: {dlp-filter: {blocked_terms: [xyzzy, plugh], action: block}}`)

async function expectAllSettled(outcomes: readonly string[]): Promise<void> {
  const leaving = outcomes.map(() => new AbortController())
  const started = await start(
    { budgets: [budget('bud_org'), budget('bud_model', { scope: { model: 'gpt-test' } })] },
    {
      answer: (response, { body }) => play(response, body, (at) => leaving[at]?.abort()),
      targets: (url) => [httpTarget(url), httpTarget(url, { id: 'second' })],
      more: { config: WITH_POLICY, limits: { detachedMsMax: 30 } },
    },
  )
  const { gateway, budgets } = started
  budgets.limit(MODEL, '1000')
  await Promise.all(
    outcomes.map((outcome, at) => {
      const content = outcome === 'blocked input' ? 'plugh' : `<${outcome}> <#${at}>`
      const change = { stream: outcome.includes('stream'), messages: [{ role: 'user', content }] }
      return sendChat(started, change, { signal: leaving[at]?.signal }).catch(() => undefined)
    }),
  )
  const events = await gateway.eventsSoon(outcomes.length)
  for (const event of events) budgets.settle(event)
  await gateway.close()
  const stated = events.reduce((sum, event) => sum + nanoUsdOf(event.event_cost_attribution.total_cost_usd ?? '0'), 0n)
  for (const source of [ORG, MODEL]) {
    expect([budgets.spentOf(source), budgets.heldOf(source)]).toEqual([usdOfNano(stated), '0.000000000'])
  }
  expect(gateway.errors).toEqual([])
}

test('whatever becomes of requests, all that was reserved for them is settled or free again', async () => {
  const some = fc.array(fc.constantFrom(...Object.keys(OUTCOMES)), { minLength: 10, maxLength: 40 })
  await fc.assert(fc.asyncProperty(some, expectAllSettled), { numRuns: 5 })
})
