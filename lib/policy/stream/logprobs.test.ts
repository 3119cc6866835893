import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mayHoldLogprobs, withoutStrayLogprobs } from '@/lib/policy/walk/logprobs'
import { answerStream, bytesOf, dataFrame, framesOf, rulesFor, runStream, termPolicy } from './testing'

const redact = rulesFor([termPolicy(['secret'], 'redact')])
const DONE = bytesOf('data: [DONE]\n\n')
const tokenOf = (token: string) => ({ token, logprob: -0.5, bytes: [...Buffer.from(token)], top_logprobs: [] })
const chat = (content: string, logprobs: unknown, finish_reason: string | null = null) =>
  dataFrame({ choices: [{ index: 0, delta: { content }, logprobs, finish_reason }] })
const asSent = (frames: Uint8Array[]) => Buffer.concat(frames).toString()

/** Of each frame its text, and the tokens that are told beside it. */
const toldIn = (all: string) =>
  framesOf(bytesOf(all)).flatMap(({ json }) =>
    (json?.choices ?? []).map((choice: { delta: { content?: string }; logprobs: { content: Token[] } | null }) => ({
      text: choice.delta.content ?? '',
      tokens: (choice.logprobs?.content ?? []).map(({ token }) => token),
    })),
  )
type Token = { token: string }

describe('log probabilities in a stream that policies read', () => {
  it('pass as they came where they say what the text says', async () => {
    const frames = ['Hello', ' wörld', '!'].map((text) => chat(text, { content: [tokenOf(text)], refusal: null }))
    const { all } = await runStream(answerStream('openai_chat', redact), [...frames, DONE])
    expect(all).toBe(asSent([...frames, DONE]))
  })

  it.each<[string, unknown]>([
    ['another text', { content: [tokenOf('secret')] }],
    ['what might have been said', { content: [{ ...tokenOf('Hi'), top_logprobs: [tokenOf('secret')] }] }],
    ['other bytes', { content: [{ ...tokenOf('Hi'), bytes: [...Buffer.from('secret')] }] }],
    ['more than a token', { content: [{ ...tokenOf('Hi'), note: 'secret' }] }],
    ['another list', { content: [tokenOf('Hi')], thoughts: [tokenOf('secret')] }],
    ['the form of older models', { tokens: ['secret'], top_logprobs: [{ secret: -1 }], text_offset: [0] }],
    ['no form at all', 'secret'],
  ])('do not tell %s', async (_, logprobs) => {
    const { all } = await runStream(answerStream('openai_chat', redact), [chat('Hi', logprobs, 'stop'), DONE])
    expect(all).not.toContain('secret')
    expect(all).not.toContain([...Buffer.from('secret')].join())
    expect(framesOf(bytesOf(all))[0]?.json.choices[0].delta).toEqual({ content: 'Hi' })
  })

  it('pass where no policy reads the text', async () => {
    const frames = [chat('Hi', { content: [tokenOf('secret')] }), DONE]
    const { all } = await runStream(answerStream('openai_chat', null), frames)
    expect(all).toBe(asSent(frames))
  })

  it('tell of a redacted text nothing, however it is cut into frames and whichever frame they come with', async () => {
    const words = fc.array(fc.constantFrom('secret', 'sec', 'ret', ' ', 'a', 'é', 'secrets '), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(words, fc.array(fc.nat(9), { maxLength: 20 }), fc.nat(3), async (parts, cuts, shift) => {
        const text = parts.join('')
        const pieces: string[] = []
        for (let at = 0, n = 0; at < text.length; n++) {
          const length = 1 + (cuts[n % Math.max(1, cuts.length)] ?? 3)
          pieces.push(text.slice(at, at + length))
          at += length
        }
        const frames = pieces.map((piece, at) => {
          const beside = pieces[at - shift]
          return chat(piece, beside === undefined ? null : { content: [tokenOf(beside)] })
        })
        const { all } = await runStream(answerStream('openai_chat', redact), [...frames, DONE])
        const shown = toldIn(all)
        expect(shown.map((frame) => frame.text).join('')).toBe(text.replaceAll('secret', '[6]'))
        for (const frame of shown) if (frame.tokens.length > 0) expect(frame.tokens.join('')).toBe(frame.text)
      }),
      { numRuns: 300 },
    )
  })

  it('are kept to the text in the events of Responses, too', async () => {
    const place = { output_index: 0, content_index: 0 }
    const delta = (text: string, token: string) =>
      dataFrame({ type: 'response.output_text.delta', ...place, delta: text, logprobs: [tokenOf(token)] })
    const part = { type: 'output_text', text: 'Hello', logprobs: [tokenOf('secret')] }
    const frames = [
      delta('Hel', 'Hel'),
      delta('lo', 'secret'),
      dataFrame({ type: 'response.output_text.done', ...place, text: 'Hello', logprobs: [tokenOf('Hello')] }),
      dataFrame({ type: 'response.completed', response: { output: [{ type: 'message', content: [part] }] } }),
    ]
    const { all } = await runStream(answerStream('openai_responses', redact), frames)
    expect(all).not.toContain('secret')
    const told = framesOf(bytesOf(all)).map(({ json }) => json?.logprobs?.length)
    expect(told).toEqual([1, 0, 1, undefined])
  })

  it('are found under an escaped name', async () => {
    const frame = asSent([chat('Hi', { content: [tokenOf('secret')] })]).replace('"logprobs"', '"logpr\\u006fbs"')
    expect(mayHoldLogprobs(frame)).toBe(true)
    const { all } = await runStream(answerStream('openai_chat', redact), [bytesOf(frame), DONE])
    expect(all).not.toContain('secret')
  })
})

it('an answer that holds none is the same value', () => {
  const answer = { choices: [{ index: 0, message: { content: 'Hi' }, logprobs: null }] }
  expect(withoutStrayLogprobs(answer)).toBe(answer)
})

describe('fields that name things', () => {
  it.each<[string, object]>([
    ['hold other fields', { data: { note: 'secret' } }],
    ['hold lists', { index: ['secret'] }],
    ['are an address', { name: 'secret@example.com' }],
    ['are not in ASCII', { status: 'secret\u00e9' }],
  ])('are read when they %s', async (_, delta) => {
    const frame = dataFrame({ choices: [{ index: 0, delta, finish_reason: 'stop' }] })
    const { all } = await runStream(answerStream('openai_chat', redact), [frame, DONE])
    expect(all).not.toContain('secret')
  })
})
