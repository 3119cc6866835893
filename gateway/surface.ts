import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import type { CompiledConfig, Target } from '@/lib/policy/compile'
import { visibleModels } from '@/lib/policy/decide'
import { Refusal } from './errors'
import { requestIdOf } from './headers'
import type { CallerRequest, CallerResponse } from './http/caller-http'
import { credentialsOf, identify } from './identify'
import type { Plane } from './plane'
import { GEMINI_ACTIONS, isGeminiCall, modelIn, queryOf } from './surfaces/gemini-address'
import { geminiErrorOf } from './surfaces/gemini-error'
import { geminiModel, geminiModels } from './surfaces/gemini-models'

/** What all processes of a gateway did together; `metrics` is the text that Prometheus reads. */
export type WholeGateway = { metrics: string; requestsProcessed: number }

type Surface = {
  plane: Plane
  version: string
  registry: Registry
  isReady: () => boolean
  whole?: () => Promise<WholeGateway>
}
type Visible = ReturnType<typeof visibleModels>[number]
type Answer = (
  request: IncomingMessage,
) => { status: number; type: string; body: string } | Promise<{ status: number; type: string; body: string }>

/** Everything the gateway answers itself: models, health, metrics, what it runs. Nothing here is governed or recorded. */
export function createSurface({ plane, version, registry, isReady, whole }: Surface) {
  const startedMs = performance.now()
  const createdEpochS = Math.floor(Date.now() / 1_000)

  const answers = new Map<string, Answer>([
    ['/v1/models', (request) => json(listFor(request))],
    ['/v1beta/models', (request) => json(listFor(request))],
    ['/healthz', () => json({ status: 'ok' })],
    ['/readyz', () => json({ status: isReady() ? 'ready' : notReadyReason() }, isReady() ? 200 : 503)],
    ['/health', async () => json(await health())],
    ['/keeptrusts/config', () => json(configSummary())],
    ['/metrics', async () => ({ status: 200, type: registry.contentType, body: await metricsText() })],
  ])

  function modelsFor(request: IncomingMessage) {
    const { config } = plane.store.current
    if (config === null) throw notReady()
    const key = identify(credentialsOf(request), plane.store.current, plane.contactSlackMs)
    if (key !== null && key.purpose !== 'general') {
      throw new Refusal('purpose_not_allowed', `A key with the purpose ${key.purpose} cannot list models.`)
    }
    const scope = { allowedModels: key?.allowed_models ?? null, allowedProviders: key?.allowed_providers ?? null }
    return visibleModels(scope, config.compiled)
  }

  const modelJson = ({ id, provider }: Visible) => ({ id, object: 'model', created: createdEpochS, owned_by: provider })

  function listFor(request: IncomingMessage) {
    const models = modelsFor(request)
    if (asGoogle(request)) return { models: geminiModels(models, queryOf(request.url ?? '')) }
    return { object: 'list', data: models.map(modelJson) }
  }

  function modelFor(request: IncomingMessage, id: string) {
    const model = modelsFor(request).find((candidate) => candidate.id === id)
    if (model === undefined) {
      throw new Refusal('model_not_found', 'There is no such model for this key.', { param: 'model' })
    }
    return model
  }

  const metricsText = async () => (whole ? (await whole()).metrics : registry.metrics())

  async function health() {
    const { config } = plane.store.current
    return {
      status: isReady() ? 'ok' : notReadyReason(),
      uptime_seconds: Math.floor((performance.now() - startedMs) / 1_000),
      version,
      providers: config === null ? [] : config.compiled.targets.map((target) => provider(target, config.compiled)),
      policies_loaded: config?.compiled.kinds.length ?? 0,
      requests_processed: whole ? (await whole()).requestsProcessed : plane.metrics.requestsProcessed,
    }
  }

  function provider(target: Target, compiled: CompiledConfig) {
    const { state, probe } = plane.healthMonitor.healthOf(target, compiled)
    return {
      id: target.id,
      provider: target.provider,
      available: target.unavailable === null,
      circuit: state,
      last_probe: probe && { ok: probe.ok, seconds_ago: Math.round((performance.now() - probe.atMs) / 1_000) },
    }
  }

  function configSummary() {
    const { config } = plane.store.current
    if (config === null) throw notReady()
    const { pack, kinds } = config.compiled
    return { pack: { name: pack.name, version: pack.version }, policies: { chain: kinds } }
  }

  const notReadyReason = () => (plane.isDraining ? 'draining' : 'no verified configuration')

  function answerOf(path: string): Answer | undefined {
    const model = modelIn(path)
    if (model === null) return answers.get(path)
    return (request) => {
      const found = modelFor(request, model)
      return json(asGoogle(request) ? geminiModel(found) : modelJson(found))
    }
  }

  return {
    async handle(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
      const answer = answerOf(path)
      try {
        const isRead = request.method === 'GET' || request.method === 'HEAD'
        if (answer === undefined || (!isRead && asGoogle(request))) throw noSuchPath(request)
        if (!isRead) throw methodNotAllowed('GET')
        const { status, type, body } = await answer(request)
        response.writeHead(status, {
          'content-type': type,
          'content-length': Buffer.byteLength(body),
          'cache-control': 'no-store',
          'x-request-id': requestIdOf(request.headers['x-request-id']),
        })
        response.end(body)
      } catch (thrown) {
        this.refuse(thrown, request, response)
      }
    },
    refuse(thrown: unknown, request: CallerRequest, response: CallerResponse): void {
      const requestId = requestIdOf(request.headers['x-request-id'])
      const isExpected = thrown instanceof Refusal
      if (!isExpected) plane.log.error({ err: thrown, request_id: requestId }, 'unexpected failure')
      const refusal = isExpected ? thrown : new Refusal('internal_error', 'Something went wrong in the gateway.')
      plane.metrics.refused(refusal.code)
      const body = asGoogle(request) ? JSON.stringify(geminiErrorOf(refusal, requestId)) : refusal.toJson(requestId)
      const headers = refusal.headers()
      headers.push('x-request-id', requestId, 'content-length', String(Buffer.byteLength(body)))
      response.writeHead(refusal.status, headers)
      response.end(Buffer.from(body))
    },
  }
}

export const methodNotAllowed = (allow: string) =>
  new Refusal('method_not_allowed', `This path takes ${allow} only.`, { allow })

const json = (value: unknown, status = 200) => ({ status, type: 'application/json', body: JSON.stringify(value) })

const notReady = () => new Refusal('not_ready', 'This gateway has no verified configuration yet.')

const asGoogle = ({ url = '', headers }: CallerRequest): boolean => isGeminiCall(url, headers)

/** Of Google's API much is not here; what is, is said. */
function noSuchPath(request: CallerRequest): Refusal {
  if (!asGoogle(request)) return new Refusal('not_found', 'There is no such path on this gateway.')
  const actions = GEMINI_ACTIONS.join(', ')
  return new Refusal('not_found', `Of this API this gateway has the list of models and, for each of them, ${actions}.`)
}
