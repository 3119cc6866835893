import type { ModelPrice } from '@/lib/contract/model-pricing'
import type { Prices } from '@/lib/contract/price-shapes'
import { shortUsdOfNano } from '@/lib/money'
import { pricingOf } from '@/lib/policy/compile-target'
import type { BundleTargets } from './bundle-targets'

/** A price with its place in the list. */
export type Listed = { key: string; price: ModelPrice }

export const listedAs = (price: ModelPrice): Listed => {
  const { provider, model, source, target, version } = price
  return { key: JSON.stringify([provider, model, source, target?.target_id ?? '', version]), price }
}

/** Prices that are written in configurations, once for each version and target. */
export function targetPrices(all: readonly BundleTargets[]): Listed[] {
  const listed = new Map<string, Listed>()
  for (const { name, version, targets } of all) {
    for (const target of targets) {
      const pricing = pricingOf(target)
      if (pricing === null) continue
      const prices: Prices = {
        input: shortUsdOfNano(pricing.inputNanos),
        cached_input: shortUsdOfNano(pricing.cachedInputNanos),
        output: shortUsdOfNano(pricing.outputNanos),
      }
      for (const model of target.models ?? [target.model ?? '*']) {
        const one = listedAs({
          provider: target.provider,
          model,
          source: 'target',
          version: `target:${name}@${version}`,
          effective_from: null,
          prices,
          tiers: [],
          max_output_tokens: null,
          target: { target_id: target.id, configuration_name: name, configuration_version: version },
        })
        listed.set(one.key, one)
      }
    }
  }
  return [...listed.values()]
}
