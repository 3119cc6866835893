import { endOfText, parseJson } from './parse-json'

/** Deeper nesting than this is never a sensible request and is refused before it is parsed. */
export const JSON_DEPTH_MAX = 64

export class JsonRefused extends Error {
  override readonly name = 'JsonRefused'
}

/**
 * JSON.parse with a bound on nesting. Bytes that are not UTF-8 read as U+FFFD, as JSON.parse does; the caller keeps the
 * exact bytes. A `__proto__` key becomes an ordinary own property, so read only fields you know.
 *
 * @throws JsonRefused when the text is not JSON or is nested deeper than `depthMax`
 */
export const parseBoundedJson = (bytes: Buffer, depthMax = JSON_DEPTH_MAX): unknown =>
  readBoundedJson(bytes, depthMax).value

/** The same, and whether an object in it names a field twice (see `hasRepeatedKeys`). */
export function readBoundedJson(
  bytes: Buffer,
  depthMax = JSON_DEPTH_MAX,
): { value: unknown; hasRepeatedKeys: boolean } {
  const text = bytes.toString('utf8')
  const keys = keysWritten(text, depthMax)
  if (keys === -1) throw new JsonRefused(`nested deeper than ${depthMax} levels`)
  try {
    const value = parseJson(text)
    return { value, hasRepeatedKeys: keys !== keysIn(value, 0) }
  } catch (cause) {
    throw new JsonRefused('not valid JSON', { cause })
  }
}

/** Where the value of a top-level field lies in the bytes; `end` is exclusive. */
type JsonField = { key: string; start: number; end: number }

/** The fields of a top-level object in the order of the bytes, repeated ones included. The bytes must be valid JSON. */
export function topLevelFields(bytes: Buffer): JsonField[] {
  const fields: JsonField[] = []
  let depth = 0
  let key: string | null = null
  let start = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) {
      const end = endOfString(bytes, i)
      if (depth === 1 && key === null) key = parseJson(bytes.toString('utf8', i, end + 1)) as string
      i = end
    } else if (byte === COLON && depth === 1) {
      start = i + 1
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1
      if (depth === 0 && key !== null) fields.push({ key, start, end: i })
    } else if (byte === COMMA && depth === 1 && key !== null) {
      fields.push({ key, start, end: i })
      key = null
    }
  }
  return fields
}

/** What is nested deeper cannot be written again, nor walked, without an end of the stack. */
export const VALUE_DEPTH_MAX = 256

/** Whether what `JSON.parse` made has more levels than this; `JSON.parse` itself has no bound. */
export function isNestedDeeper(value: unknown, levels = VALUE_DEPTH_MAX): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && isNestedDeeper(item, levels - 1)) return true
    return false
  }
  const fields = value as Readonly<Record<string, unknown>>
  for (const key in fields) {
    const item = fields[key]
    if (typeof item === 'object' && isNestedDeeper(item, levels - 1)) return true
  }
  return false
}

/**
 * Whether an object in this JSON text names a field twice: parsers differ in which of the two they take.
 *
 * @param value what `JSON.parse` made of the text
 */
export const hasRepeatedKeys = (text: string, value: unknown): boolean =>
  typeof value === 'object' && value !== null && keysWritten(text) !== keysIn(value, 0)

/** How many keys stand in a JSON text, repeated ones included; -1 when it is nested deeper than `depthMax`. */
function keysWritten(text: string, depthMax = Number.POSITIVE_INFINITY): number {
  let depth = 0
  let keys = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) at = endOfText(text, at)
    else if (unit === COLON) keys += 1
    else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      depth += 1
      if (depth > depthMax) return -1
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) depth -= 1
  }
  return keys
}

const KEYS_DEPTH_MAX = 1_000

/** How many keys an object and all in it have; minus infinity when it is nested too deep to say. */
function keysIn(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth > KEYS_DEPTH_MAX) return Number.NEGATIVE_INFINITY
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += keysIn(item, depth + 1)
    return count
  }
  const fields = value as Readonly<Record<string, unknown>>
  for (const key in fields) {
    const item = fields[key]
    count += typeof item === 'object' ? 1 + keysIn(item, depth + 1) : 1
  }
  return count
}

/**
 * A name as parsers see it that do not mind the case of names, Go's among them: for these `Method` and the long s of
 * `argument\u017f` are `method` and `arguments`.
 */
export const looseName = (name: string): string => name.toUpperCase().toLowerCase()

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Position of the quote that closes the string opened at `start`; the length of the bytes when none does. */
function endOfString(bytes: Buffer, start: number): number {
  let end = bytes.indexOf(QUOTE, start + 1)
  while (end !== -1) {
    let escapes = 0
    while (bytes[end - 1 - escapes] === BACKSLASH) escapes += 1
    if (escapes % 2 === 0) return end
    end = bytes.indexOf(QUOTE, end + 1)
  }
  return bytes.length
}
