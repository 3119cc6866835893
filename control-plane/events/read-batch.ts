import { isUtf8 } from 'node:buffer'
import { events } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { JSON_DEPTH_MAX } from '@/lib/json'
import { parseJson } from '@/lib/parse-json'

/** One event of a batch. */
export class SentEvent {
  constructor(
    readonly given: unknown,
    /** How many names its objects have altogether. */
    readonly names: number,
    private readonly body: Buffer,
    private readonly start: number,
    private readonly end: number,
  ) {}

  /** What was sent, to the byte. */
  bytes(): Buffer {
    return trimmed(this.body, this.start, this.end)
  }
}
export type SentBatch = { events: SentEvent[]; captures: unknown[] }

/**
 * Reads a batch in one walk over its bytes and one JSON.parse. Its events are only taken apart, not judged.
 *
 * @throws AppError `invalid_request` for what is no batch at all
 */
export function readBatch(body: Buffer): SentBatch {
  if (!isUtf8(body)) throw new AppError('invalid_request', 'The body is not valid UTF-8.')
  const places = placesOf(body)
  const parsed = events.ingest.input.safeParse(parse(body))
  if (!parsed.success) {
    const errors = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.join('.'), message }))
    const detail = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
    throw new AppError('invalid_request', detail, { errors, cause: parsed.error })
  }
  // JSON.parse takes the last of two arrays of events; nobody meant to send two.
  if (places.length !== parsed.data.events.length) throw new AppError('invalid_request', 'events is given twice.')
  return {
    events: parsed.data.events.map((given, index) => {
      const { start = 0, end = 0, names = 0 } = places[index] ?? {}
      return new SentEvent(given, names, body, start, end)
    }),
    captures: parsed.data.captures,
  }
}

/** Reads one event that was kept as bytes. */
export function readEvent(bytes: Buffer): SentEvent {
  const head = Buffer.from('{"events":[')
  const [event] = readBatch(Buffer.concat([head, bytes, Buffer.from(']}')])).events
  if (event === undefined) throw new AppError('invalid_request', 'There is no event.')
  return event
}

function parse(body: Buffer): unknown {
  if (body.length === 0) return {}
  try {
    return parseJson(body.toString('utf8'))
  } catch (cause) {
    throw new AppError('invalid_request', 'The body is not valid JSON.', { cause })
  }
}

type Place = { start: number; end: number; names: number }

/**
 * Where the events lie in the body. The bytes need not be JSON yet, since this is also what keeps JSON.parse from text that
 * is nested without end.
 */
function placesOf(bytes: Buffer): Place[] {
  const places: Place[] = []
  const { length } = bytes
  let depth = 0
  let names = 0
  let start = -1
  let keyStart = 0
  let isEvents = false
  for (let at = 0; at < length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      const from = at
      for (at++; at < length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++
      if (depth === 1) keyStart = from
    } else if (byte === COLON) {
      names++
      if (depth === 1) isEvents = bytes.toString('latin1', keyStart, at).trimEnd() === '"events"'
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++
      if (depth > JSON_DEPTH_MAX) {
        throw new AppError('invalid_request', `The body is nested deeper than ${JSON_DEPTH_MAX} levels.`)
      }
      if (depth === 2 && isEvents && byte === OPEN_BRACKET) {
        start = at + 1
        names = 0
      }
    } else if (byte === COMMA) {
      if (depth === 2 && start !== -1) {
        places.push({ start, end: at, names })
        start = at + 1
        names = 0
      }
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 2 && start !== -1) {
        // An array without elements has nothing but white space.
        if (places.length > 0 || trimmed(bytes, start, at).length > 0) places.push({ start, end: at, names })
        start = -1
      }
      depth--
    }
  }
  return places
}

/** Without the white space of JSON around it. */
function trimmed(bytes: Buffer, start: number, end: number): Buffer {
  let [from, to] = [start, end]
  while (from < to && isSpace(bytes[from])) from++
  while (to > from && isSpace(bytes[to - 1])) to--
  return bytes.subarray(from, to)
}

const isSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
