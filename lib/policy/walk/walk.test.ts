import { anything, array, assert, constantFrom, dictionary, jsonValue, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { writeTexts } from '../engine/redact'
import type { Part } from '../engine/subject'
import { walkMessagesAnswer, walkMessagesRequest } from './anthropic-messages'
import { walkSpeech, walkSpeechRequest, walkTranscription, walkTranscriptionRequest } from './audio'
import { walkChatAnswer, walkChatRequest } from './openai-chat'
import { walkEmbeddingsRequest } from './openai-embeddings'
import { walkResponsesAnswer, walkResponsesRequest } from './openai-responses'
import { type Walked, WalkRefused } from './walked'

const WALKS = {
  walkChatRequest,
  walkChatAnswer,
  walkResponsesRequest,
  walkResponsesAnswer,
  walkMessagesRequest,
  walkMessagesAnswer,
  walkEmbeddingsRequest,
  walkTranscriptionRequest,
  walkTranscription,
  walkSpeechRequest,
}

/** `role kind path: text` of every part but names, keys and addresses (see labels.test.ts). */
const told = ({ parts }: Walked) =>
  parts
    .filter(({ kind }) => kind !== 'label')
    .map((part) => `${part.role} ${part.kind} ${part.path.join('.')}: ${part.text}`)

const changeable = ({ parts }: Walked) => parts.filter(({ isFixed }) => isFixed !== true)

/** The value at a path, which goes on inside strings that hold JSON. */
const valueAt = (body: unknown, { path }: Part): unknown =>
  path.reduce<unknown>((value, key) => {
    const object: unknown = typeof value === 'string' ? JSON.parse(value) : value
    return Reflect.get(object as object, key)
  }, body)

describe('a chat request', () => {
  const body = {
    model: 'm',
    messages: [
      { role: 'developer', content: 'Be kind.' },
      {
        role: 'user',
        name: 'ada',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,QUJDRA==' } },
          { type: 'input_audio', input_audio: { format: 'wav', data: 'QUJD' } },
          { type: 'file', file: { filename: 'cv.pdf', file_data: 'data:application/pdf;base64,QUJD' } },
          { type: 'video', video: { caption: 'new kind', id: 'v1' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        reasoning_content: 'hm',
        tool_calls: [
          {
            id: 'c1',
            type: 'function',
            function: { name: 'mail', arguments: '{"to": ["a@b.c", "d@e.f"], "n": 12345}' },
          },
          { id: 'c2', type: 'function', function: { name: 'odd', arguments: 'not json' } },
          { id: 'c3', type: 'custom', custom: { name: 'shell', input: 'ls' } },
        ],
        function_call: { name: 'old', arguments: '{"x":"y"}' },
      },
      { role: 'tool', tool_call_id: 'c1', content: 'sent' },
      { role: 'function', name: 'old', content: 'done' },
    ],
    prediction: { type: 'content', content: 'likely' },
    response_format: {
      type: 'json_schema',
      json_schema: { description: 'shape', schema: { properties: { a: { description: 'deep' } } } },
    },
    tools: [
      {
        type: 'function',
        function: { name: 'mail', description: 'sends', parameters: { properties: { to: { description: 'whom' } } } },
      },
      { type: 'custom', custom: { name: 'shell', description: 'runs' } },
    ],
  }
  const walked = walkChatRequest(body)

  test('is walked to its last text, with its role and its place', () => {
    expect(told(walked)).toEqual([
      'system text messages.0.content: Be kind.',
      'user text messages.1.name: ada',
      'user text messages.1.content.0.text: Look',
      'user image messages.1.content.1: ',
      'user image messages.1.content.2: ',
      'user audio messages.1.content.3: ',
      'user file messages.1.content.4: ',
      'user text messages.1.content.5.video.caption: new kind',
      'user text messages.1.content.5.video.id: v1',
      'assistant text messages.2.reasoning_content: hm',
      'assistant tool_arguments messages.2.tool_calls.0.function.arguments.to.0: a@b.c',
      'assistant tool_arguments messages.2.tool_calls.0.function.arguments.to.1: d@e.f',
      'assistant tool_arguments messages.2.tool_calls.0.function.arguments.n: 12345',
      'assistant tool_arguments messages.2.tool_calls.1.function.arguments: not json',
      'assistant tool_arguments messages.2.tool_calls.2.custom.input: ls',
      'assistant tool_arguments messages.2.function_call.arguments.x: y',
      'tool tool_result messages.3.content: sent',
      'tool text messages.4.name: old',
      'tool tool_result messages.4.content: done',
      'assistant text prediction.content: likely',
      'system text response_format.json_schema.description: shape',
      'system text response_format.json_schema.schema.properties.a.description: deep',
      'system text tools.0.function.description: sends',
      'system text tools.0.function.parameters.properties.to.description: whom',
      'system text tools.1.custom.description: runs',
    ])
  })

  test('tells what it knows of files and hands on their content unread', () => {
    expect(walked.parts.flatMap(({ media }) => (media === null ? [] : [media]))).toEqual([
      { type: null, bytes: null, url: 'https://example.com/a.png', name: null },
      { type: 'image/png', bytes: 4, url: null, name: null, data: 'QUJDRA==' },
      { type: 'wav', bytes: 3, url: null, name: null },
      { type: 'application/pdf', bytes: 3, url: null, name: 'cv.pdf', data: 'QUJD' },
    ])
  })

  test('lists calls with parsed arguments, and what may be called', () => {
    expect(walked.toolCalls.map(({ id, name, parsed }) => [id, name, parsed])).toEqual([
      ['c1', 'mail', { to: ['a@b.c', 'd@e.f'], n: 12345 }],
      ['c2', 'odd', undefined],
      ['c3', 'shell', undefined],
      [null, 'old', { x: 'y' }],
    ])
    expect(walked.tools.map(({ name }) => name)).toEqual(['mail', 'shell'])
  })
})

test('a chat answer is walked in every choice', () => {
  const message = {
    role: 'assistant',
    content: 'Yes',
    refusal: 'No',
    reasoning: 'hm',
    audio: { data: 'QUJD', transcript: 'said' },
  }
  const calls = [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"q":"x"}' } }]
  expect(told(walkChatAnswer({ choices: [{ message }, { message: { content: null, tool_calls: calls } }] }))).toEqual([
    'assistant text choices.0.message.content: Yes',
    'assistant text choices.0.message.refusal: No',
    'assistant text choices.0.message.reasoning: hm',
    'assistant text choices.0.message.audio.transcript: said',
    'assistant audio choices.0.message.audio: ',
    'assistant tool_arguments choices.1.message.tool_calls.0.function.arguments.q: x',
  ])
})

test('a responses request is walked as a string and as items', () => {
  expect(told(walkResponsesRequest({ instructions: 'Be brief.', input: 'Hi' }))).toEqual([
    'system text instructions: Be brief.',
    'user text input: Hi',
  ])
  const walked = walkResponsesRequest({
    previous_response_id: 'resp_1',
    input: [
      { role: 'system', content: 'Rules' },
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'Hi' },
          { type: 'input_image', image_url: 'https://e.x/i' },
        ],
      },
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'thought' }], encrypted_content: 'zzz' },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":"b"}' },
      { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'result' }] },
      { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { query: 'searched' } },
    ],
    tools: [{ type: 'function', name: 'f', description: 'does', parameters: {} }],
  })
  expect(told(walked)).toEqual([
    'system text input.0.content: Rules',
    'user text input.1.content.0.text: Hi',
    'user image input.1.content.1: ',
    'assistant text input.2.summary.0.text: thought',
    'assistant tool_arguments input.3.arguments.a: b',
    'tool tool_result input.4.output.0.text: result',
    'tool tool_result input.5.action.query: searched',
    'system text tools.0.description: does',
  ])
  expect(walked.skipped.map(({ what }) => what)).toEqual(['encrypted reasoning', 'previous_response_id'])
})

test('a responses answer is walked item by item', () => {
  const output = [
    {
      type: 'message',
      role: 'assistant',
      content: [
        { type: 'output_text', text: 'Yes' },
        { type: 'refusal', refusal: 'No' },
      ],
    },
    { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":1}' },
  ]
  expect(told(walkResponsesAnswer({ output }))).toEqual([
    'assistant text output.0.content.0.text: Yes',
    'assistant text output.0.content.1.refusal: No',
    'assistant tool_arguments output.1.arguments.a: 1',
  ])
})

test('a messages request is walked with its documents, tool uses and results', () => {
  const walked = walkMessagesRequest({
    system: [{ type: 'text', text: 'Rules' }],
    messages: [
      { role: 'user', content: 'Hi' },
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'QUJD' } },
          { type: 'document', title: 'T', source: { type: 'text', data: 'inside' } },
          { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'result' }] },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'redacted_thinking', data: 'x' },
          { type: 'tool_use', id: 't', name: 'f', input: { a: ['b'] } },
        ],
      },
    ],
    tools: [{ name: 'f', description: 'does', input_schema: { properties: { a: { description: 'what' } } } }],
  })
  expect(told(walked)).toEqual([
    'system text system.0.text: Rules',
    'user text messages.0.content: Hi',
    'user image messages.1.content.0.source: ',
    'user text messages.1.content.1.title: T',
    'user text messages.1.content.1.source.data: inside',
    'tool tool_result messages.1.content.2.content.0.text: result',
    'assistant text messages.2.content.0.thinking: hm',
    'assistant tool_arguments messages.2.content.2.input.a.0: b',
    'system text tools.0.description: does',
    'system text tools.0.input_schema.properties.a.description: what',
  ])
  expect(walked.skipped).toEqual([{ what: 'redacted thinking', why: 'not readable' }])
  expect(walked.toolCalls).toMatchObject([{ id: 't', name: 'f', arguments: '{"a":["b"]}', parsed: { a: ['b'] } }])
})

test('embeddings: texts are read, token numbers are told to be left out', () => {
  expect(told(walkEmbeddingsRequest({ input: 'one' }))).toEqual(['user text input: one'])
  expect(told(walkEmbeddingsRequest({ input: ['one', 'two'] }))).toEqual([
    'user text input.0: one',
    'user text input.1: two',
  ])
  for (const input of [
    [1, 2],
    [[1], [2]],
  ]) {
    expect(walkEmbeddingsRequest({ input })).toMatchObject({ parts: [], skipped: [{ what: 'input' }] })
  }
})

test('what is to be spoken is walked, and how; of sound it is told that nobody listened', () => {
  expect(told(walkSpeechRequest({ input: 'Hello', instructions: 'Whisper', voice: 'alloy' }))).toEqual([
    'system text instructions: Whisper',
    'user text input: Hello',
  ])
  expect(walkSpeech()).toMatchObject({ parts: [], skipped: [{ what: 'the speech' }] })
  expect(walkTranscriptionRequest({ model: 'm', prompt: 'Names: Ada' })).toMatchObject({
    parts: [{ path: ['prompt'], text: 'Names: Ada' }],
    skipped: [{ what: 'the recording' }],
  })
})

test('a transcript is walked as a whole and in its segments', () => {
  const segments = [
    { id: 0, text: 'One.' },
    { id: 1, text: 'Two.' },
  ]
  expect(told(walkTranscription({ text: 'One. Two.', segments, language: 'english' }))).toEqual([
    'assistant text text: One. Two.',
    'assistant text segments.0.text: One.',
    'assistant text segments.1.text: Two.',
  ])
})

describe('whatever is walked', () => {
  const args = dictionary(string({ maxLength: 4 }), jsonValue(), { maxKeys: 4 })
  const called = args.map((value) => ({ function: { name: 'f', arguments: JSON.stringify(value, null, 1) } }))
  const body = array(called, { maxLength: 3 }).map((calls) => ({
    choices: [{ message: { content: 'x', tool_calls: calls } }],
  }))

  test('is never more than a refusal away: no body makes a walk fail', () => {
    assert(
      property(constantFrom(...Object.values(WALKS)), anything({ maxDepth: 4 }), (walk, junk) => {
        walk(junk)
        walk({
          messages: [junk],
          input: [junk],
          output: [junk],
          content: [junk],
          result: junk,
          choices: [{ message: junk }],
          tools: [junk],
        })
      }),
      { numRuns: 500 },
    )
  })

  test('stands where its path says', () => {
    assert(
      property(body, (answer) => {
        for (const part of changeable(walkChatAnswer(answer))) expect(String(valueAt(answer, part))).toBe(part.text)
      }),
    )
  })

  test('changes alone when it is written back, also inside the arguments of a call', () => {
    assert(
      property(body, string({ maxLength: 5 }), (answer, text) => {
        const before = structuredClone(answer)
        const parts = changeable(walkChatAnswer(answer))
        for (const [i, part] of parts.entries()) {
          const written = writeTexts(answer, [{ path: part.path, text }])
          expect(valueAt(written, part)).toBe(text)
          const after = parts.filter((_, other) => other !== i)
          for (const other of after) expect(String(valueAt(written, other))).toBe(other.text)
        }
        expect(answer).toEqual(before)
      }),
    )
  })
})

describe('a body with too much in it is refused, not half read', () => {
  test.each([
    ['pieces', { messages: Array.from({ length: 20_001 }, () => ({ role: 'user', content: 'x' })) }],
    ['depth', { messages: [{ tool_calls: [{ function: { arguments: `${'['.repeat(200)}1${']'.repeat(200)}` } }] }] }],
    ['characters', { messages: [{ role: 'user', content: 'x'.repeat(32_000_001) }] }],
  ])('%s', (_, request) => {
    expect(() => walkChatRequest(request)).toThrow(WalkRefused)
  })
})
