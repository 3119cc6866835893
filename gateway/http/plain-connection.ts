import type { Socket } from 'node:net'
import type { Placed } from '../active-set'
import type { CallerRequest, CallerResponse } from './caller-http'
import { readPlainHead } from './plain-head'
import { PlainRequest } from './plain-request'
import { PlainResponse } from './plain-response'

/** What came before its turn may wait; more of it waits at the caller. */
const BEHIND_BYTES_MAX = 65_536

export type PlainHandler = (request: CallerRequest, response: CallerResponse) => void

export type PlainOwner = {
  /** Who takes plain requests to an address, if anybody. */
  handlerOf(url: string): PlainHandler | undefined
  /** Node serves the connection from here on: no byte of what it reads next has been used. */
  handOver(connection: PlainConnection, socket: Socket): void
  /** Answers what is no request, with node's code for why. */
  refuse(code: string, socket: Socket): void
  closed(connection: PlainConnection): void
  readonly keepAlive: string
  readonly headMsMax: number
  readonly requestMsMax: number
  readonly idleMsMax: number
}

/** A connection of a caller, as long as all that comes on it are plain requests, one after the other. */
export class PlainConnection implements Placed {
  place = -1
  readonly #socket: Socket
  readonly #owner: PlainOwner
  #request: PlainRequest | null = null
  #response: PlainResponse | null = null
  /** What came behind the request under way. */
  #behind: Buffer[] = []
  #behindBytes = 0
  #hasServed = false
  /** Since the request under way began, or the last one ended. */
  #ms = 0

  constructor(socket: Socket, owner: PlainOwner) {
    this.#socket = socket
    this.#owner = owner
    socket.on('data', this.#onData).on('drain', this.#onDrain).on('end', this.#onEnd)
    socket.on('error', ignore).on('close', this.#onClose)
  }

  /** Called now and then: ends what takes too long to arrive, and what nothing comes on any more. */
  sweep(passedMs: number): void {
    const { headMsMax, requestMsMax, idleMsMax } = this.#owner
    this.#ms += passedMs
    if (this.#request !== null) {
      if (this.#request.isWhole || this.#ms <= requestMsMax) return
      // The rest of what was refused may still come: nobody is to be asked what the caller will ask again.
      this.#socket.off('data', this.#onData)
      this.#owner.refuse(TOO_SLOW, this.#socket)
    } else if (this.#hasServed && this.#ms > idleMsMax) this.#socket.destroy()
    else if (!this.#hasServed && this.#ms > headMsMax) this.#owner.refuse(TOO_SLOW, this.#socket)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#request === null) this.#begin(chunk)
    else this.#take(this.#request, chunk)
  }

  #begin(bytes: Buffer): void {
    const head = readPlainHead(bytes)
    const handle = head && this.#owner.handlerOf(head.url)
    if (!handle) {
      this.#handOver(bytes)
      return
    }
    this.#ms = 0
    this.#hasServed = true
    const request = new PlainRequest(head, this.#socket)
    const response = new PlainResponse(this.#socket, this.#owner.keepAlive, this.#next)
    this.#request = request
    this.#response = response
    handle(request, response)
    this.#take(request, bytes.subarray(head.bytes))
  }

  #take(request: PlainRequest, bytes: Buffer): void {
    if (this.#socket.destroyed) return
    const rest = request.take(bytes)
    if (rest.length > 0) {
      this.#behind.push(rest)
      this.#behindBytes += rest.length
      if (this.#behindBytes > BEHIND_BYTES_MAX) this.#socket.pause()
    }
    if (this.#response?.closed) this.#next()
  }

  /** The answer has been sent; of the request something may still come, which nobody listens to. */
  readonly #next = (): void => {
    if (this.#response?.shouldKeepAlive === false) {
      this.#socket.destroySoon()
      return
    }
    if (this.#request?.isWhole === false) return
    this.#response = null
    this.#ms = 0
    // One in each turn of the event loop: who sends many at once keeps nobody else waiting.
    if (this.#behindBytes > 0) setImmediate(this.#beginBehind)
    else this.#request = null
  }

  readonly #beginBehind = (): void => {
    this.#request = null
    if (this.#socket.readableEnded || this.#socket.destroyed) return
    const [only] = this.#behind
    const bytes = this.#behind.length === 1 && only ? only : Buffer.concat(this.#behind)
    this.#behind = []
    this.#behindBytes = 0
    this.#socket.resume()
    this.#begin(bytes)
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket
    socket.off('data', this.#onData).off('drain', this.#onDrain).off('end', this.#onEnd)
    socket.off('error', ignore).off('close', this.#onClose)
    socket.pause()
    socket.unshift(bytes)
    this.#owner.handOver(this, socket)
    socket.resume()
  }

  readonly #onDrain = (): void => {
    this.#response?.drained()
  }

  /** Who sends no more does not read on either, as far as anybody can tell. */
  readonly #onEnd = (): void => {
    if (this.#request?.isWhole === false) this.#owner.refuse(CUT_OFF, this.#socket)
    else this.#socket.end()
  }

  readonly #onClose = (): void => {
    this.#owner.closed(this)
    this.#response?.close()
  }
}

const ignore = () => {}

const TOO_SLOW = 'ERR_HTTP_REQUEST_TIMEOUT'
const CUT_OFF = 'HPE_INVALID_EOF_STATE'
