import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { displayName } from '@/lib/contract/fields'
import { AppError } from '@/lib/errors'
import type { OidcSettings } from '../context'

export type IdentityClaims = { /** Lower case. */ email: string; name: string; expiresAt: Date }

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA']
const CLOCK_SKEW_SECONDS = 60
const DISCOVERY_WITHIN_MS = 5_000

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() })
const Claims = z.object({
  email: z.email().max(254),
  email_verified: z.unknown().optional(),
  name: z.unknown().optional(),
  iat: z.number(),
  exp: z.number(),
  azp: z.string().optional(),
})

/** Where a provider's keys are is asked once; the keys themselves are fetched again when one is unknown. */
const keysOf = new WeakMap<OidcSettings, Promise<JWTVerifyGetKey>>()

/**
 * Checks an ID token as OpenID Connect Core 1.0, section 3.1.3.7, says.
 *
 * @throws AppError `sign_in_failed` for a token that does not hold, `upstream_failed` when the provider cannot be asked
 */
export async function verifyIdToken(settings: OidcSettings, idToken: string, now: Date): Promise<IdentityClaims> {
  const keys = await keysFor(settings)
  const payload = await verified(idToken, keys, settings, now)
  const claims = Claims.safeParse(payload)
  if (!claims.success) throw refused('The ID token lacks a claim that is needed, such as email.', claims.error)
  const { email, email_verified, name, iat, exp, azp } = claims.data
  if (iat > now.getTime() / 1_000 + CLOCK_SKEW_SECONDS) throw refused('The ID token comes from the future.')
  const isForOthersToo = Array.isArray(payload.aud) && payload.aud.length > 1
  if ((isForOthersToo || azp !== undefined) && azp !== settings.clientId) {
    throw refused('The ID token was issued to another client.')
  }
  const isVerified = email_verified === true || email_verified === 'true'
  const isSilent = email_verified === undefined
  if (!isVerified && !(isSilent && settings.trustEmail)) {
    throw refused('The OpenID provider has not verified this e-mail address.')
  }
  const shown = displayName.safeParse(name)
  return {
    email: email.toLowerCase(),
    name: shown.success ? shown.data : email.slice(0, 80),
    expiresAt: new Date((exp + CLOCK_SKEW_SECONDS) * 1_000),
  }
}

async function verified(token: string, keys: JWTVerifyGetKey, settings: OidcSettings, now: Date): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer: settings.issuer,
      audience: settings.clientId,
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: now,
      requiredClaims: ['sub', 'exp', 'iat'],
    })
    return payload
  } catch (cause) {
    const isOurs = cause instanceof errors.JOSEError && !(cause instanceof errors.JWKSTimeout)
    if (!isOurs || cause.code === 'ERR_JOSE_GENERIC') throw providerAway(settings, cause)
    throw refused('The ID token is not valid.', cause)
  }
}

function keysFor(settings: OidcSettings): Promise<JWTVerifyGetKey> {
  const known = keysOf.get(settings) ?? discover(settings)
  keysOf.set(settings, known)
  known.catch(() => keysOf.delete(settings))
  return known
}

async function discover(settings: OidcSettings): Promise<JWTVerifyGetKey> {
  const url = `${settings.issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DISCOVERY_WITHIN_MS), redirect: 'error' })
    if (!response.ok) throw new Error(`${url} answered ${response.status}.`)
    const found = Discovery.parse(await response.json())
    if (found.issuer !== settings.issuer) throw new Error(`${url} speaks for ${found.issuer}.`)
    return createRemoteJWKSet(new URL(found.jwks_uri), { timeoutDuration: DISCOVERY_WITHIN_MS })
  } catch (cause) {
    throw providerAway(settings, cause)
  }
}

const refused = (message: string, cause?: unknown) => new AppError('sign_in_failed', message, { cause })

const providerAway = ({ issuer }: OidcSettings, cause: unknown) =>
  new AppError('upstream_failed', `The OpenID provider ${issuer} cannot be asked now. Try again.`, { cause })
