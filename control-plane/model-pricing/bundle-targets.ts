import { LRUCache } from 'lru-cache'
import { BundlePayload } from '@/lib/contract/configurations'
import { parseJson } from '@/lib/parse-json'
import { lintPolicyConfig } from '@/lib/policy/config'
import type { TargetConfig } from '@/lib/policy/config/target'

export type BundleTargets = { name: string; version: string; targets: readonly TargetConfig[] }

/** Reading a configuration takes milliseconds, and gateways ask for theirs again and again. By the payload itself. */
const read = new LRUCache<string, BundleTargets>({ max: 500 })

/** The targets of a bundle's configuration. @param payload as it was signed, base64 */
export function targetsOfBundle(payload: string): BundleTargets {
  const known = read.get(payload)
  if (known !== undefined) return known
  const { configuration } = BundlePayload.parse(parseJson(Buffer.from(payload, 'base64').toString('utf8')))
  const { config } = lintPolicyConfig(configuration.yaml)
  const { name, version } = configuration
  const found = { name, version, targets: config?.providers?.targets ?? [] }
  read.set(payload, found)
  return found
}

/** Whose prices a gateway needs that runs, or is to run, one of these bundles; empty when there is none. */
export const providersOf = (payloads: readonly string[]): ReadonlySet<string> =>
  new Set(payloads.flatMap((payload) => targetsOfBundle(payload).targets.map(({ provider }) => provider)))
