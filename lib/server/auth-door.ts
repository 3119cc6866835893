import 'server-only'
import { NextRequest } from 'next/server'
import { AppError } from '@/lib/errors'
import { readBody } from './read-body'
import { assertSameOrigin } from './same-origin'

/** What our pages and OpenID providers call. next-auth has more, answers some of it with a 500, and writes to our log. */
const ROUTES = {
  GET: /^(csrf|providers|session|signin|signout|error|callback\/oidc)$/,
  POST: /^(callback\/password|signin\/oidc|signout)$/,
}
const FORM = /^application\/x-www-form-urlencoded\s*(;|$)/i
const FORM_BYTES_MAX = 16_384
/** next-auth puts it into a header as it is. */
const ERROR_CODE = /^[\x20-\x7e]{1,200}$/

/**
 * A request that next-auth may see: one of its routes that is in use, from our own pages when it changes anything, with a
 * form of a bounded size, which next-auth itself would read however long it is.
 *
 * @throws AppError
 */
export async function admitted(request: NextRequest, path: string[]): Promise<NextRequest> {
  const method = request.method === 'POST' ? 'POST' : 'GET'
  if (method === 'POST') assertSameOrigin(request.headers)
  const route = path.join('/')
  if (!ROUTES[method].test(route)) throw new AppError('not_found', 'There is nothing at this path.')
  const codes = request.nextUrl.searchParams.getAll('error')
  if (route === 'error' && !codes.every((code) => ERROR_CODE.test(code))) {
    throw new AppError('invalid_request', 'error: must be printable ASCII')
  }
  if (method === 'GET') return request
  if (!FORM.test(request.headers.get('content-type') ?? '')) {
    throw new AppError('unsupported_media_type', 'Send application/x-www-form-urlencoded.')
  }
  const body = await readBody(request, FORM_BYTES_MAX)
  return new NextRequest(request.url, { method, headers: request.headers, body })
}
