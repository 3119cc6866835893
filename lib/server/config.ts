import 'server-only'
import { hkdfSync } from 'node:crypto'

type Oidc = { issuer: string; clientId: string; clientSecret: string | undefined; name: string }

/** What the console reads from its environment, at the time of use: a build must not freeze any of it. */
export function config() {
  const { PORT, KEEPTRUSTS_PUBLIC_URL, KEEPTRUSTS_API_URL, KEEPTRUSTS_SECRET_KEY } = process.env
  const publicUrl = new URL(KEEPTRUSTS_PUBLIC_URL || `http://localhost:${PORT || '3000'}`)
  if (!KEEPTRUSTS_SECRET_KEY) throw new Error('KEEPTRUSTS_SECRET_KEY is not set; npm start generates and sets it.')
  return {
    publicUrl,
    isHttps: publicUrl.protocol === 'https:',
    /** Set when the control plane runs elsewhere; otherwise it is in this process. */
    apiUrl: KEEPTRUSTS_API_URL?.replace(/\/+$/, '') || undefined,
    sessionSecret: sessionSecretOf(KEEPTRUSTS_SECRET_KEY),
    oidc: oidcOf(process.env),
  }
}

/** A key of its own for cookies, so that nothing else encrypted with the secret key can pass for one (RFC 5869). */
const sessionSecretOf = (secretKey: string) =>
  Buffer.from(hkdfSync('sha256', secretKey, '', 'keeptrusts console session v1', 32)).toString('base64url')

function oidcOf(env: NodeJS.ProcessEnv): Oidc | undefined {
  const { KEEPTRUSTS_OIDC_ISSUER: issuer, KEEPTRUSTS_OIDC_CLIENT_ID: clientId } = env
  if (!issuer || !clientId) return undefined
  return {
    issuer,
    clientId,
    clientSecret: env.KEEPTRUSTS_OIDC_CLIENT_SECRET || undefined,
    name: env.KEEPTRUSTS_OIDC_NAME || new URL(issuer).hostname,
  }
}
