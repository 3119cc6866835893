import { LRUCache } from 'lru-cache'
import { BundlePayload } from '@/lib/contract/configurations'
import { lintPolicyConfig } from '@/lib/policy/config'
import type { TargetConfig } from '@/lib/policy/config/target'

export type BundleTargets = { name: string; version: string; targets: readonly TargetConfig[] }

/** Reading a configuration takes milliseconds, and gateways ask for theirs again and again. By the payload itself. */
const read = new LRUCache<string, BundleTargets>({ max: 500 })

/** The targets of a bundle's configuration. @param payload as it was signed, base64 */
export function targetsOfBundle(payload: string): BundleTargets {
  const known = read.get(payload)
  if (known !== undefined) return known
  const { configuration } = BundlePayload.parse(JSON.parse(Buffer.from(payload, 'base64').toString('utf8')))
  const { config } = lintPolicyConfig(configuration.yaml)
  const { name, version } = configuration
  const found = { name, version, targets: config?.providers?.targets ?? [] }
  read.set(payload, found)
  return found
}

/**
 * Whose prices a gateway may need: of the providers that it runs with now, and of those that it is to run with. Empty
 * when neither is known.
 */
export function providersOf(running: readonly string[], payload: string | undefined): ReadonlySet<string> {
  const desired = payload === undefined ? [] : targetsOfBundle(payload).targets.map(({ provider }) => provider)
  return new Set([...running, ...desired])
}
