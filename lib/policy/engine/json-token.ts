import type { Span } from './policy'
import type { JsonPath } from './subject'

/**
 * Where the value at `path` is written in a JSON text; null when it is not there. Of a repeated key the last one counts,
 * as it does for JSON.parse. The text must be valid JSON; nesting is bounded by the length of `path`.
 */
export function tokenAt(json: string, path: JsonPath): Span | null {
  let span: Span = { start: skipSpace(json, 0), end: json.length }
  for (const key of path) {
    const child = childAt(json, span.start, key)
    if (child === null) return null
    span = child
  }
  return { start: span.start, end: endOfValue(json, span.start) }
}

function childAt(json: string, start: number, key: string | number): Span | null {
  const isObject = json[start] === '{'
  if (!isObject && json[start] !== '[') return null
  let found: Span | null = null
  let at = skipSpace(json, start + 1)
  for (let index = 0; at < json.length && json[at] !== ']' && json[at] !== '}'; index++) {
    let isWanted = index === key
    if (isObject) {
      const end = endOfString(json, at)
      isWanted = JSON.parse(json.slice(at, end)) === key
      at = skipSpace(json, skipSpace(json, end) + 1)
    }
    const end = endOfValue(json, at)
    if (isWanted) found = { start: at, end }
    at = skipSpace(json, end)
    if (json[at] === ',') at = skipSpace(json, at + 1)
  }
  return found
}

function endOfValue(json: string, start: number): number {
  const first = json[start]
  if (first === '"') return endOfString(json, start)
  if (first !== '{' && first !== '[') {
    SCALAR_END.lastIndex = start
    return SCALAR_END.exec(json)?.index ?? json.length
  }
  let depth = 0
  let at = start
  while (at < json.length) {
    const char = json[at]
    if (char === '"') {
      at = endOfString(json, at)
      continue
    }
    at += 1
    if (char === '{' || char === '[') depth += 1
    else if (char === '}' || char === ']') {
      depth -= 1
      if (depth === 0) return at
    }
  }
  return at
}

/** Position behind the closing quote. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let escapes = 0
    while (json[end - 1 - escapes] === '\\') escapes += 1
    if (escapes % 2 === 0) return end + 1
  }
  return json.length
}

function skipSpace(json: string, start: number): number {
  let at = start
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\r' || json[at] === '\t') at += 1
  return at
}

const SCALAR_END = /[\s,\]}]/g
