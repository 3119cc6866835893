import type { GatewayKey, GatewaySettings } from '@/lib/contract/gateways'
import type { PriceTable } from '@/lib/contract/price-shapes'
import type { GatewaySpend } from '@/lib/contract/spend-shapes'
import type { DeskAnswer, DeskRelease, DeskTake } from '../limits/limit-desk'
import type { Snapshot } from '../snapshot'

/** Raised with every change of the messages: after an update, new workers may be asked to serve an older primary. */
export const PROTOCOL = 6

/** In the environment of a worker: which spool is its own. */
export const SLOT_VARIABLE = 'KEEPTRUSTS_WORKER_SLOT'

type Config = NonNullable<Snapshot['config']>

/** A configuration as it is told to a worker, which compiles it itself: what is compiled cannot be sent. */
export type ConfigSource = Omit<Config, 'compiled' | 'yaml'> & { yaml: string }

/** From the snapshot that a worker has to the one in force. Times are of the clock that all processes of a machine share. */
export type StateChange = {
  /** Absent while it stays the same. */
  config?: ConfigSource | null
  /** All of them, or only those that changed; absent while they stay the same. */
  keys?: { all: GatewayKey[] } | { changed: GatewayKey[]; gone: string[] }
  keysRevision: number
  settings: GatewaySettings
  /** Absent while they stay the same. */
  prices?: PriceTable | null
  /** Likewise. */
  spend?: GatewaySpend | null
  orgId: string | null
  /** Milliseconds of `monotonicMs`; null for a gateway without control plane. */
  contactAtMs: number | null
  /** Control-plane time at `monotonicMs` zero. */
  clockMs: number
}

/** How one worker is. */
export type WorkerReport = {
  isReady: boolean
  spoolDepth: number
  spoolBytes: number
  requestsProcessed: number
  overheadP50Us: number | null
  overheadP99Us: number | null
  lastError: { code: string; message: string; at: string } | null
  /** As prom-client's `getMetricsAsJSON` has them. */
  metrics: object[]
}

/** What the gateway is as a whole, for whoever asks a worker. */
export type Whole = { metrics: string; requestsProcessed: number }

export type ToWorker =
  | { kind: 'state'; protocol: number; revision: number; change: StateChange }
  /** What was told until now is in force: callers may come. */
  | { kind: 'listen' }
  | { kind: 'report'; ask: number }
  | { kind: 'whole'; ask: number; whole: Whole }
  /** Others need what this worker holds of these budgets and wallets. */
  | { kind: 'recall'; sources: readonly string[] }
  | { kind: 'limits'; answers: readonly DeskAnswer[] }
  | { kind: 'drain'; isReplaced: boolean }

export type ToPrimary =
  /** All but listening is done. */
  | { kind: 'prepared' }
  | { kind: 'serving'; port: number }
  /** The change is in force; `refused` says why it is not. */
  | { kind: 'taken'; revision: number; refused: string | null }
  /** `ask` is the question it answers; null when nobody asked. */
  | { kind: 'report'; ask: number | null; report: WorkerReport }
  | { kind: 'whole'; ask: number }
  /** Limits that its requests fall under, which the primary counts. */
  | { kind: 'limits'; takes: readonly DeskTake[]; releases: readonly DeskRelease[] }
  /** The control plane knows other budgets and wallets than this worker has been told. */
  | { kind: 'behind' }
  | { kind: 'failed'; code: string; message: string }

/** Milliseconds of a clock that all processes of this machine read alike and that nobody can set. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000
