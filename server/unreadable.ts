import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { AppError, problemResponse } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { lastAnswer, takesLastAnswer } from '@/lib/last-answer'

/** Answers a path that is none of ours, or whose escapes are not UTF-8: programs in their shape, people in words. */
export async function answerUnreadable(url: string, response: ServerResponse): Promise<void> {
  const error = new AppError('invalid_request', 'The address of the request cannot be read.')
  if (/^\/(v1|api)\//.test(url)) await refuse(error, response)
  else {
    response.writeHead(error.status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${error.message}\n`)
  }
}

export async function refuseHostless(response: ServerResponse): Promise<void> {
  response.setHeader('connection', 'close')
  await refuse(new AppError('invalid_request', 'A request needs a host.'), response)
}

async function refuse(error: AppError, response: ServerResponse): Promise<void> {
  const problem = problemResponse(error, newId('req'))
  const text = await problem.text()
  const headers = { ...Object.fromEntries(problem.headers), 'content-length': Buffer.byteLength(text) }
  response.writeHead(problem.status, headers).end(text)
}

/** Answers what the HTTP parser could make no request of, then hangs up. */
export async function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket): Promise<void> {
  if (takesLastAnswer(socket) && error.code !== 'ECONNRESET') {
    const problem = problemResponse(reasonOf(error.code), newId('req'))
    socket.end(lastAnswer(problem.status, [...problem.headers].flat(), await problem.text()))
  } else {
    socket.destroy()
  }
}

function reasonOf(code: string | undefined): AppError {
  if (code === 'HPE_HEADER_OVERFLOW') return new AppError('headers_too_large', 'The headers are too large.')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new AppError('request_timeout', 'The request took too long to arrive.')
  return new AppError('invalid_request', 'This is not a valid HTTP request.')
}
