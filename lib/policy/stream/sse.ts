const LF = 0x0a
const CR = 0x0d
const BOM = [0xef, 0xbb, 0xbf]

/** One event of a stream as the WHATWG grammar reads it; null where the frame does not say. */
export type SseEvent = {
  event: string | null
  /** All `data` lines, joined with LF; null when there is none, so that nothing is dispatched. */
  data: string | null
  id: string | null
  retryMs: number | null
}

/**
 * Cuts a server-sent event stream into frames: bytes up to and including the empty line that ends them, exactly as they
 * came. Any chunking and any line ending (CRLF, LF, CR, mixed).
 *
 * A frame that outgrows `frameBytesMax` sets `oversize`; from then on nothing more comes out, because a part of a frame
 * cannot be judged.
 */
export class SseDecoder {
  oversize = false

  readonly #frameBytesMax: number
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #lineEmpty = true
  #afterCr = false
  /** An empty line ends a frame only after one that is not empty; before it, it is the head of the next. */
  #begun = false

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax
  }

  /** Bytes of the frame that is not complete yet. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Frames that are complete with this chunk, in order. */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.oversize || chunk.length === 0) return []
    const boundaries = this.#boundariesIn(chunk)
    const frames: Uint8Array[] = []
    let from = 0
    for (const boundary of boundaries) {
      if (!this.#keep(chunk.subarray(from, boundary))) return frames
      frames.push(this.#taken())
      from = boundary
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from))
    return frames
  }

  /** What came after the last frame; some clients take it for a frame, so it has to be judged as one. */
  end(): Uint8Array | null {
    return this.oversize || this.#pendingBytes === 0 ? null : this.#taken()
  }

  #keep(bytes: Uint8Array): boolean {
    this.#pendingBytes += bytes.length
    if (this.#pendingBytes > this.#frameBytesMax) {
      this.oversize = true
      this.#pending = []
      this.#pendingBytes = 0
      return false
    }
    this.#pending.push(bytes)
    return true
  }

  #taken(): Uint8Array {
    const frame = joinBytes(this.#pending) ?? new Uint8Array(0)
    this.#pending = []
    this.#pendingBytes = 0
    return frame
  }

  #boundariesIn(chunk: Uint8Array): number[] {
    return this.#afterCr || chunk.includes(CR) ? this.#boundariesByByte(chunk) : this.#boundariesByLine(chunk)
  }

  /** For bytes without CR, which is what providers send: one native search per line instead of a look at every byte. */
  #boundariesByLine(chunk: Uint8Array): number[] {
    const boundaries: number[] = []
    let lineStart = this.#lineEmpty ? 0 : -1
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, at + 1)) {
      if (at === lineStart) {
        if (this.#begun) boundaries.push(at + 1)
        this.#begun = false
      } else this.#begun = true
      lineStart = at + 1
    }
    this.#lineEmpty = lineStart === chunk.length
    if (!this.#lineEmpty) this.#begun = true
    return boundaries
  }

  #boundariesByByte(chunk: Uint8Array): number[] {
    const boundaries: number[] = []
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]
      if (byte === LF && this.#afterCr) {
        this.#afterCr = false // the second half of a CRLF belongs to the line that its CR ended
        if (boundaries.at(-1) === i) boundaries[boundaries.length - 1] = i + 1
      } else if (byte === LF || byte === CR) {
        if (this.#lineEmpty) {
          if (this.#begun) boundaries.push(i + 1)
          this.#begun = false
        }
        this.#lineEmpty = true
        this.#afterCr = byte === CR
      } else {
        this.#lineEmpty = false
        this.#begun = true
        this.#afterCr = false
      }
    }
    return boundaries
  }
}

/** With which a stream of chunks ends. Clients look at its beginning only, and some providers put a blank behind it. */
export const isDone = (data: string): boolean => data.trim() === '[DONE]'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** Reads one frame. A byte order mark counts as none wherever a frame begins with it. */
export const readFrame = (frame: Uint8Array): SseEvent => readLines(linesOf(frame))

function readLines(lines: readonly Line[]): SseEvent {
  const read: SseEvent = { event: null, data: null, id: null, retryMs: null }
  for (const line of lines) {
    const [field, value] = fieldOf(line.text)
    if (field === 'data') read.data = read.data === null ? value : `${read.data}\n${value}`
    else if (field === 'event') read.event = value
    else if (field === 'id' && !value.includes('\0')) read.id = value
    else if (field === 'retry' && /^[0-9]{1,15}$/.test(value)) read.retryMs = Number(value)
  }
  return read
}

/**
 * A frame with nothing in it but its data, plain names of events and pauses before a retry: comments, ids and unknown fields
 * are texts that no policy reads. A frame of which nothing is left becomes an empty comment, which keeps a connection alive.
 */
export function bareFrame(frame: Uint8Array): { data: string | null; raw: Uint8Array } {
  const lines = linesOf(frame)
  const { data } = readLines(lines)
  if (lines.every(({ text }) => isBare(text))) return { data, raw: frame }
  const kept = lines.filter(({ text }) => isBare(text))
  if (!kept.some(({ text }) => text !== '')) return { data, raw: encoder.encode(':\n\n') }
  return { data, raw: encoder.encode(kept.map(({ text, ending }) => text + ending).join('')) }
}

function isBare(line: string): boolean {
  if (line === '') return true
  const [field, value] = fieldOf(line)
  if (field === 'event') return /^[a-z_]{1,32}(?:\.[a-z_]{1,32}){0,4}$/i.test(value)
  return field === 'data' || (field === 'retry' && /^[0-9]{1,7}$/.test(value)) || line === ':'
}

/**
 * The same frame with other data: where the first `data` line was, with the line ending it had. All other lines stay as
 * they are, and so do the bytes around them.
 */
export function withData(frame: Uint8Array, data: string): Uint8Array {
  let out = ''
  let isWritten = false
  for (const line of linesOf(frame)) {
    const isData = line.text === 'data' || line.text.startsWith('data:')
    if (!isData) out += line.text + line.ending
    else if (!isWritten) {
      isWritten = true
      for (const piece of data.split(LINE_END)) out += `data: ${piece}${line.ending || '\n'}`
    }
  }
  const hadBom = BOM.every((byte, index) => frame[index] === byte)
  return encoder.encode(hadBom ? `\uFEFF${out}` : out)
}

/** A new frame. Data of several lines becomes several `data` lines. */
export function encodeEvent(event: { event?: string | null; data: string; id?: string | null }): Uint8Array {
  let out = ''
  if (event.event) out += `event: ${oneLine(event.event)}\n`
  if (event.id) out += `id: ${oneLine(event.id)}\n`
  for (const piece of event.data.split(LINE_END)) out += `data: ${piece}\n`
  return encoder.encode(`${out}\n`)
}

/** Null when there is nothing to join; the piece itself, not a copy, when there is one. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array | null {
  const [first] = pieces
  if (first === undefined) return null
  if (pieces.length === 1) return first
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

const LINE_END = /\r\n|\r|\n/

const oneLine = (text: string) => text.split(LINE_END).join(' ')

type Line = { text: string; ending: string }

function linesOf(frame: Uint8Array): Line[] {
  const whole = decoder.decode(frame)
  const text = whole.startsWith('\uFEFF') ? whole.slice(1) : whole
  const lines: Line[] = []
  let lf = text.indexOf('\n')
  let cr = text.indexOf('\r')
  for (let from = 0; from < text.length; ) {
    if (lf !== -1 && lf < from) lf = text.indexOf('\n', from)
    if (cr !== -1 && cr < from) cr = text.indexOf('\r', from)
    const end = lf === -1 || cr === -1 ? Math.max(lf, cr) : Math.min(lf, cr)
    if (end === -1) {
      lines.push({ text: text.slice(from), ending: '' })
      break
    }
    const next = end + (end === cr && lf === cr + 1 ? 2 : 1)
    lines.push({ text: text.slice(from, end), ending: text.slice(end, next) })
    from = next
  }
  return lines
}

function fieldOf(line: string): [field: string, value: string] {
  const colon = line.indexOf(':')
  if (colon === -1) return [line, '']
  const value = line.slice(colon + 1)
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value]
}
