import { Agent, type Dispatcher } from 'undici'
import type { Target } from '@/lib/policy/compile'
import { AddressNotAllowed, publicLookup, reasonAgainstHost } from '../outbound/address-rules'

const CONNECT_TIMEOUT_MS = 10_000
/** To one origin. Streams on which servers speak by themselves hold one each, and calls must not wait for them. */
const CONNECTIONS_MAX = 4_096

/** The connections to MCP servers: only to public addresses, unless a target says that its network may be private. */
export class McpDispatchers {
  readonly #public = new Agent({
    connect: { lookup: publicLookup, timeout: CONNECT_TIMEOUT_MS },
    connections: CONNECTIONS_MAX,
    pipelining: 1,
  })
  readonly #private = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    connections: CONNECTIONS_MAX,
    pipelining: 1,
  })

  /** @throws AddressNotAllowed for an address that says by itself that it is not public */
  of({ baseUrl, allowPrivateNetwork }: Target): Dispatcher {
    if (allowPrivateNetwork) return this.#private
    const reason = baseUrl && reasonAgainstHost(baseUrl)
    if (reason !== null) throw new AddressNotAllowed(reason)
    return this.#public
  }

  async close(): Promise<void> {
    await Promise.all([this.#public.destroy(), this.#private.destroy()])
  }
}
