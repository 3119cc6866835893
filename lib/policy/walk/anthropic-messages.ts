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
  for (const [i, tool] of listOf(request.tools).entries()) {
    const fields = fieldsOf(tool)
    const { name, description, input_schema: schema } = fields
    walk.tool(name, description, schema, at(around, 'tools', i))
    walk.text(description, at(around, 'tools', i, 'description'))
    walk.schemaTexts(schema, at(around, 'tools', i, 'input_schema'))
    walkToolSettings(walk, fields, TOOL_FIELDS, at(around, 'tools', i))
  }
  walk.schemaTexts(
    fieldsOf(fieldsOf(request.output_config).format).schema,
    at(around, 'output_config', 'format', 'schema'),
  )
  // Nobody vouches for what comes this way, such as documents.
  walk.rest(request, REQUEST_FIELDS, { ...around, role: 'tool' })
  return walk.done()
}

/** What is looked through above, and what says how to answer rather than what about. */
const REQUEST_FIELDS = new Set(
  (
    'model system messages tools output_config tool_choice stream max_tokens temperature top_p top_k thinking ' +
    'service_tier container context_management cache_control speed inference_geo betas anthropic_version anthropic_beta'
  ).split(' '),
)
const TOOL_FIELDS = new Set(['name', 'description', 'input_schema', 'cache_control'])
const MESSAGE_FIELDS = new Set(['role', 'content'])
const SOURCE_FIELDS = new Set(['type', 'media_type', 'data', 'content', 'url', 'file_id'])
const CALL_FIELDS = new Set(['name', 'input', 'server_name', 'cache_control'])
const REDACTED_FIELDS = new Set(['data', 'cache_control'])
const MEDIA_FIELDS = new Set(['source', 'title', 'context', 'citations', 'cache_control'])
const RESULT_FIELDS = new Set(['tool_use_id', 'content', 'is_error', 'cache_control'])
const TEXT_FIELDS = new Set(['text', 'cache_control'])
const THINKING_FIELDS = new Set(['thinking', 'cache_control'])
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
  if (!Array.isArray(content)) walk.textIn(content, place, kind)
  for (const [i, block] of listOf(content).entries()) walkBlock(walk, fieldsOf(block), at(place, i), kind)
}

function walkBlock(walk: Walk, block: Readonly<Record<string, unknown>>, place: Place, kind: Kind): void {
  switch (block.type) {
    case 'text':
      walk.textIn(block.text, at(place, 'text'), kind)
      walk.rest(block, TEXT_FIELDS, place)
      return
    case 'thinking':
      walk.textIn(block.thinking, at(place, 'thinking'), kind)
      walk.rest(block, THINKING_FIELDS, place)
      return
    case 'redacted_thinking':
      walk.skip('redacted thinking', 'not readable')
      walk.rest(block, REDACTED_FIELDS, place)
      return
    case 'image':
      walkSource(walk, 'image', fieldsOf(block.source), place, null)
      walk.rest(block, MEDIA_FIELDS, place)
      return
    case 'document':
      walk.text(block.title, at(place, 'title'), kind)
      walk.text(block.context, at(place, 'context'), kind)
      walkSource(walk, 'file', fieldsOf(block.source), place, textOrNull(block.title))
      walk.rest(block, MEDIA_FIELDS, place)
      return
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      walk.callWithValue(block.id, block.name, block.input, at({ ...place, role: 'assistant' }, 'input'))
      if (typeof block.server_name === 'string') walk.names([block.server_name], at(place, 'server_name'))
      walk.rest(block, CALL_FIELDS, { ...place, role: 'assistant' })
      return
    case 'tool_result':
    case 'mcp_tool_result':
      walkContent(walk, block.content, at({ ...place, role: 'tool' }, 'content'), 'tool_result')
      walk.rest(block, RESULT_FIELDS, { ...place, role: 'tool' })
      return
    default:
      // Search results and whatever else comes: read for all the text it holds.
      walk.unknown(block, place, kind)
  }
}

function walkSource(
  walk: Walk,
  kind: 'image' | 'file',
  source: Readonly<Record<string, unknown>>,
  place: Place,
  name: string | null,
): void {
  const here = at(place, 'source')
  if (source.type === 'text') walk.text(source.data, at(here, 'data'), place.role === 'tool' ? 'tool_result' : 'text')
  else if (source.type === 'content')
    walkContent(walk, source.content, at(here, 'content'), place.role === 'tool' ? 'tool_result' : 'text')
  else if (source.type === 'url') walk.attachment(kind, source.url, at(here, 'url'), here, { name })
  else walk.attachment(kind, source.data, at(here, 'data'), here, { type: textOrNull(source.media_type), name })
  if (typeof source.file_id === 'string') walk.skip('file_id', 'kept by the provider')
  walk.rest(source, SOURCE_FIELDS, here, 'label')
}
