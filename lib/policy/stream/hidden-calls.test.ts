import { describe, expect, test } from 'vitest'
import { chainOf } from '@/lib/policy/engine/chain'
import { AGENT_FIREWALL } from '@/lib/policy/kinds/agent-firewall'
import { policyOf } from '@/lib/policy/kinds/tool-testing'
import { decideCallsOf } from './decide-calls'
import { answerStream, bytesOf, dataFrame, rulesFor, runStream, SUBJECT, termPolicy } from './testing'

const ports = { postJson: () => Promise.reject(new Error('nobody is asked here')), secret: () => null }
const chain = chainOf([
  policyOf(AGENT_FIREWALL, {
    tools: { roles: { default: { denied: ['evil', 'shell'] } } },
    transaction_limits: { max_single_transaction: 100 },
  }),
])
const rules = () => rulesFor([termPolicy(['nothing'], 'redact')], decideCallsOf(chain, SUBJECT, 0, ports))

/** Each frame comes by itself, so that what could be decided has been. */
const shown = async (shape: Parameters<typeof answerStream>[0], frames: object[]) => {
  const { all } = await runStream(answerStream(shape, rules()), frames.map(dataFrame))
  return all
}

const chunk = (delta: unknown, more: object = {}) => ({ choices: [{ index: 0, delta, finish_reason: null, ...more }] })
const call = (body: object, more: object = {}) => ({
  tool_calls: [{ index: 0, id: '1', type: 'function', function: body, ...more }],
})
const ended = chunk({}, { finish_reason: 'tool_calls' })

describe('a call in a stream of chunks is made with nothing that tool policies have not seen', () => {
  test.each<[string, object[]]>([
    ['arguments that are no text', [chunk(call({ name: 'pay', arguments: { amount: 5000 } })), ended]],
    ['a second call in another form', [chunk(call({ name: 'evil' }, { custom: { name: 'ok', input: '' } })), ended]],
    [
      'arguments after the end of the choice',
      [
        chunk(call({ name: 'pay', arguments: '' })),
        ended,
        chunk({ tool_calls: [{ index: 0, function: { arguments: '{"amount":5000}' } }] }),
      ],
    ],
    [
      'arguments under another id',
      [
        chunk(call({ name: 'pay', arguments: '' })),
        chunk({ tool_calls: [{ index: 0, id: '2', function: { arguments: '{"amount":5000}' } }] }),
        ended,
      ],
    ],
    ['a message in the place of a delta', [chunk({}, { message: call({ name: 'evil', arguments: '{}' }) }), ended]],
    [
      'calls that are no list',
      [chunk({ tool_calls: { 0: { function: { name: 'evil', arguments: '{"amount":5000}' } } } }), ended],
    ],
    ['choices that are no list', [{ choices: { 0: { delta: call({ name: 'evil', arguments: '{"amount":5000}' }) } } }]],
  ])('%s', async (_, frames) => {
    expect(await shown('openai_chat', frames)).not.toMatch(/evil|5000/)
  })

  test('and one of which all was seen goes on as it came', async () => {
    const frames = [chunk(call({ name: 'pay', arguments: { amount: 50 } })), ended]
    expect(await shown('openai_chat', frames)).toBe(
      frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(''),
    )
  })
})

describe('a call in a stream of messages', () => {
  const stop = { type: 'content_block_stop', index: 0 }
  const start = (block: object) => ({
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'tool_use', id: 't', ...block },
  })
  const begin = (content: unknown) => ({ type: 'message_start', message: { id: 'm', role: 'assistant', content } })
  const piece = (partial_json: string) => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'input_json_delta', partial_json },
  })

  test.each<[string, object[]]>([
    ['has its name, with an input or without', [start({ name: 'evil' }), piece('{}'), stop]],
    ['has its name when its input is null', [start({ name: 'evil', input: null }), piece('{}'), stop]],
    ['has its input when that is a list', [start({ name: 'pay', input: [{ amount: 5000 }] }), stop]],
    ['has one input', [start({ name: 'pay', input: { note: 'x' } }), piece('{"amount":5000}'), stop]],
    ['has a beginning', [piece('{"amount":5000}'), stop]],
    ['is over when its block is', [start({ name: 'pay', input: {} }), stop, piece('{"amount":5000}')]],
    ['is one in the message with which it begins', [begin([{ type: 'tool_use', id: 't', name: 'evil', input: {} }])]],
    [
      'is over when it was there from the beginning',
      [begin([{ type: 'tool_use', id: 't', name: 'pay', input: {} }]), piece('{"amount":5000}')],
    ],
    ['is in a list of blocks', [begin({ 0: { type: 'tool_use', id: 't', name: 'evil', input: {} } })]],
  ])('%s', async (_, frames) => {
    expect(await shown('anthropic_messages', frames)).not.toMatch(/evil|5000/)
  })
})

describe('a call in a stream of a response', () => {
  const item = (args: string) => ({ type: 'function_call', id: 'fc', call_id: 'c', name: 'pay', arguments: args })
  const event = (type: string, more: object) => ({ type: `response.${type}`, output_index: 0, ...more })
  const shell = { type: 'shell_call', call_id: 'c', action: { commands: ['evil'] } }
  const patch = { type: 'apply_patch_call', call_id: 'c', operation: { type: 'delete_file', path: 'notes' } }

  test('is over when its item is', async () => {
    const all = await shown('openai_responses', [
      event('output_item.added', { item: item('') }),
      event('output_item.done', { item: item('') }),
      event('function_call_arguments.delta', { delta: '{"amount":5000}' }),
      event('completed', { response: { output: [item('{"amount":5000}')] } }),
    ])
    expect(all).not.toContain('5000')
  })

  test('of a shell is one, and no piece of it goes on before it was decided', async () => {
    const all = await shown('openai_responses', [
      event('output_item.added', { item: { ...shell, action: { commands: [] } } }),
      event('shell_call_command.delta', { command_index: 0, delta: 'evil' }),
      event('shell_call_command.done', { command_index: 0, command: 'evil' }),
      event('output_item.done', { item: shell }),
      event('completed', { response: { output: [shell] } }),
    ])
    expect(all).not.toContain('evil')
  })

  test('of the search for tools is one', async () => {
    const search = { type: 'tool_search_call', call_id: null, execution: 'client', arguments: { amount: 5000 } }
    const all = await shown('openai_responses', [
      event('output_item.added', { item: { ...search, arguments: {} } }),
      event('output_item.done', { item: search }),
      event('completed', { response: { output: [search] } }),
    ])
    expect(all).not.toContain('5000')
  })

  test('of the patch tool passes where it may', async () => {
    const frames = [
      event('output_item.added', { item: patch }),
      event('apply_patch_call_operation_diff.delta', { delta: '-a' }),
      event('output_item.done', { item: patch }),
      event('completed', { response: { output: [patch] } }),
    ]
    expect(await shown('openai_responses', frames)).toBe(
      frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(''),
    )
  })
})

test('the last bytes of a stream are no way around a decision', async () => {
  const stream = answerStream('openai_chat', rules())
  const last = JSON.stringify(chunk(call({ name: 'evil', arguments: '{}' })))
  expect((await runStream(stream, [bytesOf(`data: ${last}`)])).all).not.toContain('"evil"')
})
