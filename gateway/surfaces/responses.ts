import type { Refusal } from '../errors'
import { fieldsOf } from '../meter'
import type { Json } from '../providers/adapter'
import { stringOf, type Usage } from '../providers/completion'
import { readAnswer, readChunk, readToolDeltas } from './completion-read'
import { responsesToChat } from './responses-request'
import { sealReasoning } from './sealed-reasoning'
import type { Asked, FrameWriter, Surface } from './surface'

/** OpenAI's Responses API in front of any provider, without memory. Source: platform.openai.com/docs/api-reference. */
export const RESPONSES: Surface = {
  shape: 'openai_responses',
  path: '/v1/responses',
  toChat: responsesToChat,
  answer: (completion, asked) => {
    const said = readAnswer(completion)
    const output: Json[] = []
    if (said.reasoning !== '' || said.details.length > 0) {
      output.push(reasoningItem(`rs_${asked.requestId}`, said.reasoning, said.details))
    }
    const parts: Json[] = []
    if (said.text !== '') parts.push(textPart(said.text))
    if (said.refusal !== null) parts.push({ type: 'refusal', refusal: said.refusal })
    if (parts.length > 0 || said.toolCalls.length === 0) {
      output.push(messageItem(`msg_${asked.requestId}`, parts.length > 0 ? parts : [textPart('')], 'completed'))
    }
    for (const [at, call] of said.toolCalls.entries()) output.push(callItem(`fc_${asked.requestId}_${at}`, call))
    return responseOf(asked, { model: said.model, output, finish: said.finish, usage: said.usage })
  },
  writer: (asked) => new ResponseWriter(asked),
  refuse: (refusal, requestId) => JSON.parse(refusal.toJson(requestId)),
}

const textPart = (text: string): Json => ({ type: 'output_text', text, annotations: [], logprobs: [] })

const messageItem = (id: string, content: readonly Json[], status: string): Json => ({
  id,
  type: 'message',
  status,
  role: 'assistant',
  content,
})

const reasoningItem = (id: string, thought: string, details: readonly Json[]): Json => ({
  id,
  type: 'reasoning',
  summary: thought === '' ? [] : [{ type: 'summary_text', text: thought }],
  ...(details.length === 0 ? {} : { encrypted_content: sealReasoning(details) }),
})

type Made = { id: string; name: string; arguments: string }

const callItem = (id: string, made: Made, status = 'completed'): Json => ({
  id,
  type: 'function_call',
  status,
  call_id: made.id,
  name: made.name,
  arguments: made.arguments,
})

type Told = { model: string; output: readonly Json[]; finish: string | null; usage: Usage | null }

/** @param finish null while the answer is being written */
function responseOf({ body, requestId, nowMs }: Asked, { model, output, finish, usage }: Told): Json {
  const reason = finish === 'length' ? 'max_output_tokens' : finish === 'content_filter' ? 'content_filter' : null
  return {
    id: `resp_${requestId}`,
    object: 'response',
    created_at: Math.floor(nowMs / 1000),
    status: finish === null ? 'in_progress' : reason === null ? 'completed' : 'incomplete',
    error: null,
    incomplete_details: reason === null ? null : { reason },
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    model: model || body.model,
    output,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: fieldsOf(body.reasoning) ?? { effort: null, summary: null },
    store: false,
    temperature: body.temperature ?? 1,
    text: fieldsOf(body.text) ?? { format: { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_p: body.top_p ?? 1,
    truncation: 'disabled',
    usage: usage === null ? null : usageOf(usage),
    user: body.user ?? null,
    metadata: fieldsOf(body.metadata) ?? {},
  }
}

const usageOf = ({ input, output, cached, reasoning }: Usage): Json => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: cached },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: reasoning },
  total_tokens: input + output,
})

/** What is being written: its place in the output, its id and what it holds so far. */
type Open =
  | { kind: 'text' | 'refusal'; at: number; id: string; text: string }
  | { kind: 'reasoning'; at: number; id: string; text: string; details: Json[]; hasPart: boolean }
  | { kind: 'call'; at: number; id: string; index: number; made: Made }

class ResponseWriter implements FrameWriter {
  readonly #asked: Asked
  #sequence = 0
  #model = ''
  #hasBegun = false
  #open: Open | null = null
  readonly #output: Json[] = []
  #finish = 'stop'
  #usage: Usage | null = null

  constructor(asked: Asked) {
    this.#asked = asked
  }

  push(chunk: Json): string {
    const { delta, finish, usage } = readChunk(chunk)
    this.#model ||= stringOf(chunk.model)
    let out = this.#begin()
    const details = Array.isArray(delta.reasoning_details) ? delta.reasoning_details.map(fieldsOf) : []
    const thought = stringOf(delta.reasoning_content)
    if (thought !== '' || details.length > 0)
      out += this.#think(
        thought,
        details.filter((one) => one !== null),
      )
    if (stringOf(delta.content) !== '') out += this.#say('text', stringOf(delta.content))
    if (stringOf(delta.refusal) !== '') out += this.#say('refusal', stringOf(delta.refusal))
    for (const call of readToolDeltas(delta)) out += this.#call(call)
    if (finish !== null) this.#finish = finish
    if (usage !== null) this.#usage = usage
    return out
  }

  end(): string {
    let out = this.#begin()
    if (this.#open === null && this.#output.length === 0) out += this.#say('text', '')
    out += this.#close()
    const response = this.#response(this.#finish)
    return (
      out +
      this.#event({ type: response.status === 'completed' ? 'response.completed' : 'response.incomplete', response })
    )
  }

  fail({ message, code, param }: Refusal): string {
    const error = { code: 'server_error', message }
    return (
      this.#event({ type: 'error', code, message, param }) +
      this.#event({ type: 'response.failed', response: { ...this.#response(null), status: 'failed', error } })
    )
  }

  #event(event: Json): string {
    const text = JSON.stringify({ ...event, sequence_number: this.#sequence })
    this.#sequence += 1
    return `event: ${event.type}\ndata: ${text}\n\n`
  }

  #response(finish: string | null): Json {
    return responseOf(this.#asked, { model: this.#model, output: this.#output, finish, usage: this.#usage })
  }

  #begin(): string {
    if (this.#hasBegun) return ''
    this.#hasBegun = true
    const response = this.#response(null)
    return this.#event({ type: 'response.created', response }) + this.#event({ type: 'response.in_progress', response })
  }

  #add(item: Json): string {
    return this.#event({ type: 'response.output_item.added', output_index: this.#output.length, item })
  }

  #id(prefix: string): { at: number; id: string } {
    const at = this.#output.length
    return { at, id: `${prefix}_${this.#asked.requestId}_${at}` }
  }

  #say(kind: 'text' | 'refusal', text: string): string {
    let out = ''
    let open = this.#open
    if (open?.kind !== kind) {
      out += this.#close()
      open = { kind, ...this.#id('msg'), text: '' }
      this.#open = open
      const part = kind === 'text' ? textPart('') : { type: 'refusal', refusal: '' }
      out += this.#add(messageItem(open.id, [], 'in_progress'))
      out += this.#event({ type: 'response.content_part.added', ...partAt(open), part })
    }
    open.text += text
    if (text === '') return out
    const type = kind === 'text' ? 'response.output_text.delta' : 'response.refusal.delta'
    return out + this.#event({ type, ...partAt(open), delta: text, ...(kind === 'text' ? { logprobs: [] } : {}) })
  }

  #think(text: string, details: readonly Json[]): string {
    let out = ''
    let open = this.#open
    if (open?.kind !== 'reasoning') {
      out += this.#close()
      open = { kind: 'reasoning', ...this.#id('rs'), text: '', details: [], hasPart: false }
      this.#open = open
      out += this.#add(reasoningItem(open.id, '', []))
    }
    for (const one of details) keepDetail(open.details, one)
    if (text === '') return out
    const at = { item_id: open.id, output_index: open.at, summary_index: 0 }
    if (!open.hasPart) {
      open.hasPart = true
      out += this.#event({
        type: 'response.reasoning_summary_part.added',
        ...at,
        part: { type: 'summary_text', text: '' },
      })
    }
    open.text += text
    return out + this.#event({ type: 'response.reasoning_summary_text.delta', ...at, delta: text })
  }

  #call({ index, ...made }: Made & { index: number }): string {
    let out = ''
    let open = this.#open
    if (open?.kind !== 'call' || open.index !== index) {
      out += this.#close()
      open = { kind: 'call', ...this.#id('fc'), index, made: { ...made, arguments: '' } }
      this.#open = open
      out += this.#add(callItem(open.id, open.made, 'in_progress'))
    }
    if (made.arguments === '') return out
    open.made.arguments += made.arguments
    const at = { item_id: open.id, output_index: open.at }
    return out + this.#event({ type: 'response.function_call_arguments.delta', ...at, delta: made.arguments })
  }

  #close(): string {
    const open = this.#open
    if (open === null) return ''
    this.#open = null
    const [out, item] = this.#closing(open)
    this.#output.push(item)
    return out + this.#event({ type: 'response.output_item.done', output_index: open.at, item })
  }

  #closing(open: Open): [events: string, item: Json] {
    if (open.kind === 'call') {
      const at = { item_id: open.id, output_index: open.at, name: open.made.name, arguments: open.made.arguments }
      return [this.#event({ type: 'response.function_call_arguments.done', ...at }), callItem(open.id, open.made)]
    }
    if (open.kind === 'reasoning') {
      const item = reasoningItem(open.id, open.text, open.details)
      if (!open.hasPart) return ['', item]
      const at = { item_id: open.id, output_index: open.at, summary_index: 0 }
      const part = { type: 'summary_text', text: open.text }
      const done = this.#event({ type: 'response.reasoning_summary_text.done', ...at, text: open.text })
      return [done + this.#event({ type: 'response.reasoning_summary_part.done', ...at, part }), item]
    }
    const isText = open.kind === 'text'
    const part = isText ? textPart(open.text) : { type: 'refusal', refusal: open.text }
    const said = isText
      ? { type: 'response.output_text.done', ...partAt(open), text: open.text, logprobs: [] }
      : { type: 'response.refusal.done', ...partAt(open), refusal: open.text }
    const done = this.#event(said) + this.#event({ type: 'response.content_part.done', ...partAt(open), part })
    return [done, messageItem(open.id, [part], 'completed')]
  }
}

const partAt = ({ id, at }: { id: string; at: number }): Json => ({ item_id: id, output_index: at, content_index: 0 })

/** Pieces of one thought become one again; its signature comes last and closes it. */
function keepDetail(details: Json[], one: Json): void {
  const last = details.at(-1)
  const isMore = last?.type === 'reasoning.text' && one.type === 'reasoning.text' && !last.signature
  if (!isMore) {
    details.push({ ...one })
    return
  }
  last.text = stringOf(last.text) + stringOf(one.text)
  last.signature = one.signature ?? null
}
