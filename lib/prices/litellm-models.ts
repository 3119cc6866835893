import type { Prices, Tier } from '@/lib/contract/price-shapes'
import listed from './litellm-models.json' with { type: 'json' }
import type { Matcher } from './match'

type Cap = { name: string; cap: number }

const byProvider = new Map<string, readonly Cap[]>()

/**
 * The most tokens that a model answers with, of all names of a provider that are meant. The names are those of a list that
 * this release comes with (`scripts/litellm-models.mjs`).
 *
 * @returns undefined for models that the list does not have, or of which it knows no bound but their context window
 */
export function outputCapOf(provider: string, isMeant: Matcher): number | undefined {
  let most: number | undefined
  for (const { name, cap } of capsOf(provider)) {
    if ((most === undefined || cap > most) && isMeant(name)) most = cap
  }
  return most
}

const windows = new Map<string, ReadonlyMap<string, number>>()

/**
 * The most tokens that a model reads, by its name or the one that a date was put behind.
 *
 * @returns null for models that the list does not have
 */
export function contextWindowOf(provider: string, name: string): number | null {
  let known = windows.get(provider)
  if (known === undefined) {
    known = new Map(listedOf(listed.windows, provider).map(({ name, cap }) => [name, cap]))
    // Providers are those of targets: few, whatever callers ask for.
    windows.set(provider, known)
  }
  const plain = name.toLowerCase()
  return known.get(plain) ?? known.get(plain.replace(/-20\d{2}-?\d{2}-?\d{2}$/, '')) ?? null
}

function capsOf(provider: string): readonly Cap[] {
  const known = byProvider.get(provider)
  if (known !== undefined) return known
  const caps = listedOf(listed.caps, provider)
  byProvider.set(provider, caps)
  return caps
}

const listedOf = (all: Readonly<Record<string, Readonly<Record<string, string>>>>, provider: string): Cap[] =>
  Object.entries(all[provider] ?? {}).flatMap(([cap, names]) =>
    names.split(' ').map((name) => ({ name, cap: Number(cap) })),
  )

/**
 * What other service tiers of a model cost, in place of its usual prices; of several names that are meant those of the
 * model's own name, else the dearest. Nothing where the list has other usual prices: it then speaks of another time.
 */
export function serviceTiersOf(provider: string, model: string, isMeant: Matcher, { input, output }: Prices): Tier[] {
  const all: readonly Listed[] = tiersByProvider[provider] ?? []
  const meant = all.filter(
    ({ names, usual }) => usual.input === input && usual.output === output && names.split(' ').some(isMeant),
  )
  const own = meant.find(({ names }) => names.split(' ').includes(model.toLowerCase()))
  const [dearest] = meant.toSorted((a, b) => outputOf(b) - outputOf(a))
  return [...((own ?? dearest)?.tiers ?? [])]
}

type Listed = { names: string; usual: Prices; tiers: readonly Tier[] }
const tiersByProvider: Readonly<Record<string, readonly Listed[]>> = listed.service_tiers

const outputOf = ({ tiers }: Listed): number => Math.max(...tiers.map(({ prices }) => Number(prices.output ?? 0)))
