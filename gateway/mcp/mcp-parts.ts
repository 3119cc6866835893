import type { Skipped } from '@/lib/policy/engine/policy'
import type { JsonPath, Part } from '@/lib/policy/engine/subject'
import { fieldsOf } from './json-rpc'

const PARTS_MAX = 20_000
/** A number this long may be that of a card or an account. */
const LONG_INTEGER = 1e8

/** More than can be looked through: what is not read is not passed on. */
export class TooManyParts extends Error {
  override readonly name = 'TooManyParts'
}

/**
 * The texts of a value inside an MCP message, each with its path from the root of the message. Base64 content becomes a
 * part without text, so that the record says that it was there.
 *
 * @throws TooManyParts
 */
export function mcpParts(value: unknown, path: JsonPath, kind: Part['kind'], role: Part['role']): Part[] {
  const parts: Part[] = []
  const add = (part: Part) => {
    if (parts.length >= PARTS_MAX) throw new TooManyParts(`more than ${PARTS_MAX} values`)
    parts.push(part)
  }
  const text = (at: JsonPath, content: string) => add({ path: at, kind, role, message: 0, text: content, media: null })
  const visit = (found: unknown, at: JsonPath): void => {
    if (typeof found === 'string') {
      text(at, found)
      return
    }
    if (typeof found === 'number') {
      if (Number.isInteger(found) && Math.abs(found) >= LONG_INTEGER) text(at, String(found))
      return
    }
    if (Array.isArray(found)) {
      for (const [index, item] of found.entries()) visit(item, [...at, index])
      return
    }
    const fields = fieldsOf(found)
    if (fields === null) return
    const media = kind === 'tool_result' ? mediaOf(fields) : null
    if (media !== null) add({ path: at, kind: media.kind, role, message: 0, text: '', media: media.media })
    for (const [name, field] of Object.entries(fields)) {
      if (name === media?.field || (kind === 'tool_result' && SHAPE.has(name) && isShape(fields) && isWord(field)))
        continue
      visit(field, [...at, name])
    }
  }
  visit(value, path)
  return parts
}

/**
 * What a tool, prompt or resource says of itself: its name, its description and all that its schemas say. Addresses and
 * pictures are nothing that a model is told.
 *
 * @param isCalledByName another name would be another thing
 * @throws TooManyParts
 */
export function definitionParts(entry: Record<string, unknown>, path: JsonPath, isCalledByName: boolean): Part[] {
  const { name, uri: _u, uriTemplate: _t, icons: _i, ...said } = entry
  const parts = mcpParts(said, path, 'tool_result', 'tool')
  if (typeof name !== 'string') return parts
  const named = { path: [...path, 'name'], role: 'tool', message: 0, text: name, media: null } as const
  return [isCalledByName ? { ...named, kind: 'label', isFixed: true } : { ...named, kind: 'label' }, ...parts]
}

export const NAMES_SKIPPED: Skipped = { what: 'names of fields', why: 'only values are looked at' }

/** Of a content block: these say what it is, not what it contains. */
const SHAPE = new Set(['type', 'mimeType', 'role'])
const isShape = ({ type, uri, role }: Record<string, unknown>) =>
  (typeof type === 'string' && BLOCKS.has(type)) || typeof uri === 'string' || role === 'user' || role === 'assistant'
const isWord = (value: unknown) =>
  typeof value === 'string' && /^[a-z]{1,40}(?:\/[\w.+-]{1,100})?(?:;[\w=. -]{1,60})?$/i.test(value)
const BLOCKS = new Set(['text', 'image', 'audio', 'resource', 'resource_link'])

/** Bytes in base64: an image or audio block, or the blob of a resource. */
function mediaOf(fields: Record<string, unknown>) {
  const { type, data, blob, mimeType, uri } = fields
  const isBlock = (type === 'image' || type === 'audio') && typeof data === 'string'
  const bytes = isBlock ? data : typeof blob === 'string' && typeof uri === 'string' ? blob : null
  if (typeof bytes !== 'string' || !BASE64.test(bytes)) return null
  const kind: Part['kind'] = isBlock ? type : 'file'
  const media = {
    type: typeof mimeType === 'string' ? mimeType.slice(0, 200) : null,
    bytes: Math.floor((bytes.length * 3) / 4),
    url: null,
    name: typeof uri === 'string' ? uri.slice(0, 2_000) : null,
  }
  return { kind, media, field: isBlock ? 'data' : 'blob' }
}

/** Lines may be cut; what has blanks in it is a text. */
const BASE64 = /^[A-Za-z0-9+/_=\r\n-]*$/
