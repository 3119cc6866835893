import { describe, expect, it } from 'vitest'
import { answerStream, bytesOf, dataFrame, framesOf, rulesFor, runStream, stringOf, termPolicy } from './testing'

const redact = rulesFor([termPolicy(['secret'], 'redact')])
const block = rulesFor([termPolicy(['secret'], 'block')])
const DONE = bytesOf('data: [DONE]\n\n')
const chunk = (delta: object, beside: object = {}) => ({
  choices: [{ index: 0, delta, finish_reason: null }],
  ...beside,
})

describe('what stands in a stream beside the answer', () => {
  it.each<[string, Parameters<typeof answerStream>[0], object[]]>([
    ['citations', 'openai_chat', [chunk({ content: 'Hi' }, { citations: ['https://x.example/?q=secret'] })]],
    ['search results', 'openai_chat', [chunk({}, { search_results: [{ title: 'a secret', date: '2025' }] })]],
    ['an error', 'openai_chat', [{ error: { message: 'no secret here' } }]],
    ['a long number', 'openai_chat', [chunk({ content: 'x', n: 1 }, { note: 'secret' })]],
    [
      'beside a call',
      'openai_chat',
      [chunk({ tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{}' }, note: 'secret' }] })],
    ],
    [
      'a name with blanks',
      'openai_chat',
      [chunk({ content: 'x' }, { provider: 'x', extra: { name: 'the secret one' } })],
    ],
    ['an event of no known type', 'anthropic_messages', [{ type: 'note', note: { text: 'secret' } }]],
    [
      'the end of a message',
      'anthropic_messages',
      [{ type: 'message_delta', delta: { stop_sequence: 'secret' }, usage: {} }],
    ],
    [
      'beside a delta',
      'anthropic_messages',
      [{ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' }, note: 'secret' }],
    ],
    [
      'a beginning',
      'anthropic_messages',
      [{ type: 'message_start', message: { id: 'm', content: [], note: 'secret' } }],
    ],
    ['an error of a message', 'anthropic_messages', [{ type: 'error', error: { type: 'x', message: 'secret' } }]],
    ['an error of a response', 'openai_responses', [{ type: 'error', code: 'x', message: 'secret' }]],
    [
      'a failure',
      'openai_responses',
      [{ type: 'response.failed', response: { output: [], error: { message: 'secret' } } }],
    ],
    [
      'beside a piece',
      'openai_responses',
      [{ type: 'response.output_text.delta', output_index: 0, delta: 'a', text: 'secret' }],
    ],
    [
      'beside the output',
      'openai_responses',
      [{ type: 'response.completed', response: { output: [], note: 'secret' } }],
    ],
  ])('is decided like the rest: %s', async (_, shape, frames) => {
    const chunks = frames.map(dataFrame)
    const hidden = await runStream(answerStream(shape, redact), [...chunks, DONE])
    expect(hidden.all).not.toContain('secret')
    expect(hidden.all).toContain('[6]')
    const stopped = answerStream(shape, block)
    expect((await runStream(stopped, [...chunks, DONE])).all).not.toContain('secret')
    expect(stopped.outcome.verdict).toBe('block')
  })

  it('is decided once, however often a provider repeats it', async () => {
    const stream = answerStream('openai_chat', redact)
    const citations = Array.from({ length: 30 }, (_, i) => `https://x.example/${i}/secret`)
    const chunks = Array.from({ length: 600 }, (_, i) => dataFrame(chunk({ content: `word${i} ` }, { citations })))
    const { all } = await runStream(stream, [...chunks, DONE])
    const frames = framesOf(bytesOf(all)).filter(({ json }) => json !== null)
    expect(frames).toHaveLength(600)
    for (const { json } of frames) expect(json.citations[29]).toBe('https://x.example/29/[6]')
    expect(stream.outcome.verdict).toBe('redact')
  })

  it('does not go on when it is no data: comments, ids, fields and names of events that nobody reads', async () => {
    const stream = answerStream('openai_chat', redact)
    const hostile =
      ': a secret\nid: secret\nevent: the secret\nsecret: x\nretry: 100\ndata: {"choices":[]}\n\n: secret\n\nid: secret\n\n'
    expect(stringOf(stream.push(bytesOf(hostile)))).toBe('retry: 100\ndata: {"choices":[]}\n\n:\n\n:\n\n')
  })

  it('passes as it came where no policy looks', () => {
    const frames = ': a comment\n\nid: 7\nevent: x y\ndata: {"choices":[]}\n\n'
    expect(stringOf(answerStream('openai_chat', null).push(bytesOf(frames)))).toBe(frames)
  })

  it('is not a number that is long enough to be somebody’s, unread', async () => {
    const digits = rulesFor([termPolicy(['4111111111111111'], 'redact')])
    const { all } = await runStream(answerStream('openai_chat', digits), [
      dataFrame(chunk({ content: 4111111111111111 })),
      DONE,
    ])
    expect(all).not.toContain('4111111111111111')
  })

  it('is not another name for a call that was looked at', async () => {
    const calls = rulesFor([termPolicy(['x'], 'block')], (made) => ({ decisions: [], arguments: made.map(() => null) }))
    const call = (name: string) =>
      dataFrame(chunk({ tool_calls: [{ index: 0, id: 'c', function: { name, arguments: '' } }] }))
    const same = answerStream('openai_chat', calls)
    await runStream(same, [call('safe'), call('safe'), DONE])
    expect(same.outcome.stop).toBeNull()
    const other = answerStream('openai_chat', calls)
    expect((await runStream(other, [call('safe'), call('danger'), DONE])).all).not.toContain('danger')
    expect(other.outcome.stop?.reasonCode).toBe('stream.unreadable')
  })
})
