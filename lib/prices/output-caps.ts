import type { Matcher } from './match'
import listed from './output-caps.json' with { type: 'json' }

type Cap = { name: string; cap: number }

const byProvider = new Map<string, readonly Cap[]>()

/**
 * The most tokens that a model answers with, of all names of a provider that are meant. The names are those of a list that
 * this release comes with (`scripts/output-caps.mjs`).
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

function capsOf(provider: string): readonly Cap[] {
  const known = byProvider.get(provider)
  if (known !== undefined) return known
  const all: Readonly<Record<string, Readonly<Record<string, string>>>> = listed.caps
  const caps = Object.entries(all[provider] ?? {}).flatMap(([cap, names]) =>
    names.split(' ').map((name) => ({ name, cap: Number(cap) })),
  )
  byProvider.set(provider, caps)
  return caps
}
