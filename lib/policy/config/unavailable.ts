import type { Path } from '../yaml-source'

/**
 * Keys that are planned but that this release does not enforce: refused with E009 rather than accepted and ignored.
 * `*` stands for any one step of a path. Whoever makes the gateway enforce one removes its line.
 */
const UNAVAILABLE: readonly (readonly [path: string, sentence: string])[] = [
  ['agents', 'Settings per agent are not available in this release; give an agent its own gateway key.'],
  ['callbacks', 'Callbacks are not available in this release; follow decisions with `kt events tail`.'],
  ['providers.targets.*.escalation_routing', 'Escalations have no recipients in this release.'],
]
const STORE = 'Stored secrets are not available in this release; name an environment variable with "env".'

const DEPTH_MAX = 64

/** Every key of a file that cannot be used in this release, and why. `suggestion` is what to write instead. */
export function unavailableIn(value: unknown): { path: Path; message: string; suggestion: string | null }[] {
  const found: { path: Path; message: string; suggestion: string | null }[] = []
  for (const [pattern, message] of UNAVAILABLE) {
    for (const path of matches(value, pattern.split('.'), [])) found.push({ path, message, suggestion: null })
  }
  for (const path of storedSecretsIn(value, [])) found.push({ path, message: STORE, suggestion: 'env' })
  return found
}

/** Paths with `*` for a place in a list: left out of the published schema. */
export const unavailablePaths = (): readonly string[] => UNAVAILABLE.map(([path]) => path)

function matches(value: unknown, [step, ...rest]: readonly string[], at: Path): Path[] {
  if (step === undefined) return [at]
  if (typeof value !== 'object' || value === null) return []
  if (step !== '*') return Object.hasOwn(value, step) ? matches(Reflect.get(value, step), rest, [...at, step]) : []
  return Object.entries(value).flatMap(([key, inner]) =>
    matches(inner, rest, [...at, Array.isArray(value) ? Number(key) : key]),
  )
}

function storedSecretsIn(value: unknown, at: Path): Path[] {
  if (typeof value !== 'object' || value === null || at.length > DEPTH_MAX) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = [...at, Array.isArray(value) ? Number(key) : key]
    const isReference = [at.at(-1), at.at(-2)].some((step) => /secret_key_refs?$|_ref$/.test(String(step)))
    return key === 'store' && isReference ? [path] : storedSecretsIn(inner, path)
  })
}
