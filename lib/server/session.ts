import 'server-only'
import { cookies } from 'next/headers'
import { decode } from 'next-auth/jwt'
import { config } from './config'

/** `__Host-` binds the cookie to this host and to https; over plain http browsers refuse the prefix. */
export const sessionCookieName = () => (config().isHttps ? '__Host-keeptrusts.session' : 'keeptrusts.session')

export const sessionCookieOptions = () =>
  ({ httpOnly: true, sameSite: 'lax', path: '/', secure: config().isHttps }) as const

/**
 * The upstream session token of the browser that asks, or null. Whether it still lives, only the control plane knows.
 * Never hand it to a client component.
 */
export async function readSessionToken(): Promise<string | null> {
  const cookie = (await cookies()).get(sessionCookieName())?.value
  if (!cookie) return null
  // A cookie that does not decrypt is no session: made up, cut off, or from before the secret key changed.
  const claims = await decode({ token: cookie, secret: config().sessionSecret }).catch(() => null)
  return typeof claims?.st === 'string' ? claims.st : null
}

/** The `Set-Cookie` that ends the session in the browser. */
export const clearedSessionCookie = () =>
  `${sessionCookieName()}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${config().isHttps ? '; Secure' : ''}`
