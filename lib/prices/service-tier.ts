import type { Price, ServedPrice } from './price'

/** What OpenAI, Anthropic and Groq call the tier that prices are of. */
const USUAL: readonly string[] = ['auto', 'default', 'standard', 'standard_only', 'on_demand']
const NAME_LENGTH_MAX = 32

/** How soon a provider says that it has answered: OpenAI beside the answer, Anthropic in its counts. */
export function serviceTierIn({ service_tier: beside, usage }: Record<string, unknown>): string | null {
  const counted = typeof usage === 'object' && usage !== null && 'service_tier' in usage ? usage.service_tier : null
  return nameOf(beside) ?? nameOf(counted)
}

const nameOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' && value.length <= NAME_LENGTH_MAX ? value : null

/** At which prices a call may be charged, of which the dearest counts. `isGuess`: nobody has said that it is this one. */
export type Charged = { prices: readonly [ServedPrice, ...ServedPrice[]]; isGuess: boolean }

/**
 * What the provider said it answered as counts, else what the caller asked for, which it may have been refused.
 *
 * @param asked `service_tier` of the request, whatever the caller put there
 */
export function chargedAt(price: Price, said: string | null, asked: unknown): Charged {
  const tier = said ?? asked ?? null
  if (tier === null || USUAL.includes(String(tier))) return { prices: [price], isGuess: false }
  const served = price.served.get(String(tier))
  if (served === undefined) return { prices: [price], isGuess: true }
  return said === null ? { prices: [served, price], isGuess: true } : { prices: [served], isGuess: false }
}
