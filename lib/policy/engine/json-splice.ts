import type { JsonPath } from './subject'

/** New texts by the way to them; `text` is null where the way goes on. */
export type EditTree = { text: string | null; children: Map<string | number, EditTree>; path: JsonPath }

/**
 * A JSON text with some of its values replaced by strings; everything else stays byte for byte. A key that is repeated is
 * replaced wherever it stands: JSON.parse takes the last one, but another reader may take the first.
 *
 * The text must be valid JSON. Linear in its length; nesting is followed as deep as the edits go.
 *
 * @throws RangeError when a path leads nowhere
 */
export function spliceJson(json: string, edits: EditTree): string {
  const found = new Set<EditTree>()
  const tokens: { start: number; end: number; text: string }[] = []
  const visit = (start: number, edit: EditTree | undefined): number => {
    if (edit === undefined) return endOfValue(json, start)
    if (edit.text !== null) {
      const end = endOfValue(json, start)
      tokens.push({ start, end, text: edit.text })
      found.add(edit)
      return end
    }
    const isObject = json[start] === '{'
    if (!isObject && json[start] !== '[') return endOfValue(json, start)
    let at = skipSpace(json, start + 1)
    for (let index = 0; at < json.length && json[at] !== ']' && json[at] !== '}'; index++) {
      let key: string | number = index
      if (isObject) {
        const end = endOfString(json, at)
        key = String(JSON.parse(json.slice(at, end)))
        at = skipSpace(json, skipSpace(json, end) + 1)
      }
      at = skipSpace(json, visit(at, edit.children.get(key)))
      if (json[at] === ',') at = skipSpace(json, at + 1)
    }
    return at + 1
  }
  visit(skipSpace(json, 0), edits)
  assertAllFound(edits, found)
  let out = ''
  let at = 0
  for (const { start, end, text } of tokens) {
    out += json.slice(at, start) + JSON.stringify(text)
    at = end
  }
  return out + json.slice(at)
}

function assertAllFound(edit: EditTree, found: ReadonlySet<EditTree>): void {
  if (edit.text !== null && !found.has(edit)) throw new RangeError(`There is nothing at ${edit.path.join('.')}.`)
  for (const child of edit.children.values()) assertAllFound(child, found)
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
