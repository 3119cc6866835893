import { type NanoUsd, nanoUsd, nanoUsdOf } from '@/lib/money'
import type { Target } from '@/lib/policy/compile-target'
import { costOf, worstCaseOf } from '@/lib/prices/cost'
import type { MediaUnit, Price } from '@/lib/prices/price'
import { type Charged, chargedAt } from '@/lib/prices/service-tier'
import type { TokenUsage } from '@/lib/token-usage'
import type { Ask } from '../ask'
import { contextWindowFor, outputCapFor, type Priced, priceFor } from '../known-price'
import type { Snapshot } from '../snapshot'
import { type Counted, countedOf, INPUT_TOKENS_DEFAULT, inputWithPictures } from './counted'
import { mediaOf } from './media'

/** More cannot be reserved at once; a call that cost more would not be believed either. */
const RESERVED_MAX = nanoUsdOf('1000000')
/**
 * The most that a request can cost at a target, told before it is sent: its input as it is counted here, and the answer as
 * long as the caller allows, else as long as the model answers. Where a provider adds what it keeps of earlier requests, or
 * what it looks up by itself, the input is as long as the model reads; fees for searches are not in it.
 *
 * @returns asked for one target after the other; null for a price that nobody knows. Where such are denied, that is so as
 * well for one that does not say what the sound, the pictures or the service tier cost that are asked for
 */
export function worstCases(ask: Ask, snapshot: Snapshot): (target: Target) => NanoUsd | null {
  const deniesUnknown = snapshot.spend?.unknownPrice === 'deny'
  let counted: Counted | null = null
  let media: readonly MediaUnit[] | null = null
  const known = new Map<Price, { input: number; output: number; worst: NanoUsd | null }>()
  return (target) => {
    const price = priceFor({ target, model: null }, ask.model, snapshot)
    if (price === null) return null
    const charged = chargedAt(price, null, ask.body.service_tier)
    if (deniesUnknown) {
      media ??= mediaOf(ask)
      if (price.asText.some((unit) => media?.includes(unit)) || isUnknown(charged)) return null
    }
    counted ??= countedOf(ask)
    const input = inputMostOf(counted, ask, target)
    const output = outputOf(counted, ask, target, snapshot)
    const same = known.get(price)
    if (same?.input === input && same.output === output) return same.worst
    const worst = capped(dearestOf(charged, { ...counted, input, output }))
    known.set(price, { input, output, worst })
    return worst
  }
}

/** The same in tokens: for a call of which nobody will ever say what it took. */
export function mostUsed(ask: Ask, target: Priced, snapshot: Snapshot): TokenUsage {
  const counted = countedOf(ask)
  return { ...NO_USAGE, input: inputMostOf(counted, ask, target), output: outputOf(counted, ask, target, snapshot) }
}

function inputMostOf(counted: Counted, ask: Ask, target: Priced): number {
  const input = inputWithPictures(counted, ask, target)
  return counted.isInputOpen ? Math.max(input, contextWindowFor(target, ask.model) ?? INPUT_TOKENS_DEFAULT) : input
}

function outputOf({ output, openAnswers }: Counted, { model }: Ask, target: Priced, snapshot: Snapshot): number {
  const cap = openAnswers === null ? null : outputCapFor(target, model, snapshot)
  return openAnswers === null || cap === null ? output : cap * openAnswers
}

const NO_USAGE: TokenUsage = { input: 0, output: 0, cached: 0, reasoning: 0 }

function dearestOf({ prices }: Charged, { input, output, alone }: Counted): NanoUsd | null {
  let worst: NanoUsd | null = null
  for (const price of prices) {
    const costs = [worstCaseOf(price, input, output), ...alone.map((usage) => costOf(price, usage)?.total ?? null)]
    for (const cost of costs) if (cost !== null && (worst === null || cost > worst)) worst = cost
  }
  return worst
}

/** Whether nobody has said what it costs to be answered as is asked for. */
const isUnknown = ({ prices, isGuess }: Charged): boolean => isGuess && prices.length === 1

const capped = (worst: NanoUsd | null): NanoUsd | null =>
  worst !== null && worst > RESERVED_MAX ? nanoUsd(RESERVED_MAX) : worst
