import { jsonSchemaOf } from '@/lib/google-schema'
import type { Addressed, Json } from '../providers/adapter'
import { refusal, refusalOf } from '../providers/chat'
import {
  type Content,
  type Declaration,
  GEMINI_FIELDS,
  type GeminiFields,
  type Generation,
  type Part,
  withCamelCase,
} from './gemini-fields'

/** Only Google has these: files that were uploaded there, and what lies in its storage. */
const KEPT_FILE = /\/v1(?:beta|alpha)?\/files\//

/**
 * A request to generate content as a chat completion.
 *
 * @throws Refusal `invalid_request` naming the first field that is malformed or has no counterpart
 */
export function geminiToChat(body: Json, { model, stream }: Addressed): Json {
  const result = GEMINI_FIELDS.safeParse(withCamelCase(body))
  if (!result.success) throw refusalOf(result.error)
  const asked = result.data
  const { systemInstruction: system, generationConfig } = asked
  return {
    model,
    messages: [
      ...(system === null || system.parts.length === 0
        ? []
        : [{ role: 'system', content: system.parts.map(({ text }) => ({ type: 'text', text })) }]),
      ...messagesOf(asked.contents),
    ],
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...(generationConfig === null ? {} : generationOf(generationConfig)),
    ...toolsOf(asked),
  }
}

function generationOf(config: Generation): Json {
  const stops = config.stopSequences ?? []
  const given = {
    temperature: config.temperature,
    top_p: config.topP,
    top_k: config.topK,
    max_completion_tokens: config.maxOutputTokens,
    stop: stops.length === 0 ? null : stops,
    seed: config.seed,
    presence_penalty: config.presencePenalty,
    frequency_penalty: config.frequencyPenalty,
  }
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)),
    ...formatOf(config),
    ...thinkingOf(config),
  }
}

function formatOf({ responseMimeType: type, responseSchema, responseJsonSchema }: Generation): Json {
  const schema = responseJsonSchema ?? (responseSchema == null ? undefined : jsonSchemaOf(responseSchema))
  if (type !== 'application/json') {
    if (schema !== undefined)
      throw refusal('generationConfig.responseMimeType', 'must be application/json for a schema')
    return {}
  }
  if (schema === undefined) return { response_format: { type: 'json_object' } }
  return { response_format: { type: 'json_schema', json_schema: { name: 'output', schema } } }
}

/** A budget of -1 leaves it to the model. */
function thinkingOf({ thinkingConfig: config }: Generation): Json {
  const budget = config?.thinkingBudget ?? null
  const level = config?.thinkingLevel ?? null
  if (budget === 0) return { thinking: { type: 'disabled' } }
  if (budget === -1) return { thinking: { type: 'adaptive' } }
  if (budget !== null) return { thinking: { type: 'enabled', budget_tokens: budget } }
  return level === null || level === 'THINKING_LEVEL_UNSPECIFIED' ? {} : { reasoning_effort: level.toLowerCase() }
}

function toolsOf({ tools, toolConfig }: GeminiFields): Json {
  const declared = (tools ?? []).flatMap(({ functionDeclarations }) => functionDeclarations ?? [])
  const { mode = null, allowedFunctionNames: allowed = null } = toolConfig?.functionCallingConfig ?? {}
  if (declared.length === 0) {
    if (mode === 'ANY') throw refusal('toolConfig', 'needs tools')
    return {}
  }
  const isOneOf = mode === 'ANY' && allowed !== null && allowed.length > 0
  const shown = isOneOf ? declared.filter(({ name }) => allowed.includes(name)) : declared
  if (shown.length === 0) throw refusal('toolConfig.functionCallingConfig.allowedFunctionNames', 'names no tool')
  const choice = mode === null ? undefined : CHOICES[mode]
  return { tools: shown.map(toolOf), ...(choice === undefined ? {} : { tool_choice: choice }) }
}

const CHOICES: Readonly<Record<string, string>> = { ANY: 'required', NONE: 'none' }

function toolOf({ name, description, parameters, parametersJsonSchema }: Declaration): Json {
  const schema = parametersJsonSchema ?? (parameters == null ? null : jsonSchemaOf(parameters))
  return {
    type: 'function',
    function: {
      name,
      ...(description === null ? {} : { description }),
      ...(schema === null ? {} : { parameters: schema }),
    },
  }
}

/** Google lets calls and results go without ids, which then belong together by their order. */
class CallIds {
  readonly #open: { name: string; id: string }[] = []
  #made = 0

  of(name: string, given: string | null): string {
    const id = given || `call_${this.#made++}`
    this.#open.push({ name, id })
    return id
  }

  answered(name: string, given: string | null, param: string): string {
    const at = this.#open.findIndex((call) => (given ? call.id === given : call.name === name))
    const [call] = at === -1 ? [] : this.#open.splice(at, 1)
    if (call === undefined) throw refusal(param, 'answers no call of an earlier turn')
    return call.id
  }
}

function messagesOf(contents: readonly Content[]): Json[] {
  const ids = new CallIds()
  return contents.flatMap(({ role, parts }, at) => {
    const param = `contents.${at}.parts`
    return role === 'model' ? [saidOf(parts, ids, param)] : heardOf(parts, ids, param)
  })
}

function saidOf(parts: readonly Part[], ids: CallIds, param: string): Json {
  let said = ''
  let thought = ''
  const calls: Json[] = []
  for (const [at, part] of parts.entries()) {
    const { functionCall: call } = part
    if (call !== null) {
      const made = { name: call.name, arguments: JSON.stringify(call.args ?? {}) }
      calls.push({ id: ids.of(call.name, call.id), type: 'function', function: made })
    } else if (part.text !== null) {
      if (part.thought === true) thought += part.text
      else said += part.text
    } else if (!isEmpty(part)) throw refusal(`${param}.${at}`, 'is something that a model cannot have said elsewhere')
  }
  return {
    role: 'assistant',
    content: said === '' && calls.length > 0 ? null : said,
    ...(thought === '' ? {} : { reasoning_content: thought }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
}

/** Results answer the calls before them, so they come first whatever else the turn says. */
function heardOf(parts: readonly Part[], ids: CallIds, param: string): Json[] {
  const results: Json[] = []
  const said: Json[] = []
  for (const [at, part] of parts.entries()) {
    const here = `${param}.${at}`
    if (part.functionResponse !== null) results.push(resultOf(part.functionResponse, ids, `${here}.functionResponse`))
    else if (!isEmpty(part)) said.push(partOf(part, here))
  }
  const [first] = said
  if (first === undefined) return results
  return [...results, { role: 'user', content: said.length === 1 && first.type === 'text' ? first.text : said }]
}

const isEmpty = ({ text, inlineData, fileData, functionCall, functionResponse }: Part) =>
  (text ?? '') === '' && inlineData === null && fileData === null && functionCall === null && functionResponse === null

type Result = NonNullable<Part['functionResponse']>

function resultOf({ id, name, response, parts }: Result, ids: CallIds, param: string): Json {
  const text = JSON.stringify(response ?? {})
  const shown = (parts ?? []).map(({ inlineData }, at) => {
    if (inlineData.mimeType.startsWith('image/')) return mediaOf(inlineData)
    throw refusal(`${param}.parts.${at}`, 'must be a picture')
  })
  return {
    role: 'tool',
    tool_call_id: ids.answered(name, id, param),
    content: shown.length === 0 ? text : [{ type: 'text', text }, ...shown],
    ...(response !== null && 'error' in response ? { is_error: true } : {}),
  }
}

function partOf({ text, inlineData, fileData, functionCall }: Part, param: string): Json {
  if (text !== null) return { type: 'text', text }
  if (inlineData !== null) return mediaOf(inlineData)
  if (functionCall !== null || fileData === null) throw refusal(param, 'is something that only a model can say')
  const { fileUri: url, mimeType } = fileData
  if (!/^https?:/i.test(url) || KEPT_FILE.test(url))
    throw refusal(`${param}.fileData`, 'names a file that only Google has')
  if (mimeType === null || !mimeType.startsWith('image/')) throw refusal(`${param}.fileData`, 'must be a picture')
  return { type: 'image_url', image_url: { url } }
}

function mediaOf({ mimeType, data, displayName }: NonNullable<Part['inlineData']>): Json {
  const address = `data:${mimeType};base64,${data}`
  if (mimeType.startsWith('image/')) return { type: 'image_url', image_url: { url: address } }
  if (mimeType.startsWith('audio/')) {
    const format = mimeType
      .slice('audio/'.length)
      .replace(/^mpeg$/, 'mp3')
      .replace(/^x-wav$/, 'wav')
    return { type: 'input_audio', input_audio: { data, format } }
  }
  return { type: 'file', file: { filename: displayName ?? 'document', file_data: address } }
}
