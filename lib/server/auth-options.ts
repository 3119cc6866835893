import 'server-only'
import { headers } from 'next/headers'
import type { NextAuthOptions } from 'next-auth'
import Credentials from 'next-auth/providers/credentials'
import type { OAuthConfig } from 'next-auth/providers/oauth'
import { sessions } from '@/lib/contract/sessions'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { config } from './config'
import { controlPlane } from './control-plane'
import { reportError } from './report-error'
import { sessionCookieName, sessionCookieOptions } from './session'

declare module 'next-auth' {
  interface User {
    st?: string
  }
}
declare module 'next-auth/jwt' {
  interface JWT {
    /** The opaque session token of the control plane; the cookie holds nothing else. */
    st?: string
  }
}

/** The longest absolute lifetime that the security settings allow. The control plane ends sessions, not the cookie. */
const COOKIE_SECONDS_MAX = 720 * 3_600

/**
 * Sign-in ends in the same place for every method: the control plane opens a session and the cookie (a JWE) carries its
 * token and nothing else. What is thrown in `authorize` reaches the sign-in page as `?error=`; see `signInErrorCode`.
 */
export function authOptions(): NextAuthOptions {
  const { sessionSecret, isHttps, oidc } = config()
  return {
    secret: sessionSecret,
    useSecureCookies: isHttps,
    session: { strategy: 'jwt', maxAge: COOKIE_SECONDS_MAX },
    cookies: { sessionToken: { name: sessionCookieName(), options: sessionCookieOptions() } },
    pages: { signIn: '/sign-in', signOut: '/sign-in', error: '/sign-in' },
    providers: [passwordProvider(), ...(oidc ? [oidcProvider(oidc)] : [])],
    callbacks: {
      async signIn({ user, account }) {
        if (account?.provider !== 'oidc') return user.st !== undefined
        try {
          const { session_token } = await controlPlane(await headers())(sessions.createFromOidc, {
            id_token: account.id_token ?? '',
          })
          user.st = session_token
          return true
        } catch (thrown) {
          return `/sign-in?error=${encodeURIComponent(signInErrorCode(thrown))}`
        }
      },
      jwt: ({ token, user }) => (user?.st ? { st: user.st } : { st: token.st }),
      // The session endpoint answers to scripts on the page: it says that there is a session, never which.
      session: ({ session }) => ({ expires: session.expires }),
      // Browsers read `//host` and `/\host` as another address, so the parsed form decides.
      redirect: ({ url, baseUrl }) => (URL.parse(url, baseUrl)?.origin === baseUrl ? url : baseUrl),
    },
    events: { signOut: ({ token }) => revokeUpstream(token?.st) },
    logger: {
      error: (code, detail) =>
        reportError(`next-auth ${code}`, newId('req'), 'error' in detail ? detail.error : detail),
      warn: () => {},
      debug: () => {},
    },
  }
}

const passwordProvider = () =>
  Credentials({
    id: 'password',
    name: 'Password',
    credentials: { email: { type: 'email' }, password: { type: 'password' } },
    async authorize(credentials) {
      const input = sessions.create.input.safeParse({ email: credentials?.email, password: credentials?.password })
      if (!input.success) throw new Error('sign_in_failed')
      try {
        const { session_token } = await controlPlane(await headers())(sessions.create, input.data)
        return { id: 'session', st: session_token }
      } catch (thrown) {
        throw new Error(signInErrorCode(thrown), { cause: thrown })
      }
    },
  })

const oidcProvider = ({ issuer, clientId, clientSecret, name }: NonNullable<ReturnType<typeof config>['oidc']>) =>
  ({
    id: 'oidc',
    name,
    type: 'oauth',
    wellKnown: `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`,
    issuer,
    clientId,
    ...(clientSecret ? { clientSecret } : { client: { token_endpoint_auth_method: 'none' as const } }),
    idToken: true,
    checks: ['pkce', 'state', 'nonce'],
    authorization: { params: { scope: 'openid email profile' } },
    profile: (claims: { sub: string }) => ({ id: claims.sub }),
  }) satisfies OAuthConfig<{ sub: string }>

/** A code the sign-in page has words for; `rate_limited` carries the seconds to wait: `rate_limited:120`. */
function signInErrorCode(thrown: unknown): string {
  if (!(thrown instanceof AppError)) {
    reportError('sign-in', newId('req'), thrown)
    return 'internal'
  }
  return thrown.code === 'rate_limited' ? `rate_limited:${thrown.retryAfterSeconds ?? 60}` : thrown.code
}

/** The cookie is gone either way; a session that could not be ended upstream ends there by its idle time. */
async function revokeUpstream(sessionToken: string | undefined) {
  if (!sessionToken) return
  try {
    await controlPlane(await headers(), sessionToken)(sessions.revoke, { id: 'current' })
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.status === 401) return
    reportError('sign-out', newId('req'), thrown)
  }
}
