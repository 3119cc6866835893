import { Socket } from 'node:net'

/**
 * A connection on which a request has been sent and the beginning of its answer was read. Whoever speaks on it anew sends
 * nothing, and reads the answer from its first byte as soon as he has asked.
 */
export class ReplayedSocket extends Socket {
  readonly #socket: Socket
  #read: Buffer | null

  constructor(socket: Socket, read: Buffer) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    this.#read = read
    socket.pause()
    socket.on('data', (chunk) => {
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('error', (error) => this.destroy(error))
    // What came before an end may not have been read yet.
    socket.on('close', () => {
      if (!socket.readableEnded) this.destroy()
    })
  }

  override _read(): void {
    if (this.#read === null) this.#socket.resume()
  }

  override _write(_: unknown, __: BufferEncoding, done: () => void): void {
    this.#answer()
    done()
  }

  override _writev(_: unknown, done: () => void): void {
    this.#answer()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    super._destroy(error, done)
  }

  #answer(): void {
    const read = this.#read
    this.#read = null
    if (read !== null && this.push(read)) this.#socket.resume()
  }
}
