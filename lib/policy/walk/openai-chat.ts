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
  if (isGiven(request.prediction)) {
    walkPrediction(walk, request.prediction, at({ ...around, role: 'assistant' }, 'prediction'))
  }
  if (isGiven(request.response_format)) walkFormat(walk, request.response_format, at(around, 'response_format'))
  if (isGiven(request.tools)) walk.objectsIn(request.tools, at(around, 'tools'), (...tool) => walkTool(walk, ...tool))
  if (isGiven(request.functions)) {
    walk.objectsIn(request.functions, at(around, 'functions'), (...declared) => walkDeclared(walk, ...declared))
  }
  for (const key of ['tool_choice', 'function_call'] as const) {
    if (typeof request[key] === 'object') walk.leaves(request[key], at(around, key), 'label')
    else if (isGiven(request[key])) walk.setting(request[key], at(around, key))
  }
  // Nobody vouches for what comes this way, such as documents.
  walk.rest(request, REQUEST_FIELDS, { ...around, role: 'tool' }, 'text', SETTINGS)
  return walk.done()
}

function walkTool(walk: Walk, tool: Readonly<Record<string, unknown>>, place: Place): void {
  const kind = tool.type === 'custom' ? 'custom' : 'function'
  walkDeclared(walk, tool[kind], at(place, kind))
  walkToolSettings(walk, tool, kind === 'custom' ? CUSTOM_TOOL : FUNCTION_TOOL, place)
}

function walkPrediction(walk: Walk, prediction: unknown, place: Place): void {
  const fields = walk.fieldsIn(prediction, place)
  walkContent(walk, fields.content, at(place, 'content'))
  walk.rest(fields, CONTENT, place)
}

function walkFormat(walk: Walk, format: unknown, place: Place): void {
  const fields = walk.fieldsIn(format, place)
  const here = at(place, 'json_schema')
  const own = walk.fieldsIn(fields.json_schema, here)
  walk.textIn(own.description, at(here, 'description'))
  walk.schemaTexts(own.schema, at(here, 'schema'))
  walk.rest(own, FORMAT, here, 'label')
  // Some have it here.
  walk.schemaTexts(fields.schema, at(place, 'schema'))
  walk.rest(fields, FORMAT_OF_SCHEMA, place, 'label')
}

/** What is looked through above. */
const REQUEST_FIELDS = new Set(
  'model messages prediction response_format tools functions tool_choice function_call'.split(' '),
)
const SETTINGS = new Set(
  (
    'stream stream_options parallel_tool_calls temperature top_p n seed max_tokens max_completion_tokens modalities audio ' +
    'reasoning_effort reasoning verbosity service_tier store logit_bias logprobs top_logprobs prompt_cache_retention ' +
    'thinking provider'
  ).split(' '),
)
const CONTENT = new Set(['content'])
const FORMAT = new Set(['description', 'schema'])
const FORMAT_OF_SCHEMA = new Set(['schema', 'json_schema'])
const MESSAGE_FIELDS = new Set(
  'name content refusal reasoning_content reasoning reasoning_details tool_calls function_call audio'.split(' '),
)
const MESSAGE_SETTINGS = new Set(['cache_control'])
const ITEM_SETTINGS = new Set(['cache_control', 'prompt_cache_breakpoint'])
const FUNCTION_TOOL = new Set(['function'])
const CUSTOM_TOOL = new Set(['custom'])
const DECLARED_FIELDS = new Set(['name', 'description', 'parameters'])
const CALL_FIELDS = new Set(['function', 'custom'])
const CALLED_FIELDS = new Set(['name', 'arguments'])
const CUSTOM_FIELDS = new Set(['name', 'input'])
const SOUND_FIELDS = new Set(['data', 'transcript'])
const FILE_FIELDS = new Set(['file_data', 'filename', 'file_id'])
const IMAGE_FIELDS = new Set(['url'])
const AUDIO_FIELDS = new Set(['data'])
const TEXT_FIELDS = new Set(['text'])
const IMAGE_ITEM = new Set(['image_url'])
const AUDIO_ITEM = new Set(['input_audio'])
const FILE_ITEM = new Set(['file'])
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
  let message = 0
  walk.objectsIn(fieldsOf(body).choices, { path: ['choices'], role: 'assistant', message }, (fields, { path }) => {
    const place: Place = { path, role: 'assistant', message: message++ }
    const here = at(place, 'message')
    walkMessage(walk, walk.fieldsIn(fields.message, here), here)
    walk.rest(fields, CHOICE_FIELDS, place)
  })
  walk.rest(fieldsOf(body), ANSWER_FIELDS, { path: [], role: 'assistant', message: -1 }, 'label')
  return walk.done()
}

function walkMessage(walk: Walk, message: Readonly<Record<string, unknown>>, place: Place): void {
  walk.textsIn(message, NAME, place)
  walkContent(walk, message.content, at(place, 'content'))
  // OpenAI-compatible providers put what a model thought under these names.
  walk.textsIn(message, SAID, place)
  if (isGiven(message.reasoning_details)) {
    walk.unknown(message.reasoning_details, at(place, 'reasoning_details'), 'text')
  }
  if (isGiven(message.tool_calls)) {
    walk.objectsIn(message.tool_calls, at(place, 'tool_calls'), (call, here) => walkCall(walk, call, here))
  }
  if (isGiven(message.function_call)) {
    walkCalled(walk, null, message.function_call, 'arguments', at(place, 'function_call'))
  }
  if (isGiven(message.audio)) walkSound(walk, message.audio, at(place, 'audio'))
  walk.rest(message, MESSAGE_FIELDS, place, 'text', MESSAGE_SETTINGS)
}

const NAME = ['name']
const SAID = ['refusal', 'reasoning_content', 'reasoning']

function walkSound(walk: Walk, sound: unknown, place: Place): void {
  const audio = walk.fieldsIn(sound, place)
  walk.textIn(audio.transcript, at(place, 'transcript'))
  if (audio.data !== undefined) walk.media('audio', { bytes: base64Bytes(audio.data) }, place)
  walk.rest(audio, SOUND_FIELDS, place, 'label')
}

/** Whoever makes the call may go by its type or by what is there. */
function walkCall(walk: Walk, call: Readonly<Record<string, unknown>>, place: Place): void {
  const isCustom = call.type === 'custom'
  if (isCustom || isGiven(call.custom)) walkCalled(walk, call.id, call.custom, 'input', at(place, 'custom'))
  if (!isCustom || isGiven(call.function)) walkCalled(walk, call.id, call.function, 'arguments', at(place, 'function'))
  walk.rest(call, CALL_FIELDS, place)
}

function walkCalled(walk: Walk, id: unknown, called: unknown, field: 'arguments' | 'input', place: Place): void {
  const fields = walk.fieldsIn(called, place)
  walk.callWithJson(id, fields.name, fields[field], at(place, field))
  walk.rest(fields, field === 'input' ? CUSTOM_FIELDS : CALLED_FIELDS, place)
}

const isGiven = (value: unknown) => value !== undefined && value !== null

function walkContent(walk: Walk, content: unknown, place: Place): void {
  const kind = place.role === 'tool' ? 'tool_result' : 'text'
  if (typeof content === 'string') walk.text(content, place, kind)
  else walk.objectsIn(content, place, (item, here) => walkItem(walk, item, here, kind), kind)
}

function walkItem(walk: Walk, item: Readonly<Record<string, unknown>>, place: Place, kind: 'text' | 'tool_result') {
  switch (item.type) {
    case 'text':
      walk.textIn(item.text, at(place, 'text'), kind)
      walk.rest(item, TEXT_FIELDS, place, 'text', ITEM_SETTINGS)
      return
    case 'refusal':
      walk.textIn(item.refusal, at(place, 'refusal'), kind)
      walk.rest(item, REFUSAL_FIELDS, place)
      return
    case 'image_url': {
      const image = fieldsOf(item.image_url)
      const here = at(place, 'image_url')
      if (image !== item.image_url) walk.attachment('image', item.image_url, here, place)
      else walk.attachment('image', image.url, at(here, 'url'), place)
      walk.rest(image, IMAGE_FIELDS, here, 'label')
      walk.rest(item, IMAGE_ITEM, place, 'text', ITEM_SETTINGS)
      return
    }
    case 'input_audio': {
      const audio = walk.fieldsIn(item.input_audio, at(place, 'input_audio'), 'label')
      walk.media('audio', { type: textOrNull(audio.format), bytes: base64Bytes(audio.data) }, place)
      walk.rest(audio, AUDIO_FIELDS, at(place, 'input_audio'), 'label')
      walk.rest(item, AUDIO_ITEM, place, 'text', ITEM_SETTINGS)
      return
    }
    case 'file': {
      const here = at(place, 'file')
      const file = walk.fieldsIn(item.file, here, 'label')
      walk.attachment('file', file.file_data, at(here, 'file_data'), place, { name: textOrNull(file.filename) })
      walk.textIn(file.filename, at(here, 'filename'), 'label')
      if (typeof file.file_id === 'string') walk.skip('file_id', 'kept by the provider')
      walk.rest(file, FILE_FIELDS, here, 'label')
      walk.rest(item, FILE_ITEM, place, 'text', ITEM_SETTINGS)
      return
    }
    default:
      // A kind of content that is not known here is read for all the text it holds.
      walk.unknown(item, place, kind)
  }
}

/** Policies see both: the declaration for what may be called, its texts because a model reads them. */
function walkDeclared(walk: Walk, declared: unknown, place: Place): void {
  const fields = walk.fieldsIn(declared, place)
  walk.tool(fields.name, fields.description, fields.parameters, place)
  walk.schemaTexts(fields.parameters, at(place, 'parameters'))
  walkToolSettings(walk, fields, DECLARED_FIELDS, place)
}

function roleOf(role: unknown): Role {
  if (role === 'system' || role === 'developer') return 'system'
  if (role === 'assistant') return 'assistant'
  return role === 'tool' || role === 'function' ? 'tool' : 'user'
}
