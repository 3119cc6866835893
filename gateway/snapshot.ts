import type { GatewayKey, GatewaySettings } from '@/lib/contract/gateways'
import type { CompiledConfig } from '@/lib/policy/compile'
import type { PriceBook } from '@/lib/prices/price-book'
import type { SpendRules } from './spend/spend-rules'

/**
 * All that a request needs to know, as it was at one moment. Immutable: a change makes a new one and swaps it in, so a
 * request under way finishes under the snapshot it began with.
 */
export type Snapshot = {
  /** null until a verified configuration has been applied: the gateway is then not ready. */
  config: {
    compiled: CompiledConfig
    id: string | null
    name: string
    version: string
    generation: number
    source: 'live' | 'cached' | 'file'
    /** What was compiled: workers compile it again. */
    yaml?: string
  } | null
  /** By SHA-256 of the whole token, hex. */
  keys: ReadonlyMap<string, GatewayKey>
  keysRevision: number
  settings: GatewaySettings
  /** null as long as nobody has told any prices: what calls cost is then unknown. */
  prices: PriceBook | null
  /** Budgets and wallets; null as long as nobody has told of any. */
  spend: SpendRules | null
  orgId: string | null
  /**
   * `performance.now()` of the last word from the control plane; undefined for a gateway that has none (local file).
   * Keys stop working when it is older than `settings.max_offline_key_age_seconds`.
   */
  lastContactMs: number | undefined
  /**
   * Control-plane time at `performance.now()` zero, in milliseconds since the epoch; this machine's own idea of it until
   * the control plane has told the time. Key expiry is judged by `controlPlaneNowMs`, never by `Date.now()`.
   */
  timeOriginMs: number
}

/** What time it is for the control plane, in milliseconds since the epoch. Not moved by changes of the local clock. */
export const controlPlaneNowMs = (snapshot: Snapshot): number => snapshot.timeOriginMs + performance.now()

/** A gateway that knows nothing yet: no configuration, no keys. */
export const emptySnapshot = (): Snapshot => ({
  config: null,
  keys: new Map(),
  keysRevision: 0,
  settings: { payload_capture: 'none', max_offline_key_age_seconds: 86_400 },
  prices: null,
  spend: null,
  orgId: null,
  lastContactMs: undefined,
  timeOriginMs: performance.timeOrigin,
})

/** Holds the snapshot in force. One writer (managed.ts or the local file loader), many readers. */
export class SnapshotStore {
  #current: Snapshot

  constructor(initial: Snapshot) {
    this.#current = initial
  }

  get current(): Snapshot {
    return this.#current
  }

  swap(change: Partial<Snapshot>): void {
    this.#current = { ...this.#current, ...change }
  }
}
