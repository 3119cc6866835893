import { Pool } from 'undici'
import type { Target } from '@/lib/policy/compile'
import type { Provider, UpstreamHandler, UpstreamRequest } from '../provider'

const CONNECT_TIMEOUT_MS = 10_000

type Route = { pool: Pool; path: string; headers: readonly string[] }

/** Any HTTP API in OpenAI's shape, at the target's `base_url`. One connection pool per origin, kept across requests. */
export class OpenAiProvider implements Provider {
  readonly #pools = new Map<string, Pool>()
  /** A configuration that is replaced takes its targets with it. */
  readonly #routes = new WeakMap<Target, Route>()

  constructor(readonly userAgent: string) {}

  send(request: UpstreamRequest, handler: UpstreamHandler): void {
    const { target, stream, idempotencyKey } = request
    const route = this.#routes.get(target) ?? this.#routeTo(target)
    const headers = route.headers.concat(
      'accept',
      stream ? 'text/event-stream' : 'application/json',
      'x-request-id',
      request.requestId,
      'traceparent',
      request.traceparent,
    )
    if (idempotencyKey !== null) headers.push('idempotency-key', idempotencyKey)
    route.pool.dispatch(
      {
        method: 'POST',
        path: route.path,
        headers,
        body: request.body,
        headersTimeout: target.timeoutMs,
        bodyTimeout: target.timeoutMs,
      },
      handler,
    )
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }

  #routeTo(target: Target): Route {
    const { baseUrl } = target
    if (baseUrl === null) throw new Error(`target ${target.id} has no base_url`)
    let pool = this.#pools.get(baseUrl.origin)
    if (pool === undefined) {
      pool = new Pool(baseUrl.origin, { pipelining: 1, allowH2: false, connect: { timeout: CONNECT_TIMEOUT_MS } })
      this.#pools.set(baseUrl.origin, pool)
    }
    const headers = [
      'content-type',
      'application/json',
      'accept-encoding',
      'identity', // what is compressed could not be read for usage, nor passed on byte for byte
      'user-agent',
      this.userAgent,
    ]
    if (target.secret !== null) headers.push(target.apiKeyHeader, target.apiKeyPrefix + target.secret)
    for (const [name, value] of Object.entries(target.headers)) headers.push(name, value)
    const route = { pool, path: `${baseUrl.pathname.replace(/\/+$/, '')}/chat/completions${baseUrl.search}`, headers }
    this.#routes.set(target, route)
    return route
  }
}
