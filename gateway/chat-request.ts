import { JsonRefused, parseBoundedJson, topLevelFields } from '@/lib/json'
import { Refusal } from './errors'

export type ChatRequest = {
  model: string
  stream: boolean
  /** The caller asked for the usage chunk itself; otherwise we ask for it upstream and hide it. */
  wantsUsage: boolean
  /** As the caller gave them; null when there are none. */
  streamOptions: Record<string, unknown> | null
}

/**
 * Reads of a chat completion only what decides its way; everything else passes through untouched.
 *
 * @throws Refusal `invalid_request`, naming the field at fault
 */
export function readChatRequest(bytes: Buffer): ChatRequest {
  const body = parseObject(bytes)
  const { model, messages, stream, stream_options: options } = body
  if (typeof model !== 'string' || !MODEL.test(model)) {
    throw invalid('model', 'must be the name of a model: 1-200 printable ASCII characters without spaces')
  }
  if (!Array.isArray(messages) || messages.length === 0) throw invalid('messages', 'must be a list of messages')
  if (!messages.every(isObject)) throw invalid('messages', 'must hold objects only')
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    throw invalid('stream', 'must be a boolean')
  if (options !== undefined && options !== null && !isObject(options))
    throw invalid('stream_options', 'must be an object')
  refuseAmbiguity(bytes, body)
  return {
    model,
    stream: stream === true,
    wantsUsage: isObject(options) && options.include_usage === true,
    streamOptions: isObject(options) ? options : null,
  }
}

/**
 * The bytes for the provider: the caller's own, or, for a stream that did not ask for usage, the same with only
 * `stream_options.include_usage` set. No other byte changes.
 */
export function upstreamBody(bytes: Buffer, request: ChatRequest): Buffer {
  if (!request.stream || request.wantsUsage) return bytes
  const field = topLevelFields(bytes).find(({ key }) => key === 'stream_options')
  if (field === undefined) {
    const at = bytes.indexOf('{') + 1
    return Buffer.concat([bytes.subarray(0, at), ASK_FOR_USAGE, bytes.subarray(at)])
  }
  const options = JSON.stringify({ ...request.streamOptions, include_usage: true })
  return Buffer.concat([bytes.subarray(0, field.start), Buffer.from(options), bytes.subarray(field.end)])
}

const ASK_FOR_USAGE = Buffer.from('"stream_options":{"include_usage":true},')
const MODEL = /^[\x21-\x7e]{1,200}$/

const invalid = (param: string, rule: string) => new Refusal('invalid_request', `${param} ${rule}.`, { param })

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parseObject(bytes: Buffer): Record<string, unknown> {
  try {
    const body = parseBoundedJson(bytes)
    if (isObject(body)) return body
  } catch (thrown) {
    if (!(thrown instanceof JsonRefused)) throw thrown
    throw new Refusal('invalid_request', `The body is ${thrown.message}.`, { cause: thrown })
  }
  throw new Refusal('invalid_request', 'The body must be a JSON object.')
}

/**
 * The provider reads the same bytes with another parser: of a field given twice some take the first, and Go's matches
 * names without regard to case. What we decide on must therefore be unmistakable, or a scope could be passed by.
 */
function refuseAmbiguity(bytes: Buffer, body: Record<string, unknown>): void {
  for (const key in body) {
    if (!DECIDING.includes(key) && DECIDING.includes(key.toLowerCase()))
      throw invalid(key, 'must be written in lower case')
  }
  if (!DECIDING_QUOTED.some((name) => occursTwice(bytes, name)) && !bytes.includes('\\u00')) return
  const seen = new Set<string>()
  for (const { key } of topLevelFields(bytes)) {
    if (DECIDING.includes(key) && seen.has(key)) throw invalid(key, 'must be given once')
    seen.add(key)
  }
}

const DECIDING = ['model', 'stream', 'stream_options']
const DECIDING_QUOTED = DECIDING.map((name) => Buffer.from(`"${name}"`))

function occursTwice(bytes: Buffer, name: Buffer): boolean {
  const first = bytes.indexOf(name)
  return first !== -1 && bytes.indexOf(name, first + name.length) !== -1
}
