import { generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Bundle, BundlePayload, configurations, RuntimeState } from '@/lib/contract/configurations'
import { events, GatewayEvent } from '@/lib/contract/events'
import { type GatewayKey, GatewayPush, gateways, Heartbeat } from '@/lib/contract/gateways'
import { limits } from '@/lib/contract/limits'
import { spendLeases } from '@/lib/contract/spend-leases'
import { createToken, hashToken } from '@/lib/tokens'
import { FakeBudgets } from './spend/fake-budgets'

export const STARTER_YAML = (version: string, extra = '') =>
  `pack:\n  name: starter\n  version: ${version}\n  enabled: true\npolicies:\n  chain: []\nproviders:\n  targets:\n    - id: sandbox\n      provider: sandbox\n${extra}`

/** Signs bundles as the control plane does. */
export class BundleSigner {
  readonly #key: KeyObject
  readonly kid: string
  readonly publicKey: string

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const spki = publicKey.export({ type: 'spki', format: 'der' })
    this.#key = privateKey
    this.kid = hash('sha256', spki, 'hex').slice(0, 32)
    this.publicKey = spki.toString('base64')
  }

  /** Signs any bytes: tests need bundles that are signed and wrong. */
  sign(payload: Buffer): Bundle {
    return {
      kid: this.kid,
      payload: payload.toString('base64'),
      signature: sign(null, payload, this.#key).toString('base64'),
    }
  }

  bundle(change: Partial<BundlePayload> = {}, yaml = STARTER_YAML('0.1.0'), version = '0.1.0'): Bundle {
    const sha256 = hash('sha256', yaml, 'hex')
    const payload: BundlePayload = {
      format: 1,
      org_id: 'org_test',
      gateway_id: 'gw_test',
      generation: 1,
      min_gateway_version: '0.1.0',
      created_at: '2026-03-20T12:00:00.000Z',
      configuration: { id: 'cfg_test', name: 'starter', version, sha256, yaml },
      ...change,
    }
    return this.sign(Buffer.from(JSON.stringify(BundlePayload.parse(payload))))
  }
}

/** A control plane of one organisation and one gateway, over real HTTP, in the words of the contract. */
export class FakeControlPlane {
  readonly signer = new BundleSigner()
  readonly gatewayToken = createToken('ak')
  readonly beats: Heartbeat[] = []
  readonly events = new Map<string, GatewayEvent>()
  readonly captures: unknown[] = []
  readonly requests: { route: string; conditional: boolean; status: number }[] = []
  keys: GatewayKey[] = []
  keysRevision = 1
  bundle: Bundle | null = this.signer.bundle()
  prices: RuntimeState['prices'] = null
  spend: RuntimeState['spend'] = null
  readonly budgets = new FakeBudgets()
  settings: RuntimeState['settings'] = { payload_capture: 'none', max_offline_key_age_seconds: 86_400 }
  /** How far its clock is ahead of this machine's. */
  clockAheadMs = 0
  /** Answers every request with this status. */
  failWith: number | null = null
  /** Takes requests and never answers them; `hanging` are those. */
  hang = false
  hanging = 0
  /** Why an event is refused for good; null takes it. */
  judge: (event: GatewayEvent) => string | null = () => null
  /** Stops answering streams with anything after they are open. */
  mute = false
  /** Opens no streams. */
  refusesStreams = false
  streams = new Set<ServerResponse>()
  #desiredGeneration = 1
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((cause: unknown) => {
      // Cut off while it was asking, as by `close`: nobody is left to answer.
      if (cause !== request.errored) throw cause
    })
  })
  #port = 0

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async listen(port = this.#port): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
    return this
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  addKey(change: Partial<GatewayKey> = {}): string {
    const secret = createToken('gk')
    this.keys.push({
      hash: hashToken(secret),
      token_id: `tok_${this.keys.length}`,
      token_secret_id: `sec_${this.keys.length}`,
      token_name: `key-${this.keys.length}`,
      purpose: 'general',
      team_id: null,
      agent_id: null,
      allowed_models: null,
      allowed_providers: null,
      expires_at_ms: null,
      ends_at_ms: null,
      dead: null,
      ...change,
    })
    this.keysRevision += 1
    return secret
  }

  /** Revokes and tells the streams, as the real one does. */
  revoke(secret: string): void {
    const key = this.keys.find((candidate) => candidate.hash === hashToken(secret))
    if (!key) throw new Error('There is no such key.')
    key.dead = 'token_revoked'
    this.keysRevision += 1
    this.push({ kind: 'keys', token_id: key.token_id, keys: [key], keys_revision: this.keysRevision })
  }

  rollOut(generation: number, version: string, extra = ''): void {
    this.#desiredGeneration = generation
    this.bundle = this.signer.bundle({ generation }, STARTER_YAML(version, extra), version)
    this.push({ kind: 'resync' })
  }

  push(push: GatewayPush): void {
    const frame = `data: ${JSON.stringify(GatewayPush.parse(push))}\n\n`
    for (const stream of this.streams) stream.write(frame)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', this.url).pathname
    const route = `${request.method} ${path}`
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body: unknown = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString('utf8')) : null
    const conditional = request.headers['if-none-match']
    const send = (status: number, value: unknown, headers: Record<string, string> = {}) => {
      this.requests.push({ route, conditional: conditional !== undefined, status })
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(status === 304 ? undefined : JSON.stringify(value))
    }
    const problem = (status: number, code: string) =>
      send(status, { type: '/', title: 'No', status, detail: 'The fake control plane says no.', code })
    if (this.hang) {
      this.hanging += 1
      return
    }
    if (this.failWith) return problem(this.failWith, 'said_by_the_test')
    if (request.headers.authorization !== `Bearer ${this.gatewayToken}`) return problem(401, 'token_invalid')
    const at = (template: string) => path === template.replace(':id', 'gw_test')
    if (at(configurations.runtimeState.path)) return this.#runtimeState(conditional, send)
    if (at(gateways.heartbeat.path)) {
      this.beats.push(Heartbeat.parse({ ...(body as object), id: 'gw_test' }))
      return send(200, {
        server_time: this.#now(),
        desired_generation: this.#desiredGeneration,
        keys_revision: this.keysRevision,
      })
    }
    if (at(limits.lease.path)) return send(200, { granted: [], gateways: 1, server_time: this.#now() })
    if (at(spendLeases.take.path)) {
      const { instance, groups } = spendLeases.take.input.parse({ ...(body as object), id: 'gw_test' })
      return send(200, spendLeases.take.output.parse(await this.budgets.ask(instance, groups)))
    }
    if (at(gateways.stream.path) && this.refusesStreams) return problem(503, 'unavailable')
    if (at(gateways.stream.path)) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      this.streams.add(response)
      response.on('close', () => this.streams.delete(response))
      if (!this.mute) this.push({ kind: 'ping', server_time: this.#now() })
      return
    }
    if (at(events.ingest.path)) return send(200, this.#ingest(events.ingest.input.parse(body)))
    problem(404, 'not_found')
  }

  #runtimeState(
    conditional: string | undefined,
    send: (status: number, value: unknown, headers?: Record<string, string>) => void,
  ) {
    const state: RuntimeState = {
      gateway_id: 'gw_test',
      org_id: 'org_test',
      server_time: this.#now(),
      desired_version: null,
      desired_generation: this.#desiredGeneration,
      bundle: this.bundle,
      signing_keys: [{ kid: this.signer.kid, public_key: this.signer.publicKey }],
      settings: this.settings,
      keys_revision: this.keysRevision,
      keys: this.keys,
      prices: this.prices,
      spend: this.spend,
    }
    const etag = `"${hash('sha256', JSON.stringify({ ...state, server_time: '' }), 'hex').slice(0, 16)}"`
    if (conditional === etag) return send(304, null, { etag })
    send(200, RuntimeState.parse(state), { etag })
  }

  #ingest({ events: batch, captures }: { events: unknown[]; captures: unknown[] }) {
    let accepted = 0
    let duplicates = 0
    const rejected: { index: number; event_id: string | null; reason: string }[] = []
    for (const [index, raw] of batch.entries()) {
      const event = GatewayEvent.parse(raw)
      const reason = this.judge(event)
      if (reason) rejected.push({ index, event_id: event.event_id, reason })
      else if (this.events.has(event.event_id)) duplicates += 1
      else {
        this.events.set(event.event_id, event)
        this.budgets.settle(event)
        accepted += 1
      }
    }
    this.captures.push(...captures)
    return { accepted, duplicates, rejected }
  }

  #now = () => new Date(Date.now() + this.clockAheadMs).toISOString()
}
