import OpenAI, { toFile } from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { httpTarget, startTestGateway, startUpstream } from './testing'

type Answer = Parameters<typeof startUpstream>[0]

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const PII = 'policies: {chain: [pii-detector]}\npolicy: {pii-detector: {action: redact}}'

async function inFrontOf(
  answer: Answer,
  { policies = 'policies: {chain: []}', target = {}, answerBytesMax = 1_048_576 }: Partial<Around> = {},
) {
  const upstream = await startUpstream(answer)
  const { config } = lintPolicyConfig(`pack: {name: test, version: 1.2.3, enabled: true}\n${policies}`)
  if (config === null) throw new Error('the configuration of the test is wrong')
  const compiled = compileConfig(config, {}, { clock: () => performance.now() })
  const gateway = await startTestGateway({
    config: {
      ...compiled,
      targets: [httpTarget(upstream.url, target)],
      limits: { ...compiled.limits, responseBytesMax: answerBytesMax },
    },
  })
  open.push(gateway, upstream)
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.addKey(), maxRetries: 0 })
  const transcribe = async (more: object = {}) =>
    client.audio.transcriptions.create({
      model: 'whisper-1',
      file: await toFile(Buffer.from('RIFF\0'), 'a.wav'),
      ...more,
    })
  return { upstream, gateway, client, transcribe }
}

type Around = { policies: string; target: Parameters<typeof httpTarget>[1]; answerBytesMax: number }

const json =
  (body: unknown): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
const plain =
  (type: string, body: string): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': type }).end(body)
  }

describe('a recording', () => {
  test('is heard by the provider as the official client sent it, under the name of its model there', async () => {
    const usage = { type: 'tokens', input_tokens: 14, output_tokens: 5, total_tokens: 19 }
    const target = { modelMap: new Map([['whisper-1', 'gpt-4o-transcribe']]) }
    const { transcribe, upstream, gateway } = await inFrontOf(json({ text: 'Hello.', usage }), { target })
    expect((await transcribe({ language: 'en' })).text).toBe('Hello.')
    const [sent] = upstream.requests
    expect(sent?.path).toBe('/v1/audio/transcriptions')
    expect(sent?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(sent?.body.toString('latin1')).toContain('gpt-4o-transcribe')
    expect(sent?.body.toString('latin1')).toContain('RIFF\0')
    expect(gateway.events()).toMatchObject([
      { api_shape: 'audio_transcriptions', model_requested: 'whisper-1', tokens: { input: 14, output: 5 } },
    ])
  })

  test('comes back as subtitles where they are asked for', async () => {
    const { transcribe } = await inFrontOf(plain('text/vtt; charset=utf-8', 'WEBVTT\n\nHello.'))
    expect(await transcribe({ response_format: 'vtt' })).toBe('WEBVTT\n\nHello.')
  })

  test('is redacted in its transcript, and in what would tell the same in pieces', async () => {
    const text = 'Write to ana@example.com.'
    const said = {
      text,
      segments: [{ id: 0, text }],
      words: [{ word: 'ana@example.com', start: 0, end: 1 }],
      duration: 2,
    }
    const { transcribe, gateway } = await inFrontOf(json(said), { policies: PII })
    const answer = await transcribe()
    expect(JSON.stringify(answer)).not.toContain('example.com')
    expect(answer).toMatchObject({ duration: 2 })
    const subtitles = await inFrontOf(plain('text/plain', text), { policies: PII })
    expect(await subtitles.transcribe({ response_format: 'text' })).not.toContain('example.com')
    expect(gateway.events()).toMatchObject([{ verdict: 'redact', status_code: 200 }])
  })

  test.each<[string, object]>([
    ['words that are to be heard', { hotwords: 'ana@example.com' }],
    ['names of speakers', { known_speaker_names: ['Ana', 'ana@example.com'] }],
    ['a field that says it itself', { 'ana@example.com': 'x' }],
    ['a setting', { language: 'ana@example.com' }],
  ])('is not sent with what policies would take out where it cannot be taken out: %s', async (_, more) => {
    const { transcribe, upstream } = await inFrontOf(json({ text: 'Hello.' }), { policies: PII })
    await expect(transcribe(more)).rejects.toMatchObject({ code: 'input_blocked' })
    expect(upstream.requests).toEqual([])
  })

  test('is sent with a prompt as policies left it, and nothing else changed', async () => {
    const { transcribe, upstream } = await inFrontOf(json({ text: 'ok' }), { policies: PII })
    await transcribe({ prompt: 'Names: ana@example.com', language: 'en' })
    const sent = upstream.requests[0]?.body.toString('latin1') ?? ''
    expect(sent).not.toContain('ana@example.com')
    expect(sent).toMatch(/name="prompt"\r\n\r\nNames: \S/)
    expect(sent).toContain('RIFF\0')
  })

  test('is streamed as it is heard', async () => {
    const frames = [
      { type: 'transcript.text.delta', delta: 'Hel' },
      { type: 'transcript.text.delta', delta: 'lo.' },
      { type: 'transcript.text.done', text: 'Hello.', usage: { input_tokens: 3, output_tokens: 2 } },
    ].map((event) => `data: ${JSON.stringify(event)}\n\n`)
    const { transcribe, gateway } = await inFrontOf(plain('text/event-stream', frames.join('')))
    const events: string[] = []
    for await (const { type } of (await transcribe({ stream: true })) as unknown as AsyncIterable<{ type: string }>) {
      events.push(type)
    }
    expect(events).toEqual(['transcript.text.delta', 'transcript.text.delta', 'transcript.text.done'])
    expect(gateway.events()).toMatchObject([{ stream: true, error_code: null, tokens: { input: 3, output: 2 } }])
  })

  test('is not taken for heard when the stream ends before it says so', async () => {
    const frame = 'data: {"type":"transcript.text.delta","delta":"Hel"}\n\n'
    const { transcribe, gateway } = await inFrontOf(plain('text/event-stream', frame))
    const read = async () => {
      for await (const _ of (await transcribe({ stream: true })) as unknown as AsyncIterable<object>);
    }
    await expect(read()).rejects.toThrow('ended its answer too early')
    expect((await gateway.eventsSoon(1))[0]).toMatchObject({ error_code: 'upstream_failed' })
  })

  test('is not streamed past policies that read the transcript', async () => {
    const { transcribe, upstream } = await inFrontOf(json({ text: 'ok' }), { policies: PII })
    await expect(transcribe({ stream: true })).rejects.toMatchObject({ status: 422, param: 'stream' })
    expect(upstream.requests).toEqual([])
  })

  test('is no JSON request, and JSON is no recording', async () => {
    const { gateway, upstream } = await inFrontOf(json({ text: 'ok' }))
    const headers = { authorization: `Bearer ${gateway.addKey()}`, 'content-type': 'application/json' }
    const answer = await fetch(`${gateway.url}/v1/audio/transcriptions`, { method: 'POST', headers, body: '{}' })
    expect(answer.status).toBe(415)
    const form = { ...headers, 'content-type': 'multipart/form-data; boundary=x' }
    expect(
      (await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', headers: form, body: '--x--' })).status,
    ).toBe(415)
    expect(upstream.requests).toEqual([])
  })
})

describe('speech', () => {
  const speak = (client: OpenAI, input = 'Hello') =>
    client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input })

  test('comes back as the bytes and the type that the provider gave', async () => {
    const sound = Buffer.from([0xff, 0xfb, 0, 1, 2, 0xc3, 0x28])
    const { client, upstream, gateway } = await inFrontOf((response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write(sound.subarray(0, 3))
      setTimeout(() => response.end(sound.subarray(3)), 20)
    })
    const answer = await speak(client)
    expect(answer.headers.get('content-type')).toBe('audio/mpeg')
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(sound)
    expect(upstream.requests[0]?.headers.accept).toBe('*/*')
    expect(gateway.events()).toMatchObject([
      { api_shape: 'audio_speech', status_code: 200, error_code: null, payload: { response_bytes: sound.length } },
    ])
  })

  test('is made of what policies left of the text, and the record says that nobody listened', async () => {
    const { client, upstream, gateway } = await inFrontOf(plain('audio/mpeg', 'sound'), { policies: PII })
    await (await speak(client, 'Write to ana@example.com')).arrayBuffer()
    expect(upstream.requests[0]?.body.toString()).not.toContain('ana@example.com')
    const [event] = gateway.events()
    expect(event?.verdict).toBe('redact')
    expect(event?.policy_results.find(({ phase }) => phase === 'output')?.coverage.skipped).toMatchObject([
      { what: 'the speech' },
    ])
  })

  test('that breaks off is a broken connection: there is no way to say it in sound', async () => {
    const { client, gateway } = await inFrontOf((response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': '1000' }).write('half')
      setTimeout(() => response.destroy(), 20)
    })
    await expect(speak(client).then((answer) => answer.arrayBuffer())).rejects.toThrow()
    expect((await gateway.eventsSoon(1))[0]).toMatchObject({ error_code: 'upstream_failed' })
  })

  test('has a bound', async () => {
    const { client, gateway } = await inFrontOf(
      (response) => {
        response.writeHead(200, { 'content-type': 'audio/mpeg' })
        const more = setInterval(() => response.write(Buffer.alloc(10_000)), 1)
        response.on('close', () => clearInterval(more))
      },
      { answerBytesMax: 50_000 },
    )
    await expect(speak(client).then((answer) => answer.arrayBuffer())).rejects.toThrow()
    const [event] = await gateway.eventsSoon(1)
    expect(event?.attempts).toMatchObject([{ error: 'answer_too_large' }])
    expect(event?.payload.response_bytes).toBeLessThanOrEqual(50_000)
  })
})
