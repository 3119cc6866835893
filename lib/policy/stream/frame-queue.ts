import type { FrameReading, JsonObject } from './frame-reading'
import { type Lane, TextLane } from './lane'
import { withData } from './sse'

/** A frame on its way. */
export type Entry = {
  reading: FrameReading
  raw: Uint8Array
  /** Null for what holds no text of ours to change. */
  json: JsonObject | null
  isAltered: boolean
  isSpacer: boolean
}

/** Frames that may wait while others overtake them. More are looked at when these have gone. */
const OVERTAKEN_MAX = 64
/** UTF-16 units. Less than this waits with its frame, for the next few words to come. */
const SPLIT_LENGTH_MIN = 16

/** Frames that wait until all their text is decided. */
export class FrameQueue {
  #queue: Entry[] = []
  #bytes = 0
  #hasNewSpacer = false

  get bytes(): number {
    return this.#bytes
  }

  add(entry: Entry): void {
    this.#queue.push(entry)
    this.#bytes += entry.raw.length
    this.#hasNewSpacer ||= entry.isSpacer
  }

  clear(): void {
    this.#queue = []
    this.#bytes = 0
  }

  /**
   * Takes out what may go now, in order. A frame that waits holds up those behind it, but for those that are about other
   * texts and say that they may go first.
   *
   * @param isEnding the last frame of an answer may go too
   */
  flush(out: Uint8Array[], isEnding: boolean): void {
    if (this.#queue.length === 0) return
    const waiting: Entry[] = []
    const held = new Set<Lane>()
    let isClosed = false
    let next = 0
    for (; next < this.#queue.length; next++) {
      const entry = this.#queue[next]
      if (entry === undefined) break
      const { slots, mayOvertake, isTerminal } = entry.reading
      if ((isClosed && !mayOvertake) || waiting.length > OVERTAKEN_MAX) break
      const mayGo = (waiting.length === 0 || mayOvertake) && (!isTerminal || isEnding)
      const isFree = mayGo && slots.every((slot) => !held.has(slot.lane))
      if (isFree && slots.every((slot) => slot.lane.isReady(slot))) {
        out.push(written(entry))
        this.#bytes -= entry.raw.length
        continue
      }
      if (isFree) splitInto(out, entry)
      waiting.push(entry)
      for (const slot of slots) held.add(slot.lane)
      isClosed ||= !mayOvertake
    }
    if (waiting.length < next) this.#queue = [...waiting, ...this.#queue.slice(next)]
    if (this.#hasNewSpacer) this.#passSpacers(out)
  }

  /** Comments keep a connection alive: they do not wait. */
  #passSpacers(out: Uint8Array[]): void {
    this.#hasNewSpacer = false
    for (const { raw, isSpacer } of this.#queue) {
      if (!isSpacer) continue
      out.push(raw)
      this.#bytes -= raw.length
    }
    this.#queue = this.#queue.filter(({ isSpacer }) => !isSpacer)
  }
}

function written(entry: Entry): Uint8Array {
  const { raw, json, reading } = entry
  let isAltered = entry.isAltered
  for (const slot of reading.slots) {
    const text = slot.lane.render(slot)
    if (text === slot.text) continue
    slot.write(text)
    isAltered = true
  }
  if (!isAltered || json === null) return raw
  reading.forget()
  return withData(raw, JSON.stringify(json))
}

/** Of a frame whose text is decided in part, that part goes before the rest. */
function splitInto(out: Uint8Array[], entry: Entry): void {
  const { forget, splitOff } = entry.reading
  const [slot] = entry.reading.slots
  if (splitOff === null || slot === undefined || !(slot.lane instanceof TextLane)) return
  const length = slot.lane.readyLength(slot)
  if (length < SPLIT_LENGTH_MIN || length === slot.text.length) return
  const rest = slot.text.slice(length)
  slot.text = slot.text.slice(0, length)
  const text = slot.lane.render(slot)
  entry.isAltered = true
  if (text !== '') {
    forget()
    out.push(withData(entry.raw, splitOff(text)))
  }
  slot.start += length
  slot.text = rest
  slot.write(rest)
}
