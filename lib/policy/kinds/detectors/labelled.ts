import type { Term, TermHit } from '@/lib/policy/engine/policy'
import { step } from '@/lib/policy/engine/time-limit'
import type { Found } from './found'

export type Labelled = {
  rule: string
  /** In lower case: unless one of these is in a text the label is not looked for. With `|` a word begins or ends there. */
  signs: readonly string[]
  /** Names of the value, global and case-insensitive. */
  label: RegExp
  /** The value, sticky. Its first group is what counts, the whole when it has none. */
  value: RegExp
  /** How many digits at least stand next to each other in a value. */
  digitsTogether?: number
  isValid?: (value: string) => boolean
}

/** What people write between a name and its value: `Patient ID (new) is: #`. */
const BETWEEN =
  /["'”]?\)?[ \t]{0,3}(?:(?:number|num|no|nr|id|code|is|was|are|lautet|ist|est|es|è)\b[.:]?[ \t]{0,2}){0,3}(?:[:=#-]|::|->){0,2}[ \t]{0,3}["'“#]?/iy

/** A search for values that are known by what is written right before them. */
export type LabelledSearch = {
  /** The signs of all rules. */
  terms: readonly Term[]
  /**
   * @param hits of a text of ASCII words those of `terms`; null of others
   * @param digitRuns where the runs of digits begin and end
   */
  find(text: string, hits: readonly TermHit[] | null, digitRuns: readonly number[]): Found[]
}

export function labelledSearch(rules: readonly Labelled[]): LabelledSearch {
  const owners = rules.flatMap(({ signs }, rule) => signs.map(() => rule))
  const words = rules.map(({ signs }) => signs.map(wordOf))
  return {
    terms: rules.flatMap(({ signs }) => signs.map(signTerm)),
    find(text, hits, digitRuns) {
      const found: Found[] = []
      if (rules.length === 0) return found
      const digits = longestRun(digitRuns)
      const wanted = hits === null ? placesIn(text.toLowerCase(), words) : new Set(hits.map(({ term }) => owners[term]))
      for (const [place, rule] of rules.entries()) {
        const isNamed = rule.signs.length === 0 || wanted.has(place)
        if (isNamed && digits >= (rule.digitsTogether ?? 0)) valuesOf(text, rule, found)
      }
      return found
    },
  }
}

/** For the scanner of a chain. With `|` a word begins or ends there. */
export function signTerm(sign: string): Term {
  const isOnlyAtWordStart = sign.startsWith('|')
  const wholeWord = isOnlyAtWordStart && sign.endsWith('|')
  return { text: wordOf(sign), wholeWord, isOnlyAtWordStart, isFirstOnly: true }
}

const wordOf = (sign: string) => sign.replaceAll('|', '')

/** Places of lists with a word that the text has. */
const placesIn = (lower: string, lists: readonly (readonly string[])[]) =>
  new Set(lists.flatMap((words, place) => (words.some((word) => lower.includes(word)) ? [place] : [])))

function longestRun(digitRuns: readonly number[]): number {
  let longest = 0
  for (let i = 0; i < digitRuns.length; i += 2)
    longest = Math.max(longest, (digitRuns[i + 1] ?? 0) - (digitRuns[i] ?? 0))
  return longest
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
