import type { Token, TokenUsage } from '@/lib/contract/tokens'

export type ModelUse = {
  name: string
  /** Calls that were not blocked. */
  served: number
  blocked: number
  isAllowed: boolean
}

/** Models that a key may use beside those it was used for; what it may use first, most used on top. */
export function modelsUsed({ allowed_models: allowed }: Token, { models }: TokenUsage): ModelUse[] {
  const isAllowed = (name: string) => allowsAny(allowed) || (allowed?.includes(name) ?? false)
  const used = models.items.map(({ name, requests, blocked }) => ({
    name,
    served: requests - blocked,
    blocked,
    isAllowed: isAllowed(name),
  }))
  const unused = (allowed ?? [])
    .filter((name) => name !== '*' && !used.some((use) => use.name === name))
    .map((name) => ({ name, served: 0, blocked: 0, isAllowed: true }))
  return [...used, ...unused].toSorted((a, b) => Number(b.isAllowed) - Number(a.isAllowed) || b.served - a.served)
}

export type Shrinking = { keeps: string[]; drops: string[]; wasAny: boolean }

/**
 * The list of models that is left when only those stay that served a call.
 *
 * @returns null when there is nothing to take away, nothing would be left, or not all of the use is known
 */
export function shrinkingOf(token: Token, usage: TokenUsage): Shrinking | null {
  if (usage.models.has_more) return null
  const wasAny = allowsAny(token.allowed_models)
  const all = modelsUsed(token, usage).filter(({ isAllowed }) => isAllowed)
  const keeps = all.filter(({ served }) => served > 0).map(({ name }) => name)
  const drops = wasAny ? [] : all.filter(({ served }) => served === 0).map(({ name }) => name)
  return keeps.length > 0 && (wasAny || drops.length > 0) ? { keeps, drops, wasAny } : null
}

const allowsAny = (allowed: string[] | null) => allowed === null || allowed.includes('*')
