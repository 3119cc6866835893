import type { Socket } from 'node:net'
import { buildConnector, Client, errors } from 'undici'
import type { UpstreamCall, UpstreamHandler } from '../providers/provider'
import { ProviderCall, type ProviderRequest } from './provider-call'
import { ProviderConnection } from './provider-connection'
import { ReplayedSocket } from './replayed-socket'

export type LaneOptions = {
  connectionsMax: number
  connect: buildConnector.BuildOptions
}

/** The connections to one origin, and who waits for one. */
export class ProviderLane {
  readonly #origin: URL
  readonly #connectionsMax: number
  readonly #connect: buildConnector.connector
  /** The last one used is used again first. */
  #free: ProviderConnection[] = []
  readonly #open = new Set<ProviderConnection>()
  /** All of them, those that are opened or handed over too. */
  #count = 0
  #waiting: ProviderCall[] = []
  /** Used in this turn of the event loop. */
  #used: ProviderConnection[] = []
  /** Calls for connections that have been used before. */
  #due: [ProviderConnection, ProviderCall][] = []
  #isClosed = false

  constructor(origin: string, { connectionsMax, connect }: LaneOptions) {
    this.#origin = new URL(origin)
    this.#connectionsMax = connectionsMax
    this.#connect = buildConnector({ ...connect, allowH2: false })
  }

  /** Nothing is under way. */
  get isIdle(): boolean {
    return this.#count === this.#free.length
  }

  send(request: ProviderRequest, handler: UpstreamHandler): void {
    this.#place(new ProviderCall(request, handler))
  }

  /** Lets go of connections that nothing was sent on for as long as the provider keeps them. */
  sweep(nowMs: number): void {
    for (const connection of this.#free) if (connection.isStale(nowMs)) connection.destroy()
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#open) connection.destroy()
    for (const call of this.#waiting.splice(0)) call.fail(new errors.ClientDestroyedError())
  }

  #place(call: ProviderCall): void {
    const connection = this.#takeFree()
    if (this.#isClosed) call.fail(new errors.ClientDestroyedError())
    else if (connection !== null) {
      if (this.#due.push([connection, call]) === 1) setImmediate(this.#sendDue)
    } else if (this.#count < this.#connectionsMax) this.#openFor(call)
    else this.#waiting.push(call)
  }

  #takeFree(): ProviderConnection | null {
    const nowMs = performance.now()
    for (;;) {
      const connection = this.#free.pop()
      if (connection === undefined) return null
      if (connection.isOpen && !connection.isStale(nowMs)) return connection
      connection.destroy()
    }
  }

  /**
   * Between an answer and the next question on its connection the event loop turns once. What the provider says meanwhile,
   * or that it closes, ends the connection: it would be taken for the answer to a question that it has not seen.
   */
  readonly #freeUsed = (): void => {
    for (const connection of this.#used.splice(0)) {
      if (connection.isReady) {
        this.#free.push(connection)
        this.#next()
      } else connection.destroy()
    }
  }

  readonly #sendDue = (): void => {
    for (const [connection, call] of this.#due.splice(0)) {
      if (connection.isOpen) connection.send(call)
      else this.#place(call)
    }
  }

  #openFor(call: ProviderCall): void {
    const { host, protocol, port } = this.#origin
    const hostname = this.#origin.hostname.replace(/^\[|\]$/g, '')
    this.#count += 1
    this.#connect({ hostname, host, protocol, port }, (failure, socket) => {
      if (failure !== null) {
        this.#count -= 1
        call.fail(failure)
        this.#next()
        return
      }
      const connection = new ProviderConnection(socket, this.#owner)
      this.#open.add(connection)
      if (this.#isClosed) {
        connection.destroy()
        call.fail(new errors.ClientDestroyedError())
      } else connection.send(call)
    })
  }

  #next(): void {
    const call = this.#waiting.shift()
    if (call !== undefined) this.#place(call)
  }

  readonly #owner = {
    free: (connection: ProviderConnection) => {
      if (this.#used.push(connection) === 1) setImmediate(this.#freeUsed)
    },
    closed: (connection: ProviderConnection) => {
      this.#count -= 1
      this.#open.delete(connection)
      const at = this.#free.indexOf(connection)
      if (at !== -1) this.#free.splice(at, 1)
      this.#next()
    },
    handOver: (call: ProviderCall, socket: Socket, read: Buffer, told: number | null) =>
      this.#replay(call, new ReplayedSocket(socket, read), told),
  }

  /** Another parser judges what is not plain, as if it had asked itself. The connection is not used again. */
  #replay(call: ProviderCall, socket: Socket, told: number | null): void {
    const { timeoutMs } = call.request
    const connect: buildConnector.connector = (_, connected) => queueMicrotask(() => connected(null, socket))
    const client = new Client(this.#origin, { connect })
    let toSkip = told ?? 0
    // Nobody else moves the socket until the client has it: what is asked for meanwhile is done when it has.
    call.carrier = null
    client.dispatch(
      { method: 'POST', path: '/', headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
      {
        onRequestStart: (carrier) => {
          call.carrier = carrier
          if (call.isPaused) carrier.pause()
          if (call.isOver) carrier.abort(new Error('over'))
        },
        onResponseStart: (_, status, headers) => {
          if (told === null) call.handler.onResponseStart(call, status, headers)
        },
        onResponseData: (_, chunk) => {
          const piece = toSkip === 0 ? chunk : chunk.subarray(toSkip)
          toSkip = 0
          if (!call.isOver && piece.length > 0) call.handler.onResponseData(call, piece)
        },
        onResponseEnd: () => call.end(),
        onResponseError: (_: UpstreamCall | null, error: Error) => call.fail(error),
      },
    )
    client.close().catch(() => {})
  }
}
