import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import type { Target } from '@/lib/policy/compile'
import type { Ports } from '@/lib/policy/engine/policy'
import { ActiveSet } from '../active-set'
import type { ByteBudget } from '../byte-budget'
import type { Conversations } from '../conversations'
import type { RateLimits } from '../limits/rate-limits'
import type { Durability, Log } from '../plane'
import type { Snapshot } from '../snapshot'
import type { SpendGate } from '../spend/spend-gate'
import { McpExchange } from './mcp-exchange'
import { McpListeners } from './mcp-listeners'
import type { McpRecord } from './mcp-record'
import { type McpSession, McpSessions, type SessionBounds } from './mcp-sessions'
import { callMcpServer } from './mcp-upstream'

export type McpLimits = SessionBounds & {
  /** Of one JSON-RPC message of a client. */
  messageBytesMax: number
  /** Of one answer of a server, or one frame of its stream. */
  answerBytesMax: number
  /** A call, or a stream that waits for what a server has to say; clients open the latter again. */
  callMsMax: number
  /** A caller that takes no byte for this long is cut off. */
  stalledMsMax: number
  /** Requests under way, open streams among them. */
  activeMax: number
  streamsPerSessionMax: number
  /** Of all sessions of one caller together, and of those without one. */
  streamsPerOwnerMax: number
}

export const MCP_LIMITS: McpLimits = {
  messageBytesMax: 4 * 1_048_576,
  answerBytesMax: 16 * 1_048_576,
  callMsMax: 3_600_000,
  stalledMsMax: 120_000,
  activeMax: 4_096,
  streamsPerSessionMax: 4,
  streamsPerOwnerMax: 256,
  sessionsMax: 10_000,
  perOwnerMax: 500,
  idleMsMax: 86_400_000,
}

export type McpDoorOptions = {
  store: { readonly current: Snapshot }
  contactSlackMs: number
  durability: Durability
  isSpoolFull(): boolean
  isDraining(): boolean
  conversations: Conversations
  /** What its messages are taken from. */
  budget: ByteBudget
  limiter: RateLimits
  spend: SpendGate
  /** For policies that ask somebody else. */
  ports: Ports
  /** Keeps the record of a governed request. @returns whether it is durable; never rejects */
  keep(record: McpRecord): Promise<boolean>
  /** A request that ended before it became a governed one. */
  refused(code: string): void
  /** The connections to a server, guarded as its target says. */
  dispatcherFor(target: Target): Dispatcher
  userAgent: string
  log: Log
  limits?: Partial<McpLimits>
}

export type McpDoor = {
  /** Answers one request to `/mcp/{server}`, whatever its method. Never throws. */
  handle(server: string, request: IncomingMessage, response: ServerResponse): void
  /** Requests under way, open streams not counted: those would never end by themselves. */
  readonly active: number
  /** Ends the streams on which servers speak by themselves, so that a stopping gateway need not wait for them. */
  endStreams(): void
  /** Cuts off what is left; each is recorded with `reason`. */
  abort(reason: string): void
  readonly sessions: number
}

/** What the requests of one door share. */
export type McpDoorState = {
  options: McpDoorOptions
  limits: McpLimits
  sessions: McpSessions
  listeners: McpListeners
}

/**
 * `/mcp/{server}`: the streamable HTTP transport of MCP in front of the servers that the configuration declares, with
 * policies in between.
 */
export function createMcpDoor(options: McpDoorOptions): McpDoor {
  const limits = { ...MCP_LIMITS, ...options.limits }
  const sessions = new McpSessions((session) => void endAtServer(options, session), limits)
  const state: McpDoorState = { options, limits, sessions, listeners: new McpListeners(limits) }
  const active = new ActiveSet<McpExchange>()
  return {
    handle(server, request, response) {
      if (active.size >= limits.activeMax) {
        options.refused('not_ready')
        response.writeHead(503, ['content-type', 'application/json', 'retry-after', '5', 'connection', 'close'])
        response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32011,"message":"Too many requests are under way."}}')
        return
      }
      const exchange = new McpExchange(state, request, response)
      active.add(exchange)
      response.once('close', () => active.delete(exchange))
      void exchange.run(server)
    },
    get active() {
      return active.all().filter(({ isListening }) => !isListening).length
    },
    endStreams() {
      for (const exchange of active.all()) if (exchange.isListening) exchange.abort('gateway_shutdown')
    },
    abort(reason) {
      for (const exchange of active.all()) exchange.abort(reason)
    },
    get sessions() {
      return sessions.size
    },
  }
}

/** A session that was pushed out: its server need not keep it either. Whether that works changes nothing here. */
async function endAtServer(options: McpDoorOptions, { targetId, upstreamId, secret }: McpSession): Promise<void> {
  const target = options.store.current.config?.compiled.targets.find(({ id }) => id === targetId)
  if (target === undefined || upstreamId === null) return
  try {
    const answer = await callMcpServer(options.dispatcherFor(target), options.userAgent, {
      target,
      secret,
      method: 'DELETE',
      sessionId: upstreamId,
      headers: {},
      body: null,
      requestId: '',
      traceparent: '',
      signal: AbortSignal.timeout(10_000),
    })
    answer.body.on('error', () => {}).resume()
  } catch (cause) {
    options.log.warn({ err: cause, target: targetId }, 'a session could not be ended at its MCP server')
  }
}
