import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GatewayEvent } from '@/lib/contract/events'
import type { GatewayKey, GatewaySettings } from '@/lib/contract/gateways'
import { type CompiledConfig, compileConfig, type Target } from '@/lib/policy/compile'
import { PolicyConfig } from '@/lib/policy/config/schema'
import type { PriceBook } from '@/lib/prices/price-book'
import { createToken, hashToken } from '@/lib/tokens'
import { createGateway, type Gateway, type GatewayOptions } from './server'
import { SnapshotStore } from './snapshot'
import type { SpendRules } from './spend/spend-rules'
import type { Spool } from './spool-port'

/** A spool that keeps everything in memory; `records` are what a real one would have on disk. */
class MemorySpool implements Spool {
  readonly records: string[] = []
  full = false
  /** Set to make every append fail, as a broken disk does. */
  failure: Error | null = null
  /** Set to hold appends until it resolves, as a slow disk does. */
  gate: Promise<void> | null = null
  #seq = 0

  append(record: Buffer | string, done: (failure: Error | null) => void): void {
    void (this.gate ?? Promise.resolve()).then(() => {
      if (this.failure === null) this.records.push(record.toString())
      done(this.failure)
    })
  }

  get depth(): number {
    return this.records.length
  }

  get bytes(): number {
    return this.records.reduce((sum, record) => sum + record.length, 0)
  }

  nextSeq(): number {
    this.#seq += 1
    return this.#seq
  }
}

type Captured = { request: string | null; response: string | null; salt: string }

export type TestGateway = {
  url: string
  port: number
  store: SnapshotStore
  spool: MemorySpool
  gateway: Gateway
  /** What was logged as an error: empty at the end of a good test. */
  errors: object[]
  /** Every record so far, each checked against the contract. */
  events(): GatewayEvent[]
  captures(): (Captured | undefined)[]
  /** Waits until there are `count` records: they follow the end of a call whose caller left. */
  eventsSoon(count: number): Promise<GatewayEvent[]>
  /** Lets a key in; returns the secret. */
  addKey(key?: Partial<GatewayKey>): string
  /** Changes what is known of a secret, as a push from the control plane does. */
  changeKey(secret: string, change: Partial<GatewayKey>): void
  close(): Promise<void>
}

type TestOptions = Partial<
  Pick<GatewayOptions, 'durability' | 'limits' | 'contactSlackMs' | 'environment' | 'askForSlices' | 'behind' | 'nowMs'>
> & {
  bodyBytesMax?: number
  answerBytesMax?: number
  targets?: Target[]
  config?: Partial<CompiledConfig> | null
  settings?: Partial<GatewaySettings>
  prices?: PriceBook
  spend?: SpendRules
}

/** A gateway on a free port, with its spool in memory and its keys in the test's hand. */
export async function startTestGateway(options: TestOptions = {}): Promise<TestGateway> {
  const plain = compileConfig(PolicyConfig.parse(EMPTY_CONFIGURATION), {})
  const compiled: CompiledConfig = {
    ...plain,
    targets: options.targets ?? [sandboxTarget()],
    // One call for each request, unless a test is about more.
    routing: { ...plain.routing, attemptsMax: 1 },
    limits: {
      ...plain.limits,
      bodyBytesMax: options.bodyBytesMax ?? plain.limits.bodyBytesMax,
      responseBytesMax: options.answerBytesMax ?? plain.limits.responseBytesMax,
    },
    ...options.config,
  }
  const store = new SnapshotStore({
    config:
      options.config === null
        ? null
        : { compiled, id: 'cfg_test', name: 'test', version: '1.2.3', generation: 1, source: 'live' },
    keys: new Map(),
    keysRevision: 0,
    prices: options.prices ?? null,
    spend: options.spend ?? null,
    settings: { payload_capture: 'none', max_offline_key_age_seconds: 86_400, ...options.settings },
    orgId: 'org_test',
    lastContactMs: undefined,
    timeOriginMs: performance.timeOrigin,
  })
  const spool = new MemorySpool()
  const errors: object[] = []
  const gateway = createGateway({
    store,
    spool,
    durability: options.durability ?? 'strict',
    gatewayId: 'gw_test',
    listen: { host: '127.0.0.1', port: 0 },
    version: '0.0.0-test',
    log: { warn: () => {}, error: (fields) => errors.push(fields) },
    contactSlackMs: options.contactSlackMs,
    environment: options.environment,
    limits: options.limits,
    askForSlices: options.askForSlices,
    behind: options.behind,
    nowMs: options.nowMs,
  })
  const { port } = await gateway.listen()
  const records = () => spool.records.map((record) => JSON.parse(record) as { event: unknown; capture?: Captured })
  const events = () => records().map(({ event }) => GatewayEvent.parse(event))
  const setKeys = (change: (keys: Map<string, GatewayKey>) => void) => {
    const keys = new Map(store.current.keys)
    change(keys)
    store.swap({ keys, keysRevision: store.current.keysRevision + 1 })
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    store,
    spool,
    gateway,
    errors,
    events,
    captures: () => records().map(({ capture }) => capture),
    async eventsSoon(count) {
      while (spool.records.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
      return events()
    },
    addKey(key = {}) {
      const secret = createToken('gk')
      setKeys((keys) => keys.set(hashToken(secret), { ...KEY, hash: hashToken(secret), ...key }))
      return secret
    },
    changeKey(secret, change) {
      setKeys((keys) => {
        const key = keys.get(hashToken(secret))
        if (key !== undefined) keys.set(key.hash, { ...key, ...change })
      })
    },
    close: () => gateway.close(),
  }
}

const EMPTY_CONFIGURATION = { pack: { name: 'test', version: '1.2.3', enabled: true }, policies: { chain: [] } }

const KEY: GatewayKey = {
  hash: '',
  token_id: 'tok_test',
  token_secret_id: 'sec_test',
  token_name: 'test-key',
  purpose: 'general',
  team_id: null,
  agent_id: null,
  allowed_models: null,
  allowed_providers: null,
  expires_at_ms: null,
  ends_at_ms: null,
  dead: null,
}

export const sandboxTarget = (change: Partial<Target> = {}): Target => ({
  id: 'sandbox',
  provider: 'sandbox',
  baseUrl: null,
  models: ['*'],
  modelMap: new Map(),
  secret: null,
  secrets: [],
  apiKeyHeader: 'authorization',
  apiKeyPrefix: 'Bearer ',
  headers: {},
  timeoutMs: 30_000,
  weight: 1,
  dataPolicy: { zeroDataRetention: false, trainingOptOut: false, retentionDays: null },
  pricing: null,
  allowPrivateNetwork: true,
  azure: null,
  aws: null,
  unavailable: null,
  ...change,
})

export const httpTarget = (baseUrl: string, change: Partial<Target> = {}): Target =>
  sandboxTarget({
    id: 'upstream',
    provider: 'openai',
    baseUrl: new URL(baseUrl),
    secret: 'sk-upstream-secret',
    secrets: ['sk-upstream-secret'],
    ...change,
  })

export type Upstream = {
  /** With `/v1`, as a target's `base_url`. */
  url: string
  /** Everything that arrived, newest last. */
  requests: { path: string; headers: IncomingMessage['headers']; body: Buffer }[]
  /** Connections that the other side closed before the answer was complete. */
  aborted: number
  close(): Promise<void>
}

/** A provider in the test's hand: `answer` gets every request once its body is complete. */
export async function startUpstream(
  answer: (response: ServerResponse, request: { path: string; body: Buffer }) => void | Promise<void>,
): Promise<Upstream> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const received = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) }
      upstream.requests.push(received)
      response.on('close', () => {
        if (!response.writableFinished) upstream.aborted += 1
      })
      void answer(response, received)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const upstream: Upstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests: [],
    aborted: 0,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return upstream
}

/** A completion as OpenAI sends it. */
export const completion = (content: string, change: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_767_225_600,
  model: 'gpt-test-0001',
  choices: [
    { index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, prompt_tokens_details: { cached_tokens: 3 } },
  ...change,
})

/** The frames of a streamed completion, with usage and `[DONE]`. */
export function completionFrames(words: string[]): string[] {
  const chunk = (change: object) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_767_225_600,
    model: 'gpt-test-0001',
    choices: [],
    ...change,
  })
  const choice = (delta: object, finish: string | null) => ({
    choices: [{ index: 0, delta, finish_reason: finish }],
    usage: null,
  })
  return [
    chunk(choice({ role: 'assistant', content: '' }, null)),
    ...words.map((content) => chunk(choice({ content }, null))),
    chunk(choice({}, 'stop')),
    chunk({ usage: { prompt_tokens: 5, completion_tokens: words.length, total_tokens: 5 + words.length } }),
    '[DONE]',
  ].map((data) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
}

/** Sends a chat completion as any HTTP client would. */
export const postChat = (url: string, secret: string | null, body: unknown, init: RequestInit = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    ...init,
    headers: {
      'content-type': 'application/json',
      ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
      ...init.headers,
    },
    body: typeof body === 'string' ? body : body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body),
  })
