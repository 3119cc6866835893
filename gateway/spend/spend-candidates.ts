import { type NanoUsd, NO_MONEY } from '@/lib/money'
import type { Target } from '@/lib/policy/compile-target'
import type { SpendRules } from './spend-rules'

type Tiers = readonly (readonly Target[])[]
type Candidate = { target: Target; worst: NanoUsd }

/** The targets that a request may still be sent to, and the most that it can cost at the dearest of them. */
export class SpendCandidates {
  readonly #given: Tiers
  #candidates: readonly Candidate[]
  /** Over all of them. */
  amount: NanoUsd
  #isNarrowed: boolean

  /** @param worstCaseOf null for a price that nobody knows: what then is for the rules to say */
  constructor(tiers: Tiers, worstCaseOf: (target: Target) => NanoUsd | null, rules: SpendRules) {
    const candidates: Candidate[] = []
    let count = 0
    for (const tier of tiers) {
      for (const target of tier) {
        count += 1
        const worst = worstCaseOf(target) ?? instead(rules)
        if (worst !== null) candidates.push({ target, worst })
      }
    }
    this.#given = tiers
    this.#candidates = candidates
    this.#isNarrowed = candidates.length < count
    this.amount = dearest(candidates, null)
  }

  get isEmpty(): boolean {
    return this.#candidates.length === 0
  }

  /** No other provider may answer. */
  isOnly(provider: string): boolean {
    return this.#candidates.every(({ target }) => target.provider === provider)
  }

  get tiers(): Tiers {
    if (!this.#isNarrowed) return this.#given
    const left = new Set(this.#candidates.map(({ target }) => target))
    return this.#given.map((tier) => tier.filter((target) => left.has(target))).filter((tier) => tier.length > 0)
  }

  /** At the targets of one provider; nothing when none of them is left. */
  amountAt(provider: string): NanoUsd {
    return dearest(this.#candidates, provider)
  }

  leaveOut(provider: string): void {
    this.#candidates = this.#candidates.filter(({ target }) => target.provider !== provider)
    this.#isNarrowed = true
    this.amount = dearest(this.#candidates, null)
  }
}

/** What a target counts as whose price nobody knows; null: it may not be asked. */
function instead({ unknownPrice, unknownPriceUsd }: SpendRules): NanoUsd | null {
  if (unknownPrice === 'deny') return null
  return unknownPrice === 'hold_default' ? unknownPriceUsd : NO_MONEY
}

function dearest(candidates: readonly Candidate[], provider: string | null): NanoUsd {
  let most = NO_MONEY
  for (const { target, worst } of candidates) {
    if (worst > most && (provider === null || target.provider === provider)) most = worst
  }
  return most
}
