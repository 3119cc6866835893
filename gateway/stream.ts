import { parseJson } from '@/lib/parse-json'
import { finishReasonOf } from '@/lib/policy/stream/finish-reason'
import { isDone } from '@/lib/policy/stream/sse'
import { serviceTierIn } from '@/lib/prices/service-tier'
import type { TokenUsage } from '@/lib/token-usage'
import { fieldsOf, readUsage } from './meter'
import type { Relay } from './relay'

/** A frame longer than this passes unread, so that a stream never holds more than this in memory. */
const FRAME_BYTES_MAX = 1_048_576
const LF = 0x0a
const CR = 0x0d

/**
 * Passes a provider's event stream through byte for byte, one whole frame at a time, and reads on the way what the
 * record needs. Any chunking, any line ending (WHATWG server-sent events), comments and split UTF-8 included.
 *
 * `[DONE]` and what follows it is held back until `end`, because the caller takes it for the end of the answer and the
 * record has to be durable before that.
 */
export class StreamRelay implements Relay {
  usage: TokenUsage | null = null
  isCounted = false
  /** The model the provider says it used. */
  model: string | null = null
  serviceTier: string | null = null
  /** The provider reported an error inside a stream that had begun well. */
  failed = false

  /** Bytes that nobody judges are never stopped. */
  readonly stopped = null

  readonly #hideUsage: boolean
  #pending: Buffer[] = []
  #pendingBytes = 0
  #oversize = false
  #lineEmpty = true
  #afterCr = false
  #done = false
  #finished = false
  #held: Buffer[] = []
  #heldBytes = 0

  /** @param hideUsage the usage chunk was our wish, not the caller's, so that it is taken out again */
  constructor(hideUsage: boolean) {
    this.#hideUsage = hideUsage
  }

  /** The stream said all it had to say. An end without that is a truncation, whatever the connection did. */
  get complete(): boolean {
    return this.#done || this.#finished
  }

  get heldBytes(): number {
    return this.#pendingBytes + Math.min(this.#heldBytes, FRAME_BYTES_MAX)
  }

  /** Takes bytes from the provider; gives back those that may go to the caller now. */
  push(chunk: Buffer): Buffer | null {
    if (this.#done) return this.#hold(chunk)
    const boundaries = this.#boundariesIn(chunk)
    if (boundaries.length === 0) return this.#keep(chunk)

    const offset = this.#pendingBytes
    const data = offset === 0 ? chunk : Buffer.concat([...this.#pending, chunk])
    this.#pending = []
    this.#pendingBytes = 0
    return this.#passFrames(data, boundaries, offset)
  }

  /** The rest, in order, once the record is durable: `[DONE]`, or a last frame that nothing closed. */
  end(): Buffer | null {
    const rest = this.#done ? this.#held : this.#pending
    this.#held = []
    this.#pending = []
    return rest.length === 0 ? null : rest.length === 1 ? (rest[0] ?? null) : Buffer.concat(rest)
  }

  /** Ends of frames within the chunk (exclusive): each is the end of an empty line. */
  #boundariesIn(chunk: Buffer): number[] {
    return this.#afterCr || chunk.includes(CR) ? this.#boundariesByByte(chunk) : this.#boundariesByPair(chunk)
  }

  /** For bytes without CR, which is what providers send: one search per frame instead of a look at every byte. */
  #boundariesByPair(chunk: Buffer): number[] {
    const text = chunk.toString('latin1')
    const boundaries: number[] = []
    let at = 0
    // At the start of a line every LF ends an empty one.
    const passEmptyLines = () => {
      while (text[at] === '\n') boundaries.push(++at)
    }
    if (this.#lineEmpty) passEmptyLines()
    for (let pair = text.indexOf('\n\n', at); pair !== -1; pair = text.indexOf('\n\n', at)) {
      at = pair + 1
      passEmptyLines()
    }
    this.#lineEmpty = text.endsWith('\n') || (text === '' && this.#lineEmpty)
    return boundaries
  }

  #boundariesByByte(chunk: Buffer): number[] {
    const boundaries: number[] = []
    let lineEmpty = this.#lineEmpty
    let afterCr = this.#afterCr
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]
      if (byte === LF && afterCr) {
        afterCr = false // the second half of a CRLF belongs to the line that its CR ended
        if (boundaries.at(-1) === i) boundaries[boundaries.length - 1] = i + 1
      } else if (byte === LF || byte === CR) {
        if (lineEmpty) boundaries.push(i + 1)
        lineEmpty = true
        afterCr = byte === CR
      } else {
        lineEmpty = false
        afterCr = false
      }
    }
    this.#lineEmpty = lineEmpty
    this.#afterCr = afterCr
    return boundaries
  }

  #keep(chunk: Buffer): Buffer | null {
    if (this.#oversize) return chunk
    this.#pending.push(chunk)
    this.#pendingBytes += chunk.length
    if (this.#pendingBytes <= FRAME_BYTES_MAX) return null
    this.#oversize = true
    const passed = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    return passed
  }

  #passFrames(data: Buffer, boundaries: number[], offset: number): Buffer | null {
    const passed: Buffer[] = []
    const marks = new Marks(data)
    let from = 0
    let start = 0
    for (const boundary of boundaries) {
      const end = boundary + offset
      const isReadable = !this.#oversize
      this.#oversize = false
      const fate = isReadable && marks.within(start, end) ? this.#read(data.subarray(start, end)) : 'pass'
      if (fate === 'done') {
        if (start > from) passed.push(data.subarray(from, start))
        this.#done = true
        this.#hold(data.subarray(start))
        return joined(passed)
      }
      if (fate === 'hide') {
        if (start > from) passed.push(data.subarray(from, start))
        from = end
      }
      start = end
    }
    if (start > from) passed.push(data.subarray(from, start))
    if (start < data.length) this.#keep(data.subarray(start))
    return joined(passed)
  }

  /** After `[DONE]` nothing is expected; what comes nevertheless is kept, within a bound. */
  #hold(chunk: Buffer): null {
    if (this.#heldBytes + chunk.length <= FRAME_BYTES_MAX) this.#held.push(chunk)
    this.#heldBytes += chunk.length
    return null
  }

  #read(frame: Buffer): 'pass' | 'hide' | 'done' {
    const data = dataOf(frame)
    if (isDone(data)) return 'done'
    const chunk = parseFields(data)
    if (chunk === null) return 'pass'
    if (typeof chunk.model === 'string' && chunk.model !== '') this.model = chunk.model
    this.serviceTier = serviceTierIn(chunk) ?? this.serviceTier
    const isError = fieldsOf(chunk.error) !== null
    this.failed ||= isError
    const choices = Array.isArray(chunk.choices) ? chunk.choices : []
    const isLast = choices.some((choice) => finishReasonOf(fieldsOf(choice)?.finish_reason) !== null)
    this.#finished ||= isLast
    const usage = readUsage(chunk)
    if (isLast) this.isCounted = usage !== null
    if (usage === null) return 'pass'
    this.usage = usage
    this.isCounted = this.#finished || choices.length === 0
    return this.#hideUsage && choices.length === 0 && !isError ? 'hide' : 'pass'
  }
}

/** The `data` of one frame, as the event-stream grammar joins it. */
function dataOf(frame: Buffer): string {
  const lines = frame
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
  const data = lines.filter((line) => line.startsWith('data:') || line === 'data')
  return data.map((line) => line.slice(line.startsWith('data: ') ? 6 : 5)).join('\n')
}

function parseFields(data: string): Record<string, unknown> | null {
  if (!data.startsWith('{')) return null
  try {
    return fieldsOf(parseJson(data))
  } catch {
    return null // not JSON: none of ours to read, and the caller gets it as it is
  }
}

const joined = (parts: Buffer[]) =>
  parts.length === 0 ? null : parts.length === 1 ? (parts[0] ?? null) : Buffer.concat(parts)

/** Words without which a frame has nothing for the record. */
const MARKS = ['"usage"', '"finish_reason"', '"error"', '[DONE]'] as const

/**
 * Tells which frames are worth parsing, by one search per mark over all bytes at hand: parsing every frame would cost
 * more than everything else on the way of a stream. As text that maps bytes to characters one to one, because a search
 * in a string costs a fraction of one in a buffer.
 */
class Marks {
  readonly #text: string
  readonly #next: number[]

  constructor(data: Buffer) {
    this.#text = data.toString('latin1')
    this.#next = MARKS.map((mark) => this.#find(mark, 0))
  }

  within(start: number, end: number): boolean {
    let isMarked = false
    for (const [place, mark] of MARKS.entries()) {
      let at = this.#next[place] ?? -1
      if (at !== -1 && at < start) at = this.#find(mark, start)
      this.#next[place] = at
      if (at !== -1 && at < end) isMarked = true
    }
    return isMarked
  }

  /** Every chunk says `"usage":null` and `"finish_reason":null` before the last; those are no marks. */
  #find(mark: string, from: number): number {
    let at = this.#text.indexOf(mark, from)
    while (at !== -1 && this.#text.startsWith(':n', at + mark.length)) at = this.#text.indexOf(mark, at + mark.length)
    return at
  }
}
