import { isDeepStrictEqual } from 'node:util'
import { createClient } from '@/lib/client'
import { type GatewayPush, gateways, type Heartbeat } from '@/lib/contract/gateways'
import type { PriceTable } from '@/lib/contract/price-shapes'
import type { GatewaySpend } from '@/lib/contract/spend-shapes'
import { AppError } from '@/lib/errors'
import { PriceBook } from '@/lib/prices/price-book'
import { pause, pollPauseMs } from './backoff'
import { controlPlaneHeaders } from './control-plane-headers'
import { fetchWithin } from './fetch-within'
import { ringOf, withPush } from './key-ring'
import type { LastKnownGood } from './last-known-good'
import { followPushStream } from './push-stream'
import type { RunLog, RunningConfiguration } from './running-configuration'
import { adviceFor, CONTROL_PLANE_TIMEOUT_MS, type ControlPlaneAddress, fetchRuntimeState } from './runtime-state'
import type { Snapshot, SnapshotStore } from './snapshot'
import { SpendRules } from './spend/spend-rules'
import { GatewayStartError } from './start-error'

/** What a heartbeat says about the data plane; the rest is known here. */
type Vitals = Pick<
  Heartbeat,
  'ready' | 'spool_depth' | 'spool_bytes' | 'requests_processed' | 'overhead_p50_us' | 'overhead_p99_us'
> & { last_error: Heartbeat['last_error'] }

/** What a heartbeat acknowledges. */
type InForce = Pick<Snapshot, 'config' | 'keysRevision'>

export type ManagedOptions = {
  address: ControlPlaneAddress
  store: SnapshotStore
  disk: LastKnownGood
  /** null when a local file says what to run and only keys and settings come from the control plane. */
  configuration: RunningConfiguration | null
  pollIntervalSeconds: number
  /** While no push stream is open, where that is less. */
  pollWithoutPushSeconds: number
  gatewayVersion: string
  vitals: () => Vitals
  /** What is in force everywhere, once it is; what the store holds unless stated. */
  settled?: () => Promise<InForce>
  /** Others need what this gateway holds of budgets and wallets and does not use. */
  onRecall?: (sources: readonly string[]) => void
  log: RunLog
  /** Without a word on the stream for this long it is opened again; three polls, at least 45 s, unless stated. */
  silenceMsMax?: number
}

const CONTACT_SAVED_EVERY_MS = 10_000

/**
 * Keeps a gateway in step with its control plane: one conditional read per poll interval, a push stream for what must
 * not wait, and a heartbeat after each change, which is also the acknowledgement.
 */
export class Managed {
  readonly #options: ManagedOptions
  readonly #stopping = new AbortController()
  readonly #client
  #wake = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()
  #etag: string | null = null
  #failures = 0
  #refusedFor: string | null = null
  #streamConnected = false
  #beating: Promise<void> | null = null
  #beatAgain = false
  #saving: Promise<void> = Promise.resolve()
  #contactSavedMs = Number.NEGATIVE_INFINITY

  constructor(options: ManagedOptions) {
    this.#options = options
    const { apiUrl, token } = options.address
    this.#client = createClient({
      baseUrl: apiUrl,
      headers: controlPlaneHeaders(token),
      fetch: (request) => fetchWithin(request, CONTROL_PLANE_TIMEOUT_MS),
    })
  }

  get streamConnected(): boolean {
    return this.#streamConnected
  }

  /**
   * Loads what is on disk, then asks the control plane.
   *
   * @throws GatewayStartError `no_configuration` when neither has what is needed to serve
   */
  async start(): Promise<void> {
    const { address, store, configuration, log } = this.#options
    await this.#loadFromDisk()
    try {
      await this.#poll()
    } catch (cause) {
      this.#failures = 1
      const canServe = configuration ? store.current.config !== null : store.current.orgId !== null
      const reason = cause instanceof Error ? cause.message : String(cause)
      const advice = adviceFor(cause, address)
      if (!canServe) {
        const message = `${reason} ${advice} There is no earlier configuration on disk to start from. To check: KEEPTRUSTS_API_URL reachable? gateway token valid? gateway id registered?`
        throw new GatewayStartError('no_configuration', message, { cause })
      }
      log.warn({ reason, advice }, 'control plane not available; starting from what is on disk')
    }
  }

  /** Asks once more before `run`: much may have changed while everything else was started. Never rejects. */
  async refresh(): Promise<void> {
    try {
      await this.#poll()
    } catch (cause) {
      this.#failures += 1
      this.#report(cause)
    }
  }

  /** Begins to poll and to listen. */
  run(): void {
    const { pollIntervalSeconds, address, silenceMsMax, log } = this.#options
    const { signal } = this.#stopping
    const stream = followPushStream(
      {
        ...address,
        silenceMsMax: silenceMsMax ?? Math.max(45_000, pollIntervalSeconds * 3_000),
        onOpen: () => {
          this.#streamConnected = true
          this.pollNow()
        },
        onPush: (push) => this.#hear(push),
        onLoss: (cause) => {
          this.#streamConnected = false
          this.pollNow()
          log.warn(
            { reason: cause instanceof Error ? cause.message : String(cause) },
            'push stream lost; polling goes on',
          )
        },
      },
      signal,
    )
    this.#loops = Promise.all([stream, this.#pollLoop(signal)])
  }

  /** Asks the control plane without waiting for the interval. */
  pollNow(): void {
    this.#wake.abort()
  }

  /** Ends polling and listening, says goodbye with a last heartbeat, and keeps what is known on disk. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort()
    this.#wake.abort()
    await this.#loops
    const patience = new AbortController()
    await Promise.race([this.#beat(), pause(timeoutMs, patience.signal)])
    patience.abort()
    await this.#saving
  }

  async #pollLoop(signal: AbortSignal): Promise<void> {
    const intervalMs = this.#options.pollIntervalSeconds * 1_000
    const withoutPushMs = Math.min(intervalMs, this.#options.pollWithoutPushSeconds * 1_000)
    void this.#beat()
    while (!signal.aborted) {
      const hasPush = this.#streamConnected || this.#failures > 0
      await pause(pollPauseMs(this.#failures, hasPush ? intervalMs : withoutPushMs), this.#wake.signal)
      if (signal.aborted) return
      this.#wake = new AbortController()
      try {
        await this.#poll()
        await this.#beat()
      } catch (cause) {
        if (signal.aborted) return
        this.#failures += 1
        this.#report(cause)
      }
    }
  }

  async #poll(): Promise<void> {
    const { address, store, configuration } = this.#options
    const revisionBefore = store.current.keysRevision
    const fetched = await fetchRuntimeState(address, this.#etag, this.#stopping.signal)
    this.#heard()
    if (fetched === null) return
    const { state, etag, sentMs, receivedMs } = fetched
    this.#tellTime(state.server_time, sentMs, receivedMs)
    // A push may have overtaken this answer; one that is older than what was known when it was asked for is a restored
    // database, and then the control plane is right.
    const isOvertaken = state.keys_revision < store.current.keysRevision && state.keys_revision >= revisionBefore
    store.swap({
      settings: state.settings,
      orgId: state.org_id,
      ...(isOvertaken ? {} : ringOf(state.keys, state.keys_revision)),
    })
    this.#saveKeyring()
    this.#takePrices(state.prices)
    this.#takeSpend(state.spend)
    await configuration?.take({ ...state, spend: state.spend ?? null })
    this.#etag = isOvertaken ? null : etag
    if (isOvertaken) this.pollNow()
  }

  /** What is the same stays the same object: workers are told only what is new. */
  #takePrices(table: PriceTable | null): void {
    const { store, disk, log } = this.#options
    if (table === null || isDeepStrictEqual(table, store.current.prices?.table)) return
    try {
      store.swap({ prices: new PriceBook(table) })
    } catch (cause) {
      // Keys and configurations that come with prices nobody can read must not wait for better ones.
      log.error({ err: cause }, 'prices refused; those in force stay')
      return
    }
    this.#save(() => disk.writePrices(table))
  }

  /** `undefined` is what this gateway cannot read: what is in force stays. */
  #takeSpend(told: GatewaySpend | null | undefined): void {
    const { store, disk } = this.#options
    if (told === undefined || isDeepStrictEqual(told, store.current.spend?.told ?? null)) return
    store.swap({ spend: told && new SpendRules(told) })
    this.#save(() => disk.writeSpend(told ?? NO_SPEND))
  }

  #hear(push: GatewayPush): void {
    this.#heard()
    if (push.kind === 'resync') this.pollNow()
    if (push.kind === 'recall') this.#options.onRecall?.(push.sources)
    if (push.kind !== 'keys') return
    const { store } = this.#options
    const { ring, isGap } = withPush(store.current, push)
    store.swap(ring)
    this.#saveKeyring()
    if (isGap) this.pollNow()
    else void this.#beat()
  }

  /** Word from the control plane: keys are as good as now. */
  #heard(): void {
    const nowMs = performance.now()
    this.#options.store.swap({ lastContactMs: nowMs })
    if (this.#failures > 0) this.#options.log.info({}, 'control plane is back')
    this.#failures = 0
    this.#refusedFor = null
    if (nowMs - this.#contactSavedMs < CONTACT_SAVED_EVERY_MS) return
    this.#contactSavedMs = nowMs
    this.#save(() => this.#options.disk.writeContactMs(Date.now()))
  }

  /** Half of the round trip is the error at most; the middle of it is when the answer was most likely made. */
  #tellTime(serverTime: string, sentMs: number, receivedMs: number): void {
    this.#options.store.swap({ timeOriginMs: Date.parse(serverTime) - (sentMs + receivedMs) / 2 })
  }

  /** One at a time; asked for again meanwhile, it is sent once more with the newest state. Never throws. */
  #beat(): Promise<void> {
    if (this.#beating) this.#beatAgain = true
    this.#beating ??= (async () => {
      do {
        this.#beatAgain = false
        try {
          const { settled, store } = this.#options
          const inForce = (await settled?.()) ?? store.current
          const sentMs = performance.now()
          const { server_time } = await this.#client(gateways.heartbeat, this.#heartbeat(inForce))
          this.#tellTime(server_time, sentMs, performance.now())
          this.#heard()
        } catch (cause) {
          this.#report(cause)
        }
      } while (this.#beatAgain)
      this.#beating = null
    })()
    return this.#beating
  }

  #heartbeat({ config, keysRevision }: InForce): Heartbeat {
    const { address, configuration, pollIntervalSeconds, gatewayVersion, vitals } = this.#options
    const targets = config?.compiled.targets ?? []
    const { last_error, ...vital } = vitals()
    return {
      id: address.gatewayId,
      software_version: gatewayVersion,
      running_version: config?.version ?? null,
      running_generation: config?.generation ?? 0,
      config_source: config && config.source !== 'file' ? config.source : null,
      keys_revision: keysRevision,
      sent_at: new Date().toISOString(),
      poll_interval_seconds: Math.max(1, Math.ceil(pollIntervalSeconds)),
      stream_connected: this.#streamConnected,
      models: [...new Set(targets.flatMap((target) => target.models))].slice(0, 500),
      providers: [...new Set(targets.map((target) => target.provider))].slice(0, 100),
      ...vital,
      last_error: configuration?.lastError ?? last_error,
    }
  }

  /** Said once per cause, not once per attempt. */
  #report(cause: unknown): void {
    const { address, log } = this.#options
    const code = cause instanceof AppError ? cause.code : 'unexpected'
    if (code === this.#refusedFor) return
    this.#refusedFor = code
    const reason = cause instanceof Error ? cause.message : String(cause)
    const fields = { code, reason, advice: adviceFor(cause, address) }
    if (cause instanceof AppError && cause.status < 500) log.error(fields, 'the control plane refuses this gateway')
    else log.warn(cause instanceof AppError ? fields : { ...fields, err: cause }, 'the control plane does not answer')
  }

  async #loadFromDisk(): Promise<void> {
    const { disk, store, configuration } = this.#options
    await disk.open()
    const keyring = await disk.readKeyring()
    if (keyring) {
      const contactMs = await disk.readContactMs()
      // Without a known last contact the keys are as old as can be.
      const ageMs = contactMs === null ? Number.POSITIVE_INFINITY : Math.max(0, Date.now() - contactMs)
      store.swap({
        ...ringOf(keyring.keys, keyring.keys_revision),
        settings: keyring.settings,
        orgId: keyring.org_id,
        lastContactMs: performance.now() - ageMs,
        timeOriginMs: Date.now() + keyring.clock_offset_ms - performance.now(),
      })
    }
    const prices = await disk.readPrices()
    if (prices) store.swap({ prices: new PriceBook(prices) })
    const spend = await disk.readSpend()
    if (spend) store.swap({ spend: new SpendRules(spend) })
    await configuration?.loadFromDisk(keyring?.org_id ?? null)
  }

  #saveKeyring(): void {
    this.#save(async () => {
      const { keys, keysRevision, settings, orgId, timeOriginMs } = this.#options.store.current
      if (orgId === null) return
      const clock_offset_ms = timeOriginMs + performance.now() - Date.now()
      const ring = { keys: [...keys.values()], keys_revision: keysRevision }
      await this.#options.disk.writeKeyring({ org_id: orgId, settings, ...ring, clock_offset_ms })
    })
  }

  /** One write at a time, in order. A disk that refuses is reported; serving goes on. */
  #save(write: () => Promise<void>): void {
    this.#saving = this.#saving.then(write).catch((cause: unknown) => {
      this.#options.log.error({ err: cause }, 'what the gateway knows could not be kept on disk')
    })
  }
}

/** What is kept of a control plane that knows no budgets. */
const NO_SPEND: GatewaySpend = { unknown_price: 'flag', unknown_price_usd: '0.000000000', budgets: [], wallets: null }
