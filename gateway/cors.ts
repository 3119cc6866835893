import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CompiledCors } from '@/lib/policy/compile'

/**
 * Lets pages of other origins read answers where the configuration allows it (Fetch Standard, CORS protocol).
 *
 * @returns whether the request was a preflight, which is answered here
 */
export function applyCors(cors: CompiledCors, request: IncomingMessage, response: ServerResponse): boolean {
  const { origin } = request.headers
  const isAnyone = cors.allowOrigins.includes('*')
  if (!isAnyone) response.setHeader('vary', 'Origin')
  if (origin === undefined) return false
  const isAllowed = isAnyone || cors.allowOrigins.includes(origin)
  if (isAllowed) {
    response.setHeader('access-control-allow-origin', isAnyone ? '*' : origin)
    if (cors.credentials && !isAnyone) response.setHeader('access-control-allow-credentials', 'true')
  }
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) {
    if (isAllowed && cors.exposeHeaders.length > 0) {
      response.setHeader('access-control-expose-headers', cors.exposeHeaders.join(', '))
    }
    return false
  }
  if (isAllowed) {
    response.setHeader('access-control-allow-methods', cors.allowMethods.join(', '))
    response.setHeader('access-control-allow-headers', cors.allowHeaders.join(', '))
    response.setHeader('access-control-max-age', String(cors.maxAgeSeconds))
  }
  response.writeHead(204).end()
  return true
}
