import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { ControlPlane } from '@/control-plane/app'
import { AppError, problemResponse } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { sanitizeHeaders, setHeader } from './client-headers'
import { API_CONTENT_POLICY, setPagePolicy, setSecurityHeaders } from './security-headers'
import { answerUnreadable, refuseHostless, refuseUnparsed } from './unreadable'

export type PageHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export type ConsoleServerOptions = {
  /** undefined until the database is migrated: the API then answers 503. */
  controlPlane: () => ControlPlane | undefined
  /** undefined while the pages are being prepared, or when this process serves the API only. */
  pages: () => PageHandler | undefined
  https: boolean
  formOrigins: string[]
  /** Whether a proxy in front of us writes `x-forwarded-*`. */
  trustProxy: boolean
  onError: (error: unknown) => void
}

export type ConsoleServer = {
  server: Server
  /** Takes no new requests, ends event streams, lets the others finish, and cuts what is left after `graceMs`. */
  close: (graceMs: number) => Promise<void>
}

/** One HTTP server: the control plane in front, so that its requests never touch Next, and the pages behind it. */
export function createConsoleServer(options: ConsoleServerOptions): ConsoleServer {
  const { controlPlane, pages, trustProxy, onError } = options
  const answerApi = getRequestListener(
    (request, env) => callApi(request, controlPlane(), String(env.incoming.headers['x-forwarded-for'])),
    // HTTP/1.0, which load balancers check health with, needs no host.
    { overrideGlobalObjects: false, hostname: 'localhost' },
  )
  const open = new Set<ServerResponse>()
  let closing = false

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    open.add(response)
    response.once('close', () => open.delete(response))
    if (closing) response.setHeader('connection', 'close')
    const address = sanitizeHeaders(request, trustProxy)
    setSecurityHeaders(response, options)
    if (request.headers.host === undefined && request.httpVersion !== '1.0') return refuseHostless(response)
    if (!isReadable(request.url ?? '')) return answerUnreadable(request.url ?? '', response)
    if (isApi(request.url ?? '/')) {
      response.setHeader('content-security-policy', API_CONTENT_POLICY)
      return answerApi(request, response)
    }
    const page = pages()
    if (!page) return answerUnready(response)
    setHeader(request, 'x-keeptrusts-peer', address)
    setHeader(request, 'x-keeptrusts-path', request.url ?? '/')
    setPagePolicy(request, response, options)
    return page(request, response)
  }

  const server = createServer(
    {
      maxHeaderSize: 16_384,
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 5_000,
      // Node would refuse it without a word.
      requireHostHeader: false,
    },
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        onError(error)
        if (!response.headersSent) response.writeHead(500).end()
        else response.destroy()
      })
    },
  )
  server.on('clientError', refuseUnparsed)
  // Nothing here speaks another protocol; without a listener such a request would be held and never answered.
  server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'))
  server.maxHeadersCount = 100
  server.maxConnections = 4_096

  return {
    server,
    async close(graceMs) {
      closing = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const response of open) {
        const type = response.getHeader('content-type')
        if (typeof type === 'string' && type.startsWith('text/event-stream')) response.end()
        else if (!response.headersSent) response.setHeader('connection', 'close')
      }
      // A connection becomes idle when its answer is complete; asking once would miss those.
      const sweep = setInterval(() => server.closeIdleConnections(), 50)
      const cut = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed.finally(() => {
        clearInterval(sweep)
        clearTimeout(cut)
      })
    },
  }
}

/** A path of ours whose escapes are UTF-8: Next answers 500 to anything else. */
function isReadable(url: string): boolean {
  if (!url.startsWith('/') || url.startsWith('//')) return false
  try {
    decodeURIComponent(url.split('?', 1)[0] ?? '')
    return true
  } catch {
    return false
  }
}

const isApi = (url: string) => /^\/(v1|healthz|readyz)(?=[/?]|$)/.test(url)

async function callApi(request: Request, controlPlane: ControlPlane | undefined, ip: string): Promise<Response> {
  if (controlPlane) return controlPlane.fetch(request, { ip })
  const { pathname } = new URL(request.url)
  if (pathname === '/healthz') return Response.json({ status: 'ok' })
  const error = new AppError('unavailable', 'The control plane is starting: its database is not ready yet.', {
    retryAfterSeconds: 1,
  })
  return problemResponse(error, newId('req'))
}

function answerUnready(response: ServerResponse): void {
  response.writeHead(503, {
    'content-type': 'text/plain; charset=utf-8',
    'retry-after': '1',
    'cache-control': 'no-store',
  })
  response.end('The console is starting.\n')
}
