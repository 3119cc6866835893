import type { Role } from '../engine/subject'
import { base64Bytes } from './media'
import { walkToolSettings } from './tool-settings'
import { at, fieldsOf, type Place, textOrNull, Walk, type Walked } from './walked'

/**
 * The body of a request to the Responses API: instructions, `input` as a string or as items, tools, text format.
 *
 * @throws WalkRefused when there is more in it than is looked through
 */
export function walkResponsesRequest(body: unknown): Walked {
  const walk = new Walk()
  const request = fieldsOf(body)
  const around: Place = { path: [], role: 'system', message: -1 }
  walkInput(walk, request.instructions, at(around, 'instructions'))
  walkItems(walk, request.input, ['input'], 'user')
  if (isGiven(request.previous_response_id)) walk.skip('previous_response_id', 'kept by the provider')
  if (isGiven(request.conversation)) walk.skip('conversation', 'kept by the provider')
  const prompt = walk.fieldsIn(request.prompt, at(around, 'prompt'))
  if (prompt.id !== undefined) walk.skip('prompt', 'kept by the provider')
  walk.leaves(prompt.variables, at(around, 'prompt', 'variables'), 'text')
  walk.rest(prompt, PROMPT_FIELDS, at(around, 'prompt'))
  const text = walk.fieldsIn(request.text, at(around, 'text'))
  const here = at(around, 'text', 'format')
  const format = walk.fieldsIn(text.format, here)
  walk.textIn(format.description, at(here, 'description'))
  walk.schemaTexts(format.schema, at(here, 'schema'))
  walk.rest(format, FORMAT_FIELDS, here, 'label')
  walk.rest(text, TEXT_SETTINGS, at(around, 'text'), 'label', VERBOSITY)
  walk.objectsIn(request.tools, at(around, 'tools'), (fields, place) => {
    walk.tool(fields.name, fields.description, fields.parameters, place)
    walk.schemaTexts(fields.parameters, at(place, 'parameters'))
    walkToolSettings(walk, fields, TOOL_FIELDS, place)
  })
  if (typeof request.tool_choice === 'object') walk.leaves(request.tool_choice, at(around, 'tool_choice'), 'label')
  else walk.setting(request.tool_choice, at(around, 'tool_choice'))
  // Nobody vouches for what comes this way, such as documents.
  walk.rest(request, REQUEST_FIELDS, { ...around, role: 'tool' }, 'text', SETTINGS)
  return walk.done()
}

const isGiven = (value: unknown) => value !== undefined && value !== null

/** What is looked through above, or kept by the provider. */
const REQUEST_FIELDS = new Set(
  'model input instructions previous_response_id conversation prompt text tools tool_choice'.split(' '),
)
const SETTINGS = new Set(
  (
    'stream stream_options temperature top_p max_output_tokens max_tool_calls parallel_tool_calls reasoning service_tier ' +
    'store include truncation background top_logprobs context_management prompt_cache_retention'
  ).split(' '),
)
const PROMPT_FIELDS = new Set(['id', 'version', 'variables'])
const FORMAT_FIELDS = new Set(['description', 'schema'])
const TEXT_SETTINGS = new Set(['format'])
const VERBOSITY = new Set(['verbosity'])
/** The request is repeated in its answer; that was looked through on its way in. */
export const ANSWER_FIELDS: ReadonlySet<string> = new Set([
  ...REQUEST_FIELDS,
  ...SETTINGS,
  ...'id object created_at completed_at status incomplete_details output usage user safety_identifier metadata prompt_cache_key billing'.split(
    ' ',
  ),
])
const TOOL_FIELDS = new Set(['name', 'description', 'parameters'])
const CALL_FIELDS = new Set(['name', 'arguments'])
const CUSTOM_FIELDS = new Set(['name', 'input'])
const RUN_FIELDS = new Set(['name', 'arguments', 'output', 'error'])
const OUTPUT_FIELDS = new Set(['output'])
const REASONING_FIELDS = new Set(['summary', 'content', 'encrypted_content'])
const FILE_FIELDS = new Set(['file_data', 'file_url', 'filename', 'file_id'])
const IMAGE_FIELDS = new Set(['image_url', 'filename', 'file_id'])
const SOUND_FIELDS = new Set(['data'])
const CACHE = new Set(['cache_control'])
const NOTHING: ReadonlySet<string> = new Set()
const REFUSAL_FIELDS = new Set(['refusal'])
const AUDIO_FIELDS = new Set(['input_audio'])
const PICTURE_FIELDS = new Set(['result'])
const MESSAGE_FIELDS = new Set(['content'])
const PHASE = new Set(['phase'])
const TEXT_FIELDS = new Set(['text', 'logprobs'])

/** The body of a response: its output items. */
export function walkResponsesAnswer(body: unknown): Walked {
  const walk = new Walk()
  walkItems(walk, fieldsOf(body).output, ['output'], 'assistant')
  walk.rest(fieldsOf(body), ANSWER_FIELDS, { path: [], role: 'assistant', message: -1 }, 'label')
  return walk.done()
}

/** Calls of tools that have no name of the caller's own: whoever asked for the answer carries them out. */
export const ACTION = /^(local_shell|shell|apply_patch|computer|tool_search)_call$/

export const actionName = (type: unknown): string => ACTION.exec(String(type))?.[1] ?? ''

/** Where such a call says what is to be done. */
export const actionField = (item: Readonly<Record<string, unknown>>): string =>
  ['action', 'actions', 'operation', 'arguments'].find((name) => item[name] !== undefined) ?? 'action'

/** Instructions are a string, or items as those of `input`. */
function walkInput(walk: Walk, value: unknown, place: Place): void {
  walk.objectsIn(value, place, (item, here) => walkItem(walk, item, here, true))
}

function walkItems(walk: Walk, items: unknown, path: readonly string[], otherwise: Role): void {
  const first: Place = { path, role: otherwise, message: 0 }
  walk.objectsIn(items, first, (item, { path: here }) => {
    const place: Place = { path: here, role: roleOf(item.role, otherwise), message: Number(here.at(-1)) }
    walkItem(walk, item, place, otherwise === 'user')
  })
}

/** @param isSent within a request, so that what is not known may be what a tool has brought */
function walkItem(walk: Walk, item: Readonly<Record<string, unknown>>, place: Place, isSent: boolean): void {
  const called = { ...place, role: 'assistant' } as const
  const answered = { ...place, role: 'tool' } as const
  switch (item.type) {
    case undefined:
    case 'message':
      walkContent(walk, item.content, at(place, 'content'), 'text')
      walk.rest(item, MESSAGE_FIELDS, place, 'text', PHASE)
      return
    case 'function_call':
      walk.callWithJson(item.call_id ?? item.id, item.name, item.arguments, at(called, 'arguments'))
      walk.rest(item, CALL_FIELDS, called)
      return
    case 'mcp_approval_request':
      walk.callWithJson(item.id, item.name, item.arguments, at(called, 'arguments'))
      walk.rest(item, CALL_FIELDS, called)
      return
    case 'local_shell_call':
    case 'shell_call':
    case 'apply_patch_call':
    case 'computer_call':
    case 'tool_search_call': {
      const field = actionField(item)
      walk.callWithValue(item.call_id ?? item.id, actionName(item.type), item[field], at(called, field))
      walk.rest(item, new Set([field]), called)
      return
    }
    case 'custom_tool_call':
      walk.callWithJson(item.call_id ?? item.id, item.name, item.input, at(called, 'input'))
      walk.rest(item, CUSTOM_FIELDS, called)
      return
    case 'mcp_call':
      walk.callWithJson(item.id, item.name, item.arguments, at(called, 'arguments'))
      walk.textIn(item.output, at(answered, 'output'), 'tool_result')
      walk.textIn(item.error, at(answered, 'error'), 'tool_result')
      walk.rest(item, RUN_FIELDS, answered)
      return
    case 'function_call_output':
    case 'custom_tool_call_output':
      walkContent(walk, item.output, at(answered, 'output'), 'tool_result')
      walk.rest(item, OUTPUT_FIELDS, answered)
      return
    case 'reasoning':
      walk.unknown(item.summary, at(called, 'summary'), 'text')
      walk.unknown(item.content, at(called, 'content'), 'text')
      if (typeof item.encrypted_content === 'string') walk.skip('encrypted reasoning', 'not readable')
      walk.rest(item, REASONING_FIELDS, called)
      return
    case 'image_generation_call':
      walk.media('image', { bytes: base64Bytes(item.result) }, at(called, 'result'))
      walk.rest(item, PICTURE_FIELDS, called)
      return
    case 'item_reference':
      walk.skip('item_reference', 'kept by the provider')
      walk.rest(item, NOTHING, place)
      return
    default:
      // Searches, code, commands: read for all the text they hold, which includes what the provider's own tools were told.
      if (isSent) walk.unknown(item, answered, 'tool_result')
      else walk.unknown(item, called, 'text')
  }
}

function walkContent(walk: Walk, content: unknown, place: Place, kind: 'text' | 'tool_result'): void {
  walk.objectsIn(content, place, (fields, here) => walkPart(walk, fields, here, kind), kind)
}

function walkPart(walk: Walk, fields: Readonly<Record<string, unknown>>, here: Place, kind: 'text' | 'tool_result') {
  switch (fields.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      walk.textIn(fields.text, at(here, 'text'), kind)
      walk.rest(fields, TEXT_FIELDS, here, 'text', CACHE)
      return
    case 'refusal':
      walk.textIn(fields.refusal, at(here, 'refusal'), kind)
      walk.rest(fields, REFUSAL_FIELDS, here)
      return
    case 'input_image':
      walk.attachment('image', fields.image_url, at(here, 'image_url'), here)
      walkFileFields(walk, fields, IMAGE_FIELDS, here)
      return
    case 'input_file': {
      const key = isGiven(fields.file_data) ? 'file_data' : 'file_url'
      walk.attachment('file', fields[key], at(here, key), here, { name: textOrNull(fields.filename) })
      if (key === 'file_data' && typeof fields.file_url === 'string')
        walk.address(fields.file_url, at(here, 'file_url'))
      else if (key === 'file_data') walk.textIn(fields.file_url, at(here, 'file_url'), 'label')
      walkFileFields(walk, fields, FILE_FIELDS, here)
      return
    }
    case 'input_audio': {
      const audio = walk.fieldsIn(fields.input_audio, at(here, 'input_audio'), 'label')
      walk.media('audio', { type: textOrNull(audio.format), bytes: base64Bytes(audio.data) }, here)
      walk.rest(audio, SOUND_FIELDS, at(here, 'input_audio'), 'label')
      walk.rest(fields, AUDIO_FIELDS, here)
      return
    }
    default:
      walk.unknown(fields, here, kind)
  }
}

function walkFileFields(
  walk: Walk,
  fields: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  place: Place,
): void {
  walk.textIn(fields.filename, at(place, 'filename'), 'label')
  if (typeof fields.file_id === 'string') walk.skip('file_id', 'kept by the provider')
  walk.rest(fields, known, place, 'label')
}

function roleOf(role: unknown, otherwise: Role): Role {
  if (role === 'system' || role === 'developer') return 'system'
  if (role === 'assistant' || role === 'user' || role === 'tool') return role
  return otherwise
}
