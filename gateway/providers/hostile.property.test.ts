import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../errors'
import { SURFACES } from '../surfaces/all'
import { type Call, type Json, NO_OPTIONS, ProviderFault } from './adapter'
import { PROVIDERS } from './all'

const CALL: Call = { model: 'claude-3-7-sonnet', stream: true, requestId: 'r', nowMs: 0, options: NO_OPTIONS }

/** Words of all the shapes, so that what is made up comes close to what is meant. */
const WORDS = [
  'messages',
  'role',
  'user',
  'assistant',
  'tool',
  'content',
  'type',
  'text',
  'tool_calls',
  'function',
  'arguments',
  '{}',
  'choices',
  'delta',
  'message',
  'usage',
  'candidates',
  'parts',
  'functionCall',
  'finishReason',
  'output',
  'toolUse',
  'content_block_start',
  'content_block',
  'content_block_delta',
  'tool_use',
  'message_start',
  'message_delta',
  'message-end',
  'tool-call-delta',
  'contentBlockDelta',
  'input',
  'model',
  'max_tokens',
  'system',
  'tools',
  'name',
  '__proto__',
  'image_url',
  'url',
  'data:image/png;base64,AAAA',
]
const word = fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 8 }))
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    word,
    fc.constantFrom(null, true, 0, -1, 1e308, 2),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(word, tie('value'), { maxKeys: 6 }),
  ),
}))
const object = fc.dictionary(word, value, { maxKeys: 8 }) as fc.Arbitrary<Json>

/** Runs `step`; whatever goes wrong must be one of the errors that the gateway knows how to tell. */
function onlyKnownErrors(step: () => unknown): void {
  try {
    step()
  } catch (thrown) {
    if (!(thrown instanceof Refusal) && !(thrown instanceof ProviderFault)) throw thrown
  }
}

describe.each(PROVIDERS.map((adapter) => [adapter.name, adapter] as const))('%s', (_, adapter) => {
  test('turns any request into a request or a refusal', () => {
    fc.assert(
      fc.property(object, fc.array(object, { maxLength: 4 }), (body, messages) => {
        onlyKnownErrors(() => adapter.chat.request({ model: 'm', messages, ...body }, CALL))
        onlyKnownErrors(() => adapter.adjust('openai_chat', { ...body, messages }, CALL))
        onlyKnownErrors(() => adapter.embeddings?.request(body, CALL))
      }),
    )
  })

  test('turns any answer into an answer or a fault', () => {
    fc.assert(
      fc.property(object, fc.array(fc.tuple(fc.option(word), object), { maxLength: 8 }), (answer, events) => {
        onlyKnownErrors(() => adapter.chat.answer(answer, CALL))
        onlyKnownErrors(() => adapter.embeddings?.answer(answer, CALL, {}))
        const reader = adapter.chat.reader(CALL)
        for (const [event, data] of events) onlyKnownErrors(() => reader.push({ event, data: JSON.stringify(data) }))
        onlyKnownErrors(() => reader.end())
        expect(typeof adapter.error(400, answer).message).toBe('string')
      }),
    )
  })
})

describe.each(SURFACES.map((surface) => [surface.path, surface] as const))('%s', (_, surface) => {
  test('turns any request into a request or a refusal, and any answer into an answer or a fault', () => {
    fc.assert(
      fc.property(object, object, fc.array(object, { maxLength: 8 }), (body, completion, chunks) => {
        const asked = { body, requestId: 'r', nowMs: 0 }
        onlyKnownErrors(() => surface.toChat(body))
        onlyKnownErrors(() => surface.answer(completion, asked))
        const writer = surface.writer(asked)
        for (const chunk of chunks) onlyKnownErrors(() => writer.push(chunk))
        onlyKnownErrors(() => writer.end())
      }),
    )
  })
})
