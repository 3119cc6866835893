import type { GatewayKey } from '@/lib/contract/gateways'
import { type CompileEnvironment, compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { loadPolicies } from '@/lib/policy/load-policies'
import { PriceBook } from '@/lib/prices/price-book'
import { withUpstream } from '../running-configuration'
import { type Snapshot, SnapshotStore } from '../snapshot'
import { SpendRules } from '../spend/spend-rules'
import { type ConfigSource, monotonicMs, type StateChange } from './messages'

/** A store that says when it changes. */
export class SharedStore extends SnapshotStore {
  onChange: () => void = () => {}

  override swap(change: Partial<Snapshot>): void {
    super.swap(change)
    this.onChange()
  }
}

/** What a worker that has `known` needs to hear; everything when it knows nothing. */
export function changeBetween(known: Snapshot | null, current: Snapshot): StateChange {
  const { keysRevision, settings, orgId, lastContactMs, timeOriginMs } = current
  // How much later than this process the shared clock began to count.
  const originMs = monotonicMs() - performance.now()
  return {
    ...(known?.config === current.config ? {} : { config: sourceOf(current.config) }),
    ...(known?.keys === current.keys ? {} : { keys: keysBetween(known?.keys, current.keys) }),
    ...(known !== null && known.prices === current.prices ? {} : { prices: current.prices?.table ?? null }),
    ...(known !== null && known.spend === current.spend ? {} : { spend: current.spend?.told ?? null }),
    keysRevision,
    settings,
    orgId,
    contactAtMs: lastContactMs === undefined ? null : lastContactMs + originMs,
    clockMs: timeOriginMs - originMs,
  }
}

/**
 * The other side of `changeBetween`.
 *
 * The next change may be taken when this one was.
 *
 * @throws when the configuration does not compile here; nothing is changed then
 */
export async function takeChange(
  store: SnapshotStore,
  change: StateChange,
  compiling: { environment: CompileEnvironment; upstreamUrl: URL | undefined },
): Promise<void> {
  const { keysRevision, settings, orgId, contactAtMs, clockMs } = change
  const originMs = monotonicMs() - performance.now()
  const config = change.config ? await compiled(change.config, compiling) : change.config
  store.swap({
    ...(config === undefined ? {} : { config }),
    ...(change.keys === undefined ? {} : { keys: keysAfter(store.current.keys, change.keys) }),
    ...(change.prices === undefined ? {} : { prices: change.prices && new PriceBook(change.prices) }),
    ...(change.spend === undefined ? {} : { spend: change.spend && new SpendRules(change.spend) }),
    keysRevision,
    settings,
    orgId,
    lastContactMs: contactAtMs === null ? undefined : contactAtMs - originMs,
    timeOriginMs: clockMs + originMs,
  })
}

function sourceOf(config: Snapshot['config']): ConfigSource | null {
  if (config === null) return null
  const { compiled: _, yaml, ...rest } = config
  if (yaml === undefined) throw new Error('A configuration without its text cannot be told to workers.')
  return { ...rest, yaml }
}

async function compiled(
  { yaml, ...rest }: ConfigSource,
  { environment, upstreamUrl }: Parameters<typeof takeChange>[2],
): Promise<NonNullable<Snapshot['config']>> {
  const { config, diagnostics } = lintPolicyConfig(yaml)
  if (!config) throw new Error(diagnostics.find(({ severity }) => severity === 'error')?.message)
  const plain = compileConfig(config, environment, { clock: () => performance.now() })
  await loadPolicies(plain)
  return { ...rest, compiled: upstreamUrl ? withUpstream(plain, upstreamUrl) : plain }
}

/** Keys that did not change are the same objects, unless all were fetched anew. */
function keysBetween(known: Snapshot['keys'] | undefined, current: Snapshot['keys']): StateChange['keys'] {
  if (known === undefined) return { all: [...current.values()] }
  const changed: GatewayKey[] = []
  for (const [hash, key] of current) if (known.get(hash) !== key) changed.push(key)
  return { changed, gone: [...known.keys()].filter((hash) => !current.has(hash)) }
}

function keysAfter(known: Snapshot['keys'], change: NonNullable<StateChange['keys']>): Snapshot['keys'] {
  if ('all' in change) return new Map(change.all.map((key) => [key.hash, key]))
  const keys = new Map(known)
  for (const hash of change.gone) keys.delete(hash)
  for (const key of change.changed) keys.set(key.hash, key)
  return keys
}
