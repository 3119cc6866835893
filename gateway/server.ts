import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as NetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CompileEnvironment } from '@/lib/policy/compile'
import { ActiveSet } from './active-set'
import { ByteBudget } from './byte-budget'
import { AnswerCaches } from './cache/answer-caches'
import { Conversations } from './conversations'
import { applyCors, exposeTo } from './cors'
import { Refusal } from './errors'
import type { CallerRequest, CallerResponse } from './http/caller-http'
import type { PlainHandler } from './http/plain-connection'
import { PlainFront } from './http/plain-front'
import type { DeskLimits } from './limits/desk-limits'
import type { AskForLeases } from './limits/limit-leases'
import { RateLimits } from './limits/rate-limits'
import { createMcpDoor } from './mcp/mcp-door'
import { Metrics } from './metrics'
import { OutboundClient } from './outbound/outbound-client'
import { policyPorts } from './outbound/policy-ports'
import { Exchange } from './pipeline'
import { type Durability, LIMITS, type Limits, type Log, type Plane } from './plane'
import { SandboxProvider } from './providers/sandbox/sandbox'
import { keepMcpRecord } from './record'
import { HealthMonitor } from './routing/health-monitor'
import { Mirror } from './routing/mirror'
import { Router } from './routing/router'
import { controlPlaneNowMs, type SnapshotStore } from './snapshot'
import type { AskForSlices } from './spend/ask-for-leases'
import { SpendGate } from './spend/spend-gate'
import type { Spool } from './spool-port'
import { createSurface, methodNotAllowed, type WholeGateway } from './surface'
import { SURFACES, surfaceAt } from './surfaces/all'
import { hasKeyInAddress } from './surfaces/gemini-address'
import type { Surface } from './surfaces/surface'
import { toldSeldom } from './told-seldom'
import { Turn } from './turn'
import { refuseUnparsed } from './unparsed'
import { Upstreams } from './upstreams'

export type GatewayOptions = {
  store: SnapshotStore
  spool: Spool
  durability: Durability
  gatewayId: string
  /** Port 0 takes any free one. */
  listen: { host: string; port: number }
  version: string
  /** Where policies find their secrets. */
  environment?: CompileEnvironment
  log: Log
  /** How long the control plane may be silent in normal operation: a little more than one poll. 45 s unless stated. */
  contactSlackMs?: number
  limits?: Partial<Limits>
  /** Where answers are kept on disk; without it `cache.backend: disk` keeps none. */
  cacheDirectory?: string
  /** How slices of limits are asked for; without it this gateway counts alone. */
  askForLeases?: AskForLeases
  /** How slices of budgets and wallets are asked for; without it this gateway knows none. */
  askForSlices?: AskForSlices
  /** Told when the control plane knows other budgets and wallets than the snapshot in force. */
  behind?: () => void
  /** Monotonic clock by which slices of budgets end; of this process unless stated. */
  nowMs?: () => number
  /** Counts limits for all processes of this gateway; absent for one that is alone. */
  limitDesk?: DeskLimits
  /** How many processes this gateway has: 1 unless stated. Each keeps to its share while nobody counts for all. */
  processes?: number
  /** Asked for what all processes of this gateway did together; this one is all there is unless stated. */
  whole?: () => Promise<WholeGateway>
}

type GatewayStats = {
  requestsProcessed: number
  activeRequests: number
  /** The gateway's own time per request, without waiting for disk, provider or caller; null before the first one. */
  overheadP50Us: number | null
  overheadP99Us: number | null
}

export type Gateway = {
  /** @throws the error of the socket, such as EADDRINUSE */
  listen(): Promise<{ port: number }>
  /**
   * Takes no new connection and asks callers to leave the ones they have; requests on these are served as ever. Resolves
   * when no connection is left, or after `timeoutMs`.
   */
  retire(timeoutMs: number): Promise<void>
  /** Takes no new connection, lets requests under way finish, and cuts off what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>
  /** Others need what this gateway holds of these budgets and wallets and does not use. */
  recall(sources: readonly string[]): void
  /** Drains without patience. */
  close(): Promise<void>
  isReady(): boolean
  stats(): GatewayStats
  /** As prom-client's `getMetricsAsJSON` has them. */
  metrics(): Promise<object[]>
}

const HEADERS_TIMEOUT_MS = 15_000
/** Longer than the 60 s after which load balancers usually let go, so that it is they who do. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000
const CONNECTIONS_MAX = 16_384
/** What the parser takes; the configuration in force may allow less (`limits.size.max_header_bytes`). */
const HEADER_BYTES_MAX = 65_536
const HEADER_BYTES_USUAL = 16_384
const SWEEP_INTERVAL_MS = 1_000
/** After an abort, what is left only has to write its record. */
const ABORT_GRACE_MS = 2_000
/** For what is left of budgets and wallets to go back. */
const GIVE_BACK_MS = 1_000

/** The data plane as a value: no globals, so that one process or test can hold several. */
export function createGateway(options: GatewayOptions): Gateway {
  const metrics = new Metrics()
  const active = new ActiveSet<Exchange>()
  const upstreams = new Upstreams(`keeptrusts-gateway/${options.version}`, new SandboxProvider())
  const outbound = new OutboundClient()
  const router = new Router({ nowMs: () => performance.now(), random: Math.random })
  const limits = { ...LIMITS, ...options.limits }
  const plane: Plane = {
    gatewayId: options.gatewayId,
    durability: options.durability,
    store: options.store,
    spool: options.spool,
    metrics,
    upstreams,
    router,
    healthMonitor: new HealthMonitor(upstreams, router),
    limiter: new RateLimits(options.log, options.askForLeases ?? null, {
      desk: options.limitDesk ?? null,
      processes: options.processes ?? 1,
    }),
    spend: new SpendGate({
      ask: options.askForSlices ?? null,
      nowMs: options.nowMs,
      wallMs: () => controlPlaneNowMs(options.store.current),
      rules: () => options.store.current.spend,
      behind: options.behind,
      failed: toldSeldom('slices of budgets cannot be asked for', options.log),
    }),
    answers: new AnswerCaches({ directory: options.cacheDirectory ?? null, log: options.log }),
    mirror: new Mirror(upstreams),
    conversations: new Conversations(),
    ports: policyPorts(outbound, options.store, options.environment ?? {}),
    limits,
    budget: new ByteBudget(limits.heldBytesMax),
    turn: new Turn((cause) => options.log.error({ err: cause }, 'unexpected failure')),
    contactSlackMs: options.contactSlackMs ?? 45_000,
    log: options.log,
    isDraining: false,
    detachedCalls: 0,
  }
  const isReady = () => plane.store.current.config !== null && !plane.isDraining
  const registry = metrics.registry({
    spool: plane.spool,
    active: () => active.size,
    detached: () => plane.detachedCalls,
    heldBytes: () => plane.budget.taken,
    ready: isReady,
    answers: plane.answers.counts,
    mirrored: plane.mirror.counts,
    spend: plane.spend,
  })
  const surface = createSurface({ plane, version: options.version, registry, isReady, whole: options.whole })
  const mcp = createMcpDoor({
    store: plane.store,
    contactSlackMs: plane.contactSlackMs,
    durability: plane.durability,
    isSpoolFull: () => plane.spool.full,
    isDraining: () => plane.isDraining,
    conversations: plane.conversations,
    budget: plane.budget,
    limiter: plane.limiter,
    spend: plane.spend,
    ports: plane.ports,
    keep: (record) => keepMcpRecord(plane, record),
    refused: (code) => metrics.refused(code),
    dispatcherFor: (target) => upstreams.dispatcherFor(target),
    userAgent: upstreams.userAgent,
    log: plane.log,
  })
  const forget = (exchange: Exchange) => {
    active.delete(exchange)
    exchange.share.release()
  }

  let isRetiring = false

  /** @returns whether that was too much, and is answered */
  function hasTooLongHead(request: CallerRequest, response: CallerResponse): boolean {
    if (isRetiring) response.shouldKeepAlive = false
    const bytesMax = plane.store.current.config?.compiled.limits.headerBytesMax ?? HEADER_BYTES_USUAL
    if (headerBytesOf(request) <= bytesMax) return false
    surface.refuse(TOO_LARGE, request, response)
    return true
  }

  function govern(asked: Surface, request: CallerRequest, response: CallerResponse): void {
    const exchange = new Exchange(plane, asked, request, response, forget)
    active.add(exchange)
    exchange.run()
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers.host === undefined && request.httpVersion !== '1.0') {
      surface.refuse(NO_HOST, request, response)
      return
    }
    if (hasTooLongHead(request, response)) return
    const cors = plane.store.current.config?.compiled.network.cors
    if (cors && applyCors(cors, request, response)) return
    const path = pathOf(request.url ?? '/')
    const asked = surfaceAt(path, request.url ?? '')
    if (hasKeyInAddress(request.url ?? '')) surface.refuse(KEY_IN_ADDRESS, request, response)
    else if (asked === null) {
      const server = path.startsWith(MCP) ? path.slice(MCP.length) : null
      if (server === null) void surface.handle(path, request, response)
      else mcp.handle(server, request, response)
    } else if (request.method !== 'POST') surface.refuse(methodNotAllowed('POST'), request, response)
    else govern(asked, request, response)
  }

  function handlePlain(asked: Surface, request: CallerRequest, response: CallerResponse): void {
    if (hasTooLongHead(request, response)) return
    const cors = plane.store.current.config?.compiled.network.cors
    if (cors) exposeTo(cors, request, response)
    govern(asked, request, response)
  }

  const server = createServer(
    {
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, plane.limits.requestMsMax),
      requestTimeout: plane.limits.requestMsMax,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: Math.min(5_000, plane.limits.requestMsMax),
      maxHeaderSize: HEADER_BYTES_MAX,
      // Node would refuse it without a word.
      requireHostHeader: false,
      noDelay: true,
    },
    handle,
  )
  server.maxConnections = CONNECTIONS_MAX
  server.on('clientError', refuseUnparsed)
  server.on('checkExpectation', (request, response) => surface.refuse(UNMET, request, response))
  const plainly = SURFACES.map((asked): [string, PlainHandler] => [asked.path, handlePlain.bind(null, asked)])
  const handlers = new Map(plainly)
  const front = new PlainFront(server, (url) => handlers.get(url))
  let sweeper: NodeJS.Timeout | undefined

  const self: Gateway = {
    async listen() {
      await plane.limiter.start()
      const port = await listening(server, options.listen)
      sweeper = setInterval(() => {
        const nowMs = performance.now()
        for (const exchange of active.all()) exchange.sweep(nowMs)
        const compiled = plane.store.current.config?.compiled ?? null
        plane.limiter.sweep(controlPlaneNowMs(plane.store.current))
        plane.spend.sweep()
        plane.answers.sweep(compiled, nowMs)
        plane.healthMonitor.sweep(compiled, nowMs)
        upstreams.sweep(nowMs)
        front.sweep(SWEEP_INTERVAL_MS)
      }, SWEEP_INTERVAL_MS)
      return { port }
    },
    async retire(timeoutMs) {
      isRetiring = true
      if (server.listening) NetServer.prototype.close.call(server)
      const until = performance.now() + timeoutMs
      while ((await connectionsOf(server)) > 0 && performance.now() < until) await sleep(20)
    },
    async drain(timeoutMs) {
      plane.isDraining = true
      // Not http's own close: it takes an answer for sent as soon as it is written, and cuts off who still reads it.
      if (server.listening) NetServer.prototype.close.call(server)
      mcp.endStreams()
      await emptied(() => active.size + mcp.active, timeoutMs)
      mcp.abort('gateway_shutdown')
      for (const exchange of active.all()) exchange.abort('gateway_shutdown')
      await emptied(() => active.size + mcp.active, ABORT_GRACE_MS)
      clearInterval(sweeper)
      plane.healthMonitor.close()
      plane.mirror.close()
      plane.limiter.close()
      front.closeAll()
      server.closeAllConnections()
      server.close()
      const given = plane.spend.leases?.close(GIVE_BACK_MS)
      await Promise.all([given, upstreams.close(), outbound.close(), plane.answers.close()])
    },
    recall: (sources) => plane.spend.leases?.recall(sources),
    close: () => self.drain(0),
    isReady,
    stats: () => ({
      requestsProcessed: metrics.requestsProcessed,
      activeRequests: active.size + mcp.active,
      overheadP50Us: metrics.overheadUs.quantile(0.5),
      overheadP99Us: metrics.overheadUs.quantile(0.99),
    }),
    metrics: () => registry.getMetricsAsJSON(),
  }
  return self
}

const KEY_IN_ADDRESS = new Refusal(
  'token_invalid',
  'Send the key in x-goog-api-key: what stands in an address ends in logs.',
)
const MCP = '/mcp/'

const TOO_LARGE = new Refusal('headers_too_large', 'The headers are too large.', { closesConnection: true })

const NO_HOST = new Refusal('malformed_request', 'A request needs a host.', { closesConnection: true })
const UNMET = new Refusal('malformed_request', 'Nothing but 100-continue can be expected.', {
  status: 417,
  closesConnection: true,
})

function headerBytesOf({ url, rawHeaders }: CallerRequest): number {
  let bytes = url?.length ?? 0
  for (const text of rawHeaders) bytes += text.length + 2 // a colon and a space, or the end of the line
  return bytes
}

function pathOf(url: string): string {
  const queryAt = url.indexOf('?')
  return queryAt === -1 ? url : url.slice(0, queryAt)
}

function listening(server: Server, { host, port }: GatewayOptions['listen']): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4_096 }, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.getConnections((failure, count) => (failure ? reject(failure) : resolve(count)))
  })

async function emptied(active: () => number, timeoutMs: number): Promise<void> {
  const until = performance.now() + timeoutMs
  while (active() > 0 && performance.now() < until) await sleep(10)
}
