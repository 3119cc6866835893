import { once } from 'node:events'
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

/** A certified OpenID provider, with its own development login page: any name signs in as `<name>@example.com`. */
export async function startOidcProvider(ports: { console: number; oidc: number }) {
  const provider = new Provider(`http://localhost:${ports.oidc}`, {
    clients: [
      {
        client_id: 'keeptrusts',
        client_secret: 'the-secret-of-the-test-client',
        redirect_uris: [`http://localhost:${ports.console}/api/auth/callback/oidc`],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id }),
    }),
    cookies: { keys: ['only for tests'] },
    features: { devInteractions: { enabled: true } },
  })
  const server = createServer(provider.callback()).listen(ports.oidc, '127.0.0.1')
  await once(server, 'listening')
  return {
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
