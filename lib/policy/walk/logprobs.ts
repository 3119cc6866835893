/**
 * An answer, or a frame of one, without the log probabilities that tell more than the text beside them: policies read that
 * text only. What stays are tokens that are exactly that text; what the model might have said instead goes. Google's stand
 * beside all parts of an answer at once, and go altogether.
 *
 * @returns the same value when nothing had to go
 */
export function withoutStrayLogprobs<T>(value: T): T {
  return cleaned(value, 0) as T
}

/** Whether JSON as it came may hold any: a name can be written with escapes. */
export const mayHoldLogprobs = (json: string): boolean => json.includes('logprobs') || json.includes('\\u')

/** An answer this deep is refused elsewhere. */
const DEPTH_MAX = 64

type Fields = Readonly<Record<string, unknown>>

function cleaned(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value
  if (Array.isArray(value)) {
    const items = value.map((item) => cleaned(item, depth + 1))
    return items.every((item, at) => item === value[at]) ? value : items
  }
  const fields = value as Fields
  let changed: Record<string, unknown> | null = null
  for (const key in fields) {
    const before = fields[key]
    const after =
      key === 'logprobs' ? told(before, fields) : key === 'logprobsResult' ? undefined : cleaned(before, depth + 1)
    if (after === before) continue
    changed ??= { ...fields }
    changed[key] = after
  }
  return changed ?? value
}

/** Chat has an object with a list for each text of a message; Responses and transcripts have a list beside the text. */
function told(logprobs: unknown, beside: Fields): unknown {
  if (logprobs === null || logprobs === undefined) return logprobs
  if (Array.isArray(logprobs)) return tokensOf(logprobs, beside.text ?? beside.delta) ?? []
  const lists = fieldsOf(logprobs)
  const texts = fieldsOf(beside.message) ?? fieldsOf(beside.delta)
  if (lists === null || texts === null) return null
  const kept: Record<string, unknown> = {}
  for (const [name, list] of Object.entries(lists)) {
    if (list === null && LISTS.has(name)) kept[name] = null
    else if (!LISTS.has(name) || !Array.isArray(list)) return null
    else {
      const tokens = tokensOf(list, texts[name])
      if (tokens === null) return null
      kept[name] = tokens
    }
  }
  return Object.entries(lists).every(([name, list]) => kept[name] === list) ? logprobs : kept
}

const utf8 = new TextEncoder()
const LISTS = new Set(['content', 'refusal'])
const TOKEN_FIELDS = new Set(['token', 'logprob', 'bytes', 'top_logprobs'])

/** The same list when nothing has to go; null when it is not that of the text. */
function tokensOf(list: readonly unknown[], text: unknown): readonly unknown[] | null {
  let said = ''
  let isSame = true
  const kept: unknown[] = []
  for (const item of list) {
    const token = fieldsOf(item)
    if (token === null || typeof token.token !== 'string' || !isPlain(token, token.token)) return null
    said += token.token
    const { top_logprobs: others } = token
    const hasOthers = Array.isArray(others) ? others.length > 0 : others !== undefined && others !== null
    kept.push(hasOthers ? { ...token, top_logprobs: [] } : item)
    isSame &&= !hasOthers
  }
  if (said !== (typeof text === 'string' ? text : '')) return null
  return isSame ? list : kept
}

/** Bytes say the token once more, and nothing else. */
function isPlain(fields: Fields, token: string): boolean {
  for (const name in fields) if (!TOKEN_FIELDS.has(name)) return false
  const { logprob, bytes } = fields
  if (logprob !== undefined && logprob !== null && typeof logprob !== 'number') return false
  if (bytes === undefined || bytes === null) return true
  if (!Array.isArray(bytes) || bytes.length > 3 * token.length) return false
  const own = utf8.encode(token)
  return own.length === bytes.length && own.every((byte, at) => byte === bytes[at])
}

const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
