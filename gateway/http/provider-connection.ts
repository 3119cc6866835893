import type { Socket } from 'node:net'
import { errors } from 'undici'
import { ChunkReader } from './chunk-reader'
import { type PlainAnswer, readPlainAnswer } from './plain-answer'
import { errorOf, type ProviderCall } from './provider-call'

/** A longer body would cost more to copy than a second write. */
const ONE_WRITE_BYTES_MAX = 65_536
/** As undici: for how long one that nobody spoke of is used again, and how much sooner than the provider says. */
const KEEP_ALIVE_MS = 4_000
const KEEP_ALIVE_MS_MAX = 600_000
const KEEP_ALIVE_SLACK_MS = 2_000

export type ConnectionOwner = {
  /** May be used again, as soon as it is ready. */
  free(connection: ProviderConnection): void
  closed(connection: ProviderConnection): void
  /**
   * Has somebody else read an answer that is not plain.
   *
   * @param read all of it so far, or its head and a part of its body that is as good as all
   * @param told how many bytes of the body in there have been told; null when not even the head was
   */
  handOver(call: ProviderCall, socket: Socket, read: Buffer, told: number | null): void
}

/** A connection to a provider. It carries one call at a time, and answers that are plain. */
export class ProviderConnection {
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  #call: ProviderCall | null = null
  /** As it was read, for who has to read on in the middle of its body. */
  #head: Buffer = NOTHING
  #answer: PlainAnswer | null = null
  #missing = 0
  #chunks: ChunkReader | null = null
  #failure: Error | null = null
  /** When something was last sent, or came. */
  #sinceMs = performance.now()
  #idleMsMax = KEEP_ALIVE_MS
  #timer: NodeJS.Timeout | null = null
  #timerDueMs = 0

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket
    this.#owner = owner
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose)
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  /** Whether it may carry another call. That all of the last one has been sent, TLS says one turn of the event loop later. */
  get isReady(): boolean {
    return this.isOpen && this.#socket.writableLength === 0
  }

  /** @returns whether nothing was sent or came for so long that the provider may close it at any time */
  isStale(nowMs: number): boolean {
    return nowMs - this.#sinceMs > this.#idleMsMax
  }

  destroy(): void {
    this.#socket.destroy()
  }

  send(call: ProviderCall): void {
    call.handler.onRequestStart(call)
    if (call.isOver) {
      this.#owner.free(this)
      return
    }
    this.#call = call
    call.carrier = this
    this.#answer = null
    this.#sinceMs = performance.now()
    this.#watch(call.request.timeoutMs)
    const { head, body } = call.request
    // As text that maps bytes to characters one to one, all of it leaves in a single write.
    if (body.length <= ONE_WRITE_BYTES_MAX) {
      this.#socket.write(head + body.toString('latin1'), 'latin1')
      return
    }
    this.#socket.cork()
    this.#socket.write(head, 'latin1')
    this.#socket.write(body)
    this.#socket.uncork()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#sinceMs = performance.now()
    this.#socket.resume()
  }

  abort(): void {
    this.#call = null
    this.#socket.destroy()
  }

  readonly #onData = (bytes: Buffer): void => {
    const call = this.#call
    // What nobody asked for is not taken for the answer to who asks next.
    if (call === null) {
      this.#socket.destroy()
      return
    }
    this.#sinceMs = performance.now()
    try {
      if (this.#answer === null) this.#begin(call, bytes)
      else this.#readBody(call, this.#answer, bytes)
    } catch (cause) {
      this.#end(errorOf(cause))
    }
  }

  #begin(call: ProviderCall, bytes: Buffer): void {
    const answer = readPlainAnswer(bytes)
    if (answer === null) {
      this.#handOver(call, bytes, null)
      return
    }
    this.#answer = answer
    this.#missing = answer.bodyBytes ?? 0
    this.#chunks = null
    if (answer.bodyBytes === null) {
      this.#chunks = new ChunkReader()
      this.#head = bytes.subarray(0, answer.bytes)
    }
    call.handler.onResponseStart(call, answer.status, answer.headers)
    if (!call.isOver) this.#readBody(call, answer, bytes.subarray(answer.bytes))
  }

  #readBody(call: ProviderCall, answer: PlainAnswer, bytes: Buffer): void {
    if (this.#chunks !== null) {
      this.#readChunks(call, answer, this.#chunks, bytes)
      return
    }
    const own = Math.min(bytes.length, this.#missing)
    this.#missing -= own
    if (own > 0) call.handler.onResponseData(call, own === bytes.length ? bytes : bytes.subarray(0, own))
    if (!call.isOver && this.#missing === 0) this.#finish(call, answer, bytes.length > own)
  }

  #readChunks(call: ProviderCall, answer: PlainAnswer, chunks: ChunkReader, bytes: Buffer): void {
    const read = chunks.push(bytes, (piece) => {
      call.handler.onResponseData(call, piece)
      return !call.isOver
    })
    if (read === 'end') this.#finish(call, answer, chunks.rest.length > 0)
    else if (read === 'odd') {
      // The line end behind a chunk is to be judged as well: that needs a chunk before it.
      const before = chunks.isWithin ? A_CHUNK : NOTHING
      this.#handOver(call, Buffer.concat([this.#head, before, chunks.rest]), chunks.isWithin ? 1 : 0)
    }
  }

  #finish(call: ProviderCall, { keepAliveMs }: PlainAnswer, hasMore: boolean): void {
    this.#call = null
    const ms = keepAliveMs === null ? KEEP_ALIVE_MS : Math.min(keepAliveMs - KEEP_ALIVE_SLACK_MS, KEEP_ALIVE_MS_MAX)
    this.#idleMsMax = ms
    if (call.isPaused) this.#socket.resume()
    if (hasMore || ms <= 0 || !this.isOpen) this.#socket.destroy()
    else this.#owner.free(this)
    call.end()
  }

  #handOver(call: ProviderCall, read: Buffer, told: number | null): void {
    const socket = this.#socket
    this.#call = null
    this.#unwatch()
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError)
    this.#owner.handOver(call, socket, read, told)
  }

  #end(error: Error): void {
    const call = this.#call
    this.#call = null
    this.#socket.destroy()
    call?.fail(error)
  }

  readonly #onEnd = (): void => {
    this.#end(new errors.SocketError('other side closed'))
  }

  readonly #onError = (error: Error): void => {
    this.#failure = error
  }

  readonly #onClose = (): void => {
    this.#unwatch()
    this.#owner.closed(this)
    this.#end(this.#failure ?? new errors.SocketError('closed'))
  }

  /** One timer serves many calls: it is set anew when it has run down, not for each of them. */
  #watch(timeoutMs: number): void {
    const dueMs = this.#sinceMs + timeoutMs
    if (this.#timer !== null && this.#timerDueMs <= dueMs) return
    this.#unwatch()
    this.#timerDueMs = dueMs
    this.#timer = setTimeout(this.#onTimer, Math.max(1, dueMs - performance.now())).unref()
  }

  #unwatch(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  readonly #onTimer = (): void => {
    this.#timer = null
    const call = this.#call
    if (call === null) return
    const { timeoutMs } = call.request
    if (call.isPaused) this.#sinceMs = performance.now()
    if (performance.now() - this.#sinceMs < timeoutMs) this.#watch(timeoutMs)
    else this.#end(this.#answer === null ? new errors.HeadersTimeoutError() : new errors.BodyTimeoutError())
  }
}

const NOTHING = Buffer.alloc(0)
const A_CHUNK = Buffer.from('1\r\nx')
