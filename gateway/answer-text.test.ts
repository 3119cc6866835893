import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AnswerText } from './answer-text'

const textBytesOf = (bytes: Buffer, cuts: readonly number[] = []) => {
  const text = new AnswerText()
  let from = 0
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const to = Math.min(cut, bytes.length)
    text.push(bytes.subarray(from, to))
    from = to
  }
  text.push(bytes.subarray(from))
  return text.textBytes
}

test.each([
  ['a chat', { choices: [{ message: { role: 'assistant', content: 'four' } }] }, 4],
  ['a chat that calls', { delta: { tool_calls: [{ function: { name: 'f', arguments: '{}' } }] } }, 2],
  ['a message', { type: 'content_block_delta', delta: { type: 'text_delta', text: 'four' } }, 4],
  ['thoughts', { delta: { type: 'thinking_delta', thinking: 'four' } }, 4],
  ['a response', { type: 'response.output_text.delta', delta: 'four' }, 4],
  ['Gemini', { candidates: [{ content: { parts: [{ text: 'four' }], role: 'model' } }] }, 4],
  ['text that quotes such an answer', { content: '{"text":"x\\"}' }, 18],
  ['what nobody knows', { generated: 'x'.repeat(10) }, 2],
])('the text of %s is told from what is around it', (_, value, bytes) => {
  expect(textBytesOf(Buffer.from(JSON.stringify(value)))).toBe(bytes)
  expect(textBytesOf(Buffer.from(JSON.stringify(value, null, 2)))).toBe(bytes)
})

test('however the bytes of a stream are cut, as many are text', () => {
  const frames = fc
    .array(fc.string({ unit: 'grapheme' }), { minLength: 1 })
    .map((all) => all.map((content) => ({ content })))
  fc.assert(
    fc.property(frames, fc.array(fc.nat(400)), (all, cuts) => {
      const said = all.reduce((sum, { content }) => sum + Buffer.byteLength(JSON.stringify(content)) - 2, 0)
      fc.pre(said > 0)
      const bytes = Buffer.from(all.map((one) => `data: ${JSON.stringify(one)}\n\n`).join(''))
      expect(textBytesOf(bytes, cuts)).toBe(said)
    }),
  )
})

test('no answer is too long or too strange to be counted', () => {
  const escapes = '\\"'.repeat(2_000_000)
  expect(textBytesOf(Buffer.from(`{"text":"${escapes}`))).toBe(escapes.length)
  const slashes = '\\'.repeat(2_000_000)
  expect(textBytesOf(Buffer.from(`{"text":"${slashes}"`))).toBe(slashes.length)
  expect(textBytesOf(Buffer.from('"text":'.repeat(100_000) + ' '.repeat(1_000_000)))).toBe(200_000)
})

test.each([true, false])('what chunks repeat of the answer so far is counted once (message first: %s)', (isFirst) => {
  const frames = ['four', ' and', ' six.'].map((content, at, all) => {
    const delta = { role: 'assistant', content }
    const message = { role: 'assistant', content: all.slice(0, at + 1).join('') }
    return { choices: [isFirst ? { message, delta } : { delta, message }] }
  })
  const bytes = Buffer.from(frames.map((one) => `data: ${JSON.stringify(one)}\n\n`).join(''))
  expect(textBytesOf(bytes)).toBe('four and six.'.length)
})
