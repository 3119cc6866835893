import { hash } from 'node:crypto'
import { fieldsOf } from '../../meter'

/** About four bytes make a token in English text; a fixed rule keeps the counts the same everywhere. */
const BYTES_PER_TOKEN = 4
const WORDS_PER_CHUNK = 3
const CREATED_EPOCH_S = 1_767_225_600

/** What the sandbox says to one request. Pure: the same request always gets the same answer, ids included. */
export function answerFor(request: unknown) {
  const body = fieldsOf(request) ?? {}
  const model = typeof body.model === 'string' ? body.model : 'sandbox'
  const messages = Array.isArray(body.messages) ? body.messages : []
  const prompt = lastUserText(messages)
  const toolCall = toolCallFor(body, messages)
  const content = toolCall === null ? contentFor(prompt, messages, body) : null
  const limit = tokenLimit(body)
  const words = content === null ? [] : content.split(/(?<=\s)/).slice(0, limit ?? undefined)
  const isCut = limit !== null && content !== null && words.join('') !== content
  const finishReason = toolCall !== null ? 'tool_calls' : isCut ? 'length' : 'stop'

  const id = `chatcmpl-sandbox-${hash('sha256', JSON.stringify(body), 'hex').slice(0, 24)}`
  const input = tokensOf(messages.map((message) => textOf(fieldsOf(message)?.content)).join('\n'))
  const output = tokensOf(toolCall === null ? words.join('') : toolCall.function.arguments) || 1
  const usage = {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  }
  const wantsUsage = fieldsOf(body.stream_options)?.include_usage === true
  const chunkOf = (delta: object, finish: string | null) => ({
    id,
    object: 'chat.completion.chunk',
    created: CREATED_EPOCH_S,
    model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(wantsUsage ? { usage: null } : {}),
  })

  return {
    model,
    completion: () => ({
      id,
      object: 'chat.completion',
      created: CREATED_EPOCH_S,
      model,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: toolCall === null ? words.join('') : null,
            refusal: null,
            ...(toolCall === null ? {} : { tool_calls: [toolCall] }),
          },
          logprobs: null,
          finish_reason: finishReason,
        },
      ],
      usage,
    }),
    *chunks(): Generator<object> {
      yield chunkOf({ role: 'assistant', content: toolCall === null ? '' : null }, null)
      if (toolCall !== null) {
        const { name, arguments: text } = toolCall.function
        yield chunkOf({ tool_calls: [{ index: 0, ...toolCall, function: { name, arguments: '' } }] }, null)
        yield chunkOf({ tool_calls: [{ index: 0, function: { arguments: text } }] }, null)
      }
      for (let at = 0; at < words.length; at += WORDS_PER_CHUNK) {
        yield chunkOf({ content: words.slice(at, at + WORDS_PER_CHUNK).join('') }, null)
      }
      yield chunkOf({}, finishReason)
      if (wantsUsage) yield { ...chunkOf({}, null), choices: [], usage }
    },
  }
}

function contentFor(prompt: string, messages: unknown[], body: Record<string, unknown>): string {
  const format = fieldsOf(body.response_format)?.type
  if (format === 'json_object' || format === 'json_schema')
    return JSON.stringify({ sandbox: true, prompt: prompt.slice(0, 200) })
  const last = fieldsOf(messages.at(-1))
  if (last?.role === 'tool') return `The tool answered: ${textOf(last.content).slice(0, 400)}`
  const excerpt = prompt.replace(/\s+/g, ' ').trim().slice(0, 200)
  const topic = excerpt === '' ? 'an empty message' : `"${excerpt}"`
  return (
    `This is the sandbox of your gateway; no provider was called. You asked: ${topic}. ` +
    'The request passed your policy chain and was recorded as an event: open History in the console to see who called, ' +
    'what was decided and how many tokens it took. Set a provider key, such as OPENAI_API_KEY, to get answers from a model.'
  )
}

/** Calls the tool that `tool_choice` demands: the named one, or the first when any is `required`. */
function toolCallFor(body: Record<string, unknown>, messages: unknown[]) {
  if (fieldsOf(messages.at(-1))?.role === 'tool') return null
  const tools = Array.isArray(body.tools) ? body.tools : []
  const functions = tools.map((tool) => fieldsOf(fieldsOf(tool)?.function)).filter((tool) => tool !== null)
  const wanted = fieldsOf(fieldsOf(body.tool_choice)?.function)?.name
  const chosen =
    body.tool_choice === 'required'
      ? functions[0]
      : functions.find(({ name }) => wanted !== undefined && name === wanted)
  if (typeof chosen?.name !== 'string') return null
  const text = JSON.stringify(sampleOf(chosen.parameters, 0))
  const id = `call_sandbox_${hash('sha256', chosen.name + text, 'hex').slice(0, 16)}`
  return { id, type: 'function' as const, function: { name: chosen.name, arguments: text } }
}

/** The simplest value that fits a JSON Schema: enough for a caller to try its tool loop. */
function sampleOf(schema: unknown, depth: number): unknown {
  const { type, properties, enum: choices, items } = fieldsOf(schema) ?? {}
  if (Array.isArray(choices) && choices.length > 0) return choices[0]
  if (type === 'string') return 'sandbox'
  if (type === 'number' || type === 'integer') return 1
  if (type === 'boolean') return true
  if (depth > 5) return null
  if (type === 'array') return [sampleOf(items, depth + 1)]
  const entries = Object.entries(fieldsOf(properties) ?? {}).slice(0, 50)
  return Object.fromEntries(entries.map(([name, property]) => [name, sampleOf(property, depth + 1)]))
}

function tokenLimit(body: Record<string, unknown>): number | null {
  const limit = body.max_completion_tokens ?? body.max_tokens
  return typeof limit === 'number' && Number.isSafeInteger(limit) && limit > 0 ? limit : null
}

function lastUserText(messages: unknown[]): string {
  const last = messages.findLast((message) => fieldsOf(message)?.role === 'user')
  return textOf(fieldsOf(last)?.content)
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((part) => fieldsOf(part)?.text)
    .filter((text) => typeof text === 'string')
    .join('\n')
}

const tokensOf = (text: string) => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)
