import { describe, expect, test } from 'vitest'
import { chainOf } from '../engine/chain'
import { decidePhase } from '../engine/decide'
import { CLEAN } from '../engine/policy'
import { writeTexts } from '../engine/redact'
import { policyOf, subjectOf } from '../engine/testing'
import { walkMessagesRequest } from './anthropic-messages'
import { walkSpeechRequest } from './audio'
import { walkChatAnswer, walkChatRequest } from './openai-chat'
import { walkEmbeddingsRequest } from './openai-embeddings'
import { walkResponsesRequest } from './openai-responses'
import type { Walked } from './walked'

const chat = (content: unknown) => ({ messages: [{ role: 'user', content }] })
const messages = (block: unknown) => ({ messages: [{ role: 'user', content: [block] }] })
const responses = (block: unknown) => ({ input: [{ role: 'user', content: [block] }] })
const chatTool = (declared: object) => ({ ...chat('Hi'), tools: [{ type: 'function', function: declared }] })
const calling = (json: string, name = 'f') => ({
  choices: [{ message: { tool_calls: [{ id: '1', type: 'function', function: { name, arguments: json } }] } }],
})
const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64')

describe('what a model reads beside the prose is looked through', () => {
  test.each<[string, (body: unknown) => Walked, object]>([
    ['a key of arguments', walkChatAnswer, calling('{"a":{"HIDDEN":1}}')],
    ['a key of arguments in a list', walkChatAnswer, calling('[[{"HIDDEN":true}]]')],
    ['the name of a called function', walkChatAnswer, calling('{}', 'HIDDEN')],
    [
      'a key of an input',
      walkMessagesRequest,
      messages({ type: 'tool_use', id: 't', name: 'f', input: { HIDDEN: 1 } }),
    ],
    ['a key of a field of no known name', walkChatRequest, { ...chat('Hi'), documents: [{ HIDDEN: 'x' }] }],
    ['a field of no known name', walkChatRequest, { ...chat('Hi'), HIDDEN: 'x' }],
    ['the name of a function', walkChatRequest, chatTool({ name: 'HIDDEN' })],
    ['the name of a field', walkChatRequest, chatTool({ name: 'f', parameters: { properties: { HIDDEN: {} } } })],
    ['an enum', walkChatRequest, chatTool({ name: 'f', parameters: { properties: { a: { enum: ['x', 'HIDDEN'] } } } })],
    ['a default', walkChatRequest, chatTool({ name: 'f', parameters: { properties: { a: { default: 'HIDDEN' } } } })],
    [
      'a const',
      walkChatRequest,
      chatTool({ name: 'f', parameters: { properties: { a: { const: { b: 'HIDDEN' } } } } }),
    ],
    ['an example', walkMessagesRequest, { tools: [{ name: 'f', input_schema: { examples: [['HIDDEN']] } }] }],
    ['a comment of a schema', walkResponsesRequest, { tools: [{ name: 'f', parameters: { $comment: 'HIDDEN' } }] }],
    ['a pattern', walkChatRequest, chatTool({ name: 'f', parameters: { properties: { a: { pattern: 'HIDDEN' } } } })],
    ['a format', walkChatRequest, chatTool({ name: 'f', parameters: { properties: { a: { format: 'HIDDEN' } } } })],
    [
      'an answer format',
      walkResponsesRequest,
      { input: 'Hi', text: { format: { type: 'json_schema', schema: { enum: ['HIDDEN'] } } } },
    ],
    [
      'a grammar',
      walkChatRequest,
      { tools: [{ type: 'custom', custom: { name: 'f', format: { grammar: { definition: 'HIDDEN' } } } }] },
    ],
    [
      "a provider's own tool",
      walkResponsesRequest,
      { tools: [{ type: 'mcp', server_url: 'https://x.example/HIDDEN' }] },
    ],
    ['a choice of tools', walkChatRequest, { ...chat('Hi'), tool_choice: { function: { name: 'HIDDEN' } } }],
    [
      'the name of a file',
      walkChatRequest,
      chat([{ type: 'file', file: { filename: 'HIDDEN.pdf', file_data: 'QQ==' } }]),
    ],
    ['the name of a file of items', walkResponsesRequest, responses({ type: 'input_file', filename: 'HIDDEN.pdf' })],
    [
      'an image address',
      walkChatRequest,
      chat([{ type: 'image_url', image_url: { url: 'https://x.example/?q=HIDDEN' } }]),
    ],
    ['a short image address', walkChatRequest, chat([{ type: 'image_url', image_url: 'https://x.example/?q=HIDDEN' }])],
    [
      'an escaped address',
      walkChatRequest,
      chat([{ type: 'image_url', image_url: { url: 'https://x.example/%48IDDEN' } }]),
    ],
    [
      'a broken escape',
      walkChatRequest,
      chat([{ type: 'image_url', image_url: { url: 'https://x.example/%zz%48IDDEN' } }]),
    ],
    [
      'an address without a scheme',
      walkChatRequest,
      chat([{ type: 'image_url', image_url: { url: '//x.example/HIDDEN' } }]),
    ],
    [
      'an image of an item',
      walkResponsesRequest,
      responses({ type: 'input_image', image_url: 'https://x.example/HIDDEN' }),
    ],
    ['a file address', walkResponsesRequest, responses({ type: 'input_file', file_url: 'https://x.example/HIDDEN' })],
    [
      'a source',
      walkMessagesRequest,
      messages({ type: 'image', source: { type: 'url', url: 'https://x.example/HIDDEN' } }),
    ],
    [
      'beside an address',
      walkChatRequest,
      chat([{ type: 'image_url', image_url: { url: 'https://x.example', alt: 'HIDDEN' } }]),
    ],
    ['who embeds', walkEmbeddingsRequest, { input: 'x', user: 'HIDDEN' }],
    ['beside what is spoken', walkSpeechRequest, { input: 'x', lyrics: 'HIDDEN' }],
    ['an id with blanks', walkChatRequest, chat([{ type: 'video', id: 'a HIDDEN text' }])],
  ])('(%s)', (_, walk, body) => {
    expect(
      walk(body)
        .parts.map(({ text }) => text)
        .join('\n'),
    ).toContain('HIDDEN')
  })
})

describe('a file that is text is read as text', () => {
  const data = `data:text/csv;base64,${base64('name\nHIDDEN')}`
  test.each<[string, (body: unknown) => Walked, object]>([
    ['of a chat', walkChatRequest, chat([{ type: 'file', file: { filename: 'a.csv', file_data: data } }])],
    ['of items', walkResponsesRequest, responses({ type: 'input_file', filename: 'a.csv', file_data: data })],
    [
      'of a message',
      walkMessagesRequest,
      messages({ type: 'document', source: { type: 'base64', media_type: 'text/plain', data: base64('HIDDEN') } }),
    ],
    [
      'named so',
      walkChatRequest,
      chat([{ type: 'file', file: { filename: 'a.json', file_data: base64('"HIDDEN"') } }]),
    ],
    ['not named', walkChatRequest, chat([{ type: 'file', file: { file_data: base64('# HIDDEN') } }])],
    [
      'said to be bytes',
      walkChatRequest,
      chat([{ type: 'file', file: { file_data: `data:application/octet-stream;base64,${base64('HIDDEN')}` } }]),
    ],
    ['escaped', walkChatRequest, chat([{ type: 'file', file: { file_data: 'data:text/plain,%48IDDEN' } }])],
    [
      'in UTF-16',
      walkChatRequest,
      chat([
        {
          type: 'file',
          file: { file_data: `data:text/plain;base64,${base64(Buffer.from('\uFEFFHIDDEN', 'utf16le'))}` },
        },
      ]),
    ],
    [
      'a drawing',
      walkChatRequest,
      chat([{ type: 'image_url', image_url: { url: `data:image/svg+xml;base64,${base64('<svg>HIDDEN')}` } }]),
    ],
  ])('(%s)', (_, walk, body) => {
    const { parts } = walk(body)
    expect(parts.find(({ kind }) => kind === 'tool_result')?.text).toContain('HIDDEN')
    expect(parts.find(({ media }) => media !== null)?.media?.isRead).toBe(true)
  })

  test('and one that is not is told to be unread', () => {
    const binary = base64(Uint8Array.from({ length: 300 }, (_, i) => i % 256))
    for (const file_data of [binary, `data:application/pdf;base64,${base64('%PDF-1.7')}`]) {
      const { parts } = walkChatRequest(chat([{ type: 'file', file: { file_data } }]))
      expect(parts.map(({ kind }) => kind)).toEqual(['file'])
      expect(skippedOf(parts)).toEqual([{ what: 'file (1)', why: 'not text' }])
    }
  })

  test('up to a size, and what is over it is told', () => {
    const file_data = `data:text/plain;base64,${base64('x'.repeat(4_000_000))}`
    const { parts, skipped } = walkChatRequest(chat([{ type: 'file', file: { file_data } }]))
    expect(parts.map(({ kind }) => kind)).toEqual(['file'])
    expect(skipped).toEqual([{ what: 'text of a file (message 0)', why: 'over 4194304 characters of base64' }])
  })

  test('so that only what is unread is left in the record', () => {
    const { parts } = walkChatRequest(chat([{ type: 'file', file: { file_data: data } }]))
    expect(skippedOf(parts)).toEqual([])
  })
})

const reading = policyOf('reads', (view) => {
  for (const { part } of view.readable()) part.text.toString()
  return {}
})
const skippedOf = (parts: Walked['parts']) =>
  decidePhase(chainOf([reading]), subjectOf([], { parts }), 0).results[0]?.coverage.skipped

test('a policy that reads only prose says that it left out the rest', () => {
  const prose = policyOf('prose', (view) => {
    for (const entry of view.readable()) if (entry.kind === 'text') entry.part.text.toString()
    return CLEAN
  })
  const { parts } = walkChatRequest(chatTool({ name: 'f', parameters: { properties: { a: { enum: ['b', 'c'] } } } }))
  const [result] = decidePhase(chainOf([prose]), subjectOf([], { parts }), 0).results
  expect(result?.coverage).toMatchObject({
    bytes: 2,
    skipped: [{ what: 'label (4)', why: 'not what this policy reads' }],
  })
})

describe('what is found there', () => {
  const masking = policyOf('masks', (view) => {
    const redactions = view.readable().flatMap(({ part, index }) =>
      [...part.text.matchAll(/HID/g)].map(({ index: start }) => ({
        part: index,
        start,
        end: start + 3,
        replacement: '[é]',
      })),
    )
    return redactions.length === 0 ? {} : { verdict: 'redact', reasonCode: 'test.masked', redactions }
  })
  const masked = (walk: (body: unknown) => Walked, body: object) => {
    const { parts } = walk(body)
    const { verdict, texts, reasonCode } = decidePhase(chainOf([masking]), subjectOf([], { parts }), 0)
    const edits = [...texts].map(([part, text]) => ({ path: parts[part]?.path ?? [], text }))
    return { verdict, reasonCode, body: writeTexts(body, edits) }
  }

  test('is replaced where something else can stand', () => {
    const file = { filename: 'HID.csv', file_data: `data:text/csv;charset=utf-16;base64,${base64('a;HID;ü')}` }
    const image = { type: 'image_url', image_url: { url: 'https://x.example/a%20b?q=%48ID&r=1#s' } }
    expect(masked(walkChatRequest, chat([{ type: 'file', file }, image]))).toEqual({
      verdict: 'redact',
      reasonCode: 'test.masked',
      body: chat([
        { type: 'file', file: { filename: '[é].csv', file_data: `data:text/csv;base64,${base64('a;[é];ü')}` } },
        { type: 'image_url', image_url: { url: 'https://x.example/a%20b?q=%5B%C3%A9%5D&r=1#s' } },
      ]),
    })
    const bare = (text: string) =>
      messages({ type: 'document', source: { type: 'base64', media_type: 'text/plain', data: base64(text) } })
    expect(masked(walkMessagesRequest, bare('HID.')).body).toEqual(bare('[é].'))
    const schema = (text: string) => chatTool({ name: 'f', parameters: { properties: { a: { enum: [text, 'b'] } } } })
    expect(masked(walkChatRequest, schema('HID')).body).toEqual(schema('[é]'))
  })

  test.each<[string, (body: unknown) => Walked, object]>([
    ['a key of arguments', walkChatAnswer, calling('{"HID":"x"}')],
    ['the name of a function', walkChatRequest, chatTool({ name: 'HID' })],
    ['the name of a field', walkChatRequest, chatTool({ name: 'f', parameters: { properties: { HID: {} } } })],
  ])('blocks where nothing else can: in %s', (_, walk, body) => {
    expect(masked(walk, body)).toEqual({ verdict: 'block', reasonCode: 'test.masked', body })
  })

  test('is not taken for a coded text where a caller names a key so', () => {
    const body = calling('{"\\u0000file":"HID","\\u0000address":"HID"}')
    const [choice] = (masked(walkChatAnswer, body).body as typeof body).choices
    expect(JSON.parse(choice?.message.tool_calls[0]?.function.arguments ?? '')).toEqual({
      '\0file': '[é]',
      '\0address': '[é]',
    })
  })
})

describe('a text in base64 is read as the most patient reader takes it', () => {
  const text = 'Write to ana@example.com now'
  const utf16 = Buffer.from(text, 'utf16le')
  test.each([
    ['a sign before it', `data:text/plain;base64,!${base64(text)}`],
    ['signs all over it', `data:text/plain;base64,${[...base64(text)].join('*')}`],
    ['more signs than are looked at', `data:application/octet-stream;base64,${'!'.repeat(5_000)}${base64(text)}`],
    ['blank lines before it', `data:application/octet-stream;base64,\n\n\n${base64(text)}`],
    ['padding within it', `data:text/plain;base64,${base64('a')}${base64(text)}`],
    ['blanks in its head', `data:text/plain ; BASE64 ,${base64(text)}`],
    ['a long head', `data:text/plain;x=${'y'.repeat(600)};base64,${base64(text)}`],
    ['two bytes a letter', `data:text/plain;base64,${base64(utf16)}`],
    ['two bytes a letter, turned', `data:text/plain;base64,${base64(Buffer.from(utf16).swap16())}`],
  ])('%s', (_, data) => {
    const { parts } = walkChatRequest(chat([{ type: 'file', file: { filename: 'a', file_data: data } }]))
    expect(parts.map((part) => part.text).join()).toContain('ana@example.com')
  })
})
