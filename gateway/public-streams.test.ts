import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { httpTarget, startTestGateway, startUpstream } from './testing'

/*
 * Streams as their providers document them. Sources: platform.openai.com (chat streaming), learn.microsoft.com (Azure
 * content filtering), openrouter.ai (comments), ai.google.dev (OpenAI compatibility), docs.vllm.ai, docs.ollama.com,
 * api-docs.deepseek.com (reasoning), console.groq.com (x_groq), docs.anthropic.com (Messages streaming).
 */
const chunk = (choices: unknown, more: object = {}) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_767_225_600, model: 'm-1', choices, ...more })}\n\n`
const delta = (value: object, finish_reason: string | null = null, more: object = {}) =>
  chunk([{ index: 0, delta: value, finish_reason, ...more }])
const USAGE = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 }

const CHAT: Record<string, string> = {
  OpenAI: [
    delta({ role: 'assistant', content: '', refusal: null }, null, { logprobs: null }),
    delta({ content: 'Hello' }),
    delta({ content: ' world' }),
    delta({}, 'stop'),
    chunk([], { usage: USAGE, service_tier: 'default', obfuscation: 'aaa' }),
    'data: [DONE]\n\n',
  ].join(''),
  Azure: [
    chunk([], {
      prompt_filter_results: [
        { prompt_index: 0, content_filter_results: { hate: { filtered: false, severity: 'safe' } } },
      ],
      id: '',
      model: '',
      created: 0,
      object: '',
    }),
    delta({ role: 'assistant', content: '' }, null, { content_filter_results: {} }),
    delta({ content: 'Hello world' }, null, {
      content_filter_results: { hate: { filtered: false, severity: 'safe' } },
    }),
    delta({}, 'stop', { content_filter_results: {} }),
    chunk([
      {
        index: 0,
        finish_reason: null,
        content_filter_results: {},
        content_filter_offsets: { check_offset: 0, start_offset: 0, end_offset: 11 },
      },
    ]),
    chunk([], { usage: USAGE }),
    'data: [DONE]\n\n',
  ].join(''),
  OpenRouter: [
    ': OPENROUTER PROCESSING\n\n',
    ': OPENROUTER PROCESSING\n\n',
    delta({ role: 'assistant', content: 'Hello' }, null, { native_finish_reason: null, logprobs: null }),
    ': OPENROUTER PROCESSING\n\n',
    delta({ role: 'assistant', content: ' world' }, 'stop', { native_finish_reason: 'end_turn' }),
    chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }], { usage: USAGE }),
    'data: [DONE]\n\n',
  ].join(''),
  Gemini: [
    delta({ role: 'assistant', content: 'Hello' }),
    chunk([{ index: 0, delta: { role: 'assistant', content: ' world' }, finish_reason: 'stop' }], { usage: USAGE }),
    'data: [DONE]\n\n',
  ].join(''),
  vLLM: [
    delta({ role: 'assistant', content: '' }, null, { logprobs: null }),
    delta({ content: 'Hello' }, null, { logprobs: null }).replaceAll('":', '": ').replaceAll(',"', ', "'),
    delta({ content: ' world' }, null, { logprobs: null }),
    delta({ content: '' }, 'stop', { logprobs: null, stop_reason: null }),
    chunk([], { usage: USAGE }),
    'data: [DONE]\n\n',
  ].join(''),
  Ollama: [
    chunk([{ index: 0, delta: { role: 'assistant', content: 'Hello' }, finish_reason: null }], {
      system_fingerprint: 'fp_ollama',
    }),
    chunk([{ index: 0, delta: { role: 'assistant', content: ' world' }, finish_reason: null }], {
      system_fingerprint: 'fp_ollama',
    }),
    chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: 'stop' }], {
      system_fingerprint: 'fp_ollama',
    }),
    chunk([], { usage: USAGE }),
    'data: [DONE]\n\n',
  ].join(''),
  DeepSeek: [
    delta({ role: 'assistant', content: null, reasoning_content: '' }),
    delta({ content: null, reasoning_content: 'They greet.' }),
    ': keep-alive\n\n',
    delta({ content: 'Hello', reasoning_content: null }),
    delta({ content: ' world', reasoning_content: null }),
    chunk([{ index: 0, delta: { content: '', reasoning_content: null }, finish_reason: 'stop' }], { usage: USAGE }),
    'data: [DONE]\n\n',
  ].join(''),
  Groq: [
    chunk([{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }], {
      x_groq: { id: 'req_1' },
    }),
    delta({ content: 'Hello' }),
    delta({ content: ' world' }),
    chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }], { x_groq: { id: 'req_1', usage: USAGE } }),
    chunk([], { usage: USAGE }),
    'data: [DONE]\n\n',
  ].join(''),
}
const event = (value: { type: string } & Record<string, unknown>) =>
  `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`
const ANTHROPIC = [
  event({
    type: 'message_start',
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      content: [],
      model: 'm-1',
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 9, output_tokens: 1 },
    },
  }),
  event({ type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }),
  event({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'They greet.' } }),
  event({ type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'EqQBCgIYAhIM' } }),
  event({ type: 'content_block_stop', index: 0 }),
  event({ type: 'ping' }),
  event({ type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } }),
  event({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hello' } }),
  event({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: ' world' } }),
  event({ type: 'content_block_stop', index: 1 }),
  event({
    type: 'content_block_start',
    index: 2,
    content_block: { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} },
  }),
  event({ type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '' } }),
  event({ type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"at": "the' } }),
  event({ type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: ' door"}' } }),
  event({ type: 'content_block_stop', index: 2 }),
  event({
    type: 'message_delta',
    delta: { stop_reason: 'tool_use', stop_sequence: null },
    usage: { output_tokens: 4 },
  }),
  event({ type: 'message_stop' }),
].join('')

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function gatewayTo(stream: string, provider: string, yaml: string) {
  const upstream = await startUpstream(async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    for (let at = 0; at < stream.length; at += 37) {
      response.write(stream.slice(at, at + 37))
      await new Promise((resolve) => setImmediate(resolve))
    }
    response.end()
  })
  const { config } = lintPolicyConfig(`pack: {name: test, version: 1.2.3, enabled: true}\n${yaml}`)
  if (config === null) throw new Error('no configuration')
  const compiled = compileConfig(config, {}, { clock: () => performance.now() })
  const gateway = await startTestGateway({ config: { ...compiled, targets: [httpTarget(upstream.url, { provider })] } })
  open.push(gateway, upstream)
  return { gateway, key: gateway.addKey() }
}

const NONE = 'policies: {chain: []}'
const REALTIME = 'policies: {chain: [pii-detector, dlp-filter]}\npolicy: {dlp-filter: {action: redact}}'
const BUFFERED = `policies: {chain: [prompt-injection, agent-firewall, hipaa-phi-detector]}
policy: {agent-firewall: {blocked_tools: [delete_*]}, hipaa-phi-detector: {}}`
const endings = (text: string): string[] => [text, text.replaceAll('\n', '\r\n'), text.replaceAll('\n', '\r')]

describe.each([NONE, REALTIME, BUFFERED])('under %s', (yaml) => {
  test.each(Object.entries(CHAT))(
    'a stream of %s is read by the clients of OpenAI, whatever its lines end with',
    async (_, stream) => {
      for (const written of endings(stream)) {
        const { gateway, key } = await gatewayTo(written, 'openai', yaml)
        const client = new OpenAI({ apiKey: key, baseURL: `${gateway.url}/v1`, maxRetries: 0 })
        const answer = await client.chat.completions.create({
          model: 'm-1',
          messages: [{ role: 'user', content: 'Hi' }],
          stream: true,
        })
        let text = ''
        for await (const one of answer) text += one.choices[0]?.delta?.content ?? ''
        expect(text).toBe('Hello world')
        expect(gateway.events()).toMatchObject([{ error_code: null, tokens: { input: 9, output: 4 } }])
        expect(gateway.errors).toEqual([])
        for (const one of open.splice(0)) await one.close()
      }
    },
  )

  test.each(Object.entries(CHAT))(
    'a stream of %s is read by the clients of Anthropic and of Responses',
    async (_, stream) => {
      const { gateway, key } = await gatewayTo(stream, 'openai', yaml)
      const anthropic = new Anthropic({ apiKey: key, baseURL: gateway.url, maxRetries: 0 })
      const message = await anthropic.messages
        .stream({ model: 'm-1', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] })
        .finalMessage()
      expect(message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')).toBe('Hello world')
      const { gateway: other, key: otherKey } = await gatewayTo(stream, 'deepseek', yaml)
      const openai = new OpenAI({ apiKey: otherKey, baseURL: `${other.url}/v1`, maxRetries: 0 })
      const response = await openai.responses.stream({ model: 'm-1', input: 'Hi' }).finalResponse()
      expect(response.output_text).toBe('Hello world')
      expect([...gateway.errors, ...other.errors]).toEqual([])
    },
  )

  test('a stream of Anthropic is read by the clients of Anthropic and of OpenAI', async () => {
    for (const written of endings(ANTHROPIC)) {
      const { gateway, key } = await gatewayTo(written, 'anthropic', yaml)
      const anthropic = new Anthropic({ apiKey: key, baseURL: gateway.url, maxRetries: 0 })
      const message = await anthropic.messages
        .stream({ model: 'm-1', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] })
        .finalMessage()
      expect(message.content).toMatchObject([
        { type: 'thinking', thinking: 'They greet.', signature: 'EqQBCgIYAhIM' },
        { type: 'text', text: 'Hello world' },
        { type: 'tool_use', id: 'toolu_1', name: 'look', input: { at: 'the door' } },
      ])
      const openai = new OpenAI({ apiKey: key, baseURL: `${gateway.url}/v1`, maxRetries: 0 })
      const answer = await openai.chat.completions
        .stream({ model: 'm-1', messages: [{ role: 'user', content: 'Hi' }] })
        .finalChatCompletion()
      expect(answer.choices[0]).toMatchObject({
        finish_reason: 'tool_calls',
        message: { content: 'Hello world', tool_calls: [{ id: 'toolu_1', function: { name: 'look' } }] },
      })
      expect(gateway.events()).toMatchObject([{ tokens: { input: 9, output: 4 } }, { tokens: { input: 9, output: 4 } }])
      expect(gateway.errors).toEqual([])
      for (const one of open.splice(0)) await one.close()
    }
  })
})
