import { REPRICED_MODELS_MAX, type RepricedModel } from '@/lib/contract/model-pricing'
import { type NanoUsd, nanoUsdOf, usdOfNano } from '@/lib/money'

/** What became of one call. null: without a known price. */
export type Repriced = { provider: string; model: string; before: NanoUsd | null; after: NanoUsd | null }

/** Sums by model, bounded: what comes when it is full is summed under one name. */
export class RepricedModels {
  readonly #models = new Map<string, RepricedModel>()

  constructor(known: readonly RepricedModel[]) {
    for (const one of known) this.#models.set(nameOf(one), { ...one })
  }

  add({ provider, model, before, after }: Repriced): void {
    const one = this.#of(provider, model)
    one.requests += 1
    if (before !== after) one.changed += 1
    if (before === null) one.unpriced_before += 1
    else one.before_usd = plus(one.before_usd, before)
    if (after === null) one.unpriced_after += 1
    else one.after_usd = plus(one.after_usd, after)
  }

  /** The dearest first. */
  get list(): RepricedModel[] {
    return [...this.#models.values()].sort((a, b) => {
      const difference = nanoUsdOf(b.before_usd) - nanoUsdOf(a.before_usd)
      return difference === 0n ? (nameOf(a) < nameOf(b) ? -1 : 1) : difference > 0n ? 1 : -1
    })
  }

  #of(provider: string, model: string): RepricedModel {
    const isFull = this.#models.size >= REPRICED_MODELS_MAX - 1
    const name = nameOf({ provider, model })
    const known = this.#models.get(name) ?? (isFull ? this.#models.get(nameOf(OTHERS)) : undefined)
    if (known !== undefined) return known
    const made: RepricedModel = { ...(isFull ? OTHERS : { provider, model }), ...NOTHING }
    this.#models.set(nameOf(made), made)
    return made
  }
}

const OTHERS = { provider: 'others', model: '*' }
const NOTHING = {
  requests: 0,
  changed: 0,
  before_usd: usdOfNano(0n),
  after_usd: usdOfNano(0n),
  unpriced_before: 0,
  unpriced_after: 0,
}
const nameOf = ({ provider, model }: { provider: string; model: string }) => `${provider} ${model}`
const plus = (usd: string, amount: NanoUsd) => usdOfNano(nanoUsdOf(usd) + amount)
