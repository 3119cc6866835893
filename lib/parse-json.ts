/**
 * JSON.parse, with the names of fields as they are written. V8 12.8 to 14.6 reads a name with an escape as another one that
 * it has seen in the same place before: after `{"a":1,"\\":1}` the name in `{"a":1,"\n":1}` is a backslash
 * (nodejs/node#63785). Whoever sends both could hide a field from a policy. Names without escapes are not concerned.
 *
 * @param reviver is for values: do not rely on the names that it is told
 * @throws SyntaxError when the text is not JSON, or has such a name and is nested deeper than 1,000 levels
 */
export function parseJson(text: string, reviver?: Reviver): unknown {
  const names = escapedNames(text)
  if (names.length === 0) return JSON.parse(text, reviver)
  const mark = crypto.getRandomValues(new Uint32Array(4)).join('-')
  const written = new Map<string, string>()
  let marked = ''
  let from = 0
  for (const { start, end } of names) {
    const name = `${mark}-${written.size}`
    written.set(name, JSON.parse(text.slice(start, end)) as string)
    marked += `${text.slice(from, start)}"${name}"`
    from = end
  }
  return named(JSON.parse(marked + text.slice(from), reviver), written, 0)
}

/** Position of the quote that ends the string in which `at` lies; the length of the text when none does. */
export function endOfText(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1
    if (escapes % 2 === 0) return end
  }
  return text.length
}

/** What is no JSON, or not for sure, as it reads to those who make something of it all the same. */
export const withoutEscapes = (text: string): string =>
  text.includes('\\u')
    ? text.replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text

type Reviver = (name: string, value: unknown, context?: { source?: string }) => unknown
type Place = { start: number; end: number }

/** Where names with an escape in them stand, with their quotes. */
function escapedNames(text: string): Place[] {
  const names: Place[] = []
  let at = text.indexOf('\\')
  while (at !== -1) {
    const end = endOfText(text, at) + 1
    let next = end
    while (isSpace(text.charCodeAt(next))) next += 1
    if (text.charCodeAt(next) === COLON) names.push({ start: Math.max(0, text.lastIndexOf('"', at)), end })
    at = text.indexOf('\\', end)
  }
  return names
}

const NAMED_DEPTH_MAX = 1_000

function named(value: unknown, written: ReadonlyMap<string, string>, depth: number): unknown {
  // What JSON.rawJSON makes is frozen and to be kept; what JSON.parse makes is not.
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (depth > NAMED_DEPTH_MAX) throw new SyntaxError(`nested deeper than ${NAMED_DEPTH_MAX} levels`)
  if (Array.isArray(value)) return value.map((item) => named(item, written, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [written.get(name) ?? name, named(item, written, depth + 1)]),
  )
}

const isSpace = (unit: number) => unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09

const COLON = 0x3a
const BACKSLASH = 0x5c
