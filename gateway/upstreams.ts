import { Pool } from 'undici'
import type { Target } from '@/lib/policy/compile'
import { AddressNotAllowed, reasonAgainstHost } from '@/lib/public-address'
import { headerLines } from './http/header-lines'
import { ProviderLane } from './http/provider-lane'
import { publicLookup } from './outbound/address-rules'
import { adapterOf } from './providers/all'
import type { Provider, UpstreamHandler, UpstreamRequest } from './providers/provider'

const CONNECT_TIMEOUT_MS = 10_000
/**
 * Connections to one origin; more requests wait for one, which the target's timeout bounds. Each stream on which an MCP
 * server speaks by itself holds one.
 */
const CONNECTIONS_MAX = 4_096
/** A pool that nothing was sent through for this long is let go: configurations come and go. */
const IDLE_POOL_MS = 600_000

type Lane = {
  /** Carries plain requests. */
  plain: ProviderLane
  /** Carries all others, and whatever somebody sends by himself. */
  pool: Pool
  hostLine: string
  usedMs: number
}
/** `lines` are the headers as they are sent; null when they are not plain. */
type Route = { lane: Lane; headers: readonly string[]; lines: string | null }

/** Carries requests to providers: one pool of connections per origin, kept across requests and configurations. */
export class Upstreams {
  readonly #sandbox: Provider
  readonly #lanes = new Map<string, Lane>()
  /** A configuration that is replaced takes its targets with it. */
  readonly #routes = new WeakMap<Target, Map<string | null, Route>>()

  constructor(
    readonly userAgent: string,
    sandbox: Provider,
  ) {
    this.#sandbox = sandbox
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): void {
    const { target, secret, idempotencyKey } = request
    if (target.provider === 'sandbox') {
      this.#sandbox.send(request, handler)
      return
    }
    const refused = refusedAddress(target)
    if (refused !== null) {
      handler.onResponseError(null, refused)
      return
    }
    const known = this.#routes.get(target)?.get(secret)
    const route = known === undefined || known.lane.pool.destroyed ? this.#routeTo(target, secret) : known
    const { lane } = route
    lane.usedMs = performance.now()
    const own = [
      ...request.headers,
      'content-type',
      request.contentType,
      'accept',
      request.accept,
      'x-request-id',
      request.requestId,
      'traceparent',
      request.traceparent,
    ]
    if (idempotencyKey !== null) own.push('idempotency-key', idempotencyKey)
    const { path, body } = request
    const { timeoutMs } = target
    const lines = headerLines(own)
    if (route.lines === null || lines === null || !PATH.test(path)) {
      const headers = route.headers.concat(own)
      const timeouts = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs }
      lane.pool.dispatch({ method: 'POST', path, headers, body, ...timeouts }, handler)
      return
    }
    const head = `POST ${path} HTTP/1.1\r\n${lane.hostLine}${route.lines}${lines}content-length: ${body.length}\r\n\r\n`
    lane.plain.send({ head, body, timeoutMs }, handler)
  }

  /**
   * The connections to a target's address, guarded as it says.
   *
   * @throws AddressNotAllowed for an address that says by itself that it is not public
   */
  dispatcherFor(target: Target): Pool {
    const { baseUrl, allowPrivateNetwork } = target
    if (baseUrl === null) throw new Error('a target without an address has no connections')
    const refused = refusedAddress(target)
    if (refused !== null) throw refused
    const lane = this.#laneTo(baseUrl.origin, allowPrivateNetwork)
    lane.usedMs = performance.now()
    return lane.pool
  }

  /** Called now and then: lets go of pools that nothing uses any more. */
  sweep(nowMs: number): void {
    for (const [origin, { plain, pool, usedMs }] of this.#lanes) {
      plain.sweep(nowMs)
      const isUsed = pool.stats.running > 0 || pool.stats.queued > 0 || !plain.isIdle
      if (nowMs - usedMs < IDLE_POOL_MS || isUsed) continue
      this.#lanes.delete(origin)
      plain.close()
      void pool.destroy()
    }
  }

  async close(): Promise<void> {
    const lanes = [...this.#lanes.values()]
    this.#lanes.clear()
    for (const { plain } of lanes) plain.close()
    await Promise.all([this.#sandbox.close(), ...lanes.map(({ pool }) => pool.destroy())])
  }

  #routeTo(target: Target, secret: string | null): Route {
    const { baseUrl } = target
    if (baseUrl === null) throw new Error(`target ${target.id} has no base_url`)
    const adapter = adapterOf(target.provider)
    const headers = [
      'accept-encoding',
      'identity', // what is compressed could not be read for usage, nor passed on byte for byte
      'user-agent',
      this.userAgent,
    ]
    if (secret !== null && adapter.auth !== 'aws_sigv4') headers.push(target.apiKeyHeader, target.apiKeyPrefix + secret)
    for (const [name, value] of Object.entries(target.headers)) headers.push(name, value)
    const route = {
      lane: this.#laneTo(baseUrl.origin, target.allowPrivateNetwork),
      headers,
      lines: headerLines(headers),
    }
    const bySecret = this.#routes.get(target) ?? new Map<string | null, Route>()
    bySecret.set(secret, route)
    this.#routes.set(target, bySecret)
    return route
  }

  #laneTo(origin: string, allowsPrivate: boolean): Lane {
    const key = `${allowsPrivate ? 'any' : 'public'} ${origin}`
    const known = this.#lanes.get(key)
    if (known !== undefined && !known.pool.destroyed) return known
    const lookup = allowsPrivate ? {} : { lookup: publicLookup }
    const connect = { timeout: CONNECT_TIMEOUT_MS, ...lookup }
    const lane = {
      plain: new ProviderLane(origin, { connectionsMax: CONNECTIONS_MAX, connect }),
      pool: new Pool(origin, { pipelining: 1, allowH2: false, connections: CONNECTIONS_MAX, connect }),
      hostLine: `host: ${new URL(origin).host}\r\nconnection: keep-alive\r\n`,
      usedMs: performance.now(),
    }
    this.#lanes.set(key, lane)
    return lane
  }
}

/** As undici has it. */
const PATH = /^\/[!-~]*$/

/** An address written as numbers is never looked up, so it is judged here. */
function refusedAddress({ baseUrl, allowPrivateNetwork }: Target): AddressNotAllowed | null {
  if (baseUrl === null || allowPrivateNetwork) return null
  const reason = reasonAgainstHost(baseUrl)
  return reason === null ? null : new AddressNotAllowed(reason)
}
