import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { newId } from '@/lib/ids'
import { visibleModels } from '@/lib/policy/decide'
import { type GatewayErrorCode, Refusal } from './errors'
import { requestIdOf, withoutMapping } from './headers'
import { identify } from './identify'
import { Metrics } from './metrics'
import { Exchange } from './pipeline'
import { type Durability, LIMITS, type Limits, type Log, type Plane } from './plane'
import { OpenAiProvider } from './providers/openai/openai'
import { SandboxProvider } from './providers/sandbox/sandbox'
import type { SnapshotStore } from './snapshot'
import type { Spool } from './spool-port'

export type GatewayOptions = {
  store: SnapshotStore
  spool: Spool
  durability: Durability
  gatewayId: string
  /** Port 0 takes any free one. */
  listen: { host: string; port: number }
  version: string
  log: Log
  /** How long the control plane may be silent in normal operation: a little more than one poll. Default 45 s. */
  contactSlackMs?: number
  limits?: Partial<Limits>
}

export type GatewayStats = {
  requestsProcessed: number
  activeRequests: number
  overheadP50Us: number | null
  overheadP99Us: number | null
}

export type Gateway = {
  /** @throws the error of the socket, such as EADDRINUSE */
  listen(): Promise<{ port: number }>
  /** Takes no new connection, lets requests under way finish, and cuts off what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>
  /** Drains with no patience and frees everything. */
  close(): Promise<void>
  isReady(): boolean
  stats(): GatewayStats
}

const HEADERS_TIMEOUT_MS = 15_000
const REQUEST_TIMEOUT_MS = 120_000
/** Longer than the 60 s after which load balancers usually let go, so that it is they who do. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000
const CONNECTIONS_MAX = 16_384
const HEADER_BYTES_MAX = 16_384
const SWEEP_INTERVAL_MS = 1_000
/** After an abort, what is left only has to write its record. */
const ABORT_GRACE_MS = 2_000

/** The data plane as a value: no globals, so that tests and one process can hold several. */
export function createGateway(options: GatewayOptions): Gateway {
  const { store, spool, version } = options
  const metrics = new Metrics()
  const active = new Set<Exchange>()
  const plane: Plane = {
    gatewayId: options.gatewayId,
    durability: options.durability,
    store,
    spool,
    metrics,
    providers: { sandbox: new SandboxProvider(), openai: new OpenAiProvider(`keeptrusts-gateway/${version}`) },
    limits: { ...LIMITS, ...options.limits },
    contactSlackMs: options.contactSlackMs ?? 45_000,
    log: options.log,
    isDraining: false,
    detachedCalls: 0,
  }
  const isReady = () => store.current.config !== null && !plane.isDraining
  const registry = metrics.registry({ spool, active: () => active.size, ready: isReady })
  const startedMs = performance.now()
  const startedEpochS = Math.floor(Date.now() / 1_000)
  const forget = (exchange: Exchange) => active.delete(exchange)

  const routes: Record<string, Partial<Record<string, Handler>>> = {
    '/v1/chat/completions': {
      POST: (request, response) => {
        const exchange = new Exchange(plane, request, response, forget)
        active.add(exchange)
        exchange.run()
      },
    },
    '/v1/models': { GET: (request, response) => sendJson(response, 200, { object: 'list', data: modelsFor(request) }) },
    '/healthz': { GET: (_, response) => sendJson(response, 200, { status: 'ok' }) },
    '/readyz': {
      GET: (_, response) =>
        sendJson(response, isReady() ? 200 : 503, { status: isReady() ? 'ready' : notReadyReason() }),
    },
    '/health': { GET: (_, response) => sendJson(response, 200, health()) },
    '/metrics': {
      GET: async (_, response) => {
        const text = await registry.metrics()
        response.writeHead(200, { 'content-type': registry.contentType }).end(text)
      },
    },
    '/keeptrusts/config': { GET: (_, response) => sendJson(response, 200, configSummary()) },
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '/'
    const queryAt = url.indexOf('?')
    const path = queryAt === -1 ? url : url.slice(0, queryAt)
    const methods = Object.hasOwn(routes, path) ? routes[path] : undefined
    const handler = methods?.[request.method ?? '']
    if (handler !== undefined) {
      Promise.try(handler, request, response).catch((thrown: unknown) => failed(request, response, thrown))
      return
    }
    if (path.startsWith('/v1/models/') && request.method === 'GET') {
      const id = decoded(path.slice('/v1/models/'.length))
      Promise.try(() => sendJson(response, 200, oneModel(request, id))).catch((thrown: unknown) =>
        failed(request, response, thrown),
      )
      return
    }
    if (methods === undefined)
      return failed(request, response, new Refusal('not_found', 'There is no such path on this gateway.'))
    response.setHeader('allow', Object.keys(methods).join(', '))
    failed(request, response, new Refusal('method_not_allowed', `This path takes ${Object.keys(methods).join(', ')}.`))
  }

  function failed(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const refusal =
      thrown instanceof Refusal ? thrown : new Refusal('internal_error', 'Something went wrong in the gateway.')
    const requestId = requestIdOf(request.headers['x-request-id'])
    if (refusal !== thrown) plane.log.error({ err: thrown, request_id: requestId }, 'unexpected failure')
    metrics.refused(refusal.code)
    if (response.headersSent) return void response.destroy()
    response.setHeader('x-request-id', requestId)
    response.setHeaders(new Map(pairs(refusal.headers())))
    response.writeHead(refusal.status).end(refusal.toJson(requestId))
  }

  function modelsFor(request: IncomingMessage) {
    const { config } = store.current
    if (config === null) throw new Refusal('not_ready', 'This gateway has no verified configuration yet.')
    const { authorization, host } = request.headers
    const remoteAddress = withoutMapping(request.socket.remoteAddress)
    const { key } = identify({ authorization, host, remoteAddress }, store.current, plane.contactSlackMs)
    if (key !== null && key.purpose !== 'general') {
      throw new Refusal('purpose_not_allowed', `A key with the purpose ${key.purpose} cannot send AI requests.`)
    }
    const scope = { allowedModels: key?.allowed_models ?? null, allowedProviders: key?.allowed_providers ?? null }
    return visibleModels(scope, config.compiled).map(({ id, provider }) => ({
      id,
      object: 'model',
      created: startedEpochS,
      owned_by: provider,
    }))
  }

  function oneModel(request: IncomingMessage, id: string) {
    const model = modelsFor(request).find((candidate) => candidate.id === id)
    if (model === undefined)
      throw new Refusal('model_not_found', 'There is no such model for this key.', { param: 'model' })
    return model
  }

  const notReadyReason = () => (plane.isDraining ? 'draining' : 'no verified configuration')

  function health() {
    const { config } = store.current
    return {
      status: isReady() ? 'ok' : notReadyReason(),
      uptime_seconds: Math.floor((performance.now() - startedMs) / 1_000),
      version,
      providers: (config?.compiled.targets ?? []).map(({ id, provider, unavailable }) => ({
        id,
        provider,
        available: unavailable === null,
      })),
      policies_loaded: config?.compiled.chain.length ?? 0,
      requests_processed: metrics.requestsProcessed,
    }
  }

  function configSummary() {
    const { config } = store.current
    if (config === null) throw new Refusal('not_ready', 'This gateway has no verified configuration yet.')
    const { pack, chain } = config.compiled
    return { pack: { name: pack.name, version: pack.version }, policies: { chain } }
  }

  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: HEADER_BYTES_MAX,
      requireHostHeader: true,
      noDelay: true,
    },
    handle,
  )
  server.maxConnections = CONNECTIONS_MAX
  server.maxRequestsPerSocket = 0
  server.on('clientError', refuseUnparsed)
  let sweeper: NodeJS.Timeout | undefined

  async function stop(): Promise<void> {
    clearInterval(sweeper)
    server.closeAllConnections()
    await Promise.all([plane.providers.openai.close(), plane.providers.sandbox.close()])
  }

  return {
    async listen() {
      await listening(server, options.listen)
      sweeper = setInterval(() => {
        const nowMs = performance.now()
        for (const exchange of active) exchange.sweep(nowMs)
      }, SWEEP_INTERVAL_MS)
      return { port: (server.address() as AddressInfo).port }
    },
    async drain(timeoutMs) {
      plane.isDraining = true
      if (server.listening) server.close()
      server.closeIdleConnections()
      await emptied(active, timeoutMs)
      for (const exchange of active) exchange.abort('gateway_shutdown')
      await emptied(active, ABORT_GRACE_MS)
      await stop()
    },
    async close() {
      await this.drain(0)
    },
    isReady,
    stats: () => ({
      requestsProcessed: metrics.requestsProcessed,
      activeRequests: active.size,
      overheadP50Us: metrics.overheadUs.quantile(0.5),
      overheadP99Us: metrics.overheadUs.quantile(0.99),
    }),
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, [
    'content-type',
    'application/json',
    'content-length',
    String(body.length),
    'cache-control',
    'no-store',
  ])
  response.end(body)
}

/** What the HTTP parser could not make a request of: still an answer in the shape that callers know. */
function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const code: GatewayErrorCode =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'headers_too_large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'request_timeout'
        : 'malformed_request'
  const refusal = new Refusal(code, MALFORMED[code] ?? 'This is not a valid HTTP request.')
  const requestId = newId('req')
  const body = refusal.toJson(requestId)
  const headers = [
    ...pairs(refusal.headers()),
    ['x-request-id', requestId],
    ['content-length', String(Buffer.byteLength(body))],
    ['connection', 'close'],
  ]
  socket.end(
    `HTTP/1.1 ${refusal.status} Refused\r\n${headers.map((pair) => pair.join(': ')).join('\r\n')}\r\n\r\n${body}`,
  )
}

const MALFORMED: Partial<Record<GatewayErrorCode, string>> = {
  headers_too_large: `The headers may have at most ${HEADER_BYTES_MAX} bytes.`,
  request_timeout: 'The request took too long to arrive.',
}

const pairs = (flat: string[]): [string, string][] =>
  Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2] ?? '', flat[at * 2 + 1] ?? ''])

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return '' // broken escapes name no model
  }
}

function listening(server: Server, { host, port }: GatewayOptions['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4_096 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function emptied(active: Set<Exchange>, timeoutMs: number): Promise<void> {
  const until = performance.now() + timeoutMs
  while (active.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10))
}
