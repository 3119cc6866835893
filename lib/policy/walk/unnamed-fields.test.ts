import { describe, expect, test } from 'vitest'
import { walkMessagesAnswer, walkMessagesRequest } from './anthropic-messages'
import { walkChatAnswer, walkChatRequest } from './openai-chat'
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
