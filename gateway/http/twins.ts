import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { CallerRequest, CallerResponse } from './caller-http'
import { PlainFront } from './plain-front'

export type Handle = (request: CallerRequest & { method?: string }, response: CallerResponse) => void

/** A server with a plain front and one without, which answer alike: what the one does, the other must. */
export type Twins = {
  fronted: number
  alone: number
  front: PlainFront
  /** Requests that the front served itself. */
  plain(): number
  close(): Promise<void>
}

type Bounds = { headersTimeout?: number; requestTimeout?: number; keepAliveTimeout?: number }

export async function startTwins(handle: Handle = echo, bounds: Bounds = {}): Promise<Twins> {
  let plain = 0
  const options = { keepAliveTimeout: 75_000, noDelay: true, ...bounds }
  const fronted = createServer(options, handle)
  const alone = createServer(options, handle)
  for (const server of [fronted, alone]) server.on('clientError', tellWhy)
  const front = new PlainFront(fronted, (url) => {
    if (!url.startsWith('/v1/')) return undefined
    return (request, response) => {
      plain += 1
      handle(request, response)
    }
  })
  return {
    fronted: await listening(fronted),
    alone: await listening(alone),
    front,
    plain: () => plain,
    async close() {
      front.closeAll()
      for (const server of [fronted, alone]) {
        server.close()
        server.closeAllConnections()
      }
    },
  }
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const tellWhy = (error: NodeJS.ErrnoException, socket: Socket) => {
  if (socket.writable) socket.end(`HTTP/1.1 400 ${error.code}\r\n\r\n`)
  else socket.destroy()
}

/** Answers what it was asked, in the way that `x-answer` says. */
export const echo: Handle = (request, response) => {
  const how = request.headers['x-answer'] ?? 'whole'
  const { url, headers, rawHeaders } = request
  if (how === 'refuse') {
    response.writeHead(401, ['content-length', '2'])
    response.end(Buffer.from('no'))
    return
  }
  const body: Buffer[] = []
  request.on('data', (chunk) => body.push(chunk))
  request.on('end', () => {
    const said = JSON.stringify({ url, headers, rawHeaders, body: Buffer.concat(body).toString('latin1') })
    if (how === 'destroy') response.destroy()
    else if (how === 'stream') {
      response.writeHead(200, ['content-type', 'text/event-stream'])
      response.write(Buffer.from(said))
      response.write(Buffer.alloc(40_000, 'x'))
      response.end(Buffer.from('the end'))
    } else {
      response.setHeader('x-set', 'before')
      const text = how === 'large' ? said + 'x'.repeat(200_000) : said
      const close = how === 'close' ? ['connection', 'close'] : []
      response.writeHead(200, ['content-length', String(Buffer.byteLength(text)), ...close])
      response.end(Buffer.from(text).toString('latin1'), 'latin1')
    }
  })
}

export type Caller = { socket: Socket; text(): string; closed: Promise<unknown> }

/** Somebody who is connected and keeps all that comes. */
export async function call(port: number): Promise<Caller> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  return { socket, text: () => text, closed }
}

/** Sends pieces one by one, each read before the next, says that it sends no more, and gives back all that came. */
export async function exchange(port: number, pieces: readonly Uint8Array[]): Promise<string> {
  const { socket, text, closed } = await call(port)
  for (const piece of pieces) {
    if (socket.writable) await new Promise((resolve) => socket.write(piece, resolve))
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  }
  socket.end()
  await closed
  return text().replace(/\r\nDate: [^\r]+/g, '\r\nDate: now')
}

export const bytes = (text: string) => Buffer.from(text, 'latin1')

export const post = (body: string, more = '', path = '/v1/chat') =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`
