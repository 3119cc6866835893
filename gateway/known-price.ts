import { shortUsdOfNano } from '@/lib/money'
import type { Target, TargetPricing } from '@/lib/policy/compile-target'
import { contextWindowOf } from '@/lib/prices/litellm-models'
import { type Price, priceOf } from '@/lib/prices/price'
import { controlPlaneNowMs, type Snapshot } from './snapshot'

/** A target, by which its prices may be found. */
export type Priced = Pick<Target, 'provider' | 'pricing' | 'modelMap'>
/** `model` answered; null when nobody said so. */
type Named = { target: Priced; model: string | null }

/** The target's own price, then what the book has for the model that answered, then for the one that was asked. */
export function priceFor({ target, model }: Named, asked: string | null, snapshot: Snapshot): Price | null {
  if (target.pricing !== null) return targetPrice(target.pricing, snapshot.config)
  if (snapshot.prices === null) return null
  return snapshot.prices.priceOf(target.provider, namesOf(target, model, asked), controlPlaneNowMs(snapshot))
}

/** The most tokens that a target answers with, whoever says what they cost; null when nobody has said. */
export function outputCapFor(target: Priced, asked: string | null, snapshot: Snapshot): number | null {
  if (snapshot.prices === null) return null
  return snapshot.prices.outputCapOf(target.provider, namesOf(target, null, asked), controlPlaneNowMs(snapshot))
}

/** The most tokens that a target reads; null when nobody has said. */
export function contextWindowFor({ provider, modelMap }: Priced, asked: string): number | null {
  const name = modelMap.get(asked) ?? asked
  return name.length > NAME_LENGTH_MAX ? null : contextWindowOf(provider, name)
}

function namesOf({ modelMap }: Priced, answered: string | null, asked: string | null): string[] {
  const sent = asked === null ? null : (modelMap.get(asked) ?? asked)
  return [answered, sent].filter((name) => name !== null && name.length <= NAME_LENGTH_MAX) as string[]
}

/** Longer names are no models. */
const NAME_LENGTH_MAX = 200

const targetPrices = new WeakMap<TargetPricing, Price>()

function targetPrice(pricing: TargetPricing, config: Snapshot['config']): Price {
  const known = targetPrices.get(pricing)
  if (known !== undefined) return known
  const prices = {
    input: shortUsdOfNano(pricing.inputNanos),
    output: shortUsdOfNano(pricing.outputNanos),
    cached_input: shortUsdOfNano(pricing.cachedInputNanos),
  }
  const price = priceOf(prices, [], 'target', `target:${config?.name ?? ''}@${config?.version ?? ''}`.slice(0, 200))
  targetPrices.set(pricing, price)
  return price
}
