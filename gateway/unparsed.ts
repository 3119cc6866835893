import type { Socket } from 'node:net'
import { newId } from '@/lib/ids'
import { Refusal } from './errors'

/** Answers what the HTTP parser could make no request of: still in the shape that callers know, then hangs up. */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const refusal = refusalOf(error.code)
  const requestId = newId('req')
  const body = refusal.toJson(requestId)
  const lines = [`HTTP/1.1 ${refusal.status} Refused`]
  const headers = refusal.headers()
  headers.push('x-request-id', requestId, 'content-length', String(Buffer.byteLength(body)), 'connection', 'close')
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`)
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

function refusalOf(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') return new Refusal('headers_too_large', 'The headers are too large.')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Refusal('request_timeout', 'The request took too long to arrive.')
  return new Refusal('malformed_request', 'This is not a valid HTTP request.')
}
