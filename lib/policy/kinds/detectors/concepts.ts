import type { Span, Term, TermHit } from '@/lib/policy/engine/policy'
import { step } from '@/lib/policy/engine/time-limit'

/**
 * Words and beginnings of words for one idea, in any language. They are matched from the beginning of a word on, so that
 * `ignor` stands for ignore, ignoring, ignorez and ignoriere; a `|` at the end asks for the whole word.
 */
export type Lexicon<Concept extends string> = Readonly<Record<Concept, readonly string[]>>

/** Ideas that together mean something when they stand close to each other. */
export type ConceptRule<Concept extends string> = {
  rule: string
  /** From 0 to 1: how sure this rule alone makes. */
  weight: number
  all: readonly Concept[]
  /** Most characters from the beginning of the first to that of the last. */
  within: number
  /** In the order of `all`. */
  isOrdered?: boolean
  /** Does not count with one of these at most 50 characters before or after. */
  unless?: readonly Concept[]
}

export type ConceptMatch = Span & { rule: string; weight: number }

export type ConceptSearch = {
  terms: readonly Term[]
  /** @param hits those of `terms`, by index, in the text's own positions */
  match(text: string, hits: readonly TermHit[]): ConceptMatch[]
}

const UNLESS_UNITS = 50

/** Where a word of a concept stands; concepts are known by number. */
type Place = Span & { concept: number }

/**
 * One scan finds the words; whether they mean something is a matter of arithmetic on their positions.
 *
 * @param shadow a concept whose longer words take the place of others that stand in them
 */
export function conceptSearch<Concept extends string>(
  lexicon: Lexicon<Concept>,
  rules: readonly ConceptRule<Concept>[],
  shadow: Concept | null = null,
): ConceptSearch {
  const concepts = new Map<string, Concept[]>()
  for (const concept of Object.keys(lexicon) as Concept[]) {
    for (const word of lexicon[concept]) concepts.set(word, [...(concepts.get(word) ?? []), concept])
  }
  const names = Object.keys(lexicon) as Concept[]
  const owners = [...concepts.values()].map((own) => own.map((concept) => names.indexOf(concept)))
  const terms = [...concepts.keys()].map(
    (word): Term =>
      word.endsWith('|')
        ? { text: word.slice(0, -1), wholeWord: true }
        : { text: word, wholeWord: false, isOnlyAtWordStart: true },
  )
  const numbered = rules.map((rule) => ({
    ...rule,
    all: rule.all.map((concept) => names.indexOf(concept)),
    unless: rule.unless?.map((concept) => names.indexOf(concept)) ?? null,
  }))
  const shadowAt = shadow === null ? -1 : names.indexOf(shadow)
  const rulesWith = names.map((_, concept) => numbered.filter(({ all }) => all.includes(concept)))
  return {
    terms,
    match(text, hits) {
      const places: Place[] = []
      for (const { term, start, end } of hits) {
        const own = owners[term]
        if (own === undefined || !beginsWord(text, start)) continue
        for (const concept of own) places.push({ concept, start, end })
      }
      if (places.length === 0) return NOTHING
      places.sort((a, b) => a.start - b.start)
      return matchRules(shadowAt === -1 ? places : unshadowed(places, shadowAt), rulesWith)
    },
  }
}

function unshadowed(places: readonly Place[], shadow: number): readonly Place[] {
  const shadows = places.filter(({ concept }) => concept === shadow)
  if (shadows.length === 0) return places
  let next = 0
  let shadowEnd = 0
  return places.filter(({ concept, start, end }) => {
    for (; (shadows[next]?.start ?? Number.POSITIVE_INFINITY) <= start; next++)
      shadowEnd = Math.max(shadowEnd, shadows[next]?.end ?? 0)
    return concept === shadow || end > shadowEnd
  })
}

const NOTHING: ConceptMatch[] = []

/** A rule with concepts by number. */
type NumberedRule = Omit<ConceptRule<string>, 'all' | 'unless'> & {
  all: readonly number[]
  unless: readonly number[] | null
}

function matchRules(places: readonly Place[], rulesWith: readonly (readonly NumberedRule[])[]): ConceptMatch[] {
  const last: (Place | undefined)[] = []
  const matches: ConceptMatch[] = []
  for (const place of places) {
    step()
    last[place.concept] = place
    for (const rule of rulesWith[place.concept] ?? []) {
      const span = spanOf(last, rule)
      if (span === null || (rule.unless !== null && isNear(places, rule.unless, span))) continue
      matches.push({ ...span, rule: rule.rule, weight: rule.weight })
    }
  }
  return matches
}

function spanOf(last: readonly (Place | undefined)[], { all, isOrdered, within }: NumberedRule): Span | null {
  let start = Number.POSITIVE_INFINITY
  let latest = 0
  let end = 0
  let before = -1
  for (const concept of all) {
    const place = last[concept]
    if (!place || (isOrdered && place.start <= before)) return null
    before = place.start
    start = Math.min(start, place.start)
    latest = Math.max(latest, place.start)
    end = Math.max(end, place.end)
  }
  return latest - start <= within ? { start, end } : null
}

const isNear = (places: readonly Place[], concepts: readonly number[], { start, end }: Span) => {
  step(places.length >> 10)
  return places.some(
    (place) => concepts.includes(place.concept) && place.end > start - UNLESS_UNITS && place.start < end + UNLESS_UNITS,
  )
}

const WORD = /[\p{L}\p{N}]/u
/** Scripts that put no blanks between words. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u

const isAsciiLetter = (code: number) => (code | 32) >= 97 && (code | 32) <= 122

const beginsWord = (text: string, start: number): boolean =>
  start === 0 ||
  (text.charCodeAt(start - 1) === 0x20 && isAsciiLetter(text.charCodeAt(start))) ||
  !WORD.test(text.charAt(start - 1)) ||
  !WORD.test(text.charAt(start)) ||
  UNSPACED.test(text.charAt(start))

/** What several independent signs say together (noisy or); each rule counts once. */
export function combine(matches: readonly { rule: string; weight: number }[]): number {
  const weights = new Map<string, number>()
  for (const { rule, weight } of matches) weights.set(rule, Math.max(weight, weights.get(rule) ?? 0))
  let doubt = 1
  for (const weight of weights.values()) doubt *= 1 - weight
  return 1 - doubt
}
