import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setHeader } from './client-headers'

export type SecurityHeaderOptions = {
  /** Whether browsers reach us over https. */
  https: boolean
  /** Origins to which a form of ours may lead, such as the OpenID provider's. */
  formOrigins: string[]
}

/** What browsers are told with every answer, page or not. */
export function setSecurityHeaders(response: ServerResponse, { https }: SecurityHeaderOptions): void {
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('x-frame-options', 'DENY')
  response.setHeader('referrer-policy', 'same-origin')
  response.setHeader('permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()')
  response.setHeader('cross-origin-opener-policy', 'same-origin')
  response.setHeader('cross-origin-resource-policy', 'same-origin')
  if (https) response.setHeader('strict-transport-security', 'max-age=31536000')
}

/** Nothing on an answer of the API is ever a page. */
export const API_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"

/**
 * The content policy of one page view. Next reads the nonce from the request header and puts it on its own scripts.
 *
 * Scripts: only those with the nonce, and what they load. Styles: the toast and chart libraries write style elements
 * and attributes at run time, which cannot carry a nonce.
 */
export function setPagePolicy(
  request: IncomingMessage,
  response: ServerResponse,
  { https, formOrigins }: SecurityHeaderOptions,
): void {
  const nonce = randomBytes(16).toString('base64')
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    `form-action ${["'self'", ...formOrigins].join(' ')}`,
    "frame-ancestors 'none'",
    ...(https ? ['upgrade-insecure-requests'] : []),
  ].join('; ')
  setHeader(request, 'content-security-policy', policy)
  response.setHeader('content-security-policy', policy)
}
