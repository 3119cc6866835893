import { JsonRefused, looseName, readBoundedJson, topLevelFields } from '@/lib/json'
import { Refusal } from './errors'
import type { ApiShape, Json } from './providers/adapter'
import { OPEN_FIELDS } from './spend/input-tokens'
import { type AudioForm, readAudioForm, withFormTexts } from './surfaces/audio-form'
import { checkContent, checkEmbedded, generationField } from './surfaces/gemini-ask'
import type { Surface } from './surfaces/surface'

/** What a caller asks for, in the caller's own shape. */
export type Ask = {
  surface: Surface
  /** As they came in, or as policies changed them. */
  bytes: Buffer
  contentType: string
  body: Json
  /** A field is there twice, so that others may read another `body` from the bytes. */
  isAmbiguous: boolean
  /** Where the texts of `body` stand in the bytes of a form; null for JSON. */
  form: AudioForm | null
  model: string
  stream: boolean
  /** Upper bound of the answer as the caller gave it; null when there is none. */
  outputTokensMax: number | null
}

/**
 * Reads of a request only what decides its way; everything else passes through untouched.
 *
 * @throws Refusal `invalid_request`, naming the field at fault
 */
export function readAsk(bytes: Buffer, surface: Surface, contentType: string | undefined): Ask {
  if (surface.shape === 'audio_transcriptions') return readForm(bytes, surface, contentType)
  const { body, hasRepeatedKeys } = parseObject(bytes)
  const { model, stream } = surface.addressed ?? body
  const { stream_options: options } = body
  if (typeof model !== 'string' || !MODEL.test(model)) {
    throw invalid('model', 'must be the name of a model: 1-200 printable ASCII characters without spaces')
  }
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    throw invalid('stream', 'must be a boolean')
  if (options !== undefined && options !== null && !isObject(options)) {
    throw invalid('stream_options', 'must be an object')
  }
  CONTENT[surface.shape]?.(body, model)
  const deciding = surface.addressed === undefined ? DECIDING : DECIDING_AT_GOOGLE
  refuseOtherCase(body, deciding)
  if (hasRepeatedKeys) refuseRepeated(bytes, deciding)
  const outputTokensMax = outputBound(surface.shape, body)
  const ask: Ask = {
    surface,
    bytes,
    contentType: JSON_TYPE,
    body,
    isAmbiguous: hasRepeatedKeys,
    form: null,
    model,
    stream: stream === true,
    outputTokensMax,
  }
  // What bounds an answer of Google's stands deeper, where it may be there twice.
  return surface.addressed === undefined ? ask : withBody(ask, body)
}

const JSON_TYPE = 'application/json'

/** A recording and what is said about it: of the latter, what decides and what policies read. */
function readForm(bytes: Buffer, surface: Surface, contentType = ''): Ask {
  const form = readAudioForm(bytes, contentType)
  const { model, stream, prompt, others, file } = form
  const body: Json = {
    ...Object.fromEntries(others),
    ...(file.name === null ? {} : { file: file.name }),
    ...(prompt === null ? {} : { prompt }),
    model,
    stream,
  }
  return {
    surface,
    bytes,
    contentType: form.contentType,
    body,
    isAmbiguous: false,
    form,
    model,
    stream,
    outputTokensMax: null,
  }
}

/**
 * The same request as policies have seen and left it. It is written anew when a field may be there twice, even when nothing
 * changed: a provider might read the one that policies did not.
 */
export function withBody(ask: Ask, body: Json): Ask {
  const { form, model, surface, contentType } = ask
  if (body === ask.body && !ask.isAmbiguous) return ask
  if (form === null) return { ...ask, body, isAmbiguous: false, bytes: Buffer.from(JSON.stringify(body)) }
  const prompt = typeof body.prompt === 'string' ? body.prompt : null
  return readForm(withFormTexts(ask.bytes, form, model, prompt), surface, contentType)
}

/**
 * Models that a provider may answer with in place of the one that is asked for: OpenRouter takes `models`, LiteLLM
 * `fallbacks`. Who may not ask for one of them may not name it there either.
 *
 * @throws Refusal `invalid_request` for what names no models
 */
export function modelsBeside({ body, surface }: Ask): readonly string[] {
  if (OUTPUT_BOUNDS[surface.shape] === undefined) return NO_MODELS
  const { models, fallbacks } = body
  if (!isGiven(models) && !isGiven(fallbacks)) return NO_MODELS
  return [...namesIn('models', models), ...namesIn('fallbacks', fallbacks)]
}

function namesIn(param: string, value: unknown): string[] {
  if (!isGiven(value)) return []
  const rule = 'must be a list of names of models'
  if (!Array.isArray(value)) throw invalid(param, rule)
  return value.map((item: unknown) => {
    const name = isObject(item) ? item.model : item
    if (typeof name !== 'string' || !MODEL.test(name)) throw invalid(param, rule)
    return name
  })
}

const NO_MODELS: readonly string[] = []

/** Whether a stream's usage chunk is our wish and not the caller's. */
export const hidesUsage = ({ surface, stream, body }: Ask): boolean =>
  stream &&
  surface.shape === 'openai_chat' &&
  !(isObject(body.stream_options) && body.stream_options.include_usage === true)

/**
 * The bytes for a provider: the caller's own, or, for a stream that did not ask for usage, the same with only
 * `stream_options.include_usage` set. No other byte changes.
 */
export function usageAsked(ask: Ask): Buffer {
  const { bytes, body } = ask
  if (!hidesUsage(ask)) return bytes
  const field = topLevelFields(bytes).find(({ key }) => key === 'stream_options')
  if (field === undefined) {
    const at = bytes.indexOf('{') + 1
    return Buffer.concat([bytes.subarray(0, at), ASK_FOR_USAGE, bytes.subarray(at)])
  }
  const given = isObject(body.stream_options) ? body.stream_options : {}
  const options = JSON.stringify({ ...given, include_usage: true })
  return Buffer.concat([bytes.subarray(0, field.start), Buffer.from(options), bytes.subarray(field.end)])
}

const ASK_FOR_USAGE = Buffer.from('"stream_options":{"include_usage":true},')
const MODEL = /^[\x21-\x7e]{1,200}$/

const invalid = (param: string, rule: string) => new Refusal('invalid_request', `${param} ${rule}.`, { param })

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What every request of a shape has to have, so that it can be looked through. */
const CONTENT: Partial<Record<ApiShape, (body: Json, model: string) => void>> = {
  openai_chat: ({ messages, deferred }) => {
    checkMessages(messages)
    checkAnswersNow('deferred', deferred)
  },
  anthropic_messages: ({ messages }) => checkMessages(messages),
  openai_responses: ({ input, background }) => {
    checkAnswersNow('background', background)
    if (input !== undefined && input !== null && typeof input !== 'string' && !Array.isArray(input)) {
      throw invalid('input', 'must be a text or a list of items')
    }
  },
  gemini_content: checkContent,
  gemini_embeddings: checkEmbedded,
  openai_embeddings: ({ input }) => {
    if (typeof input !== 'string' && !Array.isArray(input)) throw invalid('input', 'must be a text or a list')
  },
  audio_speech: ({ input }) => {
    if (typeof input !== 'string') throw invalid('input', 'must be a text')
  },
}

/**
 * An answer that is made later is fetched past this gateway: no policy would see it, and its provider would never say here
 * what it took.
 */
function checkAnswersNow(name: string, isLater: unknown): void {
  if (isLater === undefined || isLater === null || isLater === false) return
  throw invalid(name, 'must be false: policies would not see an answer that is made later, nor budgets what it costs')
}

function checkMessages(messages: unknown): void {
  if (!Array.isArray(messages) || messages.length === 0) throw invalid('messages', 'must be a list of messages')
  if (!messages.every(isObject)) throw invalid('messages', 'must hold objects only')
}

/** What each API calls the bound of an answer. What another one calls it bounds nothing there. */
const OUTPUT_BOUNDS: Partial<Record<ApiShape, readonly string[]>> = {
  openai_chat: ['max_completion_tokens', 'max_tokens'],
  openai_responses: ['max_output_tokens'],
  anthropic_messages: ['max_tokens'],
}
const ALL_OUTPUT_BOUNDS = ['max_completion_tokens', 'max_tokens', 'max_output_tokens']

/**
 * The longest answer that any of the given bounds allows, whichever of them the provider goes by.
 *
 * @returns null when there is none of this API, or one that a provider may read otherwise: as no bound, or from a text
 */
function outputBound(shape: ApiShape, body: Json): number | null {
  if (shape === 'gemini_content') {
    const bound = generationField(body, 'maxOutputTokens')
    return isCount(bound) ? bound : null
  }
  if (!OUTPUT_BOUNDS[shape]?.some((name) => isGiven(body[name]))) return null
  const bounds = ALL_OUTPUT_BOUNDS.map((name) => body[name]).filter(isGiven)
  return bounds.every(isCount) ? Math.max(...bounds) : null
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 1

function parseObject(bytes: Buffer): { body: Json; hasRepeatedKeys: boolean } {
  try {
    const { value, hasRepeatedKeys } = readBoundedJson(bytes)
    if (isObject(value)) return { body: value, hasRepeatedKeys }
  } catch (thrown) {
    if (!(thrown instanceof JsonRefused)) throw thrown
    throw new Refusal('invalid_request', `The body is ${thrown.message}.`, { cause: thrown })
  }
  throw new Refusal('invalid_request', 'The body must be a JSON object.')
}

/*
 * The provider reads the same bytes with another parser: of a field given twice some take the first, and Go's matches
 * names without regard to case. What we decide on must therefore be unmistakable, or a scope could be passed by.
 */

function refuseOtherCase(body: Json, deciding: ReadonlySet<string>): void {
  for (const key in body) {
    if (!deciding.has(key) && deciding.has(looseName(key))) throw invalid(key, 'must be written in lower case')
  }
}

function refuseRepeated(bytes: Buffer, deciding: ReadonlySet<string>): void {
  const seen = new Set<string>()
  for (const { key } of topLevelFields(bytes)) {
    if (deciding.has(key) && seen.has(key)) throw invalid(key, 'must be given once')
    seen.add(key)
  }
}

/** Fields that say where a request goes, that policies read, or that bound what it costs or when it is answered. */
const DECIDING: ReadonlySet<string> = new Set([
  'model',
  'models',
  'fallbacks',
  'stream',
  'stream_options',
  'messages',
  'input',
  'instructions',
  'system',
  'tools',
  'functions',
  'response_format',
  'prediction',
  'max_completion_tokens',
  'max_tokens',
  'max_output_tokens',
  'n',
  'best_of',
  'modalities',
  'service_tier',
  'audio',
  ...OPEN_FIELDS,
  'background',
  'deferred',
])

/** The same of Google's API. */
const DECIDING_AT_GOOGLE: ReadonlySet<string> = new Set([
  'model',
  'contents',
  'content',
  'requests',
  'tools',
  'generationConfig',
  'systemInstruction',
  'toolConfig',
  'cachedContent',
])
