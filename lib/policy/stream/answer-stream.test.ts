import { describe, expect, it } from 'vitest'
import { chainOf } from '@/lib/policy/engine/chain'
import type { Decision } from '@/lib/policy/engine/decide'
import type { ToolCall } from '@/lib/policy/engine/subject'
import { decideCallsOf } from './decide-calls'
import { pendingTail } from './pending'
import type { CallDecision } from './rules'
import {
  answerStream,
  bytesOf,
  dataFrame,
  framesOf,
  patternPolicy,
  rewritePolicy,
  rulesFor,
  runStream,
  SUBJECT,
  stringOf,
  termPolicy,
} from './testing'
import { BrokenFrame } from './unreadable-frame'

const chunk = (delta: object, finish_reason: string | null = null, index = 0) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model: 'gpt-4o-2024-08-06',
  choices: [{ index, delta, logprobs: null, finish_reason }],
})
const DONE = bytesOf('data: [DONE]\n\n')
const redactSecret = rulesFor([termPolicy(['secret'], 'redact')])
const blockSecret = rulesFor([termPolicy(['secret'], 'block')])

const contentOf = (text: string, index = 0) =>
  framesOf(bytesOf(text))
    .flatMap(({ json }) => json?.choices ?? [])
    .filter((choice: { index: number }) => choice.index === index)
    .map((choice: { delta: { content?: string } }) => choice.delta.content ?? '')
    .join('')

const ALLOWED: Decision = {
  verdict: 'allow',
  policy: null,
  reasonCode: 'ok',
  message: null,
  redactions: [],
  texts: new Map(),
  flags: [],
  detections: [],
  decisive: [],
  targets: null,
  results: [],
  failures: [],
}
const allowCalls = (calls: readonly ToolCall[]): CallDecision => ({
  decisions: [ALLOWED],
  arguments: calls.map(() => null),
})
const blockCalls = (): CallDecision => ({
  decisions: [{ ...ALLOWED, verdict: 'block', policy: 'agent-firewall', reasonCode: 'tool.denied' }],
  arguments: [],
})

describe('chat completions', () => {
  it('of Azure begin with a chunk about the prompt, which passes as it is', async () => {
    const first = dataFrame({
      choices: [],
      model: '',
      prompt_filter_results: [
        { prompt_index: 0, content_filter_results: { hate: { filtered: false, severity: 'safe' } } },
      ],
    })
    const stream = answerStream('openai_chat', redactSecret)
    expect(stringOf(stream.push(first))).toBe(stringOf(first))
    stream.push(dataFrame(chunk({ content: 'a secret' })))
    stream.push(
      dataFrame({
        ...chunk({}, 'stop'),
        choices: [{ index: 0, delta: {}, finish_reason: 'stop', content_filter_results: {} }],
      }),
    )
    expect(stringOf(await stream.end())).toBe('')
    expect(stream.facts.model).toBe('gpt-4o-2024-08-06')
    expect(stream.facts.finishReason).toBe('stop')
  })

  it('of OpenRouter have comments, which pass at once, without their text, even while text is held', async () => {
    const stream = answerStream('openai_chat', redactSecret)
    const comment = ': OPENROUTER PROCESSING\n\n'
    expect(stringOf(stream.push(bytesOf(comment)))).toBe(':\n\n')
    expect(stream.push(dataFrame(chunk({ content: 'sec' })))).toBeNull()
    expect(stringOf(stream.push(bytesOf(comment)))).toBe(':\n\n')
    expect(stringOf(stream.push(dataFrame(chunk({ content: 'ond' }))))).toContain('ond')
  })

  it('are looked at as the whole would be, however many characters that nobody sees stand between', async () => {
    const rules = rulesFor([termPolicy(['a'], 'redact'), termPolicy(['猫'], 'block', true)])
    const said = `a${'\u200b'.repeat(20)}猫`
    const { all, stopped } = await runStream(answerStream('openai_chat', rules), [
      ...[...said].map((content) => dataFrame(chunk({ content }))),
      dataFrame(chunk({}, 'stop')),
      DONE,
    ]).then((run) => ({ ...run, stopped: run.all.includes('test.blocked') }))
    expect({ stopped, said: contentOf(all) }).toEqual({ stopped: false, said: said.replace('a', '[1]') })
  })

  it('keep comments where they are when nothing is held', async () => {
    const stream = answerStream('openai_chat', redactSecret)
    const both = `${stringOf(dataFrame(chunk({ content: 'x' })))}:\n\n${stringOf(dataFrame(chunk({ content: 'y' })))}`
    expect(stringOf(stream.push(bytesOf(both)))).toBe(both)
  })

  it('with several choices are governed apart, and one that waits does not hold up the other', () => {
    const stream = answerStream('openai_chat', redactSecret)
    expect(stream.push(dataFrame(chunk({ content: 'sec' }, null, 0)))).toBeNull()
    expect(contentOf(stringOf(stream.push(dataFrame(chunk({ content: 'ret' }, null, 1)))), 1)).toBe('ret')
    expect(contentOf(stringOf(stream.push(dataFrame(chunk({ content: 'ret' }, null, 0)))))).toBe('')
    expect(contentOf(stringOf(stream.push(dataFrame(chunk({ content: '!' }, null, 0)))))).toBe('[6]!')
  })

  it('keep a finish reason behind the text that waits, also when it comes with the last of it', async () => {
    const stream = answerStream('openai_chat', redactSecret)
    stream.push(dataFrame(chunk({ role: 'assistant', content: '' })))
    expect(stream.push(dataFrame(chunk({ content: 'the sec' })))).toBeNull()
    const last = framesOf(bytesOf(stringOf(stream.push(dataFrame(chunk({ content: 'ret' }, 'stop'))))))
    expect(last.map(({ json }) => [json.choices[0].delta.content, json.choices[0].finish_reason])).toEqual([
      ['the [6]', null],
      ['', 'stop'],
    ])
    expect(stream.outcome).toMatchObject({ verdict: 'redact', policy: 'terms-redact', reasonCode: 'test.redacted' })
  })

  it('show the part of a long delta that is decided, with its role once and its end last', () => {
    const stream = answerStream('openai_chat', redactSecret)
    const said = { role: 'assistant', content: 'This is long enough. sec' }
    const first = framesOf(bytesOf(stringOf(stream.push(dataFrame(chunk(said))))))
    expect(first.map(({ json }) => json.choices[0])).toEqual([
      { index: 0, delta: { role: 'assistant', content: 'This is long enough. ' }, logprobs: null, finish_reason: null },
    ])
    const rest = framesOf(bytesOf(stringOf(stream.push(dataFrame(chunk({ content: 'ond' }))))))
    expect(rest.map(({ json }) => json.choices[0].delta)).toEqual([{ content: 'sec' }, { content: 'ond' }])
  })

  it('do not tell a redacted text by its log probabilities', async () => {
    const stream = answerStream('openai_chat', redactSecret)
    const said = chunk({ content: 'secret' }, 'stop')
    const logprobs = { content: [{ token: 'secret', logprob: -1, bytes: null, top_logprobs: [] }] }
    stream.push(dataFrame({ ...said, choices: said.choices.map((choice) => ({ ...choice, logprobs })) }))
    const { all } = await runStream(stream, [DONE])
    expect(all).not.toContain('secret')
  })

  it('govern every text of a delta, whatever the provider calls it', async () => {
    const stream = answerStream('openai_chat', redactSecret)
    const { all } = await runStream(stream, [
      dataFrame(chunk({ reasoning: 'a secret plan', reasoning_details: [{ type: 'reasoning.text', text: 'secret' }] })),
      dataFrame(chunk({ content: [{ type: 'text', text: 'the secret' }], refusal: 'secret' })),
      DONE,
    ])
    expect(all).not.toContain('secret')
    expect(framesOf(bytesOf(all)).map(({ json }) => json?.choices[0].delta)).toEqual([
      { reasoning: 'a [6] plan', reasoning_details: [{ type: 'reasoning.text', text: '[6]' }] },
      { content: [{ type: 'text', text: 'the [6]' }], refusal: '[6]' },
      undefined,
    ])
  })

  it('hide the usage chunk that only the gateway asked for, and read it', async () => {
    const usage = {
      prompt_tokens: 9,
      completion_tokens: 4,
      prompt_tokens_details: { cached_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 2 },
    }
    const frames = [
      dataFrame(chunk({ content: 'x' })),
      dataFrame(chunk({}, 'stop')),
      dataFrame({ model: 'm', choices: [], usage }),
      DONE,
    ]
    for (const rules of [redactSecret, null]) {
      const failed = answerStream('openai_chat', rules, { hideUsage: true })
      expect((await runStream(failed, [dataFrame({ error: { message: 'busy' }, usage })])).all).toContain('busy')
      const hidden = answerStream('openai_chat', rules, { hideUsage: true })
      expect((await runStream(hidden, frames)).all).not.toContain('usage')
      expect(hidden.facts).toMatchObject({ usage: { input: 9, output: 4, cached: 3, reasoning: 2 }, complete: true })
      const shown = answerStream('openai_chat', rules)
      expect((await runStream(shown, frames)).all).toBe(frames.map(stringOf).join(''))
    }
  })

  it('hold back [DONE] until the record is durable', async () => {
    for (const rules of [redactSecret, null]) {
      const { passed, last } = await runStream(answerStream('openai_chat', rules), [
        dataFrame(chunk({ content: 'x' }, 'stop')),
        DONE,
      ])
      expect(passed).not.toContain('[DONE]')
      expect(last).toBe('data: [DONE]\n\n')
    }
  })

  it('end with an error event and without [DONE] when they are blocked', async () => {
    const stream = answerStream('openai_chat', blockSecret)
    const { all } = await runStream(stream, [
      dataFrame(chunk({ content: 'The ' })),
      dataFrame(chunk({ content: 'sec' })),
      dataFrame(chunk({ content: 'ret is' })),
      dataFrame(chunk({ content: ' out' }, 'stop')),
      DONE,
    ])
    expect(contentOf(all)).toBe('The ')
    expect(framesOf(bytesOf(all)).at(-1)?.json).toEqual({ error: { message: 'stopped', code: 'test.blocked' } })
    expect(all).not.toContain('[DONE]')
    expect(stream.outcome).toMatchObject({
      verdict: 'block',
      policy: 'terms-block',
      reasonCode: 'test.blocked',
      message: 'No.',
    })
    expect(stream.outcome.results).toMatchObject([{ kind: 'terms-block', phase: 'output', verdict: 'block' }])
  })

  it('that the provider breaks off are not complete, and what it reports as an error is a failure', async () => {
    const cut = answerStream('openai_chat', redactSecret)
    const { all } = await runStream(cut, [
      dataFrame(chunk({ content: 'half a sec' })),
      bytesOf('data: {"choices":[{"ind'),
    ])
    expect(cut.facts.complete).toBe(false)
    expect(cut.outcome.verdict).toBe('allow')
    expect(contentOf(all)).toBe('half a sec')
    const failed = answerStream('openai_chat', redactSecret)
    await runStream(failed, [dataFrame({ error: { message: 'overloaded' } })])
    expect(failed.facts).toMatchObject({ failed: true, complete: false })
  })

  it('show what was decided of a truncated answer', async () => {
    const stream = answerStream('openai_chat', redactSecret)
    const { all } = await runStream(stream, [dataFrame(chunk({ content: 'half a sec' }))])
    expect(contentOf(all)).toBe('half a sec')
    expect(stream.facts.complete).toBe(false)
  })

  it('are stopped at text that comes after a finish reason: clients join it to what was decided as a whole', async () => {
    const stream = answerStream('openai_chat', redactSecret)
    const { all } = await runStream(stream, [
      dataFrame(chunk({ content: 'a sec' }, 'stop')),
      dataFrame(chunk({ content: 'ret' }, 'stop')),
      DONE,
    ])
    expect(contentOf(all)).toBe('a sec')
    expect(stream.outcome.stop).toMatchObject({ reasonCode: 'stream.unreadable' })
  })
})

describe('tool calls', () => {
  const call = (index: number, fields: object) => dataFrame(chunk({ tool_calls: [{ index, ...fields }] }))
  const frames = [
    dataFrame(chunk({ role: 'assistant', content: null })),
    call(0, { id: 'call_a', type: 'function', function: { name: 'weather', arguments: '' } }),
    call(0, { function: { arguments: '{"city":' } }),
    call(1, { id: 'call_b', type: 'function', function: { name: 'mail', arguments: '{"to"' } }),
    call(0, { function: { arguments: '"Graz"}' } }),
    call(1, { function: { arguments: ':"x"}' } }),
  ]
  const end = [dataFrame(chunk({}, 'tool_calls')), DONE]

  it('are shown only when all of them are complete and allowed, and then as they came', async () => {
    const seen: ToolCall[][] = []
    const rules = rulesFor([termPolicy(['secret'], 'redact')], (calls) => {
      seen.push([...calls])
      return allowCalls(calls)
    })
    const stream = answerStream('openai_chat', rules)
    const passed = frames.map((frame) => stringOf(stream.push(frame))).join('')
    expect(passed).toBe(stringOf(frames[0] ?? null))
    expect(seen).toEqual([])
    const { all } = await runStream(stream, end)
    expect(passed + all).toBe([...frames, ...end].map(stringOf).join(''))
    expect(seen).toEqual([
      [
        {
          id: 'call_a',
          name: 'weather',
          arguments: '{"city":"Graz"}',
          parsed: { city: 'Graz' },
          path: ['choices', 0, 'message', 'tool_calls', 0, 'function', 'arguments'],
        },
        {
          id: 'call_b',
          name: 'mail',
          arguments: '{"to":"x"}',
          parsed: { to: 'x' },
          path: ['choices', 0, 'message', 'tool_calls', 1, 'function', 'arguments'],
        },
      ],
    ])
  })

  it('that are blocked leave no trace but the error', async () => {
    for (const decide of [blockCalls, () => Promise.resolve(blockCalls()), () => Promise.reject(new Error('down'))]) {
      const stream = answerStream('openai_chat', rulesFor([termPolicy(['secret'], 'redact')], decide))
      const { all } = await runStream(stream, [...frames, ...end])
      expect(all).not.toMatch(/weather|mail|Graz|DONE|tool_calls/)
      expect(all).toContain('"error"')
      expect(stream.outcome.verdict).toBe('block')
    }
  })

  it('go on with the arguments that were decided, also when the decision takes its time', async () => {
    const decide = async (): Promise<CallDecision> => ({ decisions: [ALLOWED], arguments: ['{"city":"[1]"}', null] })
    const { all } = await runStream(answerStream('openai_chat', rulesFor([termPolicy(['secret'], 'redact')], decide)), [
      ...frames,
      ...end,
    ])
    const calls = framesOf(bytesOf(all)).flatMap(({ json }) => json?.choices[0].delta.tool_calls ?? [])
    const joined = (index: number) =>
      calls
        .filter((one) => one.index === index)
        .map((one) => one.function.arguments)
        .join('')
    expect([joined(0), joined(1)]).toEqual(['{"city":"[1]"}', '{"to":"x"}'])
  })

  it('are decided by a chain: arguments are redacted as texts are, and a policy for tools can block them', async () => {
    const ports = { postJson: () => Promise.reject(new Error('nobody is asked here')), secret: () => null }
    const rules = (phases: readonly ('tool' | 'output')[], action: 'redact' | 'block') => {
      const chain = chainOf([{ ...termPolicy(['Graz'], action), phases }])
      return { ...rulesFor([termPolicy(['x'], 'redact')], decideCallsOf(chain, SUBJECT, 0, ports)) }
    }
    for (const phases of [['tool'], ['output']] as const) {
      const stream = answerStream('openai_chat', rules(phases, 'redact'))
      const { all } = await runStream(stream, [...frames, ...end])
      expect(all).toContain('{\\"city\\":\\"[4]\\"}')
      expect(all).not.toContain('Graz')
      expect(stream.outcome.verdict).toBe('redact')
      const blocked = answerStream('openai_chat', rules(phases, 'block'))
      expect((await runStream(blocked, [...frames, ...end])).all).not.toMatch(/Graz|weather/)
      expect(blocked.outcome.policy).toBe('terms-block')
    }
  })

  it('pass as they come when nobody looks at them', () => {
    const stream = answerStream('openai_chat', redactSecret)
    expect(frames.map((frame) => stringOf(stream.push(frame))).join('')).toBe(frames.map(stringOf).join(''))
  })

  it('with the same index and another id are two calls', async () => {
    const seen: string[] = []
    const rules = rulesFor([termPolicy(['secret'], 'redact')], (calls) => {
      seen.push(...calls.map((one) => `${one.name} ${one.arguments}`))
      return allowCalls(calls)
    })
    await runStream(answerStream('openai_chat', rules), [
      call(0, { id: 'a', function: { name: 'one', arguments: '{}' } }),
      call(0, { id: 'b', function: { name: 'two', arguments: '{"x":1}' } }),
      ...end,
    ])
    expect(seen).toEqual(['one {}', 'two {"x":1}'])
  })
})

const event = (json: Record<string, unknown>) => bytesOf(`event: ${json.type}\ndata: ${JSON.stringify(json)}\n\n`)

describe('messages of Anthropic', () => {
  const start = event({
    type: 'message_start',
    message: {
      id: 'msg_1',
      role: 'assistant',
      model: 'claude-sonnet-4',
      content: [],
      usage: { input_tokens: 5, cache_read_input_tokens: 20, cache_creation_input_tokens: 1, output_tokens: 1 },
    },
  })
  const block = (index: number, content_block: object) => event({ type: 'content_block_start', index, content_block })
  const delta = (index: number, own: object) => event({ type: 'content_block_delta', index, delta: own })
  const stop = (index: number) => event({ type: 'content_block_stop', index })
  const end = [
    event({ type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 17 } }),
    event({ type: 'message_stop' }),
  ]
  const frames = [
    start,
    block(0, { type: 'thinking', thinking: '', signature: '' }),
    delta(0, { type: 'thinking_delta', thinking: 'The sec' }),
    event({ type: 'ping' }),
    delta(0, { type: 'thinking_delta', thinking: 'ret of' }),
    delta(0, { type: 'signature_delta', signature: 'c2VjcmV0' }),
    stop(0),
    block(1, { type: 'text', text: '' }),
    delta(1, { type: 'text_delta', text: 'Hello sec' }),
    stop(1),
    block(2, { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} }),
    delta(2, { type: 'input_json_delta', partial_json: '' }),
    delta(2, { type: 'input_json_delta', partial_json: '{"city"' }),
    delta(2, { type: 'input_json_delta', partial_json: ':"Graz"}' }),
    stop(2),
    ...end,
  ]

  it('are redacted in thinking and text, tool calls wait to be complete, and pings do not wait', async () => {
    const seen: ToolCall[] = []
    const rules = rulesFor([termPolicy(['secret'], 'redact')], (calls) => {
      seen.push(...calls)
      return allowCalls(calls)
    })
    const stream = answerStream('anthropic_messages', rules)
    const passes = frames.map((frame) => stringOf(stream.push(frame)))
    expect(passes[2]).toBe('')
    expect(passes[3]).toContain('ping')
    expect(passes[4]).toContain('" of"')
    // A block that ends settles what waited in it.
    expect(passes[8]).toBe('')
    expect(passes[9]).toContain('Hello sec')
    expect(passes.slice(10, 14).join('')).toBe('')
    const last = stringOf(await stream.end())
    expect(last).toContain('event: message_stop')
    expect(seen).toEqual([
      {
        id: 'toolu_1',
        name: 'weather',
        arguments: '{"city":"Graz"}',
        parsed: { city: 'Graz' },
        path: ['content', 2, 'input'],
      },
    ])
    expect(stream.facts).toMatchObject({
      usage: { input: 26, output: 17, cached: 20, reasoning: 0 },
      model: 'claude-sonnet-4',
      finishReason: 'tool_use',
      complete: true,
      failed: false,
    })
    const types = framesOf(bytesOf(passes.join('') + last)).map(({ json }) => json.type)
    expect(types.filter((type) => type !== 'ping')).toEqual(
      framesOf(bytesOf(frames.map(stringOf).join('')))
        .map(({ json }) => json.type)
        .filter((type) => type !== 'ping'),
    )
  })

  it('end with an error event when they are blocked', async () => {
    const { all } = await runStream(answerStream('anthropic_messages', blockSecret), frames)
    expect(all).not.toMatch(/ sec|ret of|message_stop/)
    expect(
      all.endsWith('event: error\ndata: {"type":"error","error":{"message":"stopped","code":"test.blocked"}}\n\n'),
    ).toBe(true)
  })

  it('are stopped at text that comes after the end of its block', async () => {
    const stream = answerStream('anthropic_messages', redactSecret)
    const text = (said: string) => delta(0, { type: 'text_delta', text: said })
    const opened = block(0, { type: 'text', text: '' })
    const { all } = await runStream(stream, [start, opened, text('a sec'), stop(0), text('ret'), stop(0), ...end])
    expect(all).not.toContain('"ret"')
    expect(stream.outcome.stop).toMatchObject({ reasonCode: 'stream.unreadable' })
  })

  it('pass where all blocks have one number, each from its own beginning', async () => {
    const stream = answerStream('anthropic_messages', redactSecret)
    const said = ['a word', 'the secret'].flatMap((text) => [
      block(0, { type: 'text', text: '' }),
      delta(0, { type: 'text_delta', text }),
      stop(0),
    ])
    const { all } = await runStream(stream, [start, ...said, ...end])
    expect(all).toContain('a word')
    expect(all).toContain('the [6]')
    expect(all).toContain('message_stop')
  })

  it('report an overloaded provider as a failure', async () => {
    const stream = answerStream('anthropic_messages', redactSecret)
    await runStream(stream, [
      start,
      event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
    ])
    expect(stream.facts).toMatchObject({ failed: true, complete: false })
  })

  it('with the input of a call in one piece are decided too', async () => {
    const decide = (): CallDecision => ({ decisions: [ALLOWED], arguments: ['{"query":"[1]"}'] })
    const { all } = await runStream(
      answerStream('anthropic_messages', rulesFor([termPolicy(['x'], 'redact')], decide)),
      [block(0, { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'me' } }), stop(0), ...end],
    )
    expect(framesOf(bytesOf(all))[0]?.json.content_block.input).toEqual({ query: '[1]' })
  })
})

describe('responses of OpenAI', () => {
  const place = { item_id: 'msg_1', output_index: 1, content_index: 0 }
  const call = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'weather' }
  const item = (text: string) => ({
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    content: [
      {
        type: 'output_text',
        text,
        annotations: [{ type: 'url_citation', title: 'secret page', url: 'https://x.test' }],
      },
    ],
  })
  const said = 'The secret is a secret'
  const list = [
    {
      type: 'response.created',
      response: { id: 'resp_1', model: 'gpt-5', status: 'in_progress', output: [], instructions: 'secret' },
    },
    { type: 'response.output_item.added', output_index: 0, item: { ...call, arguments: '' } },
    { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 0, delta: '{"city":' },
    { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 0, delta: '"Graz"}' },
    { type: 'response.function_call_arguments.done', item_id: 'fc_1', output_index: 0, arguments: '{"city":"Graz"}' },
    { type: 'response.output_item.done', output_index: 0, item: { ...call, arguments: '{"city":"Graz"}' } },
    { type: 'response.output_item.added', output_index: 1, item: { ...item(''), content: [] } },
    { type: 'response.output_text.delta', ...place, delta: 'The sec', logprobs: [] },
    { type: 'response.output_text.delta', ...place, delta: 'ret is a secret', logprobs: [{ token: 'secret' }] },
    { type: 'response.output_text.done', ...place, text: said },
    { type: 'response.content_part.done', ...place, part: item(said).content[0] },
    { type: 'response.output_item.done', output_index: 1, item: item(said) },
    {
      type: 'response.completed',
      response: {
        model: 'gpt-5-2025-08-07',
        status: 'completed',
        output: [{ ...call, arguments: '{"city":"Graz"}' }, item(said)],
        usage: {
          input_tokens: 7,
          output_tokens: 8,
          input_tokens_details: { cached_tokens: 1 },
          output_tokens_details: { reasoning_tokens: 4 },
        },
      },
    },
  ].map((json, sequence_number) => event({ ...json, sequence_number }))

  it('are redacted the same way in deltas and in everything that repeats them', async () => {
    const seen: ToolCall[] = []
    const rules = rulesFor([termPolicy(['secret'], 'redact')], (calls) => {
      seen.push(...calls)
      return { decisions: [ALLOWED], arguments: calls.map(() => '{"city":"[1]"}') }
    })
    const stream = answerStream('openai_responses', rules)
    const { all } = await runStream(stream, list)
    const frames = framesOf(bytesOf(all)).map(({ json }) => json)
    expect(frames.map((json) => json.sequence_number)).toEqual(list.map((_, index) => index))
    expect(JSON.stringify(frames.slice(1))).not.toContain('secret')
    expect(JSON.stringify(frames)).not.toContain('Graz')
    const redacted = 'The [6] is a [6]'
    expect(
      frames
        .slice(7, 9)
        .map((json) => json.delta)
        .join(''),
    ).toBe(redacted)
    expect([frames[9].text, frames[10].part.text, frames[11].item.content[0].text]).toEqual([
      redacted,
      redacted,
      redacted,
    ])
    expect(frames[12].response.output[1].content[0]).toMatchObject({
      text: redacted,
      annotations: [{ title: '[6] page' }],
    })
    expect(
      frames
        .slice(2, 4)
        .map((json) => json.delta)
        .join(''),
    ).toBe('{"city":"[1]"}')
    expect([frames[4].arguments, frames[5].item.arguments, frames[12].response.output[0].arguments]).toEqual(
      Array(3).fill('{"city":"[1]"}'),
    )
    // What the request said is not of the answer.
    expect(frames[0].response.instructions).toBe('secret')
    expect(seen).toEqual([
      {
        id: 'call_1',
        name: 'weather',
        arguments: '{"city":"Graz"}',
        parsed: { city: 'Graz' },
        path: ['output', 0, 'arguments'],
      },
    ])
    expect(stream.facts).toMatchObject({
      usage: { input: 7, output: 8, cached: 1, reasoning: 4 },
      model: 'gpt-5-2025-08-07',
      finishReason: 'completed',
      complete: true,
    })
  })

  it('are stopped at a delta that comes after the end of its text, and pass where all items have one number', async () => {
    const one = { output_index: 0, content_index: 0 }
    const part = { type: 'output_text', text: '', annotations: [] }
    const added = { type: 'response.content_part.added', ...one, part }
    const saying = (text: string) => [
      { type: 'response.output_text.delta', ...one, delta: text },
      { type: 'response.output_text.done', ...one, text },
    ]
    const last = { type: 'response.completed', response: { status: 'completed', output: [] } }
    const told = async (events: { type: string }[]) =>
      (await runStream(answerStream('openai_responses', redactSecret), events.map(event))).all
    const joined = await told([added, ...saying('a sec'), ...saying('ret'), last])
    expect(joined).not.toContain('"ret"')
    expect(joined).not.toContain('response.completed')
    const apart = await told([added, ...saying('a word'), added, ...saying('the secret'), last])
    expect(apart).toContain('the [6]')
    expect(apart).toContain('response.completed')
  })

  it('settle a text with the event that ends it', () => {
    const stream = answerStream('openai_responses', redactSecret)
    for (const frame of list.slice(0, 9)) stream.push(frame)
    expect(stringOf(stream.push(list[9] ?? DONE))).toContain('"text":"The [6] is a [6]"')
  })

  it('are redacted when only the last event has the text', async () => {
    const { all } = await runStream(answerStream('openai_responses', redactSecret), list.slice(-1))
    expect(all).not.toContain('secret')
    expect(all).toContain('The [6] is a [6]')
  })

  it('are redacted in a last event that says something else than the deltas', async () => {
    const other = event({ type: 'response.output_text.done', ...place, text: 'another secret' })
    const { all } = await runStream(answerStream('openai_responses', redactSecret), [...list.slice(6, 9), other])
    expect(all).not.toContain('secret')
    expect(all).toContain('another [6]')
  })

  it('hold back the event with which they end', async () => {
    for (const rules of [redactSecret, null]) {
      const { passed, last } = await runStream(answerStream('openai_responses', rules), list)
      expect(passed).not.toContain('response.completed')
      expect(last).toContain('event: response.completed')
    }
  })

  it('end with an error event when they are blocked', async () => {
    const { all } = await runStream(answerStream('openai_responses', blockSecret), list)
    expect(all.slice(all.indexOf('event: error'))).toBe(
      'event: error\ndata: {"message":"stopped","code":"test.blocked","type":"error","sequence_number":9}\n\n',
    )
    expect(JSON.stringify(framesOf(bytesOf(all)).slice(1))).not.toContain('The ')
    expect(all).not.toContain('response.completed')
  })
})

describe('what cannot be followed is not shown', () => {
  it('stops an answer that holds more than may be held', async () => {
    const rules = rulesFor([rewritePolicy((text) => text)])
    const stream = answerStream('openai_chat', rules, { heldBytesMax: 2_000 })
    const frames = Array.from({ length: 40 }, () => dataFrame(chunk({ content: 'some text' })))
    const { all } = await runStream(stream, [...frames, DONE])
    expect(stream.outcome).toMatchObject({ verdict: 'block', policy: null, reasonCode: 'stream.held_too_much' })
    expect(all).not.toContain('some text')
  })

  it('holds little of an answer that goes on without end', () => {
    for (const shape of ['openai_chat', 'anthropic_messages'] as const) {
      const stream = answerStream(
        shape,
        rulesFor([termPolicy(['secret'], 'redact', true), patternPolicy(/\d-\d/g, 3, 'redact')]),
        { heldBytesMax: 10_000 },
      )
      const frame =
        shape === 'openai_chat'
          ? dataFrame(chunk({ content: 'word after word ' }))
          : event({
              type: 'content_block_delta',
              index: 0,
              delta: { type: 'text_delta', text: 'word after word ' },
            })
      for (let i = 0; i < 2_000; i++) stream.push(frame)
      expect(stream.isStopped).toBe(false)
      expect(stream.heldBytes).toBeLessThan(2_000)
    }
  })

  it('takes a frame that is no JSON for no answer', () => {
    const stream = answerStream('openai_chat', redactSecret)
    expect(() => stream.push(bytesOf('data: a secret\n\n'))).toThrow(BrokenFrame)
  })

  it('stops at a frame that is too long, that is no object or that is too deep', async () => {
    let deep: object = { text: 'secret' }
    for (let i = 0; i < 20; i++) deep = { deep }
    const cases: [Uint8Array, string][] = [
      [bytesOf(`data: ${'x'.repeat(5_000)}`), 'stream.frame_too_long'],
      [bytesOf('data: ["secret"]\n\n'), 'stream.unreadable'],
      [dataFrame(chunk(deep)), 'stream.unreadable'],
    ]
    for (const [frame, reasonCode] of cases) {
      const stream = answerStream('openai_chat', redactSecret, { frameBytesMax: 2_000 })
      const { all } = await runStream(stream, [frame, DONE])
      expect(stream.outcome.reasonCode).toBe(reasonCode)
      expect(all).not.toContain('secret')
    }
  })

  it('stops when a policy that looks at the whole cannot be asked, and when one rewrites what it has not seen whole', async () => {
    const broken = { ...rulesFor([rewritePolicy((text) => text)]), checkWhole: () => Promise.reject(new Error('down')) }
    const rewriting = rulesFor([
      { ...rewritePolicy(() => 'other'), streaming: { pendingFrom: (text: string) => text.length, lookBehind: 0 } },
    ])
    for (const rules of [broken, rewriting]) {
      const stream = answerStream('openai_chat', rules)
      const { all } = await runStream(stream, [dataFrame(chunk({ content: 'text' })), DONE])
      expect(stream.outcome).toMatchObject({ verdict: 'block', reasonCode: 'policy.error' })
      expect(stream.outcome.failures).toHaveLength(1)
      expect(contentOf(all)).toBe('')
    }
  })

  it('is not mistaken because a window begins in the middle of a text', async () => {
    const streaming = { pendingFrom: pendingTail({ lengthMax: 1, lookAhead: 0 }), lookBehind: 1 }
    const rules = rulesFor([patternPolicy(/(?<!猫)犬/g, streaming, 'block')])
    const stream = answerStream('openai_chat', rules)
    const said = '猫犬'.repeat(100)
    const { all } = await runStream(stream, [...[...said].map((content) => dataFrame(chunk({ content }))), DONE])
    expect(contentOf(all)).toBe(said)
  })

  it('escalates as it blocks: delivery stops', async () => {
    const escalating = {
      ...termPolicy(['secret'], 'block'),
      check: (view: Parameters<ReturnType<typeof termPolicy>['check']>[0]) => {
        const finding = termPolicy(['secret'], 'block').check(view)
        return finding.verdict === 'block' ? { ...finding, verdict: 'escalate' as const } : finding
      },
    }
    const stream = answerStream('openai_chat', rulesFor([escalating]))
    const { all } = await runStream(stream, [dataFrame(chunk({ content: 'a secret' })), DONE])
    expect(stream.outcome.verdict).toBe('escalate')
    expect(contentOf(all)).toBe('')
  })
})

describe('a frame that says a thing twice', () => {
  it('goes on with what policies have read of it', async () => {
    const rules = rulesFor([termPolicy(['secret'], 'redact')])
    const twice = '{"choices":[{"index":0,"delta":{"content":"secret","content":"fine"},"finish_reason":"stop"}]}'
    const { all } = await runStream(answerStream('openai_chat', rules), [bytesOf(`data: ${twice}\n\ndata: [DONE]\n\n`)])
    expect(all).not.toContain('secret')
    expect(all).toContain('fine')
  })

  it('or that is no UTF-8 does not hide a word in bytes that some leave out', async () => {
    const rules = rulesFor([termPolicy(['secret'], 'redact')])
    const frame = bytesOf('data: {"choices":[{"index":0,"delta":{"content":"sec?ret"},"finish_reason":"stop"}]}\n\n')
    const broken = frame.map((byte) => (byte === 0x3f ? 0xff : byte))
    const stream = answerStream('openai_chat', rules)
    const out = [stream.push(broken), await stream.end()].filter((bytes) => bytes !== null)
    expect(out.some((bytes) => bytes.includes(0xff))).toBe(false)
  })
})

describe('a text written for policies to look at over and over', () => {
  const rules = rulesFor([termPolicy([`${'a'.repeat(20_000)}b`, 'secret'], 'redact')])

  /** Characters that policies were given until the end. */
  async function lookedAt(text: string): Promise<number> {
    let count = 0
    const counting = {
      ...rules,
      streaming: rules.streaming.map((streaming) => {
        if (streaming === 'buffered') return streaming
        const pendingFrom = (window: string) => {
          count += window.length
          return streaming.pendingFrom(window)
        }
        return { ...streaming, pendingFrom }
      }),
      check: (subject: typeof SUBJECT) => {
        for (const part of subject.parts) count += part.text.length
        return rules.check(subject)
      },
    }
    const stream = answerStream('openai_chat', counting, { heldBytesMax: 100_000_000 })
    const pieces = text.match(/.{1,4}/gsu) ?? []
    const { all } = await runStream(stream, [...pieces.map((content) => dataFrame(chunk({ content }))), DONE])
    expect(contentOf(all)).toBe(text)
    return count
  }

  it.each([
    ['the beginning of a word without end', (length: number) => 'a'.repeat(length)],
    ['a letter under more and more marks', (length: number) => `x${'\u0301'.repeat(length)}`],
    ['nothing that is seen', (length: number) => `x${'\u200b'.repeat(length)}`],
  ])('costs in proportion to its length: %s', async (_, textOf) => {
    expect(await lookedAt(textOf(16_000))).toBeLessThan(3 * (await lookedAt(textOf(8_000))))
  })
})
