import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { CallerResponse } from './caller-http'

/** To copy a longer piece would cost more than a second write. */
const ONE_WRITE_BYTES_MAX = 16_384
/** As node tells them apart (RFC 9110, 5.5 and 5.6.2). */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/

/**
 * An answer on a plain connection, as node writes it: with the length that its head states, or in chunks. Answers that have
 * no body at all (204, 304) are none that a request for a model gets.
 */
export class PlainResponse implements CallerResponse {
  shouldKeepAlive = true
  destroyed = false
  closed = false
  readonly #socket: Socket
  readonly #keepAlive: string
  readonly #onSent: () => void
  #set: string[] | null = null
  #hasHead = false
  /** Written and not sent yet. */
  #head = ''
  #isChunked = false
  #isBlocked = false
  #onClose: (() => void) | null = null
  #onDrain: (() => void) | null = null

  /**
   * @param keepAlive the lines that say for how long the connection stays open
   * @param onSent called when all of it is with the kernel; not at all when the connection ends before
   */
  constructor(socket: Socket, keepAlive: string, onSent: () => void) {
    this.#socket = socket
    this.#keepAlive = keepAlive
    this.#onSent = onSent
  }

  on(event: 'close' | 'drain', listener: () => void): void {
    if (event === 'close') this.#onClose = listener
    else this.#onDrain = listener
  }

  setHeader(name: string, value: string): void {
    this.#set ??= []
    this.#set.push(name, value)
  }

  writeHead(status: number, headers: string[]): void {
    // Within the answer that has begun, a caller would take it for bytes of that, or for an answer of its own.
    if (this.#hasHead) throw new Error('the head has been written')
    const all = this.#set === null ? headers : [...this.#set, ...headers]
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
    let hasConnection = false
    this.#isChunked = true
    for (let at = 0; at < all.length; at += 2) {
      const name = all[at] ?? ''
      const value = all[at + 1] ?? ''
      if (!NAME.test(name) || NO_VALUE.test(value)) throw new TypeError(`no header: ${name}`)
      if (name === 'content-length') this.#isChunked = false
      if (name === 'connection') hasConnection = true
      text += `${name}: ${value}\r\n`
    }
    this.#hasHead = true
    text += dateLine()
    if (hasConnection) this.shouldKeepAlive = false
    else text += this.shouldKeepAlive ? this.#keepAlive : 'Connection: close\r\n'
    this.#head = this.#isChunked ? `${text}Transfer-Encoding: chunked\r\n\r\n` : `${text}\r\n`
  }

  flushHeaders(): void {
    if (this.#head !== '') this.#socket.write(this.#takeHead(), 'latin1')
  }

  write(chunk: Uint8Array): boolean {
    if (chunk.length > 0) this.#isBlocked = !this.#send(chunk, this.#isChunked ? '\r\n' : '')
    return !this.#isBlocked
  }

  end(chunk?: Uint8Array): void
  end(text: string, encoding: 'latin1'): void
  end(chunk: Uint8Array | string = ''): void {
    this.#onDrain = null
    const end = chunk.length === 0 ? LAST_CHUNK : `\r\n${LAST_CHUNK}`
    this.#send(chunk, this.#isChunked ? end : '', this.#sent)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** The connection takes bytes again. */
  drained(): void {
    if (!this.#isBlocked) return
    this.#isBlocked = false
    this.#onDrain?.()
  }

  /** Nothing more is sent: all of it is with the kernel, or the connection has ended. */
  close(): void {
    if (this.closed) return
    this.destroyed = true
    this.closed = true
    this.#onClose?.()
  }

  /** @returns false when more is waiting for the caller than should be */
  #send(chunk: Uint8Array | string, behind: string, done?: (failure?: Error | null) => void): boolean {
    const length = this.#isChunked && chunk.length > 0 ? `${chunk.length.toString(16)}\r\n` : ''
    const before = this.#takeHead() + length
    // As text that maps bytes to characters one to one, all of it leaves in a single write.
    if (typeof chunk === 'string') return this.#socket.write(before + chunk + behind, 'latin1', done)
    if (chunk.length <= ONE_WRITE_BYTES_MAX) {
      const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')
      return this.#socket.write(before + text + behind, 'latin1', done)
    }
    this.#socket.cork()
    this.#socket.write(before, 'latin1')
    this.#socket.write(chunk)
    const hasRoom = this.#socket.write(behind, 'latin1', done)
    this.#socket.uncork()
    return hasRoom
  }

  #takeHead(): string {
    const head = this.#head
    this.#head = ''
    return head
  }

  readonly #sent = (failure?: Error | null): void => {
    if (failure) return
    this.close()
    this.#onSent()
  }
}

const LAST_CHUNK = '0\r\n\r\n'

let dateAtSeconds = 0
let date = ''

function dateLine(): string {
  const seconds = Math.floor(Date.now() / 1_000)
  if (seconds !== dateAtSeconds) {
    dateAtSeconds = seconds
    date = `Date: ${new Date(seconds * 1_000).toUTCString()}\r\n`
  }
  return date
}
