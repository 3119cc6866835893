import type { Term, TermHit } from '@/lib/policy/engine/policy'
import type { TextFacts } from '@/lib/policy/engine/text-facts'
import { columnValues } from './columns'
import { type Found, joinOverlaps } from './found'
import { type Labelled, labelledSearch } from './labelled'
import { CARDHOLDER, HEALTH_NUMBERS } from './named-values'
import { personalCodes } from './personal-codes'
import { personalNumbers } from './personal-numbers'
import { plainOf } from './plain-form'
import { streetAddresses } from './street-address'

/** Looked for unless a configuration says otherwise. */
export const BASE_CLASSES = [
  'email',
  'phone',
  'ssn',
  'national_id',
  'iban',
  'ip_address',
  'mac_address',
  'date_of_birth',
  'passport',
  'driving_licence',
] as const
export const CARD_CLASSES = ['credit_card', 'cvv', 'cardholder_name'] as const
export const HEALTH_CLASSES = ['mrn', 'insurance_id', 'npi'] as const
/** A street name is no more than two words and a number, so this one is asked for by name. */
export const OPTIONAL_CLASSES = ['street_address'] as const

export const PERSONAL_CLASSES = [...BASE_CLASSES, ...CARD_CLASSES, ...HEALTH_CLASSES, ...OPTIONAL_CLASSES] as const

/** Personal data of some classes. */
export type PersonalSearch = {
  /** What tells whether labels need to be looked for. */
  terms: readonly Term[]
  /**
   * Without overlap, in order. Spans lie in the text as given.
   *
   * @param hits looks for `terms`; called when that saves time
   * @param isWhole the text is no window of a stream, so that the head of a table in it can be seen
   */
  find(text: string, facts: TextFacts, hits: () => readonly TermHit[], isWhole?: boolean): Found[]
}

/** @param named further values that are known by what is written before them */
export function personalSearch(classes: ReadonlySet<string>, named: readonly Labelled[] = []): PersonalSearch {
  const labelled = labelledSearch(
    [...CARDHOLDER, ...HEALTH_NUMBERS].filter(({ rule }) => classes.has(rule)).concat(named),
  )
  const hasStreets = classes.has('street_address')
  return {
    terms: labelled.terms,
    find(text, facts, hits, isWhole = false) {
      const { text: plain, origin, digitRuns } = plainOf(text, facts)
      facts.numbersAndCodes ??= [...personalNumbers(plain, digitRuns), ...personalCodes(plain, digitRuns)]
      const found = facts.numbersAndCodes.filter(({ rule }) => classes.has(rule))
      if (isWhole) found.push(...columnValues(plain, digitRuns).filter(({ rule }) => classes.has(rule)))
      // Words of other scripts may be lost in normal text, so there the labels themselves are looked for.
      found.push(...labelled.find(plain, facts.hasAsciiWords ? hits() : null, digitRuns))
      if (hasStreets) found.push(...streetAddresses(plain, facts.hasAsciiWords ? digitRuns : null))
      return joinOverlaps(found).map(({ start, end, rule }) => ({ ...origin(start, end), rule }))
    },
  }
}
