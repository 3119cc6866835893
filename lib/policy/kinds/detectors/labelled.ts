import type { Term, TermHit } from '@/lib/policy/engine/policy'
import { step } from '@/lib/policy/engine/time-limit'
import type { Found } from './found'

export type Labelled = {
  rule: string
  /** In lower case: without one of these in a text the label is not looked for. */
  signs: readonly string[]
  /** Names of the value, global and case-insensitive. */
  label: RegExp
  /** The value, sticky. Its first group is what counts, the whole when it has none. */
  value: RegExp
  isValid?: (value: string) => boolean
}

/** What people write between a name and its value: `Patient ID (new) is: #`. */
const BETWEEN =
  /["'”]?\)?[ \t]{0,3}(?:(?:number|num|no|nr|id|code|is|was|are|lautet|ist|est|es|è)\b[.:]?[ \t]{0,2}){0,3}(?:[:=#-]|::|->){0,2}[ \t]{0,3}["'“#]?/iy

/** A search for values that are known by what is written right before them. */
export type LabelledSearch = {
  /** The signs of all rules. */
  terms: readonly Term[]
  /** @param hits those of `terms` in an ASCII text; null when nobody has looked for them */
  find(text: string, hits: readonly TermHit[] | null): Found[]
}

export function labelledSearch(rules: readonly Labelled[]): LabelledSearch {
  const owners = rules.flatMap(({ signs }, rule) => signs.map(() => rule))
  return {
    terms: rules.flatMap(({ signs }) => signs.map((text) => ({ text, wholeWord: false, isFirstOnly: true }))),
    find(text, hits) {
      if (rules.length === 0) return NOTHING
      if (hits === null) return labelledValues(text, rules)
      if (hits.length === 0) return NOTHING
      const wanted = new Set(hits.map(({ term }) => owners[term]))
      const found: Found[] = []
      for (const [place, rule] of rules.entries()) if (wanted.has(place)) valuesOf(text, rule, found)
      return found
    },
  }
}

const NOTHING: Found[] = []

/** Values that are known by what is written right before them. */
export function labelledValues(text: string, rules: readonly Labelled[]): Found[] {
  const found: Found[] = []
  const lower = rules.length > 0 ? text.toLowerCase() : ''
  for (const rule of rules) if (rule.signs.some((sign) => lower.includes(sign))) valuesOf(text, rule, found)
  return found
}

function valuesOf(text: string, { rule, label, value, isValid }: Labelled, found: Found[]): void {
  for (const named of text.matchAll(label)) {
    step()
    BETWEEN.lastIndex = named.index + named[0].length
    const between = BETWEEN.exec(text)?.[0].length ?? 0
    const at = named.index + named[0].length + between
    value.lastIndex = at
    const match = value.exec(text)
    if (!match) continue
    const wanted = match[1] ?? match[0]
    const start = at + match[0].indexOf(wanted)
    if (wanted !== '' && (isValid === undefined || isValid(wanted)))
      found.push({ start, end: start + wanted.length, rule })
  }
}
