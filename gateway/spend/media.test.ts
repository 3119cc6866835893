import { afterEach, describe, expect, test } from 'vitest'
import type { Tier } from '@/lib/contract/price-shapes'
import { completion, postChat } from '../testing'
import { answerJson, priceBook, startSpendGateway } from './spend-testing'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close()
})

const TEXT = { input: '2.5', output: '10' }
const CHAT = { model: 'gpt-test', max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] }
const ASKS_SOUND = { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } }
const says = (part: object) => ({ messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }, part] }] })
const SOUND = { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }

async function start(
  prices: Record<string, string>,
  unknown_price: 'deny' | 'flag',
  usage: object = {},
  tiers: Tier[] = [],
) {
  const answer = answerJson({ ...completion('hi'), usage: { prompt_tokens: 10, completion_tokens: 10, ...usage } })
  const started = await startSpendGateway({ unknown_price }, { prices: priceBook(prices, 'openai', tiers), answer })
  closing.push(started)
  const send = async (change: object = {}) => {
    const response = await postChat(started.gateway.url, started.key, { ...CHAT, ...change })
    return { status: response.status, body: (await response.json()) as { error?: { code: string } } }
  }
  return { ...started, send }
}

describe('sound and pictures that are charged as text because nobody has said what they cost are an estimate', () => {
  const priceOf = async (prices: Record<string, string>, usage: object) => {
    const { send, gateway } = await start(prices, 'flag', usage)
    await send()
    return gateway.events()[0]?.event_cost_attribution
  }

  test.each<[string, object, string]>([
    ['sound that was put in', { prompt_tokens_details: { audio_tokens: 9 } }, 'input_audio'],
    ['pictures that were put in', { prompt_tokens_details: { image_tokens: 9 } }, 'input_image'],
    ['sound that was made', { completion_tokens_details: { audio_tokens: 9 } }, 'output_audio'],
    ['pictures that were made', { completion_tokens_details: { image_tokens: 9 } }, 'output_image'],
  ])('%s', async (_, usage, unit) => {
    expect(await priceOf(TEXT, usage)).toMatchObject({ price_status: 'estimated', total_cost_usd: '0.000125000' })
    expect((await priceOf({ ...TEXT, [unit]: '40' }, usage))?.price_status).toBe('priced')
  })

  test('and where there was none, text is priced as ever', async () => {
    expect((await priceOf(TEXT, { prompt_tokens_details: { audio_tokens: 0 } }))?.price_status).toBe('priced')
  })
})

describe('where unknown prices are denied, nobody is asked for what has none', () => {
  test.each<[string, object, string]>([
    ['an answer with sound', ASKS_SOUND, 'output_audio'],
    ['an answer with sound, told by its voice alone', { audio: ASKS_SOUND.audio }, 'output_audio'],
    ['an answer with pictures', { modalities: ['image', 'text'] }, 'output_image'],
    ['sound that is put in', says(SOUND), 'input_audio'],
    [
      'sound that is put in as a file',
      says({ type: 'file', file: { file_data: 'data:audio/mp3;base64,AAAA' } }),
      'input_audio',
    ],
  ])('%s', async (_, change, unit) => {
    const without = await start(TEXT, 'deny')
    expect(await without.send(change)).toMatchObject({ status: 402, body: { error: { code: 'price_unknown' } } })
    expect(without.upstream.requests).toHaveLength(0)
    const having = await start({ ...TEXT, [unit]: '40' }, 'deny')
    expect((await having.send(change)).status).toBe(200)
  })

  test.each<[string, object]>([
    ['text', {}],
    ['text, at the usual service tier', { service_tier: 'default' }],
    ['a picture that is put in', says({ type: 'image_url', image_url: { url: 'https://example.com/a.png' } })],
    ['words about sound', { messages: [{ role: 'user', content: 'what is input_audio?' }], modalities: ['text'] }],
  ])('but for %s', async (_, change) => {
    const { send } = await start(TEXT, 'deny')
    expect((await send(change)).status).toBe(200)
  })

  test('an answer at a service tier', async () => {
    const change = { service_tier: 'priority' }
    const without = await start(TEXT, 'deny')
    expect(await without.send(change)).toMatchObject({ status: 402, body: { error: { code: 'price_unknown' } } })
    expect(without.upstream.requests).toHaveLength(0)
    const having = await start(TEXT, 'deny', {}, [{ ...change, above_input_tokens: 0, prices: { output: '20' } }])
    expect((await having.send(change)).status).toBe(200)
  })

  test.each(['modalities', 'audio', 'service_tier'])('and %s is given once', async (name) => {
    const { gateway, key, upstream } = await start(TEXT, 'deny')
    const twice = JSON.stringify(CHAT).replace('{', `{"${name}":["audio"],"${name}":null,`)
    expect((await postChat(gateway.url, key, twice)).status).toBe(422)
    expect(upstream.requests).toHaveLength(0)
  })

  test('and sound is let through where unknown prices are', async () => {
    const { send } = await start(TEXT, 'flag')
    expect((await send(ASKS_SOUND)).status).toBe(200)
  })
})
