import type { ByteBudget } from './byte-budget'
import type { Metrics } from './metrics'
import type { Provider } from './providers/provider'
import type { SnapshotStore } from './snapshot'
import type { Spool } from './spool-port'

/** `strict`: the record is on disk before the caller has the last byte. `relaxed`: the caller comes first. */
export type Durability = 'strict' | 'relaxed'

export type Limits = {
  /** For a request to arrive, headers and body. */
  requestMsMax: number
  bodyBytesMax: number
  /** Of the bodies of all requests under way together. */
  heldBytesMax: number
  /** An answer that is not a stream is held whole, to be checked and recorded before it is sent. */
  answerBytesMax: number
  /** How long a call is read on for its usage after the caller hung up. */
  detachedMsMax: number
  detachedBytesMax: number
  detachedCallsMax: number
  /** A caller that takes no byte for this long is cut off. */
  stalledMsMax: number
  callMsMax: number
}

export const LIMITS: Limits = {
  requestMsMax: 120_000,
  bodyBytesMax: 10 * 1_048_576,
  heldBytesMax: 256 * 1_048_576,
  answerBytesMax: 32 * 1_048_576,
  detachedMsMax: 30_000,
  detachedBytesMax: 4 * 1_048_576,
  detachedCallsMax: 256,
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
  providers: { sandbox: Provider; openai: Provider }
  limits: Limits
  budget: ByteBudget
  contactSlackMs: number
  log: Log
  isDraining: boolean
  /** Calls that are read on although their caller hung up. */
  detachedCalls: number
}
