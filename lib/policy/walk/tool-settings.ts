import type { Place, Walk } from './walked'

/** With these a provider goes to a server on the caller's behalf: to take them out would only lock it out. */
const CREDENTIALS = ['authorization', 'authorization_token', 'headers'] as const

/** What a tool of the provider's own is told: addresses, domains, grammars, labels. */
export function walkToolSettings(
  walk: Walk,
  fields: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  place: Place,
  settings: ReadonlySet<string> = CACHE,
): void {
  const credentials = CREDENTIALS.filter((name) => fields[name] !== undefined && fields[name] !== null)
  if (credentials.length > 0) walk.skip('credentials of a tool', 'for the provider to use')
  walk.rest(fields, credentials.length > 0 ? new Set([...known, ...credentials]) : known, place, 'label', settings)
}

const CACHE: ReadonlySet<string> = new Set(['cache_control'])
