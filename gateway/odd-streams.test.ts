import { afterEach, describe, expect, test } from 'vitest'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { httpTarget, startTestGateway, startUpstream } from './testing'

/** Streams as providers write them that are nearly what they are modelled on, cut in the middle of what policies look for. */
const PIECES = ['Write to ana.lo', 'pez@exam', 'ple.com, SSN 123-4', '5-67', '89.']
const GOVERNED = 'Write to [EMAIL], SSN [SSN].'
const USAGE = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 }
const DONE = 'data: [DONE]\n\n'

const data = (value: object) => `data: ${JSON.stringify(value)}\n\n`
const chunk = (choice: object, more: object = {}) =>
  data({
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, ...choice }],
    ...more,
  })

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function ask(frames: readonly string[], { chain = 'pii-detector', path = 'chat/completions' } = {}) {
  const upstream = await startUpstream(async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const frame of frames) {
      response.write(frame)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    response.end()
  })
  const { config } = lintPolicyConfig(
    `pack: {name: test, version: 1.2.3, enabled: true}\npolicies: {chain: [${chain}]}`,
  )
  if (config === null) throw new Error('no configuration')
  const compiled = compileConfig(config, {}, { clock: () => performance.now() })
  const gateway = await startTestGateway({ config: { ...compiled, targets: [httpTarget(upstream.url)] } })
  open.push(gateway, upstream)
  const answer = await fetch(`${gateway.url}/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.addKey()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }], stream: true }),
  })
  const text = await answer.text()
  const [event] = await gateway.eventsSoon(1)
  return { text, event, errors: gateway.errors }
}

const jsonIn = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)))

const contentIn = (text: string) =>
  jsonIn(text)
    .map(({ choices, delta }) => choices?.[0]?.delta?.content ?? delta?.text ?? '')
    .join('')

describe.each(['', 'null'])(
  'a provider whose chunks say the finish reason %j while the answer goes on',
  (finish_reason) => {
    const pieces = PIECES.map((content) => chunk({ delta: { content }, finish_reason }))
    const whole = [...pieces, chunk({ delta: {}, finish_reason: 'stop' }, { usage: USAGE }), DONE]

    test.each(['chat/completions', 'messages'])('is held to policies across its chunks, asked by %s', async (path) => {
      const { text, event, errors } = await ask(whole, { path })
      expect(contentIn(text)).toBe(GOVERNED)
      expect(event).toMatchObject({ verdict: 'redact', error_code: null, tokens: { input: 9, output: 4 } })
      expect(errors).toEqual([])
    })

    test.each(['', 'pii-detector'])('is known to have broken off when it has (chain: [%s])', async (chain) => {
      const { text, event } = await ask(pieces, { chain })
      expect(text).toContain('upstream_failed')
      expect(event).toMatchObject({ error_code: 'upstream_failed', attempts: [{ error: 'truncated' }] })
    })
  },
)

describe.each(['', 'pii-detector'])('a provider that puts a blank behind its last word (chain: [%s])', (chain) => {
  test('has said all it had to say', async () => {
    const pieces = [chunk({ delta: { content: 'Hello' } }), 'data: [DONE] \n\n']
    const { text, event } = await ask(pieces, { chain })
    expect(contentIn(text)).toBe('Hello')
    expect(text).toContain('data: [DONE]')
    expect(event).toMatchObject({ error_code: null, attempts: [{ error: null }] })
  })
})

describe('a frame that is no JSON, in a stream that is held to policies', () => {
  test('is no answer, and its provider is told of as failing, not the policies', async () => {
    const { text, event, errors } = await ask(['data: <html>busy</html>\n\n', DONE])
    expect(JSON.parse(text).error).toMatchObject({ code: 'upstream_failed', retryable: true })
    expect(event).toMatchObject({ status_code: 502, verdict: 'allow', error_code: 'upstream_failed' })
    expect(event?.attempts).not.toContainEqual(expect.objectContaining({ error: null }))
    expect(errors).toEqual([])
  })

  test('ends one that has begun with an error, and shows nothing of what it holds', async () => {
    const { text, event } = await ask([
      chunk({ delta: { content: 'Hello there. ' } }),
      'data: {"choices":[<html>\n\n',
      DONE,
    ])
    expect(text).not.toMatch(/html|DONE/)
    expect(jsonIn(text).at(-1).error).toMatchObject({ code: 'upstream_failed' })
    expect(event).toMatchObject({ status_code: 200, verdict: 'allow', error_code: 'upstream_failed' })
  })
})

describe('text that goes on after its end is not shown', () => {
  test('in a choice that had finished', async () => {
    const pieces = PIECES.map((content) => chunk({ delta: { content }, finish_reason: 'stop' }))
    const { text, event } = await ask([...pieces, DONE])
    expect(text).not.toMatch(/pez@exam|5-67/)
    expect(event).toMatchObject({ error_code: 'output_blocked' })
  })
})

test('what a chunk repeats of the answer so far does not show what waits for a decision', async () => {
  let content = ''
  const pieces = PIECES.map((piece) => {
    content += piece
    const message = { role: 'assistant', content }
    return chunk({ message, delta: { role: 'assistant', content: piece }, finish_reason: null }, { usage: USAGE })
  })
  const last = chunk({ message: { role: 'assistant', content }, delta: { content: '' }, finish_reason: 'stop' })
  const { text, event } = await ask([...pieces, last])
  expect(contentIn(text)).toBe(GOVERNED)
  expect(text).not.toMatch(/ana\.lo|123-4/)
  expect(jsonIn(text).at(-1).choices[0].message.content).toBe(GOVERNED)
  expect(event).toMatchObject({ verdict: 'redact', error_code: null })
})
