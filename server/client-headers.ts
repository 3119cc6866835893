import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** Headers that only a proxy, or Next itself, may speak: a stranger's are dropped before anything reads them. */
const RESERVED =
  /^(x-forwarded-|x-real-ip$|x-client-ip$|forwarded$|x-middleware-|x-nextjs-(?!data$)|x-invoke-|x-matched-path$|x-now-|x-vercel-|x-keeptrusts-(peer|path)$|content-security-policy)/i

/** What a proxy in front of us says about the caller, and we believe when KEEPTRUSTS_TRUST_PROXY is set. */
const FROM_PROXY = /^x-forwarded-(for|host|proto)$/i

/**
 * Removes headers that would let a caller pose as a proxy or steer Next's internals, and says in `x-forwarded-for`
 * where the request really came from: the socket, or the last hop before a trusted proxy.
 *
 * @returns that address
 */
export function sanitizeHeaders(request: IncomingMessage, trustProxy: boolean): string {
  const address = clientAddress(request, trustProxy)
  const kept: string[] = []
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? ''
    const isForwarded = trustProxy && FROM_PROXY.test(name) && !/-for$/i.test(name)
    if (!RESERVED.test(name) || isForwarded) kept.push(name, request.rawHeaders[i + 1] ?? '')
    else delete request.headers[name.toLowerCase()]
  }
  request.rawHeaders = kept
  setHeader(request, 'x-forwarded-for', address)
  return address
}

/** Adds a header of ours to a request, for readers of either form. */
export function setHeader(request: IncomingMessage, name: string, value: string): void {
  request.rawHeaders.push(name, value)
  request.headers[name] = value
}

/** The caller's IP address. A proxy appends the address it sees, so the last entry is the one it vouches for. */
function clientAddress(request: IncomingMessage, trustProxy: boolean): string {
  const socket = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  if (!trustProxy) return socket
  const last = [request.headers['x-forwarded-for']].flat().join(',').split(',').at(-1)?.trim() ?? ''
  return isIP(last) ? last : socket
}
