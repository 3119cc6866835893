import { Hono } from 'hono'
import { ENDPOINTS } from '@/lib/contract/all'
import { AppError, problemResponse } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { activityRoutes } from './activity/routes'
import { appendAudit } from './audit/append'
import { authenticated, type PresentedToken, readBearer } from './auth/authenticate'
import { budgetRoutes } from './budgets/routes'
import { configurationRoutes } from './configurations/routes'
import type { Actor, RequestInfo, Services } from './context'
import { isUnavailable, isUnstorable } from './database'
import { eventRoutes } from './events/routes'
import { evidenceRoutes } from './evidence/routes'
import { exportRoutes } from './exports/routes'
import { fileResponse } from './file-answer'
import { gatewayRoutes } from './gateways/routes'
import { healthRoutes } from './health'
import { holdRoutes } from './holds/routes'
import { ledgerRoutes } from './ledger/routes'
import { limitRoutes } from './limits/routes'
import { memberRoutes } from './members/routes'
import { modelPricingRoutes } from './model-pricing/routes'
import { notificationRoutes } from './notifications/routes'
import { openApiDocument } from './openapi'
import { organizationRoutes } from './organization/routes'
import { payloadRoutes } from './payloads/routes'
import { quarantineRoutes } from './quarantine/routes'
import { answerJson, checkAccess, parseInput, readBody, run } from './request'
import { retentionRoutes } from './retention/routes'
import type { Bound } from './routes'
import { sessionRoutes } from './sessions/routes'
import { settingsRoutes } from './settings/routes'
import { spendLeaseRoutes } from './spend-leases/routes'
import { eventStream } from './sse'
import { teamRoutes } from './teams/routes'
import { inTenant } from './tenant'
import { tokenRoutes } from './tokens/routes'
import { trailRoutes } from './trail/routes'
import { usageRoutes } from './usage/routes'
import { viewRoutes } from './views/routes'
import { walletRoutes } from './wallets/routes'
import { whoamiRoutes } from './whoami/routes'

const URL_LENGTH_MAX = 8_192

/** What a host in the same process knows of a caller and vouches for. No header can say it. */
export type Peer = { ip: string | null; source?: 'console' }

/** Everything that is mounted. What is not here cannot be reached. */
export const ROUTES: Bound[] = [
  whoamiRoutes,
  tokenRoutes,
  eventRoutes,
  payloadRoutes,
  holdRoutes,
  retentionRoutes,
  quarantineRoutes,
  gatewayRoutes,
  limitRoutes,
  budgetRoutes,
  spendLeaseRoutes,
  modelPricingRoutes,
  walletRoutes,
  ledgerRoutes,
  configurationRoutes,
  organizationRoutes,
  settingsRoutes,
  activityRoutes,
  notificationRoutes,
  exportRoutes,
  trailRoutes,
  evidenceRoutes,
  memberRoutes,
  teamRoutes,
  viewRoutes,
  usageRoutes,
  sessionRoutes,
].flatMap((routes) => routes.bound)

export type ControlPlane = {
  fetch: (request: Request, peer?: Peer) => Promise<Response>
  /** Ends open streams and writes what is pending. */
  close: () => Promise<void>
}

/** The control plane as a value: no port, no path, no globals. Whoever hosts it decides those. */
export function createControlPlane(services: Services): ControlPlane {
  const closing = new AbortController()

  const app = new Hono<{ Bindings: Peer }>()
  for (const route of ROUTES) {
    for (const path of [route.endpoint.path, ...route.endpoint.aliases]) {
      app.on(route.endpoint.method, path, (c) =>
        answer(route, c.req.raw, c.req.param(), requestInfo(c.req.raw, c.env), services, closing.signal),
      )
    }
  }
  app.get('/v1/openapi.json', (c) => c.json(openApiDocument))
  app.route('/', healthRoutes(services))
  app.notFound((c) => problemResponse(noSuchPath(c.req.method, c.req.path), requestInfo(c.req.raw, c.env).id))

  return {
    async fetch(request, peer = { ip: null }) {
      if (request.url.length > URL_LENGTH_MAX) {
        return problemResponse(
          new AppError('uri_too_long', `The URL may have ${URL_LENGTH_MAX} characters.`),
          newId('req'),
        )
      }
      return app.fetch(request, peer)
    },
    async close() {
      closing.abort()
      // Jobs use what is closed after them.
      await Promise.all([services.jobs.close(), services.hub.close()])
      await services.uses.close()
      await services.objects.close()
    },
  }
}

/** One request from authentication to answer, and its line in the access log. */
async function answer(
  route: Bound,
  raw: Request,
  params: Record<string, string>,
  request: RequestInfo,
  services: Services,
  closing: AbortSignal,
): Promise<Response> {
  const startedAt = performance.now()
  const who: { actor?: Actor } = {}
  const response = await respond(route, raw, params, request, services, closing, who)
    .catch((thrown: unknown) => recordDenied(thrown, route, request, services, who.actor))
    .catch((thrown: unknown) => failure(thrown, request, services))
  response.headers.set('x-request-id', request.id)
  services.log.info({
    request_id: request.id,
    method: raw.method,
    route: route.endpoint.path,
    status: response.status,
    duration_ms: Math.round((performance.now() - startedAt) * 1_000) / 1_000,
    org_id: who.actor?.orgId,
    actor_id: who.actor?.id,
    source: request.source,
    ip: request.ip,
  })
  return response
}

async function respond(
  route: Bound,
  raw: Request,
  params: Record<string, string>,
  request: RequestInfo,
  services: Services,
  closing: AbortSignal,
  who: { actor?: Actor },
): Promise<Response> {
  const { endpoint } = route
  if (route.kind === 'public') {
    const input = parseInput(endpoint, raw, params, await readBody(endpoint, raw))
    return answerJson(endpoint, await route.run({ request, services }, input))
  }
  if (route.kind === 'public_file') {
    const input = parseInput(endpoint, raw, params, await readBody(endpoint, raw))
    return fileResponse(await route.run({ request, services }, input), raw, endpoint.status, closing)
  }

  const presented = readBearer(raw.headers.get('authorization'))
  // The body is read before the transaction begins: a slow caller must not hold a connection.
  const body = await readBody(endpoint, raw)
  if (route.kind === 'operation') {
    return authenticated(services, presented, request, async (tx, actor) => {
      who.actor = actor
      checkAccess(actor, endpoint)
      return run({ tx, actor, request, services }, route, raw, parseInput(endpoint, raw, params, body))
    })
  }
  if (route.kind === 'file') {
    return authenticated(services, presented, request, async (tx, actor) => {
      who.actor = actor
      checkAccess(actor, endpoint)
      const ctx = { tx, actor, request, services }
      const found = await route.run(ctx, parseInput(endpoint, raw, params, body))
      return fileResponse(found, raw, endpoint.status, closing)
    })
  }

  const actor = await streamActor(route, services, presented, request)
  who.actor = actor
  if (route.kind === 'bytes') {
    return answerJson(endpoint, await route.run({ actor, request, services }, body ?? Buffer.alloc(0)))
  }
  const input = parseInput(endpoint, raw, params, body)
  return eventStream(
    (signal) => route.run({ actor, request, services, signal, lastEventId: raw.headers.get('last-event-id') }, input),
    () => stillAllowed(route, services, presented, request),
    closing,
  )
}

const streamActor = (
  { endpoint }: Bound,
  services: Services,
  presented: PresentedToken,
  request: RequestInfo,
): Promise<Actor> =>
  authenticated(services, presented, request, async (_, actor) => {
    checkAccess(actor, endpoint)
    return actor
  })

/** A stream ends when its token does. While the database cannot be asked, it goes on. */
async function stillAllowed(route: Bound, services: Services, presented: PresentedToken, request: RequestInfo) {
  try {
    const now = { ...request, now: new Date() }
    await streamActor(route, services, presented, now)
    return true
  } catch (thrown) {
    return !(thrown instanceof AppError)
  }
}

/** A change that was refused for want of permission leaves an entry too; the refusal itself is passed on. */
async function recordDenied(
  thrown: unknown,
  { endpoint }: Bound,
  request: RequestInfo,
  services: Services,
  actor?: Actor,
) {
  const isDenial = thrown instanceof AppError && thrown.code === 'forbidden' && endpoint.method !== 'GET'
  if (isDenial && actor) {
    const entry = {
      action: 'access.denied',
      target: { type: 'endpoint', id: endpoint.name },
      outcome: 'denied' as const,
    }
    await inTenant(services.db, actor.orgId, (tx) => appendAudit({ tx, actor, request }, entry))
  }
  return Promise.reject(thrown)
}

/** The one way out for a failure: what nobody expected is logged, and says nothing about itself to the caller. */
function failure(thrown: unknown, request: RequestInfo, services: Services): Response {
  if (thrown instanceof AppError && thrown.code !== 'internal') return problemResponse(thrown, request.id)
  if (isUnavailable(thrown)) {
    services.log.warn({ request_id: request.id, err: thrown }, 'database unavailable')
    const away = new AppError('unavailable', 'The database cannot take this now. Try again in a moment.', {
      retryAfterSeconds: 2,
    })
    return problemResponse(away, request.id)
  }
  if (isUnstorable(thrown)) {
    return problemResponse(
      new AppError('invalid_request', 'A text holds a NUL character, which cannot be stored.'),
      request.id,
    )
  }
  services.log.error({ request_id: request.id, err: thrown }, 'request failed')
  return problemResponse(new AppError('internal', 'Something went wrong on our side. Nothing was changed.'), request.id)
}

const SAFE_REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/

function requestInfo(raw: Request, peer: Peer): RequestInfo {
  const userAgent = raw.headers.get('user-agent')?.slice(0, 200) ?? null
  const sentId = raw.headers.get('x-request-id')
  return {
    id: sentId && SAFE_REQUEST_ID.test(sentId) ? sentId : newId('req'),
    ip: peer.ip,
    source: peer.source ?? sourceOf(userAgent),
    userAgent,
    ifMatch: raw.headers.get('if-match'),
    now: new Date(),
  }
}

function sourceOf(userAgent: string | null): RequestInfo['source'] {
  if (userAgent?.startsWith('kt/')) return 'cli'
  if (userAgent?.startsWith('keeptrusts-gateway/')) return 'gateway'
  return 'api'
}

function noSuchPath(method: string, path: string): AppError {
  const others = ENDPOINTS.filter((endpoint) =>
    [endpoint.path, ...endpoint.aliases].some((known) => new RegExp(`^${known.replace(/:\w+/g, '[^/]+')}$`).test(path)),
  )
  if (others.length === 0) return new AppError('not_found', 'There is nothing at this path.')
  const allowed = [...new Set(others.map((endpoint) => endpoint.method))].join(', ')
  return new AppError('method_not_allowed', `${method} is not possible here; use ${allowed}.`)
}
