import { expect, test } from 'vitest'
import { answerStream, dataFrame, framesOf, patternPolicy, rulesFor, runStream } from './testing'

const EMAIL = /[a-z]{1,9}@[a-z]{1,9}\.[a-z]{1,3}/g
const rules = () => rulesFor([patternPolicy(EMAIL, 23, 'redact')])
const frame = (parts: object[], index = 0, more: object = {}) =>
  dataFrame({ candidates: [{ content: { role: 'model', parts }, index, ...more }], modelVersion: 'm' })
const END = { finishReason: 'STOP' }

test('answers beside each other go on while one waits for its end', async () => {
  const stream = answerStream('gemini_content', rules())
  const said = 'one two three four five six seven eight nine ten'
  const { passed, all } = await runStream(stream, [
    frame([{ text: 'Write to ana@' }]),
    frame([{ text: said }], 1),
    frame([{ text: 'example.com' }], 0, END),
    frame([{ text: said }], 1),
    frame([{ text: '.' }], 1, END),
  ])
  expect(passed).toContain('one two three')
  expect(passed).not.toContain('finishReason')
  const textOf = (index: number) =>
    framesOf(new TextEncoder().encode(all))
      .flatMap(({ json }) => json.candidates)
      .filter((candidate) => candidate.index === index)
      .map(({ content }) => content.parts[0].text)
      .join('')
  expect([textOf(0), textOf(1)]).toEqual(['Write to [15]', `${said}${said}.`])
})

test('a call stands behind the words that were said before it', async () => {
  const stream = answerStream('gemini_content', rules())
  const { all } = await runStream(stream, [
    frame([{ text: 'Asking ana@' }]),
    frame([{ functionCall: { name: 'f', args: {} } }]),
    frame([{ text: '' }], 0, END),
  ])
  expect(all.indexOf('functionCall')).toBeGreaterThan(all.indexOf('ana@'))
  expect(stream.facts).toMatchObject({ complete: true, finishReason: 'STOP', model: 'm' })
})

test('where a reason comes with every response, all of them wait for the last', async () => {
  const stream = answerStream('gemini_content', null)
  const frames = ['One ', 'two.'].map((text) => frame([{ text }], 0, END))
  const { passed, all } = await runStream(stream, frames)
  expect([passed, all]).toEqual(['', frames.map((bytes) => new TextDecoder().decode(bytes)).join('')])
})
