import 'server-only'
import { hkdfSync } from 'node:crypto'

type Oidc = { issuer: string; clientId: string; clientSecret: string | undefined; name: string }

/**
 * What the console reads from its environment, at the time of use: a build must not freeze any of it.
 * The host sets NEXTAUTH_URL (the public address) and KEEPTRUSTS_SECRET_KEY before it starts Next.
 */
export function config() {
  const { NEXTAUTH_URL, KEEPTRUSTS_SECRET_KEY, KEEPTRUSTS_API_URL, KEEPTRUSTS_GATEWAY_URL } = process.env
  if (!NEXTAUTH_URL || !KEEPTRUSTS_SECRET_KEY)
    throw new Error('The console runs inside its host, which sets its address and secret: npm start.')
  const publicUrl = new URL(NEXTAUTH_URL)
  return {
    publicUrl,
    isHttps: publicUrl.protocol === 'https:',
    /** Set when the control plane runs elsewhere; otherwise it is in this process. */
    apiUrl: KEEPTRUSTS_API_URL?.replace(/\/+$/, '') || undefined,
    gatewayUrl: KEEPTRUSTS_GATEWAY_URL?.replace(/\/+$/, '') || gatewayBeside(publicUrl),
    sessionSecret: sessionSecretOf(KEEPTRUSTS_SECRET_KEY),
    oidc: oidcOf(process.env),
  }
}

const GATEWAY_PORT = 41_002

/** `npm start` runs a gateway on the same machine as the console, on a port of its own and without TLS. */
const gatewayBeside = ({ hostname }: URL) =>
  `http://${hostname}:${Number(process.env.KEEPTRUSTS_GATEWAY_PORT) || GATEWAY_PORT}`

/** A key of its own for cookies: nothing else that is encrypted with the secret key can pass for one (RFC 5869). */
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
