/**
 * One name for each model: of several that are the same, the one that is asked about first. `Claude Haiku 4.5` is the same as
 * `claude-haiku-4-5-20251001`, and `gpt-4o-mini` as `gpt-4o-mini-2024-07-18`.
 *
 * @param byMeters whether names that are not known may be those of meters, which begin with the name of a model:
 * `gpt 4o mini 0718 Inp glbl Tokens`. The longest wins.
 */
export function modelNames(byMeters: boolean): (model: string) => string {
  const bySortedWords = new Map<string, string>()
  const byWords = new Map<string, string>()
  const told = new Map<string, string>()
  const nameOf = (model: string): string => {
    const words = wordsOf(model)
    const sorted = words.toSorted().join(' ')
    const known = bySortedWords.get(sorted) ?? (byMeters ? longestPrefix(words, byWords) : undefined)
    if (known !== undefined) return known
    bySortedWords.set(sorted, model)
    byWords.set(words.join(' '), model)
    return model
  }
  return (model) => {
    const name = told.get(model) ?? nameOf(model)
    told.set(model, name)
    return name
  }
}

function longestPrefix(words: readonly string[], known: ReadonlyMap<string, string>): string | undefined {
  for (let count = words.length - 1; count > 0; count--) {
    const found = known.get(words.slice(0, count).join(' '))
    if (found !== undefined) return found
  }
  return undefined
}

/** Without the path before it and the date of its version. */
function wordsOf(name: string): string[] {
  const own = name.slice(0, NAME_MAX).toLowerCase().split('/').at(-1) ?? ''
  return own
    .replace(/[-@ ](?:\d{4}-\d{2}-\d{2}|20\d{6}|latest)$/, '')
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

const NAME_MAX = 200
