import type { Ports } from '@/lib/policy/engine/policy'
import type { ByteBudget } from './byte-budget'
import type { AnswerCaches } from './cache/answer-caches'
import type { Conversations } from './conversations'
import type { RateLimits } from './limits/rate-limits'
import type { Metrics } from './metrics'
import type { HealthMonitor } from './routing/health-monitor'
import type { Mirror } from './routing/mirror'
import type { Router } from './routing/router'
import type { SnapshotStore } from './snapshot'
import type { SpendGate } from './spend/spend-gate'
import type { Spool } from './spool-port'
import type { Turn } from './turn'
import type { Upstreams } from './upstreams'

/** `strict`: the record is on disk before the caller has the last byte. `relaxed`: the caller comes first. */
export type Durability = 'strict' | 'relaxed'

export type Limits = {
  /** For a request to arrive, headers and body. */
  requestMsMax: number
  /** How long a call is read on for its usage after the caller hung up. */
  detachedMsMax: number
  detachedBytesMax: number
  detachedCallsMax: number
  /** Of the bodies, the whole answers and what waits of streams, of all requests under way together. */
  heldBytesMax: number
  /** A caller that takes no byte for this long is cut off. */
  stalledMsMax: number
  callMsMax: number
}

export const LIMITS: Limits = {
  requestMsMax: 120_000,
  detachedMsMax: 30_000,
  detachedBytesMax: 4 * 1_048_576,
  detachedCallsMax: 256,
  heldBytesMax: 256 * 1_048_576,
  stalledMsMax: 120_000,
  callMsMax: 3_600_000,
}

/** Structured log, as pino has it. Never given a secret, a header value of a caller, or a prompt. */
export type Log = {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** All that requests share. One per gateway; nothing of it is global. */
export type Plane = {
  gatewayId: string
  durability: Durability
  store: SnapshotStore
  spool: Spool
  metrics: Metrics
  upstreams: Upstreams
  router: Router
  healthMonitor: HealthMonitor
  limiter: RateLimits
  spend: SpendGate
  answers: AnswerCaches
  mirror: Mirror
  conversations: Conversations
  /** What policies may use that ask somebody else. */
  ports: Ports
  limits: Limits
  budget: ByteBudget
  turn: Turn
  contactSlackMs: number
  log: Log
  isDraining: boolean
  /** Calls that are read on although their caller hung up. */
  detachedCalls: number
}
