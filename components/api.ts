import { type CallOptions, createClient } from '@/lib/client'
import type { Endpoint } from '@/lib/contract/endpoint'
import { AppError } from '@/lib/errors'
import { isSigningOut } from './shell/auth-post'
import { signInPath } from './shell/return-to'

const client = createClient({ baseUrl: '' })

/** `/v1/tokens/:id` of the control plane is `/api/tokens/:id` of the console's own origin. */
const viaBff = <E extends Endpoint>(endpoint: E): E => ({ ...endpoint, path: endpoint.path.replace(/^\/v1/, '/api') })

/**
 * The one way a page speaks to the server. Throws AppError. When the session is over the browser goes to the sign-in
 * page and comes back afterwards.
 */
export const api: typeof client = Object.assign(
  async <E extends Endpoint>(endpoint: E, input: Parameters<typeof client<E>>[1], options?: CallOptions) => {
    try {
      return await client(viaBff(endpoint), input, options)
    } catch (thrown) {
      throw leavingWhenOver(thrown)
    }
  },
  {
    async *subscribe<E extends Endpoint>(...[endpoint, input, options]: Parameters<typeof client.subscribe<E>>) {
      try {
        yield* client.subscribe(viaBff(endpoint), input, options)
      } catch (thrown) {
        throw leavingWhenOver(thrown)
      }
    },
    async download<E extends Endpoint>(...[endpoint, input, options]: Parameters<typeof client.download<E>>) {
      try {
        return await client.download(viaBff(endpoint), input, options)
      } catch (thrown) {
        throw leavingWhenOver(thrown)
      }
    },
  },
)

function leavingWhenOver(thrown: unknown): unknown {
  if (thrown instanceof AppError && thrown.status === 401) leaveForSignIn()
  return thrown
}

function leaveForSignIn() {
  if (isSigningOut()) return
  const { pathname, search, hash } = window.location
  window.location.assign(signInPath(pathname + search + hash, 'session_expired'))
}
