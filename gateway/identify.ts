import type { GatewayKey } from '@/lib/contract/gateways'
import { hashToken, parseToken } from '@/lib/tokens'
import { Refusal } from './errors'
import { withoutMapping } from './headers'
import type { CallerRequest } from './http/caller-http'
import { controlPlaneNowMs, type Snapshot } from './snapshot'

export type Credentials = {
  authorization: string | undefined
  host: string | undefined
  /** Of the socket. Never from a header: a header says what its sender likes. */
  remoteAddress: string
}

export const credentialsOf = ({ headers, socket }: CallerRequest): Credentials => ({
  authorization: headers.authorization ?? bearing(headers['x-api-key']) ?? bearing(headers['x-goog-api-key']),
  host: headers.host,
  remoteAddress: withoutMapping(socket.remoteAddress),
})

/** Where many clients of Anthropic's API and those of Google's put the key. */
const bearing = (key: string | string[] | undefined) => (typeof key === 'string' ? `Bearer ${key}` : undefined)

const INVALID = 'Send a valid gateway key: Authorization: Bearer kt_gk_...'

/**
 * Who is calling. Shape and checksum are tested before anything is looked up.
 *
 * @param contactSlackMs how long silence of the control plane is normal: it speaks only so often
 * @returns the key; null for a caller that is served without one
 * @throws Refusal `token_*`, or `not_ready` when keys are too old to be trusted
 */
export function identify(credentials: Credentials, snapshot: Snapshot, contactSlackMs: number): GatewayKey | null {
  const { authorization } = credentials
  if (authorization === undefined) {
    if (snapshot.config?.compiled.anonymous === 'loopback' && isLoopbackCall(credentials)) return null
    throw new Refusal('token_invalid', INVALID)
  }
  const token = bearerOf(authorization)
  if (token === null || parseToken(token)?.kind !== 'gk') throw new Refusal('token_invalid', INVALID)
  const key = snapshot.keys.get(hashToken(token))
  if (key === undefined) throw new Refusal('token_invalid', INVALID)

  const death = key.dead ?? deathAt(key, snapshot)
  if (death !== null) throw new Refusal(death, DEAD[death])
  const { lastContactMs } = snapshot
  const ageMaxMs = snapshot.settings.max_offline_key_age_seconds * 1_000 + contactSlackMs
  if (lastContactMs !== undefined && performance.now() - lastContactMs > ageMaxMs) {
    throw new Refusal('not_ready', 'This gateway has not heard from its control plane for too long to trust its keys.')
  }
  return key
}

/** What has ended since the key was told about, in the order in which the control plane says it. */
function deathAt({ expires_at_ms, ends_at_ms }: GatewayKey, snapshot: Snapshot): GatewayKey['dead'] {
  if (expires_at_ms === null && ends_at_ms === null) return null
  const nowMs = controlPlaneNowMs(snapshot)
  if (expires_at_ms !== null && expires_at_ms <= nowMs) return 'token_expired'
  return ends_at_ms !== null && ends_at_ms <= nowMs ? 'token_rotated_out' : null
}

const DEAD = {
  token_revoked: 'This key has been revoked.',
  token_expired: 'This key has expired.',
  token_rotated_out: 'This secret has been replaced by a newer one of the same key.',
} as const

function bearerOf(authorization: string): string | null {
  if (authorization.length > 100) return null
  const isBearer = authorization.startsWith('Bearer ') || authorization.slice(0, 7).toLowerCase() === 'bearer '
  return isBearer ? authorization.slice(7).trim() : null
}

/** The name in `Host` must be local too: a page elsewhere can make a browser send requests here (DNS rebinding). */
const isLoopbackCall = ({ host, remoteAddress }: Credentials) =>
  LOOPBACK_ADDRESS.test(remoteAddress) && host !== undefined && LOOPBACK_HOST.test(host)

const LOOPBACK_ADDRESS = /^(?:127(?:\.\d{1,3}){3}|::1)$/
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i
