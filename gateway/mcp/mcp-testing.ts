import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { GatewayEvent } from '@/lib/contract/events'
import type { GatewayKey } from '@/lib/contract/gateways'
import { freePort } from '@/lib/free-port'
import { compileConfig } from '@/lib/policy/compile'
import { PolicyConfig } from '@/lib/policy/config/schema'
import { chainOf } from '@/lib/policy/engine/chain'
import { CLEAN, type Policy } from '@/lib/policy/engine/policy'
import { createToken, hashToken } from '@/lib/tokens'
import { ByteBudget } from '../byte-budget'
import { contentOf } from '../capture'
import { Conversations } from '../conversations'
import { RateLimits } from '../limits/rate-limits'
import { SandboxProvider } from '../providers/sandbox/sandbox'
import { SnapshotStore } from '../snapshot'
import { SpendGate } from '../spend/spend-gate'
import { Upstreams } from '../upstreams'
import { createMcpDoor, type McpDoorOptions } from './mcp-door'
import { type McpRecord, mcpEvent } from './mcp-record'

/** The reference server of MCP, as a process of its own. */
export async function startEverything(): Promise<{ url: string; close(): Promise<void> }> {
  const port = await freePort()
  const script = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')
  const child = spawn(process.execPath, [script, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  for await (const chunk of child.stderr) {
    said += String(chunk)
    if (said.includes('listening')) break
  }
  const exited = once(child, 'exit')
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async close() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

export type FakeServer = {
  url: string
  /** Bodies as they came, with the headers beside them. */
  requests: {
    method: string
    headers: IncomingMessage['headers']
    text: string
    body: Record<string, unknown> | null
  }[]
  close(): Promise<void>
}

/** An MCP server that says what a test wants it to say. */
export async function startFakeServer(
  answer: (body: Record<string, unknown> | null, response: ServerResponse, request: IncomingMessage) => void,
): Promise<FakeServer> {
  const requests: FakeServer['requests'] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    const body = text === '' ? null : (JSON.parse(text) as Record<string, unknown>)
    requests.push({ method: request.method ?? '', headers: request.headers, text, body })
    answer(body, response, request)
  })
  const url = await listening(server)
  return { url: `${url}/mcp`, requests, close: () => closed(server) }
}

type DoorOptions = Partial<Pick<McpDoorOptions, 'durability' | 'limits' | 'ports'>> & {
  /** By name. */
  servers: Record<string, { url: string; extra?: object }>
  policies?: readonly Policy[]
  environment?: Record<string, string>
  heldBytesMax?: number
}

/** A door with nothing of a gateway around it but what it asks for. */
export async function startDoor(options: DoorOptions) {
  const targets = Object.entries(options.servers).map(([id, { url, extra }]) => ({
    id,
    provider: 'mcp',
    base_url: url,
    allow_private_network: true,
    ...extra,
  }))
  const config = PolicyConfig.parse({
    pack: { name: 'test', version: '1.0.0', enabled: true },
    policies: { chain: [] },
    providers: { targets },
    gateway: { anonymous: 'loopback' },
  })
  const compiled = {
    ...compileConfig(config, options.environment ?? {}),
    chain: chainOf(options.policies ?? []),
  }
  const store = new SnapshotStore({
    config: { compiled, id: 'cfg_test', name: 'test', version: '1.2.3', generation: 1, source: 'live' },
    keys: new Map(),
    keysRevision: 0,
    prices: null,
    spend: null,
    settings: { payload_capture: 'none', max_offline_key_age_seconds: 86_400 },
    orgId: 'org_test',
    lastContactMs: undefined,
    timeOriginMs: performance.timeOrigin,
  })
  const records: McpRecord[] = []
  const refused: string[] = []
  const errors: object[] = []
  const flags = { isFull: false, isDraining: false, isBroken: false }
  const upstreams = new Upstreams('keeptrusts-gateway/0.0.0-test', new SandboxProvider())
  const conversations = new Conversations()
  const budget = new ByteBudget(options.heldBytesMax ?? 256 * 1_048_576)
  const door = createMcpDoor({
    store,
    contactSlackMs: 45_000,
    durability: options.durability ?? 'strict',
    isSpoolFull: () => flags.isFull,
    isDraining: () => flags.isDraining,
    conversations,
    budget,
    limiter: new RateLimits({ warn: () => {}, error: () => {} }, null, { desk: null, processes: 1 }),
    spend: new SpendGate({ ask: null, wallMs: Date.now, failed: () => {} }),
    ports: options.ports ?? {
      postJson: () => Promise.reject(new Error('no test asks anybody')),
      secret: () => null,
    },
    keep: async (record) => {
      if (flags.isBroken) return false
      records.push(record)
      return true
    },
    refused: (code) => refused.push(code),
    dispatcherFor: (target) => upstreams.dispatcherFor(target),
    userAgent: upstreams.userAgent,
    log: { warn: () => {}, error: (fields) => errors.push(fields) },
    limits: options.limits,
  })
  const server = createServer((request, response) => {
    door.handle(request.url?.split('/')[2] ?? '', request, response)
  })
  const url = await listening(server)
  return {
    url,
    door,
    records,
    refused,
    errors,
    flags,
    conversations,
    budget,
    /** Each checked against the contract. */
    events: () =>
      records.map((record, at) =>
        GatewayEvent.parse(
          mcpEvent(
            record,
            { id: 'gw_test', seq: at + 1 },
            contentOf(
              { apiShape: 'mcp', salt: record.salt, body: record.body },
              record.said,
              record.snapshot.settings.payload_capture,
            ),
          ),
        ),
      ),
    addKey(change: Partial<GatewayKey> = {}): string {
      const secret = createToken('gk')
      const key: GatewayKey = {
        hash: hashToken(secret),
        token_id: `tok_${store.current.keys.size}`,
        token_secret_id: 'sec_1',
        token_name: 'test',
        purpose: 'general',
        team_id: null,
        agent_id: null,
        allowed_models: null,
        allowed_providers: null,
        expires_at_ms: null,
        ends_at_ms: null,
        dead: null,
        ...change,
      }
      store.swap({ keys: new Map(store.current.keys).set(key.hash, key) })
      return secret
    },
    async recordsSoon(count: number): Promise<McpRecord[]> {
      while (records.length < count) await sleep(5)
      return records
    },
    async close() {
      door.abort('test_over')
      await closed(server)
      await upstreams.close()
    },
  }
}

async function listening(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function closed(server: ReturnType<typeof createServer>): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

/** Takes a word out, wherever it stands; blocks on another. */
export const wordPolicy = (word: string, phases: Policy['phases'], verdict: 'redact' | 'block' = 'redact'): Policy => ({
  kind: 'test-words',
  version: '1',
  phases,
  terms: [],
  onError: 'deny',
  streaming: 'buffered',
  explain: [],
  bytesMax: 1_000_000,
  check(view) {
    const redactions = view.readable().flatMap(({ part, index }) => {
      const start = part.text.indexOf(word)
      return start === -1 ? [] : [{ part: index, start, end: start + word.length, replacement: '[REDACTED]' }]
    })
    if (redactions.length === 0) return CLEAN
    const finding = { ...CLEAN, verdict, reasonCode: 'test.word', message: 'There is a word in it.' }
    return verdict === 'redact' ? { ...finding, redactions } : finding
  },
})
