import { z } from 'zod'
import type { Json } from '../providers/adapter'
import { refusal, refusalOf } from '../providers/chat'

const maybe = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? null)
const cacheControl = z.unknown().optional()

const text = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
  cache_control: cacheControl,
  citations: z.null().or(z.array(z.unknown()).max(0)).optional(),
})
const imageSource = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('base64'), media_type: z.string(), data: z.string() }),
  z.strictObject({ type: z.literal('url'), url: z.string() }),
])
const image = z.strictObject({ type: z.literal('image'), source: imageSource, cache_control: cacheControl })
const document = z.strictObject({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('base64'), media_type: z.literal('application/pdf'), data: z.string() }),
    z.strictObject({ type: z.literal('text'), media_type: z.literal('text/plain'), data: z.string() }),
  ]),
  title: maybe(z.string()),
  cache_control: cacheControl,
})
const texts = (content: string) => [{ type: 'text' as const, text: content }]
const toolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: maybe(z.union([z.string().transform(texts), z.array(z.discriminatedUnion('type', [text, image]))])),
  is_error: maybe(z.boolean()),
  cache_control: cacheControl,
})
const thinking = z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() })
const redacted = z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() })
const toolUse = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
  caller: z.unknown().optional(),
  cache_control: cacheControl,
})
const message = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('user'),
    content: z.union([
      z.string().transform(texts),
      z.array(z.discriminatedUnion('type', [text, image, document, toolResult])),
    ]),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([
      z.string().transform(texts),
      z.array(z.discriminatedUnion('type', [text, thinking, redacted, toolUse])),
    ]),
  }),
  z.strictObject({ role: z.literal('system'), content: z.union([z.string().transform(texts), z.array(text)]) }),
])
const tool = z.strictObject({
  type: z.literal('custom').nullish(),
  name: z.string(),
  description: maybe(z.string()),
  input_schema: z.record(z.string(), z.unknown()),
  strict: maybe(z.boolean()),
  cache_control: cacheControl,
  eager_input_streaming: z.unknown().optional(), // how finely the arguments are cut, not what they are
})
const alone = { disable_parallel_tool_use: z.boolean().optional() }
const schema = z.strictObject({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) })

const messages = z.strictObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  messages: z.array(message).min(1),
  system: maybe(z.union([z.string().transform(texts), z.array(text)])),
  stream: maybe(z.boolean()),
  temperature: maybe(z.number().min(0).max(1)),
  top_p: maybe(z.number().min(0).max(1)),
  top_k: maybe(z.int().nonnegative()),
  stop_sequences: maybe(z.array(z.string())),
  tools: maybe(z.array(tool)),
  tool_choice: maybe(
    z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('auto'), ...alone }),
      z.strictObject({ type: z.literal('any'), ...alone }),
      z.strictObject({ type: z.literal('tool'), name: z.string(), ...alone }),
      z.strictObject({ type: z.literal('none') }),
    ]),
  ),
  thinking: maybe(
    z.discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('enabled'),
        budget_tokens: z.int().min(1_024),
        display: z.unknown().optional(),
      }),
      z.strictObject({ type: z.literal('adaptive'), display: z.unknown().optional() }),
      z.strictObject({ type: z.literal('disabled') }),
    ]),
  ),
  output_config: maybe(
    z.strictObject({
      effort: maybe(z.enum(['low', 'medium', 'high', 'xhigh', 'max'])),
      format: maybe(schema),
    }),
  ),
  metadata: maybe(z.strictObject({ user_id: maybe(z.string()) })),
  // Where and how Anthropic runs and caches it; the answer is the same without.
  cache_control: cacheControl,
  service_tier: z.unknown().optional(),
  speed: z.unknown().optional(),
})

type Messages = z.output<typeof messages>
type Message = Messages['messages'][number]

/**
 * A request of the Messages API as a chat completion.
 *
 * @throws Refusal `invalid_request` naming the first field that is malformed or has no counterpart
 */
export function messagesToChat(body: Json): Json {
  const result = messages.safeParse(body)
  if (!result.success) throw refusalOf(result.error)
  const asked = result.data
  const stops = asked.stop_sequences ?? []
  const effort = asked.output_config?.effort ?? null
  return {
    model: asked.model,
    messages: [
      ...(asked.system === null || asked.system.length === 0
        ? []
        : [{ role: 'system', content: plainTexts(asked.system) }]),
      ...asked.messages.flatMap(messagesOf),
    ],
    max_completion_tokens: asked.max_tokens,
    ...(asked.stream === true ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...(asked.temperature === null ? {} : { temperature: asked.temperature }),
    ...(asked.top_p === null ? {} : { top_p: asked.top_p }),
    ...(asked.top_k === null ? {} : { top_k: asked.top_k }),
    ...(stops.length === 0 ? {} : { stop: stops }),
    ...toolsOf(asked),
    ...(asked.thinking === null ? {} : { thinking: withoutDisplay(asked.thinking) }),
    ...(effort === null ? {} : { reasoning_effort: effort }),
    ...formatOf(asked),
    ...(asked.metadata?.user_id ? { user: asked.metadata.user_id } : {}),
  }
}

const withoutDisplay = (thinking: NonNullable<Messages['thinking']>): Json =>
  thinking.type === 'enabled' ? { type: thinking.type, budget_tokens: thinking.budget_tokens } : { type: thinking.type }

const plainTexts = (parts: readonly { text: string }[]) => parts.map(({ text }) => ({ type: 'text', text }))

function formatOf({ output_config: config }: Messages): Json {
  if (!config?.format) return {}
  const { schema } = config.format
  return { response_format: { type: 'json_schema', json_schema: { name: 'output', strict: true, schema } } }
}

function toolsOf({ tools, tool_choice: choice }: Messages): Json {
  if (tools === null || tools.length === 0) {
    if (choice !== null && choice.type !== 'auto' && choice.type !== 'none') throw refusal('tool_choice', 'needs tools')
    return {}
  }
  const declared = tools.map(({ name, description, input_schema: parameters, strict }) => ({
    type: 'function',
    function: {
      name,
      ...(description === null ? {} : { description }),
      parameters,
      ...(strict === null ? {} : { strict }),
    },
  }))
  const isAlone = choice !== null && choice.type !== 'none' && choice.disable_parallel_tool_use === true
  return {
    tools: declared,
    ...(choice === null ? {} : { tool_choice: choiceOf(choice) }),
    ...(isAlone ? { parallel_tool_calls: false } : {}),
  }
}

function choiceOf(choice: NonNullable<Messages['tool_choice']>): unknown {
  if (choice.type === 'any') return 'required'
  return choice.type === 'tool' ? { type: 'function', function: { name: choice.name } } : choice.type
}

function messagesOf(message: Message): Json[] {
  if (message.role === 'system') return [{ role: 'system', content: plainTexts(message.content) }]
  return message.role === 'user' ? userMessages(message.content) : [assistantMessage(message.content)]
}

type UserBlock = Extract<Message, { role: 'user' }>['content'][number]

/** Results answer the calls before them, so they come first whatever else the turn says. */
function userMessages(blocks: readonly UserBlock[]): Json[] {
  const results = blocks.flatMap((block) =>
    block.type === 'tool_result'
      ? [
          {
            role: 'tool',
            tool_call_id: block.tool_use_id,
            content: onlyText((block.content ?? []).map(partOf)),
            ...(block.is_error === true ? { is_error: true } : {}),
          },
        ]
      : [],
  )
  const said = blocks.flatMap((block) => (block.type === 'tool_result' ? [] : [partOf(block)]))
  return said.length === 0 ? results : [...results, { role: 'user', content: onlyText(said) }]
}

/** The simplest form, which every provider takes: a lone text is a string. */
const onlyText = (parts: readonly Json[]): unknown => {
  const [first] = parts
  if (first === undefined) return ''
  return parts.length === 1 && first.type === 'text' ? first.text : parts
}

function partOf(block: Exclude<UserBlock, { type: 'tool_result' }>): Json {
  if (block.type === 'text') return { type: 'text', text: block.text }
  if (block.type === 'image') {
    const { source } = block
    const url = source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`
    return { type: 'image_url', image_url: { url } }
  }
  const { source, title } = block
  if (source.type === 'text') return { type: 'text', text: title === null ? source.data : `${title}\n\n${source.data}` }
  const file_data = `data:${source.media_type};base64,${source.data}`
  return { type: 'file', file: { filename: title ?? 'document.pdf', file_data } }
}

type AssistantBlock = Extract<Message, { role: 'assistant' }>['content'][number]

function assistantMessage(blocks: readonly AssistantBlock[]): Json {
  const said = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
  const details = blocks.flatMap((block): Json[] => {
    if (block.type === 'redacted_thinking') return [{ type: 'reasoning.encrypted', data: block.data }]
    if (block.type !== 'thinking') return []
    return [
      { type: 'reasoning.text', text: block.thinking, signature: block.signature === '' ? null : block.signature },
    ]
  })
  const thoughts = blocks.flatMap((block) => (block.type === 'thinking' ? [block.thinking] : [])).join('')
  const calls = blocks.flatMap((block) =>
    block.type === 'tool_use'
      ? [{ id: block.id, type: 'function', function: { name: block.name, arguments: JSON.stringify(block.input) } }]
      : [],
  )
  return {
    role: 'assistant',
    content: said === '' && calls.length > 0 ? null : said,
    ...(thoughts === '' ? {} : { reasoning_content: thoughts }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
}
