import 'server-only'

type Oidc = { issuer: string; clientId: string; clientSecret: string | undefined; name: string }

/**
 * What the console reads from its environment, at the time of use: a build must not freeze any of it.
 * The host sets NEXTAUTH_URL (the public address) and NEXTAUTH_SECRET (derived from the secret key) before it starts Next.
 */
export function config() {
  const { NEXTAUTH_URL, NEXTAUTH_SECRET, KEEPTRUSTS_API_URL } = process.env
  if (!NEXTAUTH_URL || !NEXTAUTH_SECRET)
    throw new Error('The console runs inside its host, which sets its address and secret: npm start.')
  const publicUrl = new URL(NEXTAUTH_URL)
  return {
    publicUrl,
    isHttps: publicUrl.protocol === 'https:',
    /** Set when the control plane runs elsewhere; otherwise it is in this process. */
    apiUrl: KEEPTRUSTS_API_URL?.replace(/\/+$/, '') || undefined,
    sessionSecret: NEXTAUTH_SECRET,
    oidc: oidcOf(process.env),
  }
}

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
