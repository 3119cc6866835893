import { parseJson } from '@/lib/parse-json'
import { isDone, readFrame, SseDecoder } from '@/lib/policy/stream/sse'
import type { TokenUsage } from '@/lib/token-usage'
import { fieldsOf, readUsage } from './meter'
import type { Relay } from './relay'

/** A frame with this much sound in base64 is none that anybody sends. */
const FRAME_BYTES_MAX = 16 * 1_048_576

/**
 * Passes sound, or the events of a transcript, on as they come.
 *
 * Sound has no last word: it is whole when the connection says so. Events that begin as OpenAI's have one, and end with it.
 */
export class AudioRelay implements Relay {
  readonly model = null
  readonly serviceTier = null
  readonly stopped = null
  /** Counts come with the last event. */
  readonly isCounted = true
  usage: TokenUsage | null = null
  failed = false
  readonly #frames: SseDecoder | null
  #isClosed = false
  #awaitsDone = false
  #isDone = false

  /** @param bytesMax of all that is passed on */
  constructor(
    isEvents: boolean,
    readonly bytesMax: number,
  ) {
    this.#frames = isEvents ? new SseDecoder(FRAME_BYTES_MAX) : null
  }

  get complete(): boolean {
    return this.#isDone || (this.#isClosed && !this.#awaitsDone)
  }

  get heldBytes(): number {
    return this.#frames?.pendingBytes ?? 0
  }

  push(chunk: Buffer): Uint8Array | null {
    for (const frame of this.#frames?.push(chunk) ?? []) this.#read(readFrame(frame).data ?? '')
    return chunk
  }

  closed(): void {
    const rest = this.#frames?.end() ?? null
    if (rest !== null) this.#read(readFrame(rest).data ?? '')
    this.#isClosed = true
  }

  end(): null {
    return null
  }

  #read(data: string): void {
    if (isDone(data)) this.#isDone = true
    const type = /"type"\s*:\s*"(?:(?:transcript\.text|speech\.audio)\.([a-z]+)|error)"/.exec(
      data.slice(0, HEAD_LENGTH),
    )
    if (type === null && !data.startsWith('{"error"')) return
    if (type?.[1] === 'delta' || type?.[1] === 'segment') this.#awaitsDone = true
    else if (type?.[1] === 'done') {
      this.#isDone = true
      this.usage = readUsage(fieldsOf(parsed(data)) ?? {})
    } else if (type?.[1] === undefined) this.failed = true
  }
}

/** Where `type` stands; what comes after it may be long. */
const HEAD_LENGTH = 200

function parsed(data: string): unknown {
  try {
    return parseJson(data)
  } catch {
    return null // without its usage it is done all the same
  }
}
