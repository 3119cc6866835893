import { type Found, joinOverlaps } from './found'
import { type Labelled, labelledValues } from './labelled'
import { CARDHOLDER, HEALTH_NUMBERS } from './named-values'
import { personalCodes } from './personal-codes'
import { personalNumbers } from './personal-numbers'
import { plainForm } from './plain-form'
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
export type PersonalClass = (typeof PERSONAL_CLASSES)[number]

/**
 * Personal data of these classes, without overlap, in order. Spans lie in the text as given.
 *
 * @param named further values that are known by what is written before them
 */
export function findPersonalData(text: string, classes: ReadonlySet<string>, named: readonly Labelled[] = []): Found[] {
  const plain = plainForm(text)
  const found = [...personalNumbers(plain.text), ...personalCodes(plain.text)].filter(({ rule }) => classes.has(rule))
  const labelled = [...CARDHOLDER, ...HEALTH_NUMBERS].filter(({ rule }) => classes.has(rule))
  found.push(...labelledValues(plain.text, [...labelled, ...named]))
  if (classes.has('street_address')) found.push(...streetAddresses(plain.text))
  return joinOverlaps(found).map(({ start, end, rule }) => ({ ...plain.origin(start, end), rule }))
}
