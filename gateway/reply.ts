import { createHash, type Hash } from 'node:crypto'
import { PAYLOAD_BYTES_MAX } from '@/lib/contract/events'
import type { ByteShare } from './byte-budget'
import { commitment } from './capture'
import type { Said } from './facts'
import type { CallerResponse } from './http/caller-http'

const ONE_WRITE_BYTES_MAX = 65_536

/** The way back to the caller: one whole answer, or a stream. Writing to a caller that has left does nothing. */
export class Reply {
  isStream = false
  isOver = false
  readonly #response: CallerResponse
  readonly #salt: Buffer | null
  readonly #share: ByteShare
  /** Of a stream whose first bytes are still here. */
  #head: { status: number; headers: string[] } | null = null
  #first: Uint8Array[] = []
  #isWhole = false
  #hash: Hash | null = null
  #bytes = 0
  #kept: Uint8Array[] = []
  #lacksRoom = false

  /**
   * @param salt of the record's commitments; with one, the bytes are wanted for the record, up to PAYLOAD_BYTES_MAX
   * @param share what those of a stream are taken from
   */
  constructor(response: CallerResponse, salt: Buffer | null, share: ByteShare) {
    this.#response = response
    this.#share = share
    this.#salt = salt
  }

  get isGone(): boolean {
    return this.#response.destroyed
  }

  /** @param headers flat `[name, value, ...]` */
  whole(status: number, headers: string[], body: Buffer): void {
    this.isOver = true
    this.#head = null // of a stream that had begun and sent nothing yet
    if (this.isGone) return
    headers.push('content-length', String(body.length))
    this.#response.writeHead(status, headers)
    // As text that maps bytes to characters one to one, head and body leave in a single write.
    if (body.length <= ONE_WRITE_BYTES_MAX) this.#response.end(body.toString('latin1'), 'latin1')
    else this.#response.end(body)
  }

  /** What the record says of a whole answer, before it is sent. */
  tellWhole(body: Buffer): Said {
    const kept = this.#salt !== null && body.length <= PAYLOAD_BYTES_MAX ? body : null
    return { sha256: commitment(this.#salt, body), bytes: body.length, kept }
  }

  /** The head leaves with the first bytes; and a stream that ends in the turn it began in leaves as one piece. */
  begin(status: number, headers: string[]): void {
    this.isStream = true
    this.#head = { status, headers }
    process.nextTick(() => {
      if (!this.#isWhole) this.#sendFirst()
    })
  }

  /** @returns false when the caller is slow and nothing more should be sent until `drain` */
  write(chunk: Uint8Array): boolean {
    if (this.isGone) return true
    this.#note(chunk)
    if (this.#head === null) return this.#response.write(chunk)
    this.#first.push(chunk)
    return true
  }

  /** What the record says of a stream that will end with `tail`; asked once. */
  tellStream(tail: Uint8Array | null): Said {
    this.#isWhole = this.#head !== null
    if (!this.isStream) return NOTHING
    if (tail !== null && !this.isGone) this.#note(tail)
    const isKept = this.#salt !== null && this.#bytes <= PAYLOAD_BYTES_MAX && !this.#lacksRoom
    return {
      sha256: this.#hashing().digest('hex'),
      bytes: this.#bytes,
      kept: isKept ? Buffer.concat(this.#kept) : null,
      lacksRoom: this.#lacksRoom,
    }
  }

  end(tail: Uint8Array | null): void {
    this.isOver = true
    if (this.isGone) return
    if (this.#head !== null) {
      const { status, headers } = this.#head
      if (tail !== null) this.#first.push(tail)
      this.whole(status, headers, Buffer.concat(this.#first))
    } else if (tail === null) this.#response.end()
    else this.#response.end(tail)
  }

  #sendFirst(): void {
    if (this.#head === null || this.isGone) return
    this.#response.writeHead(this.#head.status, this.#head.headers)
    this.#head = null
    if (this.#first.length === 0) this.#response.flushHeaders()
    for (const chunk of this.#first.splice(0)) this.#response.write(chunk)
  }

  #note(chunk: Uint8Array): void {
    this.#hashing().update(chunk)
    this.#bytes += chunk.length
    if (this.#salt === null) return
    const isKept = this.#bytes <= PAYLOAD_BYTES_MAX && !this.#lacksRoom
    if (isKept && this.#share.take(chunk.length)) {
      this.#kept.push(chunk)
      return
    }
    this.#kept = []
    this.#lacksRoom ||= isKept
  }

  #hashing(): Hash {
    if (this.#hash === null) {
      this.#hash = createHash('sha256')
      if (this.#salt !== null) this.#hash.update(this.#salt)
    }
    return this.#hash
  }
}

export const NOTHING: Said = { sha256: null, bytes: 0, kept: null }
