import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CompiledCors } from '@/lib/policy/compile'
import type { CallerRequest, CallerResponse } from './http/caller-http'

/**
 * Lets pages of other origins read answers where the configuration allows it (Fetch Standard, CORS protocol).
 *
 * @returns whether the request was a preflight, which is answered here
 */
export function applyCors(cors: CompiledCors, request: IncomingMessage, response: ServerResponse): boolean {
  const { method, headers } = request
  const isPreflight = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
  if (!isPreflight || headers.origin === undefined) {
    exposeTo(cors, request, response)
    return false
  }
  if (allowOrigin(cors, request, response)) {
    response.setHeader('access-control-allow-methods', cors.allowMethods.join(', '))
    response.setHeader('access-control-allow-headers', cors.allowHeaders.join(', '))
    response.setHeader('access-control-max-age', String(cors.maxAgeSeconds))
  }
  response.writeHead(204).end()
  return true
}

/** Of a request that is no preflight. */
export function exposeTo(cors: CompiledCors, request: CallerRequest, response: CallerResponse): void {
  if (allowOrigin(cors, request, response) && cors.exposeHeaders.length > 0) {
    response.setHeader('access-control-expose-headers', cors.exposeHeaders.join(', '))
  }
}

function allowOrigin(cors: CompiledCors, { headers: { origin } }: CallerRequest, response: CallerResponse): boolean {
  const isAnyone = cors.allowOrigins.includes('*')
  if (!isAnyone) response.setHeader('vary', 'Origin')
  const isAllowed = origin !== undefined && (isAnyone || cors.allowOrigins.includes(origin))
  if (isAllowed) {
    response.setHeader('access-control-allow-origin', isAnyone ? '*' : origin)
    if (cors.credentials && !isAnyone) response.setHeader('access-control-allow-credentials', 'true')
  }
  return isAllowed
}
