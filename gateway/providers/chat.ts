import { z } from 'zod'
import { Refusal } from '../errors'
import type { Json } from './adapter'

/** The most stop sequences any provider takes; each says for itself when it takes fewer. */
const STOP_SEQUENCES_MAX = 128

/** An optional field for which `null` says the same as nothing. */
const maybe = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? null)

const cacheControl = maybe(z.strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() }))
const textPart = z.strictObject({ type: z.literal('text'), text: z.string(), cache_control: cacheControl })
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({ url: z.string(), detail: maybe(z.string()) }),
  cache_control: cacheControl,
})
const audioPart = z.strictObject({
  type: z.literal('input_audio'),
  input_audio: z.strictObject({ data: z.string(), format: z.string() }),
})
const filePart = z.strictObject({
  type: z.literal('file'),
  file: z.strictObject({ file_data: maybe(z.string()), file_id: maybe(z.string()), filename: maybe(z.string()) }),
  cache_control: cacheControl,
})
const refusalPart = z.strictObject({ type: z.literal('refusal'), refusal: z.string() })

const asParts = (content: string | z.output<typeof textPart>[]) =>
  typeof content === 'string' ? [{ type: 'text' as const, text: content, cache_control: null }] : content
const texts = z.union([z.string(), z.array(textPart)]).transform(asParts)
const userContent = z.union([
  z.string().transform((text) => [{ type: 'text' as const, text, cache_control: null }]),
  z.array(z.discriminatedUnion('type', [textPart, imagePart, audioPart, filePart])),
])
const toolContent = z.union([
  z.string().transform((text) => [{ type: 'text' as const, text, cache_control: null }]),
  z.array(z.discriminatedUnion('type', [textPart, imagePart])),
])
const assistantContent = z.union([
  z.string().transform((text) => [{ type: 'text' as const, text, cache_control: null }]),
  z.array(z.discriminatedUnion('type', [textPart, refusalPart])),
])

const toolCall = z.strictObject({
  id: z.string(),
  type: z.literal('function').default('function'),
  index: z.number().optional(), // some clients send back what they had collected from a stream
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
  /** Where Google's own OpenAI-compatible interface keeps the signature of a thought. */
  extra_content: maybe(
    z.looseObject({ google: z.looseObject({ thought_signature: z.string().optional() }).optional() }),
  ),
})

/** As OpenRouter carries reasoning that a provider wants to see again. */
const reasoningDetail = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('reasoning.text'), text: maybe(z.string()), signature: maybe(z.string()) }),
  z.looseObject({ type: z.literal('reasoning.summary'), summary: z.string() }),
  z.looseObject({ type: z.literal('reasoning.encrypted'), data: z.string() }),
])

const name = maybe(z.string())
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: texts, name }),
  z.strictObject({ role: z.literal('developer'), content: texts, name }),
  z.strictObject({ role: z.literal('user'), content: userContent, name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: maybe(assistantContent),
    name,
    refusal: maybe(z.string()),
    tool_calls: maybe(z.array(toolCall)),
    reasoning_content: maybe(z.string()),
    reasoning: maybe(z.string()),
    reasoning_details: maybe(z.array(reasoningDetail)),
    annotations: maybe(z.array(z.unknown())),
  }),
  z.strictObject({
    role: z.literal('tool'),
    content: toolContent,
    tool_call_id: z.string(),
    name,
    /** Not OpenAI's: what Anthropic calls `is_error`. */
    is_error: maybe(z.boolean()),
  }),
])

const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().min(1),
    description: maybe(z.string()),
    parameters: maybe(z.record(z.string(), z.unknown())),
    strict: maybe(z.boolean()),
  }),
  cache_control: cacheControl,
})
const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z
    .strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string() }) })
    .transform(({ function: { name } }) => ({ name })),
])
const responseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z.string(),
      description: maybe(z.string()),
      schema: maybe(z.record(z.string(), z.unknown())),
      strict: maybe(z.boolean()),
    }),
  }),
])

const count = z.int().positive()
const stops = z
  .union([z.string().transform((text) => [text]), z.array(z.string()).max(STOP_SEQUENCES_MAX)])
  .transform((list) => (list.length === 0 ? null : list))

const chat = z.object({
  model: z.string(),
  messages: z.array(message).min(1),
  stream: maybe(z.boolean()),
  temperature: maybe(z.number().min(0).max(2)),
  top_p: maybe(z.number().min(0).max(1)),
  /** Not OpenAI's, but of many providers in its shape. */
  top_k: maybe(z.int().nonnegative()),
  max_tokens: maybe(count),
  max_completion_tokens: maybe(count),
  stop: maybe(stops),
  seed: maybe(z.int()),
  n: maybe(count),
  presence_penalty: maybe(z.number()),
  frequency_penalty: maybe(z.number()),
  logprobs: maybe(z.boolean()),
  top_logprobs: maybe(z.int().nonnegative()),
  tools: maybe(z.array(tool)),
  tool_choice: maybe(toolChoice),
  parallel_tool_calls: maybe(z.boolean()),
  response_format: maybe(responseFormat),
  reasoning_effort: maybe(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
  /** Not OpenAI's: Anthropic's `thinking` with a budget of tokens, when an effort is not exact enough. */
  thinking: maybe(
    z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('enabled'), budget_tokens: z.int().min(1) }),
      z.strictObject({ type: z.literal('adaptive') }),
      z.strictObject({ type: z.literal('disabled') }),
    ]),
  ),
  user: maybe(z.string()),
})

/** A chat completion request, read strictly, with every absent field null. */
export type Chat = z.output<typeof chat>
export type ChatMessage = Chat['messages'][number]
export type UserPart = Extract<ChatMessage, { role: 'user' }>['content'][number]
export type ChatTool = z.output<typeof tool>

/**
 * What may be left out because no word of the answer depends on it: it tells OpenAI whom to bill, where to cache, what to
 * keep or how to order its work. `stream_options` is about usage, which is always read.
 */
export const HARMLESS: readonly string[] = [
  'metadata',
  'prediction',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
  'store',
  'stream_options',
  'user',
]

const ALWAYS = ['model', 'messages', 'stream']

/**
 * Reads a chat completion request that has to be said in another shape.
 *
 * @param converts the parameters that the other shape has
 * @throws Refusal `invalid_request` naming the first field that is malformed, or that `provider` has nothing like
 */
export function readChat(body: Json, converts: readonly string[], provider: string): Chat {
  for (const [key, value] of Object.entries(body)) {
    if (ALWAYS.includes(key) || converts.includes(key) || HARMLESS.includes(key) || isNeutral(key, value)) continue
    throw refusal(key, `cannot be converted for ${provider}`)
  }
  const result = chat.safeParse(body)
  if (result.success) return result.data
  throw refusalOf(result.error)
}

export const refusal = (param: string, rule: string) => new Refusal('invalid_request', `${param} ${rule}.`, { param })

/** First issue, in the words of a path such as `messages.2.content`. */
export function refusalOf(error: z.ZodError): Refusal {
  const { path, message } = deepest(error.issues[0], [])
  const param = path.map(String).join('.')
  return new Refusal('invalid_request', `${param === '' ? 'The body' : param}: ${message.slice(0, 300)}.`, {
    param: param === '' ? undefined : param,
  })
}

type Issue = z.core.$ZodIssue

/** In a union, the branch that came furthest says best what is wrong. */
function deepest(issue: Issue | undefined, base: readonly PropertyKey[]): { path: PropertyKey[]; message: string } {
  if (issue === undefined) return { path: [...base], message: 'is not valid' }
  const path = [...base, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return { path: [...path, ...issue.keys.slice(0, 1)], message: 'is a field that cannot be converted' }
  }
  if (issue.code !== 'invalid_union') return { path, message: issue.message }
  const branches = issue.errors.map((issues) => deepest(issues[0], path))
  const best = branches.reduce((far, next) => (next.path.length > far.path.length ? next : far), {
    path,
    message: issue.message,
  })
  return best
}

/** Says what would have been without it, so that every provider understands it by not being told. */
function isNeutral(key: string, value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (Array.isArray(value) && value.length === 0) return true
  return Object.hasOwn(NEUTRAL, key) && JSON.stringify(value) === NEUTRAL[key]
}

const NEUTRAL: Readonly<Record<string, string>> = {
  n: '1',
  logprobs: 'false',
  top_logprobs: '0',
  presence_penalty: '0',
  frequency_penalty: '0',
  logit_bias: '{}',
  modalities: '["text"]',
  parallel_tool_calls: 'true',
  response_format: '{"type":"text"}',
  tool_choice: '"auto"',
  verbosity: '"medium"',
}
