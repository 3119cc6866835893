import type { Role } from '../engine/subject'
import { base64Bytes } from './media'
import { walkToolSettings } from './tool-settings'
import { at, fieldsOf, listOf, type Place, textOrNull, Walk, type Walked } from './walked'

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
  if (typeof request.input === 'string') {
    walk.text(request.input, { path: ['input'], role: 'user', message: 0 })
  }
  walkItems(walk, listOf(request.input), ['input'], 'user')
  if (request.previous_response_id !== undefined && request.previous_response_id !== null) {
    walk.skip('previous_response_id', 'kept by the provider')
  }
  const prompt = fieldsOf(request.prompt)
  if (prompt.id !== undefined) walk.skip('prompt', 'kept by the provider')
  walk.leaves(prompt.variables, at(around, 'prompt', 'variables'), 'text')
  const format = fieldsOf(fieldsOf(request.text).format)
  walk.text(format.description, at(around, 'text', 'format', 'description'))
  walk.schemaTexts(format.schema, at(around, 'text', 'format', 'schema'))
  for (const [i, tool] of listOf(request.tools).entries()) {
    const fields = fieldsOf(tool)
    const { name, description, parameters } = fields
    walk.tool(name, description, parameters, at(around, 'tools', i))
    walk.text(description, at(around, 'tools', i, 'description'))
    walk.schemaTexts(parameters, at(around, 'tools', i, 'parameters'))
    walkToolSettings(walk, fields, TOOL_FIELDS, at(around, 'tools', i))
  }
  if (typeof request.tool_choice === 'object') walk.leaves(request.tool_choice, at(around, 'tool_choice'), 'label')
  // Nobody vouches for what comes this way, such as documents.
  walk.rest(request, REQUEST_FIELDS, { ...around, role: 'tool' })
  return walk.done()
}

/** What is looked through above, and what says how to answer rather than what about. */
const REQUEST_FIELDS = new Set(
  (
    'model input instructions previous_response_id prompt text tools tool_choice stream stream_options temperature top_p ' +
    'max_output_tokens max_tool_calls parallel_tool_calls reasoning service_tier store include truncation background ' +
    'top_logprobs conversation context_management prompt_cache_retention'
  ).split(' '),
)
/** The request is repeated in its answer; that was looked through on its way in. */
export const ANSWER_FIELDS: ReadonlySet<string> = new Set([
  ...REQUEST_FIELDS,
  ...'id object created_at completed_at status incomplete_details output usage user safety_identifier metadata prompt_cache_key billing'.split(
    ' ',
  ),
])
const TOOL_FIELDS = new Set(['name', 'description', 'parameters'])
const CALL_FIELDS = new Set(['name', 'arguments', 'input', 'output', 'error', 'namespace'])
const OUTPUT_FIELDS = new Set(['output'])
const REASONING_FIELDS = new Set(['summary', 'content', 'encrypted_content'])
const FILE_FIELDS = new Set(['file_data', 'file_url', 'filename', 'file_id', 'image_url'])
const REFUSAL_FIELDS = new Set(['refusal'])
const AUDIO_FIELDS = new Set(['input_audio'])
const PICTURE_FIELDS = new Set(['result'])
const MESSAGE_FIELDS = new Set(['content', 'phase'])
const TEXT_FIELDS = new Set(['text', 'logprobs', 'cache_control'])

/** The body of a response: its output items. */
export function walkResponsesAnswer(body: unknown): Walked {
  const walk = new Walk()
  walkItems(walk, listOf(fieldsOf(body).output), ['output'], 'assistant')
  walk.rest(fieldsOf(body), ANSWER_FIELDS, { path: [], role: 'assistant', message: -1 }, 'label')
  return walk.done()
}

/** Calls of tools that have no name of the caller's own: whoever asked for the answer carries them out. */
export const ACTION = /^(local_shell|shell|apply_patch|computer)_call$/

export const actionName = (type: unknown): string => ACTION.exec(String(type))?.[1] ?? ''

/** Where such a call says what is to be done. */
export const actionField = (item: Readonly<Record<string, unknown>>): string =>
  ['action', 'actions', 'operation'].find((name) => item[name] !== undefined) ?? 'action'

/** Instructions are a string, or items as those of `input`. */
function walkInput(walk: Walk, value: unknown, place: Place): void {
  walk.text(value, place)
  for (const [i, item] of listOf(value).entries()) walkItem(walk, fieldsOf(item), at(place, i))
}

function walkItems(walk: Walk, items: readonly unknown[], path: readonly string[], otherwise: Role): void {
  for (const [i, item] of items.entries()) {
    const fields = fieldsOf(item)
    walkItem(walk, fields, { path: [...path, i], role: roleOf(fields.role, otherwise), message: i })
  }
}

function walkItem(walk: Walk, item: Readonly<Record<string, unknown>>, place: Place): void {
  const called = { ...place, role: 'assistant' } as const
  const answered = { ...place, role: 'tool' } as const
  switch (item.type) {
    case undefined:
    case 'message':
      walkContent(walk, item.content, at(place, 'content'), 'text')
      walk.rest(item, MESSAGE_FIELDS, place)
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
    case 'computer_call': {
      const field = actionField(item)
      walk.callWithValue(item.call_id ?? item.id, actionName(item.type), item[field], at(called, field))
      walk.rest(item, new Set([field]), called)
      return
    }
    case 'custom_tool_call':
      walk.callWithJson(item.call_id ?? item.id, item.name, item.input, at(called, 'input'))
      walk.rest(item, CALL_FIELDS, called)
      return
    case 'mcp_call':
      walk.callWithJson(item.id, item.name, item.arguments, at(called, 'arguments'))
      walk.text(item.output, at(answered, 'output'), 'tool_result')
      walk.leaves(item.error, at(answered, 'error'), 'tool_result')
      walk.rest(item, CALL_FIELDS, answered)
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
      return
    default:
      // Searches, code, commands: read for all the text they hold, which includes what the provider's own tools were told.
      walk.unknown(item, called, 'text')
  }
}

function walkContent(walk: Walk, content: unknown, place: Place, kind: 'text' | 'tool_result'): void {
  if (!Array.isArray(content)) walk.textIn(content, place, kind)
  for (const [i, item] of listOf(content).entries()) {
    const here = at(place, i)
    const fields = fieldsOf(item)
    switch (fields.type) {
      case 'input_text':
      case 'output_text':
      case 'text':
        walk.textIn(fields.text, at(here, 'text'), kind)
        walk.rest(fields, TEXT_FIELDS, here)
        break
      case 'refusal':
        walk.textIn(fields.refusal, at(here, 'refusal'), kind)
        walk.rest(fields, REFUSAL_FIELDS, here)
        break
      case 'input_image':
        walk.attachment('image', fields.image_url, at(here, 'image_url'), here)
        walkFileFields(walk, fields, here)
        break
      case 'input_file': {
        const key = typeof fields.file_data === 'string' ? 'file_data' : 'file_url'
        walk.attachment('file', fields[key], at(here, key), here, { name: textOrNull(fields.filename) })
        if (key === 'file_data' && typeof fields.file_url === 'string')
          walk.address(fields.file_url, at(here, 'file_url'))
        walkFileFields(walk, fields, here)
        break
      }
      case 'input_audio': {
        const audio = fieldsOf(fields.input_audio)
        walk.media('audio', { type: textOrNull(audio.format), bytes: base64Bytes(audio.data) }, here)
        walk.rest(fields, AUDIO_FIELDS, here)
        break
      }
      default:
        walk.unknown(item, here, kind)
    }
  }
}

function walkFileFields(walk: Walk, fields: Readonly<Record<string, unknown>>, place: Place): void {
  walk.text(fields.filename, at(place, 'filename'), 'label')
  if (typeof fields.file_id === 'string') walk.skip('file_id', 'kept by the provider')
  walk.rest(fields, FILE_FIELDS, place, 'label')
}

function roleOf(role: unknown, otherwise: Role): Role {
  if (role === 'system' || role === 'developer') return 'system'
  if (role === 'assistant' || role === 'user' || role === 'tool') return role
  return otherwise
}
