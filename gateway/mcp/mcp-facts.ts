import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { GatewayEvent } from '@/lib/contract/events'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { Target } from '@/lib/policy/compile'
import type { Chain } from '@/lib/policy/engine/chain'
import type { Caller } from '@/lib/policy/engine/subject'
import { clientIpOf } from '../caller'
import { plainHeader, requestIdOf, traceparentOf } from '../headers'
import type { Hold } from '../limits/limiter'
import { controlPlaneNowMs, type Snapshot } from '../snapshot'
import type { Reservation } from '../spend/reservation'
import type { RpcMessage, RpcRequest } from './json-rpc'
import type { McpDoorState } from './mcp-door'
import { McpGovernor } from './mcp-governor'
import type { McpSession } from './mcp-sessions'

/** Who may ask which server, under which policies. */
export type Admitted = { target: Target; chain: Chain; key: GatewayKey | null; owner: string; caller: Caller }

/** What is known of one request so far; filled in as it goes. Times are `performance.now()` milliseconds. */
export type McpFacts = {
  readonly snapshot: Snapshot
  readonly startedMs: number
  /** The same by the clock of the control plane: the time in its id and on its record, and what budgets are asked with. */
  readonly startedAtMs: number
  readonly requestId: string
  readonly traceparent: string
  readonly clientIp: string
  readonly headers: IncomingHttpHeaders
  /** Spent waiting for the caller's body. */
  bodyWaitMs: number
  body: Buffer
  admitted: Admitted | null
  session: McpSession | null
  message: (RpcRequest & RpcMessage) | null
  /** As it stands on the record. */
  method: string | null
  governor: McpGovernor | null
  /** Set once the request is a governed one, and taken away when its record is kept: there is one, whatever goes wrong. */
  eventId: string | null
  /** The one call that the record tells of; null as long as the server was not asked. */
  call: { sentMs: number; durationMs: number; status: number | null; error: string | null } | null
  /** What it holds of its limits. */
  hold: Hold | null
  /** What it holds of budgets and wallets. */
  reservation: Reservation | null
  /** What its event says of those that refused it, if any did. */
  unspent: GatewayEvent['spend']
}

export function mcpFactsOf(snapshot: Snapshot, request: IncomingMessage): McpFacts {
  const { headers } = request
  const startedMs = performance.now()
  return {
    snapshot,
    startedMs,
    startedAtMs: snapshot.timeOriginMs + startedMs,
    requestId: requestIdOf(headers['x-request-id']),
    traceparent: traceparentOf(headers.traceparent),
    clientIp: clientIpOf(request, snapshot),
    headers,
    bodyWaitMs: 0,
    body: Buffer.alloc(0),
    admitted: null,
    session: null,
    message: null,
    method: null,
    governor: null,
    eventId: null,
    call: null,
    hold: null,
    reservation: null,
    unspent: null,
  }
}

export function admittedOf({ admitted }: McpFacts): Admitted {
  if (admitted === null) throw new Error('not admitted')
  return admitted
}

/** As the caller names it, otherwise the session; null for neither. */
export const conversationNameOf = ({ headers, session }: McpFacts): string | null =>
  plainHeader(headers['x-conversation-id'], 128) ?? session?.publicId ?? null

/** Puts the policies of its chain before what passes. */
export function mcpGovernorOf({ options }: McpDoorState, facts: McpFacts): McpGovernor {
  const { target, chain, owner, caller } = admittedOf(facts)
  const nowMs = () => controlPlaneNowMs(facts.snapshot)
  return new McpGovernor({
    chain,
    caller,
    target: { id: target.id, provider: target.provider, dataPolicy: target.dataPolicy },
    conversation: options.conversations.of(owner, conversationNameOf(facts), nowMs()),
    ports: options.ports,
    log: options.log,
    nowMs,
  })
}
