import type { Role } from '../engine/subject'
import { base64Bytes } from './media'
import { walkToolSettings } from './tool-settings'
import { at, fieldsOf, listOf, type Place, textOrNull, Walk, type Walked } from './walked'

/**
 * The body of a chat completion request. Tool definitions, descriptions in a response schema and a predicted output are
 * parts as well: a model reads them all.
 *
 * @throws WalkRefused when there is more in it than is looked through
 */
export function walkChatRequest(body: unknown): Walked {
  const walk = new Walk()
  const request = fieldsOf(body)
  for (const [i, message] of listOf(request.messages).entries()) {
    const fields = fieldsOf(message)
    walkMessage(walk, fields, { path: ['messages', i], role: roleOf(fields.role), message: i })
  }
  const around: Place = { path: [], role: 'system', message: -1 }
  walkContent(walk, fieldsOf(request.prediction).content, at({ ...around, role: 'assistant' }, 'prediction', 'content'))
  const format = fieldsOf(fieldsOf(request.response_format).json_schema)
  const formatPlace = at(around, 'response_format', 'json_schema')
  walk.text(format.description, at(formatPlace, 'description'))
  walk.schemaTexts(format.schema, at(formatPlace, 'schema'))
  for (const [i, tool] of listOf(request.tools).entries()) {
    const fields = fieldsOf(tool)
    const kind = fields.type === 'custom' ? 'custom' : 'function'
    walkDeclared(walk, fieldsOf(fields[kind]), at(around, 'tools', i, kind))
    walkToolSettings(walk, fields, TOOL_FIELDS, at(around, 'tools', i))
  }
  for (const [i, declared] of listOf(request.functions).entries()) {
    walkDeclared(walk, fieldsOf(declared), at(around, 'functions', i))
  }
  for (const key of ['tool_choice', 'function_call'] as const) {
    if (typeof request[key] === 'object') walk.leaves(request[key], at(around, key), 'label')
  }
  // Nobody vouches for what comes this way, such as documents.
  walk.rest(request, REQUEST_FIELDS, { ...around, role: 'tool' })
  return walk.done()
}

/** What is looked through above, and what says how to answer rather than what about. */
const REQUEST_FIELDS = new Set(
  (
    'model messages stream stream_options prediction response_format tools functions tool_choice function_call ' +
    'parallel_tool_calls temperature top_p n seed max_tokens max_completion_tokens modalities audio reasoning_effort ' +
    'reasoning verbosity service_tier store logit_bias logprobs top_logprobs prompt_cache_retention thinking provider'
  ).split(' '),
)
const MESSAGE_FIELDS = new Set(
  'role name content refusal reasoning_content reasoning reasoning_details tool_calls function_call audio tool_call_id cache_control'.split(
    ' ',
  ),
)
const TOOL_FIELDS = new Set(['type', 'function', 'custom'])
const DECLARED_FIELDS = new Set(['name', 'description', 'parameters'])
const FILE_FIELDS = new Set(['file_data', 'filename', 'file_id'])
const IMAGE_FIELDS = new Set(['url'])
const AUDIO_FIELDS = new Set(['data', 'format'])
const TEXT_FIELDS = new Set(['text', 'cache_control', 'prompt_cache_breakpoint'])
const MEDIA_FIELDS = new Set(['image_url', 'input_audio', 'file', 'cache_control'])
const REFUSAL_FIELDS = new Set(['refusal'])
const CHOICE_FIELDS = new Set(
  'index message finish_reason native_finish_reason stop_reason logprobs content_filter_results'.split(' '),
)
export const ANSWER_FIELDS: ReadonlySet<string> = new Set(
  'id object created model choices usage service_tier system_fingerprint provider prompt_filter_results x_groq timings'.split(
    ' ',
  ),
)

/** The body of a chat completion: every choice, with what the model refused, thought and wants to call. */
export function walkChatAnswer(body: unknown): Walked {
  const walk = new Walk()
  for (const [i, choice] of listOf(fieldsOf(body).choices).entries()) {
    const place: Place = { path: ['choices', i], role: 'assistant', message: i }
    const fields = fieldsOf(choice)
    walkMessage(walk, fieldsOf(fields.message), at(place, 'message'))
    walk.rest(fields, CHOICE_FIELDS, place)
  }
  walk.rest(fieldsOf(body), ANSWER_FIELDS, { path: [], role: 'assistant', message: -1 }, 'label')
  return walk.done()
}

function walkMessage(walk: Walk, message: Readonly<Record<string, unknown>>, place: Place): void {
  walk.textIn(message.name, at(place, 'name'))
  walkContent(walk, message.content, at(place, 'content'))
  walk.textIn(message.refusal, at(place, 'refusal'))
  // OpenAI-compatible providers put what a model thought under these names.
  walk.textIn(message.reasoning_content, at(place, 'reasoning_content'))
  walk.textIn(message.reasoning, at(place, 'reasoning'))
  walk.unknown(message.reasoning_details, at(place, 'reasoning_details'), 'text')
  if (!Array.isArray(message.tool_calls)) walk.textIn(message.tool_calls, at(place, 'tool_calls'))
  for (const [i, call] of listOf(message.tool_calls).entries()) {
    const fields = fieldsOf(call)
    const called = fieldsOf(fields.function)
    if (fields.type === 'custom') {
      const custom = fieldsOf(fields.custom)
      walk.callWithJson(fields.id, custom.name, custom.input, at(place, 'tool_calls', i, 'custom', 'input'))
      continue
    }
    walk.callWithJson(fields.id, called.name, called.arguments, at(place, 'tool_calls', i, 'function', 'arguments'))
  }
  if (message.function_call !== undefined && message.function_call !== null) {
    const called = fieldsOf(message.function_call)
    walk.callWithJson(null, called.name, called.arguments, at(place, 'function_call', 'arguments'))
  }
  const audio = fieldsOf(message.audio)
  walk.textIn(audio.transcript, at(place, 'audio', 'transcript'))
  if (audio.data !== undefined) walk.media('audio', { bytes: base64Bytes(audio.data) }, at(place, 'audio'))
  walk.rest(message, MESSAGE_FIELDS, place)
}

function walkContent(walk: Walk, content: unknown, place: Place): void {
  const kind = place.role === 'tool' ? 'tool_result' : 'text'
  if (!Array.isArray(content)) {
    walk.textIn(content, place, kind)
    return
  }
  for (const [i, item] of listOf(content).entries()) {
    if (typeof item === 'string') walk.text(item, at(place, i), kind)
    else walkItem(walk, fieldsOf(item), at(place, i), kind)
  }
}

function walkItem(walk: Walk, item: Readonly<Record<string, unknown>>, place: Place, kind: 'text' | 'tool_result') {
  switch (item.type) {
    case 'text':
      walk.textIn(item.text, at(place, 'text'), kind)
      walk.rest(item, TEXT_FIELDS, place)
      return
    case 'refusal':
      walk.textIn(item.refusal, at(place, 'refusal'), kind)
      walk.rest(item, REFUSAL_FIELDS, place)
      return
    case 'image_url': {
      const image = fieldsOf(item.image_url)
      const here = at(place, 'image_url')
      if (typeof item.image_url === 'string') walk.attachment('image', item.image_url, here, place)
      else walk.attachment('image', image.url, at(here, 'url'), place)
      walk.rest(image, IMAGE_FIELDS, here, 'label')
      walk.rest(item, MEDIA_FIELDS, place)
      return
    }
    case 'input_audio': {
      const audio = fieldsOf(item.input_audio)
      walk.media('audio', { type: textOrNull(audio.format), bytes: base64Bytes(audio.data) }, place)
      walk.rest(audio, AUDIO_FIELDS, at(place, 'input_audio'), 'label')
      walk.rest(item, MEDIA_FIELDS, place)
      return
    }
    case 'file': {
      const file = fieldsOf(item.file)
      const here = at(place, 'file')
      walk.attachment('file', file.file_data, at(here, 'file_data'), place, { name: textOrNull(file.filename) })
      walk.text(file.filename, at(here, 'filename'), 'label')
      if (typeof file.file_id === 'string') walk.skip('file_id', 'kept by the provider')
      walk.rest(file, FILE_FIELDS, here, 'label')
      walk.rest(item, MEDIA_FIELDS, place)
      return
    }
    default:
      // A kind of content that is not known here is read for all the text it holds.
      walk.unknown(item, place, kind)
  }
}

/** Policies see both: the declaration for what may be called, its texts because a model reads them. */
function walkDeclared(walk: Walk, declared: Readonly<Record<string, unknown>>, place: Place): void {
  walk.tool(declared.name, declared.description, declared.parameters, place)
  walk.text(declared.description, at(place, 'description'))
  walk.schemaTexts(declared.parameters, at(place, 'parameters'))
  walkToolSettings(walk, declared, DECLARED_FIELDS, place)
}

function roleOf(role: unknown): Role {
  if (role === 'system' || role === 'developer') return 'system'
  if (role === 'assistant') return 'assistant'
  return role === 'tool' || role === 'function' ? 'tool' : 'user'
}
