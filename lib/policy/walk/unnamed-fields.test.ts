import { describe, expect, test } from 'vitest'
import { walkMessagesAnswer, walkMessagesRequest } from './anthropic-messages'
import { walkSpeechRequest } from './audio'
import { walkChatAnswer, walkChatRequest } from './openai-chat'
import { walkEmbeddingsRequest } from './openai-embeddings'
import { walkResponsesAnswer, walkResponsesRequest } from './openai-responses'

const said = [{ role: 'user', content: 'Hello' }]

describe('what a provider or a client may read is looked through, whatever it is called', () => {
  test.each([
    ['a field in other case', walkChatRequest, { messages: [{ role: 'user', content: 'Hello', Content: 'HIDDEN' }] }],
    ['a document', walkChatRequest, { messages: said, documents: [{ title: 'x', text: 'HIDDEN' }] }],
    ['a template', walkChatRequest, { messages: said, chat_template: 'HIDDEN' }],
    ['metadata', walkChatRequest, { messages: said, metadata: { customer: 'HIDDEN' } }],
    ['who asks', walkChatRequest, { messages: said, user: 'HIDDEN' }],
    [
      'beside a text',
      walkChatRequest,
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'a', Text: 'HIDDEN' }] }] },
    ],
    ['who asks Claude', walkMessagesRequest, { messages: said, metadata: { user_id: 'HIDDEN' } }],
    ['beside content', walkMessagesRequest, { messages: [{ role: 'user', content: 'Hello', CONTENT: 'HIDDEN' }] }],
    ['metadata of a response', walkResponsesRequest, { input: 'Hello', metadata: { a: 'HIDDEN' } }],
    ['beside an item', walkResponsesRequest, { input: [{ role: 'user', content: 'Hello', Content: 'HIDDEN' }] }],
    [
      'an annotation',
      walkChatAnswer,
      { choices: [{ message: { content: 'a', annotations: [{ url_citation: { title: 'HIDDEN' } }] } }] },
    ],
    ['an old completion', walkChatAnswer, { choices: [{ text: 'HIDDEN' }] }],
    ['beside the choices', walkChatAnswer, { choices: [], search_results: [{ title: 'HIDDEN' }] }],
    [
      'a citation',
      walkMessagesAnswer,
      { content: [{ type: 'text', text: 'a', citations: [{ cited_text: 'HIDDEN' }] }] },
    ],
    [
      'an annotation of a response',
      walkResponsesAnswer,
      {
        output: [
          { type: 'message', content: [{ type: 'output_text', text: 'a', annotations: [{ title: 'HIDDEN' }] }] },
        ],
      },
    ],
    ['beside the output', walkResponsesAnswer, { output: [], output_text: 'HIDDEN' }],
  ])('(%s)', (_, walk, body) => {
    expect(walk(body).parts.map(({ text }) => text)).toContain('HIDDEN')
  })

  const calling = (called: object, more: object = {}) => ({
    messages: [{ role: 'assistant', tool_calls: [{ id: '1', type: 'function', function: called, ...more }] }],
  })
  const asked = (more: object) => ({ messages: said, ...more })
  const claude = (block: object) => ({ messages: [{ role: 'user', content: [block] }] })
  const item = (fields: object) => ({ input: [fields] })

  test.each<[string, (body: unknown) => { parts: readonly { text: string }[] }, object]>([
    ['beside the arguments', walkChatRequest, calling({ name: 'f', arguments: '{}', Arguments: 'HIDDEN' })],
    ['beside a call', walkChatRequest, calling({ name: 'f', arguments: '{}' }, { note: 'HIDDEN' })],
    ['the other form of a call', walkChatRequest, calling({ name: 'f' }, { custom: { name: 'g', input: 'HIDDEN' } })],
    ['a name that is none', walkChatRequest, calling({ name: ['HIDDEN'], arguments: '{}' })],
    ['an old call as a text', walkChatRequest, { messages: [{ role: 'assistant', function_call: 'HIDDEN' }] }],
    ['beside an old call', walkChatRequest, { messages: [{ function_call: { name: 'f', x: 'HIDDEN' } }] }],
    ['beside a transcript', walkChatRequest, { messages: [{ role: 'assistant', audio: { id: 'a', Text: 'HIDDEN' } }] }],
    ['a list in a list', walkChatRequest, { messages: [{ role: 'user', content: [['HIDDEN']] }] }],
    ['a schema of its own', walkChatRequest, asked({ response_format: { schema: { description: 'HIDDEN' } } })],
    ['the name of a format', walkChatRequest, asked({ response_format: { json_schema: { name: 'HIDDEN' } } })],
    ['a format that is a text', walkChatRequest, asked({ response_format: 'HIDDEN' })],
    ['beside a prediction', walkChatRequest, asked({ prediction: { content: 'a', Content: 'HIDDEN' } })],
    [
      'the other form of a tool',
      walkChatRequest,
      asked({ tools: [{ function: {}, custom: { description: 'HIDDEN' } }] }),
    ],
    ['tools that are no list', walkChatRequest, asked({ tools: { a: 'HIDDEN' } })],
    ['a description that is no text', walkChatRequest, asked({ tools: [{ function: { description: ['HIDDEN'] } }] })],
    ['a setting that is none', walkChatRequest, asked({ reasoning: { effort: 'HIDDEN' } })],
    ['a name of a setting', walkChatRequest, asked({ logit_bias: { HIDDEN: 1 } })],
    [
      'a file in a picture',
      walkChatRequest,
      { messages: [{ content: [{ type: 'image_url', image_url: { url: 'x' }, file: { filename: 'HIDDEN' } }] }] },
    ],
    ['an order to sum up', walkMessagesRequest, asked({ context_management: { edits: [{ instructions: 'HIDDEN' }] } })],
    ['a chosen tool', walkMessagesRequest, asked({ tool_choice: { type: 'tool', name: 'HIDDEN' } })],
    ['beside a format', walkMessagesRequest, asked({ output_config: { format: { name: 'HIDDEN' } } })],
    ['a note on a cache', walkMessagesRequest, claude({ type: 'text', text: 'a', cache_control: { ttl: 'HIDDEN' } })],
    [
      'the other form of a source',
      walkMessagesRequest,
      claude({ type: 'image', source: { data: 'QQ==', url: 'HIDDEN' } }),
    ],
    [
      'words for base64',
      walkMessagesRequest,
      claude({ type: 'document', source: { data: 'HIDDEN' }, title: ['HIDDEN'] }),
    ],
    ['a block that is a text', walkMessagesRequest, { messages: [{ role: 'user', content: ['HIDDEN'] }] }],
    ['the name of a format of a response', walkResponsesRequest, { text: { format: { name: 'HIDDEN' } } }],
    ['beside a prompt', walkResponsesRequest, { prompt: { id: 'p', Variables: 'HIDDEN' } }],
    ['beside a reference', walkResponsesRequest, item({ type: 'item_reference', id: 'x', text: 'HIDDEN' })],
    ['input of a function', walkResponsesRequest, item({ type: 'function_call', name: 'f', input: 'HIDDEN' })],
    ['a result that is no text', walkResponsesRequest, item({ type: 'mcp_call', name: 'f', output: ['HIDDEN'] })],
    [
      'the other form of a file',
      walkResponsesRequest,
      item({ content: [{ type: 'input_image', file_data: 'HIDDEN' }] }),
    ],
    ['a text to embed', walkEmbeddingsRequest, { input: [['HIDDEN']] }],
    ['a voice', walkSpeechRequest, { input: 'a', voice: { id: 'the HIDDEN one', name: 'HIDDEN' } }],
  ])('(%s)', (_, walk, body) => {
    expect(
      walk(body)
        .parts.map(({ text }) => text)
        .join('\n'),
    ).toMatch(/^HIDDEN$/m)
  })

  test('but a setting with its usual words is no text', () => {
    const settings = { reasoning_effort: 'low', modalities: ['text'], audio: { voice: 'alloy', format: 'pcm16' } }
    const { parts } = walkChatRequest(asked({ ...settings, tool_choice: 'auto', logit_bias: { 50256: -100 }, seed: 7 }))
    expect(parts.map(({ text }) => text)).toEqual(['Hello'])
  })

  test('and what a tool or a page brought is not taken for words of the assistant', () => {
    const roleIn = ({ parts }: { parts: readonly { text: string; role: string }[] }) =>
      parts.find(({ text }) => text === 'HIDDEN')?.role
    for (const type of ['shell_call_output', 'file_search_call', 'mcp_list_tools', 'mystery']) {
      expect(roleIn(walkResponsesRequest(item({ type, results: [{ text: 'HIDDEN' }] })))).toBe('tool')
    }
    for (const type of ['web_fetch_tool_result', 'web_search_tool_result', 'search_result']) {
      const block = { type, content: [{ type: 'text', text: 'HIDDEN' }] }
      expect(roleIn(walkMessagesRequest({ messages: [{ role: 'assistant', content: [block] }] }))).toBe('tool')
    }
  })

  test('and what the record says was kept by a provider is all of it', () => {
    expect(walkResponsesRequest({ input: 'a', conversation: 'conv_1' }).skipped).toEqual([
      { what: 'conversation', why: 'kept by the provider' },
    ])
  })

  test('and arguments with a name twice are no JSON that everyone reads alike', () => {
    const call = (json: string) => ({
      choices: [{ message: { tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: json } }] } }],
    })
    const { toolCalls, parts } = walkChatAnswer(call('{"path":"/etc/passwd","path":"/tmp"}'))
    expect(toolCalls[0]?.parsed).toBeUndefined()
    expect(parts.map(({ text }) => text)).toEqual(['f', '{"path":"/etc/passwd","path":"/tmp"}'])
    expect(walkChatAnswer(call('{"path":"a \\": b"}')).toolCalls[0]?.arguments).toBe('{"path":"a \\": b"}')
    expect(walkChatAnswer(call('{"path":"/tmp","deep":[{"path":1}]}')).toolCalls[0]?.parsed).toEqual({
      path: '/tmp',
      deep: [{ path: 1 }],
    })
  })
})
