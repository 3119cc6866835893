import { type Client, createClient } from '@/lib/client'
import { AppError } from '@/lib/errors'
import { VERSION } from '@/lib/version'
import { type Credentials, readCredentials } from './credentials'
import type { Io } from './io'

export const DEFAULT_API_URL = 'http://localhost:3000'

export type Connection = {
  apiUrl: string
  /** Undefined when there is neither a token in the environment nor a session for this control plane. */
  token: string | undefined
  tokenSource: 'environment' | 'session' | 'none'
  /** The control plane that the stored session belongs to, when it is another one. */
  signedInTo: string | undefined
  client: Client
}

/**
 * Which control plane to speak to and as whom: the flag, then the environment, then what `kt auth login` stored.
 * A stored session is sent only to the control plane that gave it.
 */
export async function openConnection(io: Io, apiUrlFlag: string | undefined): Promise<Connection> {
  const { env } = io
  const fromEnvironment = env.KEEPTRUSTS_API_TOKEN || env.KEEPTRUSTS_TOKEN || undefined
  const stored = fromEnvironment ? null : await readCredentials(env)
  const apiUrl = resolveApiUrl(env, apiUrlFlag, stored)
  const session = stored?.api_url === apiUrl ? stored.session_token : undefined
  const token = fromEnvironment ?? session
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new AppError('invalid_request', 'KEEPTRUSTS_API_TOKEN contains spaces or other characters that no key has.')
  }
  return {
    apiUrl,
    token,
    tokenSource: fromEnvironment ? 'environment' : session ? 'session' : 'none',
    signedInTo: stored && !session ? stored.api_url : undefined,
    client: createClient({ baseUrl: apiUrl, headers: requestHeaders(token) }),
  }
}

export const resolveApiUrl = (env: Io['env'], flag: string | undefined, stored: Credentials | null): string =>
  parseApiUrl(flag ?? (env.KEEPTRUSTS_API_URL || stored?.api_url) ?? DEFAULT_API_URL)

/** The same, but refuses before the network is touched when there is nothing to authenticate with. */
export async function openAuthenticated(io: Io, apiUrlFlag: string | undefined): Promise<Connection> {
  const connection = await openConnection(io, apiUrlFlag)
  if (connection.token) return connection
  const elsewhere = connection.signedInTo ? `; the stored session is for ${connection.signedInTo}` : ''
  throw new AppError('unauthenticated', `You are not signed in to ${connection.apiUrl}${elsewhere}.`)
}

/** The control plane records changes by this user-agent as made with the CLI. */
export const requestHeaders = (token: string | undefined): Record<string, string> => ({
  'user-agent': `kt/${VERSION}`,
  ...(token ? { authorization: `Bearer ${token}` } : {}),
})

/** An http(s) URL without a trailing slash; anything else is refused with what is wrong. */
export function parseApiUrl(text: string): string {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new AppError('invalid_request', `"${text}" is not an API URL. It looks like https://api.keeptrusts.com.`)
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new AppError('invalid_request', 'The API URL must not contain a user, a query or a fragment.')
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
