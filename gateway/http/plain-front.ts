import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { ActiveSet } from '../active-set'
import { PlainConnection, type PlainOwner } from './plain-connection'

/**
 * Stands in front of node's HTTP server and serves connections on which nothing but plain requests comes. Whatever it does
 * not understand completely it hands over, bytes and all, so that node alone judges it.
 */
export class PlainFront {
  readonly #connections = new ActiveSet<PlainConnection>()

  /** Bounds are the server's own. */
  constructor(server: Server, handlerOf: PlainOwner['handlerOf']) {
    const admits = server.listeners('connection')
    server.removeAllListeners('connection')
    const owner: PlainOwner = {
      handlerOf,
      handOver: (connection, socket) => {
        this.#connections.delete(connection)
        for (const admit of admits) admit.call(server, socket)
      },
      refuse: (code, socket) => server.emit('clientError', Object.assign(new Error(code), { code }), socket),
      closed: (connection) => this.#connections.delete(connection),
      keepAlive: `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(server.keepAliveTimeout / 1_000)}\r\n`,
      headMsMax: server.headersTimeout,
      requestMsMax: server.requestTimeout,
      idleMsMax: server.keepAliveTimeout + KEEP_ALIVE_SLACK_MS,
    }
    server.on('connection', (socket: Socket) => this.#connections.add(new PlainConnection(socket, owner)))
  }

  /**
   * Called about once a second.
   *
   * @param passedMs since the last time, as this process was there to see it: who sent something meanwhile is not too late
   */
  sweep(passedMs: number): void {
    for (const connection of this.#connections.all()) connection.sweep(passedMs)
  }

  closeAll(): void {
    for (const connection of this.#connections.all()) connection.destroy()
  }
}

/** As node: a request that was sent in the last moment is better answered than cut off. */
const KEEP_ALIVE_SLACK_MS = 1_000
