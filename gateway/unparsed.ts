import type { Socket } from 'node:net'
import { newId } from '@/lib/ids'
import { lastAnswer, takesLastAnswer } from '@/lib/last-answer'
import { Refusal } from './errors'

/** Answers what the HTTP parser could make no request of: still in the shape that callers know, then hangs up. */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!takesLastAnswer(socket) || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const refusal = refusalOf(error.code)
  const requestId = newId('req')
  const headers = [...refusal.headers(), 'x-request-id', requestId]
  socket.end(lastAnswer(refusal.status, headers, refusal.toJson(requestId)))
}

function refusalOf(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') return new Refusal('headers_too_large', 'The headers are too large.')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Refusal('request_timeout', 'The request took too long to arrive.')
  return new Refusal('malformed_request', 'This is not a valid HTTP request.')
}
