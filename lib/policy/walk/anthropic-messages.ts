import { walkToolSettings } from './tool-settings'
import { at, fieldsOf, listOf, type Place, textOrNull, Walk, type Walked } from './walked'

/**
 * The body of a request to the Messages API: system, messages, tools.
 *
 * @throws WalkRefused when there is more in it than is looked through
 */
export function walkMessagesRequest(body: unknown): Walked {
  const walk = new Walk()
  const request = fieldsOf(body)
  const around: Place = { path: [], role: 'system', message: -1 }
  walkContent(walk, request.system, at(around, 'system'), 'text')
  for (const [i, message] of listOf(request.messages).entries()) {
    const fields = fieldsOf(message)
    const { role, content } = fields
    const place: Place = {
      path: ['messages', i, 'content'],
      role: role === 'assistant' ? 'assistant' : role === 'system' ? 'system' : 'user',
      message: i,
    }
    walkContent(walk, content, place, 'text')
    walk.rest(fields, MESSAGE_FIELDS, { ...place, path: ['messages', i] })
  }
  walk.objectsIn(request.tools, at(around, 'tools'), (fields, place) => {
    walk.tool(fields.name, fields.description, fields.input_schema, place)
    walk.schemaTexts(fields.input_schema, at(place, 'input_schema'))
    walkToolSettings(walk, fields, TOOL_FIELDS, place, SETTINGS)
  })
  const here = at(around, 'output_config')
  const config = walk.fieldsIn(request.output_config, here)
  const format = walk.fieldsIn(config.format, at(here, 'format'))
  walk.schemaTexts(format.schema, at(here, 'format', 'schema'))
  walk.rest(format, SCHEMA, at(here, 'format'), 'label')
  walk.rest(config, FORMAT, here, 'label', CONFIG_SETTINGS)
  // An order to sum up what was said is one to the model, as the system prompt is.
  walk.setting(request.context_management, at(around, 'context_management'))
  if (request.container !== undefined && request.container !== null) walk.skip('container', 'kept by the provider')
  // Nobody vouches for what comes this way, such as documents.
  walk.rest(request, REQUEST_FIELDS, { ...around, role: 'tool' }, 'text', SETTINGS)
  return walk.done()
}

/** What is looked through above. */
const REQUEST_FIELDS = new Set('model system messages tools output_config context_management'.split(' '))
const SETTINGS = new Set(
  (
    'tool_choice stream max_tokens temperature top_p top_k thinking service_tier container cache_control speed ' +
    'inference_geo betas anthropic_version anthropic_beta citations'
  ).split(' '),
)
const CONFIG_SETTINGS = new Set(['effort'])
const FORMAT = new Set(['format'])
const SCHEMA = new Set(['schema'])
const TOOL_FIELDS = new Set(['name', 'description', 'input_schema'])
const MESSAGE_FIELDS = new Set(['role', 'content'])
const CALL_FIELDS = new Set(['name', 'input', 'server_name'])
const REDACTED_FIELDS = new Set(['data'])
const MEDIA_FIELDS = new Set(['source'])
const DOCUMENT_FIELDS = new Set(['source', 'title', 'context'])
const RESULT_FIELDS = new Set(['content', 'is_error'])
const TEXT_FIELDS = new Set(['text'])
const THINKING_FIELDS = new Set(['thinking'])
/** What comes from outside although it stands in a message of the assistant: pages, files, what commands printed. */
const OUTSIDE = /_tool_result$|^search_result$|^document$/
export const ANSWER_FIELDS: ReadonlySet<string> = new Set(
  'id type role model content stop_reason usage container context_management'.split(' '),
)

/** The body of a message that a model wrote. */
export function walkMessagesAnswer(body: unknown): Walked {
  const walk = new Walk()
  walkContent(walk, fieldsOf(body).content, { path: ['content'], role: 'assistant', message: 0 }, 'text')
  walk.rest(fieldsOf(body), ANSWER_FIELDS, { path: [], role: 'assistant', message: -1 }, 'label')
  return walk.done()
}

type Kind = 'text' | 'tool_result'

function walkContent(walk: Walk, content: unknown, place: Place, kind: Kind): void {
  walk.objectsIn(content, place, (block, here) => walkBlock(walk, block, here, kind), kind)
}

function walkBlock(walk: Walk, block: Readonly<Record<string, unknown>>, given: Place, kind: Kind): void {
  const isOutside = given.role === 'assistant' && typeof block.type === 'string' && OUTSIDE.test(block.type)
  const place: Place = isOutside ? { ...given, role: 'tool' } : given
  switch (block.type) {
    case 'text':
      walk.textIn(block.text, at(place, 'text'), kind)
      walk.rest(block, TEXT_FIELDS, place, 'text', CACHE)
      return
    case 'thinking':
      walk.textIn(block.thinking, at(place, 'thinking'), kind)
      walk.rest(block, THINKING_FIELDS, place, 'text', CACHE)
      return
    case 'redacted_thinking':
      walk.skip('redacted thinking', 'not readable')
      walk.rest(block, REDACTED_FIELDS, place, 'text', CACHE)
      return
    case 'image':
      walkSource(walk, 'image', block.source, place, null)
      walk.rest(block, MEDIA_FIELDS, place, 'text', SETTINGS)
      return
    case 'document':
      walk.textIn(block.title, at(place, 'title'), kind)
      walk.textIn(block.context, at(place, 'context'), kind)
      walkSource(walk, 'file', block.source, place, textOrNull(block.title))
      walk.rest(block, DOCUMENT_FIELDS, place, 'text', SETTINGS)
      return
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      walk.callWithValue(block.id, block.name, block.input, at({ ...place, role: 'assistant' }, 'input'))
      if (typeof block.server_name === 'string') walk.names([block.server_name], at(place, 'server_name'))
      else walk.textIn(block.server_name, at(place, 'server_name'))
      walk.rest(block, CALL_FIELDS, { ...place, role: 'assistant' }, 'text', CACHE)
      return
    case 'tool_result':
    case 'mcp_tool_result':
      walkContent(walk, block.content, at({ ...place, role: 'tool' }, 'content'), 'tool_result')
      walk.rest(block, RESULT_FIELDS, { ...place, role: 'tool' }, 'text', CACHE)
      return
    default:
      // Search results and whatever else comes: read for all the text it holds.
      walk.unknown(block, place, isOutside ? 'tool_result' : kind)
  }
}

const CACHE = new Set(['cache_control'])

function walkSource(walk: Walk, kind: 'image' | 'file', given: unknown, place: Place, name: string | null): void {
  const here = at(place, 'source')
  const source = walk.fieldsIn(given, here, 'label')
  const texts = place.role === 'tool' ? 'tool_result' : 'text'
  const field = SOURCE_FIELD.get(source.type) ?? 'data'
  if (source.type === 'text') walk.textIn(source.data, at(here, 'data'), texts)
  else if (source.type === 'content') walkContent(walk, source.content, at(here, 'content'), texts)
  else if (source.type === 'url') walk.attachment(kind, source.url, at(here, 'url'), here, { name })
  else walk.attachment(kind, source.data, at(here, 'data'), here, { type: textOrNull(source.media_type), name })
  if (typeof source.file_id === 'string') walk.skip('file_id', 'kept by the provider')
  walk.rest(source, READ_FIELDS.get(field) ?? KEPT, here, 'label', MEDIA_TYPE)
}

/** Where each kind of source has what it is. */
const SOURCE_FIELD: ReadonlyMap<unknown, string> = new Map([
  ['content', 'content'],
  ['url', 'url'],
])
const MEDIA_TYPE: ReadonlySet<string> = new Set(['media_type'])
const KEPT: ReadonlySet<string> = new Set(['file_id'])
const READ_FIELDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  ['data', 'content', 'url'].map((field) => [field, new Set([...KEPT, field])]),
)
