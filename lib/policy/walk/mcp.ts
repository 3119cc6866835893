import { at, base64Bytes, fieldsOf, listOf, type Place, textOrNull, Walk, type Walked } from './walked'

/**
 * A JSON-RPC request of the Model Context Protocol: for `tools/call` the arguments, for others every text of `params`.
 *
 * @throws WalkRefused when there is more in it than is looked through
 */
export function walkMcpRequest(message: unknown): Walked {
  const walk = new Walk()
  const { id, method, params } = fieldsOf(message)
  const place: Place = { path: ['params'], role: 'assistant', message: 0 }
  if (method === 'tools/call') {
    const called = fieldsOf(params)
    const callId = typeof id === 'number' ? String(id) : id
    walk.callWithValue(callId, called.name, called.arguments, at(place, 'arguments'))
  } else walk.leaves(params, place, 'text')
  return walk.done()
}

/** The answer to any of them: content blocks, structured content, messages of a prompt, declared tools. */
export function walkMcpResult(message: unknown): Walked {
  const walk = new Walk()
  const { result, error } = fieldsOf(message)
  const place: Place = { path: ['result'], role: 'tool', message: 0 }
  const fields = fieldsOf(result)
  for (const [key, value] of Object.entries(fields)) {
    const here = at(place, key)
    if (key === 'content' || key === 'contents') walkBlocks(walk, value, here)
    else if (key === 'messages') {
      for (const [i, said] of listOf(value).entries())
        walkBlock(walk, fieldsOf(fieldsOf(said).content), at(here, i, 'content'))
    } else if (key === 'tools') walkTools(walk, value, here)
    else if (key !== '_meta') walk.leaves(value, here, 'tool_result')
  }
  const failure = fieldsOf(error)
  const errorPlace: Place = { path: ['error'], role: 'tool', message: 0 }
  walk.text(failure.message, at(errorPlace, 'message'), 'tool_result')
  walk.leaves(failure.data, at(errorPlace, 'data'), 'tool_result')
  return walk.done()
}

function walkTools(walk: Walk, tools: unknown, place: Place): void {
  for (const [i, tool] of listOf(tools).entries()) {
    const { name, title, description, inputSchema } = fieldsOf(tool)
    const here: Place = { ...at(place, i), role: 'system' }
    walk.tool(name, description, inputSchema)
    walk.text(title, at(here, 'title'))
    walk.text(description, at(here, 'description'))
    walk.schemaTexts(inputSchema, at(here, 'inputSchema'))
  }
}

function walkBlocks(walk: Walk, blocks: unknown, place: Place): void {
  for (const [i, block] of listOf(blocks).entries()) walkBlock(walk, fieldsOf(block), at(place, i))
}

function walkBlock(walk: Walk, block: Readonly<Record<string, unknown>>, place: Place): void {
  switch (block.type) {
    case 'text':
      walk.text(block.text, at(place, 'text'), 'tool_result')
      return
    case 'image':
    case 'audio':
      walk.media(block.type, { type: textOrNull(block.mimeType), bytes: base64Bytes(block.data) }, place)
      return
    case 'resource':
      walkResource(walk, fieldsOf(block.resource), at(place, 'resource'))
      return
    case undefined:
      walkResource(walk, block, place)
      return
    default:
      walk.unknown(block, place, 'tool_result')
  }
}

/** What was read from a resource: text, or a file in base64. */
function walkResource(walk: Walk, resource: Readonly<Record<string, unknown>>, place: Place): void {
  const { blob, ...texts } = resource
  if (blob !== undefined) {
    const facts = { type: textOrNull(resource.mimeType), bytes: base64Bytes(blob), url: textOrNull(resource.uri) }
    walk.media('file', { ...facts, ...(typeof blob === 'string' ? { data: blob } : {}) }, place)
  } else walk.leaves(texts, place, 'tool_result')
}
