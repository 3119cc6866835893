import { hasRepeatedKeys } from '@/lib/json'
import type { Skipped } from '../engine/policy'
import type { DeclaredTool, JsonPath, Part, Role, ToolCall } from '../engine/subject'

/** A JSON body of some API shape, walked into what policies look at. */
export type Walked = {
  parts: readonly Part[]
  toolCalls: readonly ToolCall[]
  tools: readonly DeclaredTool[]
  /** What was left out, and why; belongs into `Subject.skipped`. */
  skipped: readonly Skipped[]
}

/** A body has more in it than a gateway looks through; it must be refused, because the rest would go unseen. */
export class WalkRefused extends Error {
  override readonly name = 'WalkRefused'
}

const PARTS_MAX = 20_000
/** UTF-16 units of all parts together. */
const UNITS_MAX = 32_000_000
const DEPTH_MAX = 64
const SKIPPED_MAX = 20
/** Keys of content whose values are no content: a redaction there would only break the document. */
const LABELS: ReadonlySet<string> = new Set(['type', 'id', 'call_id', 'status', 'role', 'format', 'signature'])

type PartKind = 'text' | 'tool_arguments' | 'tool_result'

/** Where one piece of content stands. */
export type Place = { path: JsonPath; role: Role; message: number }

/** Collects parts within bounds. Whatever it is given is untrusted: what has an unexpected type is told, not trusted. */
export class Walk {
  readonly #parts: Part[] = []
  readonly #toolCalls: ToolCall[] = []
  readonly #tools: DeclaredTool[] = []
  readonly #skipped: Skipped[] = []
  #units = 0

  /** Empty texts and what is no string are no parts. */
  text(value: unknown, place: Place, kind: PartKind = 'text'): void {
    if (typeof value !== 'string' || value === '') return
    this.#units += value.length
    if (this.#units > UNITS_MAX) throw new WalkRefused(`more than ${UNITS_MAX} characters of text`)
    this.#add({ ...place, kind, text: value, media: null })
  }

  media(kind: 'image' | 'audio' | 'file', media: Partial<NonNullable<Part['media']>>, place: Place): void {
    this.#add({ ...place, kind, text: '', media: { type: null, bytes: null, url: null, name: null, ...media } })
  }

  /** What should be a text; of anything else that stands there, all the text it holds. */
  textIn(value: unknown, place: Place, kind: PartKind = 'text'): void {
    if (value !== undefined) this.leaves(value, place, kind)
  }

  /** Every string and number in a JSON value is a part of its own. Keys, booleans and null are no text. */
  leaves(value: unknown, place: Place, kind: 'text' | 'tool_arguments' | 'tool_result', depth = 0): void {
    if (typeof value === 'string') this.text(value, place, kind)
    else if (typeof value === 'number') this.text(String(value), place, kind)
    else if (typeof value === 'object' && value !== null) {
      if (depth >= DEPTH_MAX) throw new WalkRefused(`nested deeper than ${DEPTH_MAX} levels`)
      if (Array.isArray(value)) {
        for (const [i, item] of value.entries()) this.leaves(item, at(place, i), kind, depth + 1)
        return
      }
      for (const [key, item] of Object.entries(value)) this.leaves(item, at(place, key), kind, depth + 1)
    }
  }

  /** What is not known here is read for all the text it holds, but for what only links and labels it. */
  unknown(value: unknown, place: Place, kind: 'text' | 'tool_result'): void {
    if (typeof value !== 'object' || value === null) {
      this.leaves(value, place, kind)
      return
    }
    for (const [key, item] of Object.entries(value)) {
      if (LABELS.has(key)) continue
      const child = at(place, Array.isArray(value) ? Number(key) : key)
      if (typeof item === 'object' && Array.isArray(value)) this.unknown(item, child, kind)
      else this.leaves(item, child, kind)
    }
  }

  /**
   * Fields of an object that is known, but not by these names. A provider may read them nevertheless: because it knows
   * more than we do, or because it takes `Content` for `content`.
   */
  rest(fields: Readonly<Record<string, unknown>>, known: ReadonlySet<string>, place: Place): void {
    for (const key in fields) {
      const value = fields[key]
      if (known.has(key) || LABELS.has(key) || value === null || typeof value === 'number') continue
      this.leaves(value, at(place, key), 'text')
    }
  }

  /** A call whose arguments travel as JSON text. What is no JSON, or only a value, is read as it stands. */
  callWithJson(id: unknown, name: unknown, json: unknown, place: Place): void {
    if (typeof json === 'object' && json !== null) {
      this.callWithValue(id, name, json, place)
      return
    }
    const text = typeof json === 'string' ? json : ''
    const value = parseJson(text)
    // Whoever makes the call may read the other one of two values.
    const parsed = hasRepeatedKeys(text, value) ? undefined : value
    this.#call(id, name, text, parsed, place)
    if (typeof parsed === 'object' && parsed !== null) this.leaves(parsed, place, 'tool_arguments')
    else this.text(text, place, 'tool_arguments')
  }

  /** A call whose arguments are part of the document. */
  callWithValue(id: unknown, name: unknown, value: unknown, place: Place): void {
    this.#call(id, name, value === undefined ? '' : JSON.stringify(value), value, place)
    this.leaves(value, place, 'tool_arguments')
  }

  tool(name: unknown, description: unknown, schema: unknown): void {
    if (typeof name !== 'string') return
    if (this.#tools.length >= PARTS_MAX) throw new WalkRefused(`more than ${PARTS_MAX} tools`)
    this.#tools.push({
      name,
      description: typeof description === 'string' ? description : null,
      schema: schema ?? null,
    })
  }

  /** Descriptions and titles inside a JSON Schema: the model reads them, so they can carry instructions. */
  schemaTexts(schema: unknown, place: Place, depth = 0): void {
    if (typeof schema !== 'object' || schema === null) return
    if (depth >= DEPTH_MAX) throw new WalkRefused(`nested deeper than ${DEPTH_MAX} levels`)
    for (const [key, value] of Object.entries(schema)) {
      const child = at(place, Array.isArray(schema) ? Number(key) : key)
      if (typeof value !== 'string') this.schemaTexts(value, child, depth + 1)
      else if (key === 'description' || key === 'title') this.text(value, child)
    }
  }

  skip(what: string, why: string): void {
    if (this.#skipped.some((known) => known.what === what && known.why === why)) return
    if (this.#skipped.length < SKIPPED_MAX) this.#skipped.push({ what, why })
  }

  done(): Walked {
    return { parts: this.#parts, toolCalls: this.#toolCalls, tools: this.#tools, skipped: this.#skipped }
  }

  #call(id: unknown, name: unknown, text: string, parsed: unknown, { path }: Place): void {
    if (this.#toolCalls.length >= PARTS_MAX) throw new WalkRefused(`more than ${PARTS_MAX} tool calls`)
    this.#toolCalls.push({
      id: typeof id === 'string' ? id : null,
      name: typeof name === 'string' ? name : '',
      arguments: text,
      parsed,
      path,
    })
  }

  #add(part: Part): void {
    if (this.#parts.length >= PARTS_MAX) throw new WalkRefused(`more than ${PARTS_MAX} pieces of content`)
    this.#parts.push(part)
  }
}

export const at = (place: Place, ...keys: (string | number)[]): Place => ({ ...place, path: [...place.path, ...keys] })

export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : NO_FIELDS

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : NO_ITEMS)

export const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const NO_FIELDS: Readonly<Record<string, unknown>> = {}
const NO_ITEMS: readonly unknown[] = []

/** undefined when it is no JSON; how deep it is nested shows when its leaves are read. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the tool gets what the model wrote; policies see the same
  }
}

/** What a `data:` address or bare base64 says about a file without reading it; `data` is its content, when that is base64. */
export function mediaOf(url: string | null): {
  type: string | null
  bytes: number | null
  url: string | null
  data?: string
} {
  if (url === null) return { type: null, bytes: null, url: null }
  const comma = url.startsWith('data:') ? url.slice(0, DATA_HEAD_MAX).indexOf(',') : -1
  if (comma === -1) return { type: null, bytes: null, url: url.slice(0, 2_000) }
  const head = url.slice('data:'.length, comma)
  const content = url.slice(comma + 1)
  const type = head.split(';')[0] || null
  return { type, bytes: base64Bytes(content), url: null, ...(head.endsWith(';base64') ? { data: content } : {}) }
}

const DATA_HEAD_MAX = 400

export function base64Bytes(data: unknown): number | null {
  if (typeof data !== 'string') return null
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0
  return Math.floor(((data.length - padding) * 3) / 4)
}
