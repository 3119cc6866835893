import { isNestedDeeper } from '@/lib/json'
import { parseJson } from '@/lib/parse-json'
import { Refusal } from '../errors'
import { fieldsOf } from '../meter'
import { type Addressed, type Json, ProviderFault, unreadable } from '../providers/adapter'
import { stringOf, type Usage } from '../providers/completion'
import { readAnswer, readChunk, readToolDeltas } from './completion-read'
import { geminiErrorOf } from './gemini-error'
import { withCamelCase } from './gemini-fields'
import { geminiToChat } from './gemini-request'
import type { Asked, FrameWriter, Surface } from './surface'

const FINISH_REASONS: Readonly<Record<string, string>> = { length: 'MAX_TOKENS', content_filter: 'SAFETY' }

/** Google's Gemini API in front of any provider. Source: ai.google.dev/api/generate-content. */
export const geminiContent = (addressed: Addressed): Surface => ({
  shape: 'gemini_content',
  path: `/${addressed.version}/models/{model}:${addressed.action}`,
  addressed,
  toChat: (body) => geminiToChat(body, addressed),
  answer: (completion, asked) => {
    const said = readAnswer(completion)
    const thoughts = showsThoughts(asked.body) && said.reasoning !== '' ? [{ text: said.reasoning, thought: true }] : []
    const texts = said.text === '' ? [] : [{ text: said.text }]
    const calls = said.toolCalls.map(({ id, name, arguments: args }) => callPart(id, name, args))
    return {
      candidates: [candidateOf([...thoughts, ...texts, ...calls], said.finish, said.refusal)],
      usageMetadata: usageOf(said.usage),
      ...headOf(asked, said.model || addressed.model),
    }
  },
  writer: (asked) => new GeminiWriter(asked, addressed.model),
  refuse: geminiErrorOf,
})

/** Thoughts are shown to whoever asked for them, as Google does. */
function showsThoughts(body: Json): boolean {
  const config = fieldsOf(fieldsOf(withCamelCase({ ...body, contents: null }))?.generationConfig)
  return fieldsOf(config?.thinkingConfig)?.includeThoughts === true
}

const headOf = ({ requestId }: Asked, modelVersion: string): Json => ({ modelVersion, responseId: requestId })

/** What a provider's own safety system said in place of an answer is no part of one. */
function candidateOf(parts: readonly Json[], finish: string, refused: string | null): Json {
  const isFiltered = finish === 'content_filter'
  const said = refused === null || refused === '' || isFiltered ? parts : [...parts, { text: refused }]
  return {
    content: { role: 'model', parts: said },
    finishReason: FINISH_REASONS[finish] ?? 'STOP',
    ...(isFiltered && refused ? { finishMessage: refused } : {}),
    index: 0,
  }
}

const callPart = (id: string, name: string, args: string): Json => ({
  functionCall: { ...(id === '' ? {} : { id }), name, args: argsOf(args) },
})

function argsOf(args: string): Json {
  if (args.trim() === '') return {}
  try {
    const value = fieldsOf(parseJson(args))
    if (value !== null && !isNestedDeeper(value)) return value
  } catch (cause) {
    throw unreadable('The model made a tool call whose arguments are not JSON.', cause)
  }
  throw unreadable('The model made a tool call whose arguments are not a JSON object.')
}

/** Google counts thoughts beside what is said, OpenAI within it. */
const usageOf = ({ input, output, cached, reasoning }: Usage): Json => ({
  promptTokenCount: input,
  candidatesTokenCount: Math.max(0, output - reasoning),
  totalTokenCount: input + output,
  ...(cached === 0 ? {} : { cachedContentTokenCount: cached }),
  ...(reasoning === 0 ? {} : { thoughtsTokenCount: reasoning }),
})

const frame = (response: Json) => `data: ${JSON.stringify(response)}\n\n`

type Call = { id: string; name: string; args: string }

/** Pieces of text as they come; calls when they are whole, because Google's come so; reason and usage with the last frame. */
class GeminiWriter implements FrameWriter {
  readonly #asked: Asked
  readonly #showsThoughts: boolean
  readonly #calls = new Map<number, Call>()
  #model: string
  #finish = 'stop'
  #refusal = ''
  #usage: Usage | null = null

  constructor(asked: Asked, model: string) {
    this.#asked = asked
    this.#model = model
    this.#showsThoughts = showsThoughts(asked.body)
  }

  push(chunk: Json): string {
    const { delta, finish, usage } = readChunk(chunk)
    this.#model = stringOf(chunk.model) || this.#model
    const parts: Json[] = []
    const thought = stringOf(delta.reasoning_content)
    if (thought !== '' && this.#showsThoughts) parts.push({ text: thought, thought: true })
    const text = stringOf(delta.content)
    if (text !== '') parts.push({ text })
    this.#refusal += stringOf(delta.refusal)
    for (const { index, id, name, arguments: args } of readToolDeltas(delta)) {
      const known = this.#calls.get(index)
      if (known === undefined) this.#calls.set(index, { id, name, args })
      else this.#calls.set(index, { id: known.id || id, name: known.name || name, args: known.args + args })
    }
    if (finish !== null) this.#finish = finish
    if (usage !== null) this.#usage = usage
    if (parts.length === 0) return ''
    return frame({ candidates: [{ content: { role: 'model', parts }, index: 0 }], ...headOf(this.#asked, this.#model) })
  }

  end(): string {
    try {
      const calls = [...this.#calls.values()].map(({ id, name, args }) => callPart(id, name, args))
      const usage = this.#usage
      return frame({
        candidates: [candidateOf(calls, this.#finish, this.#refusal)],
        ...(usage === null ? {} : { usageMetadata: usageOf(usage) }),
        ...headOf(this.#asked, this.#model),
      })
    } catch (cause) {
      if (!(cause instanceof ProviderFault)) throw cause
      return this.fail(new Refusal('upstream_failed', cause.message, { cause }))
    }
  }

  fail(refusal: Refusal): string {
    return frame(geminiErrorOf(refusal, this.#asked.requestId))
  }
}
