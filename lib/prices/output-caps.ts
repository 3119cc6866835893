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
