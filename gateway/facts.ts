import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayEvent } from '@/lib/contract/events'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { Decision } from '@/lib/policy/decide'
import type { TokenUsage } from '@/lib/token-usage'
import type { Ask } from './ask'
import type { Made } from './attempts'
import type { CachedAnswer } from './cache/answer-cache'
import { clientIpOf } from './caller'
import { saltFor } from './capture'
import type { Governor } from './governor'
import { requestIdOf, traceparentOf } from './headers'
import type { CallerRequest } from './http/caller-http'
import type { Hold, LimitStatus } from './limits/limiter'
import type { RequestCost } from './request-cost'
import type { Snapshot } from './snapshot'
import type { Reservation } from './spend/reservation'
import type { Surface } from './surfaces/surface'

/** What is known of one request so far; filled in as it goes. Times are `performance.now()` milliseconds. */
export type Facts = {
  readonly snapshot: Snapshot
  readonly apiShape: GatewayEvent['api_shape']
  /** Path of the surface. */
  readonly route: string
  readonly startedMs: number
  /** The same by the clock of the control plane: the time in its id and on its record, and what budgets are asked with. */
  readonly startedAtMs: number
  readonly requestId: string
  readonly traceparent: string
  readonly clientIp: string
  readonly headers: IncomingHttpHeaders
  /** Set once the request is a governed one: from then on it leaves a record, whatever becomes of it. */
  eventId: string | null
  /** null for a caller without a key, and as long as nobody knows who is calling. */
  key: GatewayKey | null
  /** Of the commitments to its content; null when they are plain. */
  readonly salt: Buffer | null
  /** The exact bytes that came in. */
  body: Buffer | null
  /** Spent waiting for the caller to send its body. */
  bodyWaitMs: number
  model: string | null
  isStream: boolean
  decision: Decision | null
  /** Set when something other than `decide` refused, such as the purpose of a key. */
  refusedFor: string | null
  /** What the policies of the chain said; null as long as they were not asked. */
  governor: Governor | null
  /** What it holds of its limits. */
  hold: Hold | null
  /** The limit that refused it. */
  exceeded: LimitStatus | null
  /** What it holds, or held, of budgets and wallets. */
  reservation: Reservation | null
  /** What its event says of the budgets or wallets that refused it, if any did. */
  unspent: GatewayEvent['spend']
  /** What it cost, once that has been settled, and what was reserved for it. */
  settled: { cost: RequestCost; spend: GatewayEvent['spend'] } | null
  /** What providers were asked; null as long as none was. */
  ask: Ask | null
  /** Calls to providers, in order; the last one gave the answer, if any did. */
  made: readonly Made[]
  usage: TokenUsage | null
  /** The answer did not come to its end, or was not counted to it, so that there is more to `usage` than was said. */
  isUsagePartial: boolean
  /** Of the text that is to be spoken; null for everything else. */
  characters: number | null
  modelAnswered: string | null
  /** As what the provider says that it answered. */
  serviceTier: string | null
  /** The answer that was there already; null when a provider was asked, or nobody. */
  cacheHit: CachedAnswer | null
  clientAborted: boolean
}

/** How a request ended for its caller. */
export type Outcome = { status: number; errorCode: string | null }

/**
 * What was said to the caller; `kept` holds the bytes when they are wanted for the record, not too many, and this gateway had
 * room for them (`lacksRoom`).
 */
export type Said = { sha256: string | null; bytes: number; kept: Buffer | null; lacksRoom?: boolean }

/** What is known of a request from its headers alone, under the snapshot in force. */
export function factsOf(snapshot: Snapshot, surface: Surface, request: CallerRequest): Facts {
  const { headers } = request
  const startedMs = performance.now()
  return {
    snapshot,
    apiShape: surface.shape,
    route: surface.path,
    startedMs,
    startedAtMs: snapshot.timeOriginMs + startedMs,
    requestId: requestIdOf(headers['x-request-id']),
    traceparent: traceparentOf(headers.traceparent),
    clientIp: clientIpOf(request, snapshot),
    headers,
    eventId: null,
    key: null,
    salt: saltFor(snapshot),
    body: null,
    bodyWaitMs: 0,
    model: null,
    isStream: false,
    decision: null,
    refusedFor: null,
    governor: null,
    hold: null,
    exceeded: null,
    reservation: null,
    unspent: null,
    settled: null,
    ask: null,
    made: [],
    usage: null,
    isUsagePartial: false,
    characters: null,
    modelAnswered: null,
    serviceTier: null,
    cacheHit: null,
    clientAborted: false,
  }
}
