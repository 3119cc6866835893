import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { completion, httpTarget, postChat } from '../testing'
import { windowOf } from './fake-budgets'
import { answerJson, budget, priceBook, type SpendGateway, startSpendGateway } from './spend-testing'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close()
})

const ORG = windowOf('bud_org')
/** Nothing for the input and ten dollars for a million tokens of the output: 100 of them cost a thousandth of a dollar. */
const PRICES = priceBook({ input: '0', output: '10' })
const CHAT = { model: 'gpt-test', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }

/** With the fallback and the retries that a configuration has unless it says otherwise. */
function config(yaml = 'policies: {chain: []}') {
  const read = lintPolicyConfig(`pack: {name: test, version: 1.2.3, enabled: true}\n${yaml}`)
  if (read.config === null) throw new Error(read.diagnostics.map(({ message }) => message).join('\n'))
  const { targets: _, ...rest } = compileConfig(read.config, {}, { clock: () => performance.now() })
  return rest
}

type Answer = (response: ServerResponse) => void

/** A target that answers as `first` says, and another one behind it. */
async function start(first: Answer, second: Answer = WELL, limit = '1000'): Promise<SpendGateway> {
  const started = await startSpendGateway(
    { budgets: [budget('bud_org')] },
    {
      answer: (response, { path }) => (path.startsWith('/first') ? first(response) : second(response)),
      prices: PRICES,
      targets: (url) => [httpTarget(url.replace('/v1', '/first/v1'), { id: 'first' }), httpTarget(url)],
      more: { config: config() },
    },
  )
  closing.push(started)
  started.budgets.limit(ORG, limit)
  return started
}

const send = async ({ gateway, key }: SpendGateway, change: object = {}) => {
  const response = await postChat(gateway.url, key, { ...CHAT, ...change })
  await response.text().catch(() => undefined)
  return response.status
}

/** Delivers every record and stops the gateway. @returns what was charged */
async function settled({ gateway, budgets }: SpendGateway): Promise<string> {
  for (const event of gateway.events()) {
    budgets.settle(event)
    const { spend, event_cost_attribution: cost } = event
    if (spend === null || spend.refused_by !== undefined) continue
    expect(spend.leases).toHaveLength(1)
    expect(nanoUsdOf(cost.total_cost_usd ?? '0')).toBeLessThanOrEqual(nanoUsdOf(spend.reserved_usd))
  }
  await gateway.close()
  expect(budgets.heldOf(ORG)).toBe('0.000000000')
  return budgets.spentOf(ORG)
}

/** A whole answer of 3,000 bytes, of which all that was asked for was made. */
const LONG = JSON.stringify({ ...completion('x'.repeat(3_000)), usage: undefined })
const WELL = answerJson({ ...completion('hi'), usage: { prompt_tokens: 5, completion_tokens: 1 } })

const breaksOff: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': LONG.length })
  response.write(LONG.slice(0, -5), () => setTimeout(() => response.destroy(), 5))
}
const frames =
  (all: object[], end: 'breaks' | 'ends'): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const text = all.map((one) => `data: ${JSON.stringify(one)}\n\n`).join('')
    if (end === 'ends') response.end(text)
    else response.write(text, () => setTimeout(() => response.destroy(), 5))
  }
const usageSaid = (completion_tokens: number) => ({
  choices: [],
  usage: { prompt_tokens: 10, completion_tokens, total_tokens: 10 + completion_tokens },
})

describe('an answer that broke off is charged, although another target gave the one that counts', () => {
  test.each<[string, Answer, object, string]>([
    // 3,000 bytes are a thousand tokens, of which the caller allowed a hundred; and one of the second.
    ['that ended before its connection did', breaksOff, {}, '0.001010000'],
    [
      'that ended too early and in good order',
      (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(LONG.slice(0, -5)),
      {},
      '0.001010000',
    ],
    [
      'that is an error, with what it took',
      answerJson({ error: { message: 'overloaded' }, usage: { prompt_tokens: 10, completion_tokens: 70 } }),
      {},
      '0.000710000',
    ],
  ])('%s', async (_, first, change, cost) => {
    const started = await start(first)
    expect(await send(started, change)).toBe(200)
    const [event] = started.gateway.events()
    expect(event?.attempts).toHaveLength(2)
    expect(event?.event_cost_attribution).toMatchObject({ total_cost_usd: cost, price_status: 'estimated' })
    expect(await settled(started)).toBe(cost)
  })

  test.each<[string, Answer, string]>([
    ['as its provider counted before it broke', frames([usageSaid(80)], 'breaks'), '0.000800000'],
    [
      'as its provider counted before it said that it failed',
      frames([usageSaid(80), { error: { message: 'overloaded' } }], 'ends'),
      '0.000800000',
    ],
  ])('a stream of which nobody was sent a byte, %s', async (_, first, cost) => {
    const well = frames(
      [{ choices: [{ index: 0, delta: { content: 'hi' }, finish_reason: 'stop' }] }, usageSaid(1)],
      'ends',
    )
    const started = await start(first, well)
    expect(await send(started, { stream: true })).toBe(200)
    const [event] = await started.gateway.eventsSoon(1)
    expect(event?.attempts).toHaveLength(2)
    expect(event?.event_cost_attribution).toMatchObject({
      total_cost_usd: usdOfNano(nanoUsdOf(cost) + nanoUsdOf('0.00001')),
      price_status: 'estimated',
    })
    expect(event?.tokens).toMatchObject({ input: 20, output: 81 })
    await settled(started)
  })

  test('what a stream was said to have taken is charged when nothing follows it, too', async () => {
    const started = await start(frames([usageSaid(80)], 'breaks'), frames([usageSaid(80)], 'breaks'))
    expect(await send(started, { stream: true })).toBe(502)
    const [event] = await started.gateway.eventsSoon(1)
    const calls = event?.attempts.length ?? 0
    expect(calls).toBeGreaterThan(1)
    expect(event?.tokens).toMatchObject({ input: 10 * calls, output: 80 * calls })
    expect(await settled(started)).toBe(usdOfNano(BigInt(calls) * nanoUsdOf('0.0008')))
  })

  test.each<[string, Answer]>([
    ['an error that calls itself an answer', answerJson({ error: { message: 'overloaded' } })],
    ['a page of somebody else', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>x</p>')],
    ['a status that says so', answerJson({ error: { message: 'overloaded' } }, 503)],
  ])('but not %s', async (_, first) => {
    const started = await start(first)
    expect(await send(started)).toBe(200)
    expect(started.gateway.events()[0]?.event_cost_attribution.price_status).toBe('priced')
    expect(await settled(started)).toBe('0.000010000')
  })
})

describe('a call follows one that broke off only while both are paid for', () => {
  test('so that all that providers wrote is charged, and never more than the limit', async () => {
    const started = await start(breaksOff, breaksOff, '0.0055')
    const statuses: number[] = []
    for (let nth = 0; nth < 8; nth++) statuses.push(await send(started))
    expect(new Set(statuses)).toEqual(new Set([502, 402]))
    // Room for five, whichever requests they belong to.
    expect(started.upstream.requests).toHaveLength(5)
    expect(await settled(started)).toBe('0.005000000')
  })

  test('and is left out where there is room for one only: the caller is told that the first failed', async () => {
    const started = await start(breaksOff, WELL, '0.001')
    expect(await send(started)).toBe(502)
    const [event] = started.gateway.events()
    expect(event).toMatchObject({ error_code: 'upstream_failed', attempts: [{ target_id: 'first' }] })
    expect(event?.spend?.reserved_usd).toBe('0.001000000')
    expect(await settled(started)).toBe('0.001000000')
  })

  test('and waits until the control plane has given what is needed for it', async () => {
    const first: Answer = (response) => {
      // All that there was is reserved; from now on there is more.
      started.budgets.limit(ORG, '1000')
      breaksOff(response)
    }
    const started = await start(first, WELL, '0.001')
    expect(await send(started)).toBe(200)
    expect(started.gateway.events()[0]?.spend?.reserved_usd).toBe('0.002000000')
    expect(await settled(started)).toBe('0.001010000')
  })

  test.each([
    ['too small for both', '0.0015', 502, '0.001000000'],
    ['large enough', '0.0025', 200, '0.001010000'],
  ])('by a budget of its own provider as well: %s', async (_, limit, status, spent) => {
    const started = await startSpendGateway(
      { budgets: [budget('bud_openai', { scope: { provider: 'openai' } })] },
      {
        answer: (response, { path }) => (path.startsWith('/first') ? breaksOff(response) : WELL(response)),
        prices: PRICES,
        targets: (url) => [httpTarget(url.replace('/v1', '/first/v1'), { id: 'first' }), httpTarget(url)],
        more: { config: config() },
      },
    )
    closing.push(started)
    const source = windowOf('bud_openai')
    started.budgets.limit(source, limit)
    expect(await send(started)).toBe(status)
    for (const event of started.gateway.events()) started.budgets.settle(event)
    await started.gateway.close()
    expect(started.budgets.spentOf(source)).toBe(spent)
  })
})
