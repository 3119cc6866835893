import { z } from 'zod'
import { fieldsOf } from '../meter'
import type { Json } from '../providers/adapter'
import { refusal, refusalOf } from '../providers/chat'
import { listOf } from '../providers/completion'
import { openReasoning } from './sealed-reasoning'

const maybe = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? null)
const ignored = z.unknown().optional()

const inputText = z.strictObject({ type: z.literal('input_text'), text: z.string() })
const inputImage = z.strictObject({
  type: z.literal('input_image'),
  image_url: z.string({ error: 'must be given: files of OpenAI cannot be converted' }),
  file_id: z.null().optional(),
  detail: maybe(z.string()),
})
const inputFile = z.strictObject({
  type: z.literal('input_file'),
  file_data: z.string({ error: 'must be given: files of OpenAI and addresses cannot be converted' }),
  file_id: z.null().optional(),
  file_url: z.null().optional(),
  filename: maybe(z.string()),
  detail: ignored,
})
const outputText = z.strictObject({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: ignored,
  logprobs: ignored,
})
const refused = z.strictObject({ type: z.literal('refusal'), refusal: z.string() })
const part = z.discriminatedUnion('type', [inputText, inputImage, inputFile, outputText, refused])
const content = z.union([z.string(), z.array(part)])

const message = z.strictObject({
  type: z.literal('message').default('message'),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content,
  id: ignored,
  status: ignored,
  phase: ignored,
})
const functionCall = z.strictObject({
  type: z.literal('function_call'),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
  id: ignored,
  status: ignored,
  namespace: z.null().optional(),
  caller: ignored,
})
const functionOutput = z.strictObject({
  type: z.literal('function_call_output'),
  call_id: z.string(),
  output: z.union([z.string(), z.array(z.discriminatedUnion('type', [inputText, inputImage]))]),
  id: ignored,
  status: ignored,
})
const reasoning = z.strictObject({
  type: z.literal('reasoning'),
  summary: z.array(z.object({ text: z.string() })).default([]),
  content: ignored,
  encrypted_content: maybe(z.string()),
  id: ignored,
  status: ignored,
})
/** Thoughts may be left out of a conversation; what was said and called may not. */
const reference = z.strictObject({
  type: z.literal('item_reference'),
  id: z.string().startsWith('rs_', {
    error: 'cannot be found: this provider keeps no items. Send them whole (in the AI SDK: store: false)',
  }),
})
/** A message may leave its type out. */
const item = z.preprocess(
  (value) => {
    const fields = fieldsOf(value)
    return fields !== null && fields.type === undefined && fields.role !== undefined
      ? { ...fields, type: 'message' }
      : value
  },
  z.discriminatedUnion('type', [message, functionCall, functionOutput, reasoning, reference]),
)

const tool = z.strictObject({
  type: z.literal('function'),
  name: z.string(),
  description: maybe(z.string()),
  parameters: maybe(z.record(z.string(), z.unknown())),
  strict: maybe(z.boolean()),
})
const format = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    name: z.string(),
    description: maybe(z.string()),
    schema: z.record(z.string(), z.unknown()),
    strict: maybe(z.boolean()),
  }),
])
const stateless = (why: string) => z.null({ error: why }).optional()

const responses = z.strictObject({
  model: z.string(),
  input: z.union([z.string(), z.array(item).min(1)]),
  instructions: maybe(z.string()),
  stream: maybe(z.boolean()),
  max_output_tokens: maybe(z.int().positive()),
  temperature: maybe(z.number()),
  top_p: maybe(z.number()),
  tools: maybe(z.array(tool)),
  tool_choice: maybe(
    z.union([z.enum(['none', 'auto', 'required']), z.strictObject({ type: z.literal('function'), name: z.string() })]),
  ),
  parallel_tool_calls: maybe(z.boolean()),
  text: maybe(z.strictObject({ format: maybe(format), verbosity: maybe(z.enum(['low', 'medium', 'high'])) })),
  reasoning: maybe(
    z.strictObject({
      effort: maybe(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
      summary: ignored,
      generate_summary: ignored,
    }),
  ),
  top_logprobs: z.literal(0).nullish(),
  truncation: z.literal('disabled', { error: 'must be disabled: nothing is cut from what is sent' }).nullish(),
  background: z.literal(false, { error: 'must be false: this provider answers at once' }).nullish(),
  include: z.array(z.literal('reasoning.encrypted_content')).nullish(),
  user: maybe(z.string()),
  previous_response_id: stateless(
    'cannot be found: this provider keeps no answers. Send the whole conversation as input',
  ),
  conversation: stateless('cannot be found: this provider keeps no conversations. Send the whole of it as input'),
  prompt: stateless('cannot be found: this provider keeps no prompts'),
  max_tool_calls: z.null().optional(),
  // Billing, caching and keeping; no word of the answer depends on them.
  metadata: ignored,
  store: ignored,
  service_tier: ignored,
  safety_identifier: ignored,
  prompt_cache_key: ignored,
  prompt_cache_retention: ignored,
  stream_options: ignored,
})

type Responses = z.output<typeof responses>
type Item = Exclude<Responses['input'], string>[number]

/**
 * A request of the Responses API as a chat completion. Nothing is kept between requests, so what refers to earlier ones is
 * refused.
 *
 * @throws Refusal `invalid_request` naming the first field that is malformed or has no counterpart
 */
export function responsesToChat(body: Json): Json {
  const result = responses.safeParse(body)
  if (!result.success) throw refusalOf(result.error)
  const asked = result.data
  const effort = asked.reasoning?.effort ?? null
  const verbosity = asked.text?.verbosity ?? null
  return {
    model: asked.model,
    messages: [
      ...(asked.instructions === null ? [] : [{ role: 'system', content: asked.instructions }]),
      ...(typeof asked.input === 'string' ? [{ role: 'user', content: asked.input }] : messagesOf(asked.input)),
    ],
    ...(asked.stream === true ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...(asked.max_output_tokens === null ? {} : { max_completion_tokens: asked.max_output_tokens }),
    ...(asked.temperature === null ? {} : { temperature: asked.temperature }),
    ...(asked.top_p === null ? {} : { top_p: asked.top_p }),
    ...toolsOf(asked),
    ...formatOf(asked),
    ...(effort === null ? {} : { reasoning_effort: effort }),
    ...(verbosity === null ? {} : { verbosity }),
    ...(asked.user === null ? {} : { user: asked.user }),
  }
}

function toolsOf({ tools, tool_choice: choice, parallel_tool_calls: parallel }: Responses): Json {
  if (tools === null || tools.length === 0) return {}
  return {
    tools: tools.map(({ name, description, parameters, strict }) => ({
      type: 'function',
      function: {
        name,
        ...(description === null ? {} : { description }),
        ...(parameters === null ? {} : { parameters }),
        ...(strict === null ? {} : { strict }),
      },
    })),
    ...(choice === null
      ? {}
      : { tool_choice: typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } } }),
    ...(parallel === null ? {} : { parallel_tool_calls: parallel }),
  }
}

function formatOf({ text }: Responses): Json {
  const format = text?.format ?? null
  if (format === null || format.type === 'text') return {}
  if (format.type === 'json_object') return { response_format: { type: 'json_object' } }
  const { name, description, schema, strict } = format
  const json_schema = {
    name,
    schema,
    ...(description === null ? {} : { description }),
    ...(strict === null ? {} : { strict }),
  }
  return { response_format: { type: 'json_schema', json_schema } }
}

/** Thoughts, words and calls that follow one another were one message of the assistant. */
function messagesOf(items: readonly Item[]): Json[] {
  const messages: Json[] = []
  let turn: Json | null = null
  const assistant = (): Json => {
    if (turn === null) {
      turn = { role: 'assistant', content: null }
      messages.push(turn)
    }
    return turn
  }
  for (const [at, item] of items.entries()) {
    const param = `input.${at}`
    if (item.type === 'item_reference') continue
    if (item.type === 'reasoning') {
      const details = openReasoning(item.encrypted_content)
      const thought = item.summary.map(({ text }) => text).join('\n')
      if (details.length > 0) assistant().reasoning_details = details
      if (thought !== '') assistant().reasoning_content = thought
    } else if (item.type === 'function_call') {
      const made = { id: item.call_id, type: 'function', function: { name: item.name, arguments: item.arguments } }
      const message = assistant()
      message.tool_calls = [...listOf(message.tool_calls), made]
    } else if (item.type === 'function_call_output') {
      turn = null
      messages.push({ role: 'tool', tool_call_id: item.call_id, content: contentOf(item.output, `${param}.output`) })
    } else if (item.role === 'assistant') {
      const message = assistant()
      const said = textOf(item.content, `${param}.content`)
      message.content = typeof message.content === 'string' ? message.content + said : said
    } else {
      turn = null
      messages.push({ role: item.role, content: contentOf(item.content, `${param}.content`) })
    }
  }
  return messages.map((message) =>
    message.role === 'assistant' && message.content === null && message.tool_calls === undefined
      ? { ...message, content: '' }
      : message,
  )
}

type Content = z.output<typeof content>

function textOf(content: Content, param: string): string {
  if (typeof content === 'string') return content
  return content
    .map((part, at) => {
      if (part.type === 'output_text' || part.type === 'input_text') return part.text
      if (part.type === 'refusal') return part.refusal
      throw refusal(`${param}.${at}.type`, 'cannot be said by an assistant')
    })
    .join('')
}

function contentOf(content: Content, param: string): unknown {
  if (typeof content === 'string') return content
  const parts = content.map((part, at): Json => {
    if (part.type === 'input_text' || part.type === 'output_text') return { type: 'text', text: part.text }
    if (part.type === 'refusal') throw refusal(`${param}.${at}.type`, 'can only be said by an assistant')
    if (part.type === 'input_file') {
      const { file_data, filename } = part
      return { type: 'file', file: { file_data, ...(filename === null ? {} : { filename }) } }
    }
    const detail = part.detail === null ? {} : { detail: part.detail }
    return { type: 'image_url', image_url: { url: part.image_url, ...detail } }
  })
  const [first] = parts
  if (first === undefined) return ''
  return parts.length === 1 && first.type === 'text' ? first.text : parts
}
