import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * An HTTP/1.1 answer as bytes: what is said on a connection from which no request could be read, before it is closed.
 * Names and values of `headers` take turns, as in node's raw headers.
 */
export function lastAnswer(status: number, headers: string[], body: string): string {
  const lines = [`HTTP/1.1 ${status} Refused`]
  const all = [...headers, 'content-length', String(Buffer.byteLength(body)), 'connection', 'close']
  for (let at = 0; at < all.length; at += 2) lines.push(`${all[at]}: ${all[at + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

/**
 * Whether one can be said on a connection: not within another answer, whose reader would take it for a part of that. What
 * node answers at the moment is known by this name only; where it refuses by itself, it looks there as well.
 */
export function takesLastAnswer(socket: Socket): boolean {
  const underWay = '_httpMessage' in socket ? socket._httpMessage : null
  return socket.writable && !(underWay instanceof ServerResponse && underWay.headersSent)
}
