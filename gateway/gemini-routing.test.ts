import { ApiError, GoogleGenAI } from '@google/genai'
import { afterEach, expect, test } from 'vitest'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { completion, httpTarget, startTestGateway, startUpstream, type TestGateway } from './testing'

type Answer = Parameters<typeof startUpstream>[0]

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const MODEL = 'gemini-2.5-flash'
const clientOf = ({ url, addKey }: TestGateway) => new GoogleGenAI({ apiKey: addKey(), httpOptions: { baseUrl: url } })
const away: Answer = (response) => {
  const error = { code: 503, message: 'Overloaded.', status: 'UNAVAILABLE' }
  response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
}

/** Google first, and behind it a provider in the shape of OpenAI. */
async function inFrontOfTwo(yaml: string, second: Answer) {
  const upstreams = [await startUpstream(away), await startUpstream(second)] as const
  const { config } = lintPolicyConfig(`pack: {name: test, version: 1.2.3, enabled: true}\n${yaml}`)
  if (config === null) throw new Error('not a configuration')
  const compiled = compileConfig(config, {}, { clock: () => performance.now() })
  const targets = [
    httpTarget(upstreams[0].url.replace('/v1', ''), { id: 'first', provider: 'google' }),
    httpTarget(upstreams[1].url, { id: 'second', provider: 'openai', modelMap: new Map([[MODEL, 'gpt-4o']]) }),
  ]
  const gateway = await startTestGateway({
    config: { ...compiled, targets, routing: { ...compiled.routing, attemptsMax: 2 } },
  })
  open.push(gateway, ...upstreams)
  return { gateway, upstreams }
}

test("where Google is away another provider answers Google's client, whole and streamed", async () => {
  const { gateway, upstreams } = await inFrontOfTwo('policies: {chain: []}', (response, { body }) => {
    if (JSON.parse(body.toString()).stream !== true) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(completion('Hello')))
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const chunk = (delta: object, finish_reason: string | null) =>
      `data: ${JSON.stringify({ object: 'chat.completion.chunk', model: 'gpt-4o', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
    response.end(`${chunk({ content: 'Hello' }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`)
  })
  const { models } = clientOf(gateway)
  const ask = { model: MODEL, contents: 'hi' }
  expect((await models.generateContent(ask)).text).toBe('Hello')
  const texts: string[] = []
  for await (const { text } of await models.generateContentStream(ask)) texts.push(text ?? '')
  expect(texts.join('')).toBe('Hello')
  expect(JSON.parse(upstreams[1].requests[0]?.body.toString() ?? '')).toMatchObject({ model: 'gpt-4o' })
  expect(gateway.events().map(({ attempts }) => attempts.map(({ target_id, status }) => [target_id, status]))).toEqual([
    [
      ['first', 503],
      ['second', 200],
    ],
    [
      ['first', 503],
      ['second', 200],
    ],
  ])
})

test('a limit is told in the words of the API, with when to come again', async () => {
  const { gateway } = await inFrontOfTwo('policies: {chain: []}\nlimits: {per_key: {rpm: 1}}', (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(completion('Hello')))
  })
  const { models } = clientOf(gateway)
  const ask = { model: MODEL, contents: 'hi' }
  expect((await models.generateContent(ask)).text).toBe('Hello')
  const thrown = await models.generateContent(ask).then(
    () => null,
    (cause: unknown) => cause,
  )
  if (!(thrown instanceof ApiError)) throw new Error('no error of the API', { cause: thrown })
  expect(thrown.status).toBe(429)
  const { error } = JSON.parse(thrown.message)
  expect(error.status).toBe('RESOURCE_EXHAUSTED')
  expect(error.details).toContainEqual({
    '@type': 'type.googleapis.com/google.rpc.RetryInfo',
    retryDelay: expect.stringMatching(/^\d+s$/),
  })
})
