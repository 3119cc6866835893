import type { Bundle, RuntimeState } from '@/lib/contract/configurations'
import type { Heartbeat } from '@/lib/contract/gateways'
import type { CompiledConfig, CompileEnvironment } from '@/lib/policy/compile'
import { loadPolicies } from '@/lib/policy/load-policies'
import {
  type AppliedBundle,
  BundleError,
  choosePin,
  compileBundle,
  mustKeepServing,
  type PinnedKey,
  type VerifiedBundle,
  verifyBundle,
} from './bundle'
import type { LastKnownGood } from './last-known-good'
import type { SnapshotStore } from './snapshot'

export type RunLog = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export type RunningConfigurationOptions = {
  store: SnapshotStore
  disk: LastKnownGood
  gatewayId: string
  gatewayVersion: string
  environment: CompileEnvironment
  /** Fingerprint of the signing key to trust; without it the first one seen is trusted from then on. */
  trustKey: string | undefined
  /** Replaces the address of every target but the sandbox. For debugging. */
  upstreamUrl: URL | undefined
  log: RunLog
}

/** verify -> compile -> probe -> swap, and the way back to the last bundle that passed. */
export class RunningConfiguration {
  readonly #options: RunningConfigurationOptions
  #pin: PinnedKey | null = null
  #applied: AppliedBundle | null = null
  #judged: string | null = null
  /** Why the newest bundle is not the running one (NACK). */
  lastError: Heartbeat['last_error'] = null

  constructor(options: RunningConfigurationOptions) {
    this.#options = options
  }

  /** Applies the newest bundle on disk that still passes every check; the disk is trusted no more than the network. */
  async loadFromDisk(orgId: string | null): Promise<boolean> {
    const { disk, trustKey, log } = this.#options
    const pin = await disk.readPin()
    if (!pin) return false
    if (trustKey !== undefined && !trustKey.toLowerCase().startsWith(pin.kid)) return false
    this.#pin = pin
    for (const bundle of await disk.readBundles()) {
      try {
        await this.#apply(bundle, orgId, 'cached')
        return true
      } catch (cause) {
        if (!(cause instanceof BundleError)) throw cause
        log.error({ code: cause.code, reason: cause.message }, 'a bundle on disk is not used')
      }
    }
    return false
  }

  /** Takes what the control plane wants to run. A bundle that does not pass changes nothing but `lastError`. */
  async take(state: RuntimeState): Promise<void> {
    const { bundle, org_id } = state
    if (!bundle) return
    const fingerprint = `${bundle.kid}.${bundle.payload}.${bundle.signature}`
    if (fingerprint === this.#judged) return
    this.#judged = fingerprint
    try {
      await this.#settlePin(state)
      await this.#apply(bundle, org_id, 'live')
      this.lastError = null
    } catch (cause) {
      if (!(cause instanceof BundleError)) {
        this.#judged = null // the disk failed, not the bundle: try it again
        throw cause
      }
      this.lastError = {
        code: cause.code,
        message: cause.message.slice(0, 500),
        at: new Date().toISOString(),
        generation: state.desired_generation,
      }
      this.#options.log.error(
        { code: cause.code, reason: cause.message },
        'configuration refused; the running one stays',
      )
    }
  }

  async #settlePin(state: RuntimeState): Promise<void> {
    const { disk, trustKey, log } = this.#options
    if (this.#pin) return
    const pin = choosePin(state, trustKey)
    await disk.writePin(pin)
    this.#pin = pin
    log.info({ kid: pin.kid, told: trustKey !== undefined }, 'signing key trusted from now on')
  }

  async #apply(bundle: Bundle, orgId: string | null, source: 'live' | 'cached'): Promise<void> {
    const { store, disk, gatewayId, gatewayVersion, environment } = this.#options
    if (!this.#pin) throw new BundleError('bundle_key_not_trusted', 'No signing key is trusted yet.')
    const expected = { pinned: this.#pin, gatewayId, orgId, running: this.#applied, gatewayVersion }
    const verified = verifyBundle(bundle, expected)
    const compiled = this.#override(compileBundle(verified, environment))
    await loadPolicies(compiled)
    const running = store.current.config
    if (source === 'live' && running) mustKeepServing(running.compiled, compiled)
    // On disk before it serves: after a crash the gateway must not fall back behind what callers have seen.
    if (source === 'live') await disk.writeBundle(verified.payload.generation, bundle)
    const { id, name, version, yaml } = verified.payload.configuration
    const { generation } = verified.payload
    store.swap({ config: { compiled, id, name, version, generation, source, yaml }, orgId: verified.payload.org_id })
    this.#applied = { generation, sha256: verified.sha256 }
    this.#announce(compiled, verified, source)
  }

  #override(compiled: CompiledConfig): CompiledConfig {
    const { upstreamUrl, log } = this.#options
    if (!upstreamUrl) return compiled
    log.warn(
      { upstream: upstreamUrl.origin },
      'DEBUG OVERRIDE: requests and provider secrets go to the upstream of --upstream / KEEPTRUSTS_UPSTREAM_URL, not to the configured providers',
    )
    return withUpstream(compiled, upstreamUrl)
  }

  #announce(compiled: CompiledConfig, { payload }: VerifiedBundle, source: string): void {
    announceConfiguration(this.#options.log, compiled, {
      running_version: payload.configuration.version,
      generation: payload.generation,
      source,
    })
  }
}

/** Every target but the sandbox answers from one address. */
export const withUpstream = (compiled: CompiledConfig, upstreamUrl: URL): CompiledConfig => ({
  ...compiled,
  targets: compiled.targets.map((target) =>
    target.provider === 'sandbox' ? target : { ...target, baseUrl: upstreamUrl },
  ),
})

/** The line people look for: `config loaded <pack name>@<version>`, and one for each target that cannot be used. */
export function announceConfiguration(log: RunLog, compiled: CompiledConfig, fields: object): void {
  log.info(fields, `config loaded ${compiled.pack.name}@${compiled.pack.version}`)
  for (const { id, unavailable } of compiled.targets) {
    if (unavailable) log.warn({ target: id, reason: unavailable }, 'target unavailable')
  }
}
