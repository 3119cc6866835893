import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js'
import { PHONE_WORDS, REFERENCE_WORDS } from './context'
import { dateAt } from './dates'
import type { Found } from './found'
import { contextOf, digitsOf, hasShape, isSeparatedBy, type NumberGroups } from './number-groups'

/** ITU-T E.164 allows 15 digits; with fewer than 7 nobody can be called from outside. */
const DIGITS_MIN = 7
const DIGITS_MAX = 15

/** How subscribers of a country write their own numbers, where no other number looks like it. */
const NATIONAL: readonly { lengths: readonly number[]; country: CountryCode; begins: RegExp }[] = [
  { lengths: [2, 2, 2, 2, 2], country: 'FR', begins: /^0[1-9]/ },
  { lengths: [5, 6], country: 'GB', begins: /^0[127]/ },
  { lengths: [5, 3, 3], country: 'GB', begins: /^0[127]/ },
  { lengths: [3, 4, 4], country: 'GB', begins: /^02/ },
  { lengths: [4, 3, 4], country: 'GB', begins: /^01/ },
  { lengths: [4, 7], country: 'DE', begins: /^01[567]/ },
  { lengths: [4, 8], country: 'DE', begins: /^01[567]/ },
  { lengths: [3, 4, 4], country: 'JP', begins: /^0[789]0/ },
  { lengths: [2, 4, 4], country: 'JP', begins: /^0[36]/ },
  { lengths: [3, 4, 4], country: 'KR', begins: /^010/ },
  { lengths: [4, 3, 3], country: 'AU', begins: /^04/ },
  { lengths: [2, 4, 4], country: 'AU', begins: /^0[278]/ },
  { lengths: [4, 3, 2, 2], country: 'TR', begins: /^05/ },
  { lengths: [3, 3, 2, 2], country: 'CH', begins: /^0[2-7]/ },
  { lengths: [4, 2, 2, 2], country: 'BE', begins: /^04/ },
  { lengths: [3, 3, 4], country: 'ZA', begins: /^0[6-8]/ },
  { lengths: [3, 3, 4], country: 'IE', begins: /^08/ },
  { lengths: [3, 3, 4], country: 'TH', begins: /^0[689]/ },
  { lengths: [3, 3, 4], country: 'IL', begins: /^05/ },
  { lengths: [3, 3, 4], country: 'SA', begins: /^05/ },
  { lengths: [3, 3, 4], country: 'KR', begins: /^0[3-6]/ },
  { lengths: [2, 4, 4], country: 'TW', begins: /^0[2-8]/ },
  { lengths: [4, 3, 3], country: 'TW', begins: /^09/ },
  { lengths: [4, 3, 3], country: 'RO', begins: /^07/ },
  { lengths: [4, 3, 3], country: 'VN', begins: /^0[3-9]/ },
  { lengths: [4, 3, 4], country: 'PH', begins: /^09/ },
  { lengths: [4, 3, 4], country: 'NG', begins: /^0[789]/ },
  { lengths: [4, 4, 4], country: 'ID', begins: /^08/ },
  { lengths: [4, 7], country: 'AT', begins: /^06/ },
  { lengths: [4, 7], country: 'PK', begins: /^03/ },
  { lengths: [2, 8], country: 'NL', begins: /^06/ },
  { lengths: [3, 3, 2, 2], country: 'UA', begins: /^0[3-9]/ },
  { lengths: [3, 3, 2, 2], country: 'SE', begins: /^0[1-9]/ },
  { lengths: [2, 3, 3, 2], country: 'SE', begins: /^08/ },
]

/** Ofcom keeps these free for films and examples: people who try a mask write them, and no plan has them. */
const FOR_FILMS = /^0(?:7700900|1632960|1\d\d4960|2079460|1914980)\d{3}$/

/**
 * A telephone number that begins at these groups; null when it is just a number.
 *
 * International numbers (`+`, `00`) are checked against the numbering plans of libphonenumber. North American and a few
 * national shapes stand for themselves. All others count only behind a word such as "phone".
 */
export function phoneAt(text: string, number: NumberGroups): Found | null {
  if (number.digits < DIGITS_MIN) return null
  const { start } = number
  const before = text.charAt(start - 1)
  const plus = before === '+' ? start - 1 : before === '(' && text.charAt(start - 2) === '+' ? start - 2 : -1
  if (plus >= 0) {
    // Numbers that no plan knows, such as those of films, count behind a name.
    const found = internationalAt(number, plus, '+') ?? writtenInternationalAt(number, plus)
    if (found) return found
    const named = namedAt(text, number)
    return named && { ...named, start: plus }
  }
  // The number of a person in a link of WhatsApp is an international one without its sign.
  if (/\bwa\.me\/$/i.test(text.slice(Math.max(0, start - 7), start))) return internationalAt(number, start, '+')
  // Inside a longer number: an order number, a date, a version.
  if (/[-./]/.test(before) && /[\p{L}\p{N}]/u.test(text.charAt(start - 2))) return null
  if (number.groups[0]?.startsWith('00') && !isReference(text, number)) {
    const found = internationalAt(number, start, '+', 2)
    if (found) return found
  }
  return (
    northAmericanAt(text, number) ??
    nationalAt(text, number) ??
    brazilianAt(text, number) ??
    russianAt(text, number) ??
    namedAt(text, number)
  )
}

function internationalAt(number: NumberGroups, start: number, prefix: string, skip = 0): Found | null {
  for (let count = countUpTo(number, DIGITS_MAX + skip); count > 0; count--) {
    const digits = digitsOf(number, count).slice(skip)
    if (digits.length < DIGITS_MIN) return null
    // A trunk zero in brackets, +44 (0)20, is written but not dialled.
    const dialled = number.groups[1] === '0' ? digits.replace(`${number.groups[0]}0`, number.groups[0] ?? '') : digits
    if (parsePhoneNumberFromString(prefix + dialled)?.isValid()) {
      return { start, end: number.ends[count - 1] ?? start, rule: 'phone' }
    }
  }
  return null
}

/** In groups as only telephone numbers have them behind a plus; nobody sets apart an amount like that. */
function writtenInternationalAt(number: NumberGroups, start: number): Found | null {
  const count = countUpTo(number, DIGITS_MAX)
  const isAmount = number.groups.slice(1, count).every(({ length }) => length === 3)
  const isCountry = (number.groups[0] ?? '').length <= 3
  if (count < 3 || !isCountry || isAmount || isContinued(number, count)) return null
  const digits = digitsOf(number, count)
  if (digits.length < WRITTEN_DIGITS_MIN || !parsePhoneNumberFromString(`+${digits}`)?.isPossible()) return null
  return { start, end: number.ends[count - 1] ?? start, rule: 'phone' }
}

const WRITTEN_DIGITS_MIN = 10

/** "SKU 212-555-0100": a name right before a number that is none to call. */
const REFERENCE_UNITS = 12
const isReference = (text: string, number: NumberGroups) =>
  REFERENCE_WORDS.test(contextOf(text, number).slice(-REFERENCE_UNITS))

function northAmericanAt(text: string, number: NumberGroups): Found | null {
  const first = number.groups[0] === '1' ? 1 : 0
  const [area = '', exchange = '', line = ''] = number.groups.slice(first)
  if (area.length !== 3 || exchange.length !== 3 || line.length !== 4) return null
  if (area < '2' || exchange < '2' || isContinued(number, first + 3)) return null
  if (isReference(text, number)) return null
  const separators = number.separators.slice(first + 1, first + 3)
  const isBracketed = text.charAt(number.start - 1) === '(' && separators[0]?.startsWith(')') === true
  const isUniform = separators[0] === separators[1] && (separators[0] === '-' || separators[0] === '.')
  if (!isBracketed && !isUniform) return null
  return {
    start: isBracketed ? number.start - 1 : number.start,
    end: number.ends[first + 2] ?? number.start,
    rule: 'phone',
  }
}

function nationalAt(text: string, number: NumberGroups): Found | null {
  if (!number.groups[0]?.startsWith('0') || isReference(text, number)) return null
  for (const { lengths, country, begins } of NATIONAL) {
    const count = lengths.length
    if (!hasShape(number, lengths) || !begins.test(number.groups[0]) || isContinued(number, count)) continue
    if (count > 2 && !isSeparatedBy(number, count, null) && !(country === 'SE' && isTiedFirst(number, count))) continue
    const digits = digitsOf(number, count)
    if (!FOR_FILMS.test(digits) && !parsePhoneNumberFromString(digits, country)?.isValid()) continue
    if (country === 'FR' && isRowOfPairs(text, number, count)) return null
    return { start: number.start, end: number.ends[count - 1] ?? number.start, rule: 'phone' }
  }
  return null
}

/** `070-174 06 05`: the area is tied, the rest stands apart. */
const isTiedFirst = ({ separators }: NumberGroups, count: number) =>
  separators[1] === '-' && separators.slice(2, count).every((separator) => separator === ' ')

/** Numbers of a lottery: one after the other in order, or more of them than a telephone number has pairs. */
function isRowOfPairs(text: string, { start, groups, separators }: NumberGroups, count: number): boolean {
  const isInOrder = groups.slice(1, count).every((pair, at) => pair > (groups[at] ?? ''))
  const goesOn = groups[count]?.length === 2 && separators[count] === separators[1]
  const isBehindPair = /(?<!\d)\d\d[ .-]$/.test(text.slice(Math.max(0, start - 4), start))
  return goesOn || isInOrder || isBehindPair
}

/** `(11) 95555-0148`: an area of two digits in brackets, the rest tied by a hyphen. */
function brazilianAt(text: string, number: NumberGroups): Found | null {
  if (text.charAt(number.start - 1) !== '(' || isContinued(number, 3)) return null
  if (!hasShape(number, [2, 5, 4]) && !hasShape(number, [2, 4, 4])) return null
  const [, area, line] = number.separators
  if (!area?.startsWith(')') || line !== '-') return null
  if (!parsePhoneNumberFromString(digitsOf(number, 3), 'BR')?.isValid()) return null
  return { start: number.start - 1, end: number.ends[2] ?? number.start, rule: 'phone' }
}

/** `8 (916) 123-45-67`: with the trunk prefix, in a shape that no other number has. */
function russianAt(text: string, number: NumberGroups): Found | null {
  if (number.groups[0] !== '8' || !hasShape(number, [1, 3, 3, 2, 2]) || isContinued(number, 5)) return null
  const [, , , third, fourth] = number.separators
  if (third !== '-' || fourth !== '-' || /[\p{L}\p{N}]/u.test(text.charAt(number.start - 1))) return null
  if (!parsePhoneNumberFromString(digitsOf(number, 5), 'RU')?.isValid()) return null
  return { start: number.start, end: number.ends[4] ?? number.start, rule: 'phone' }
}

function namedAt(text: string, number: NumberGroups): Found | null {
  const count = countUpTo(number, 13)
  const digits = digitsOf(number, count)
  if (digits.length < DIGITS_MIN || isContinued(number, count)) return null
  if (count > 2 && number.groups.slice(0, count).every(({ length }) => length === 1)) return null
  if (count === 3 && dateAt(text, number) !== null) return null
  // No plan of any country has such numbers; offsets and counters begin so.
  if (digits.startsWith('0000')) return null
  const context = contextOf(text, number)
  const isNamed =
    PHONE_WORDS.test(context) || (digits.length >= LETTERED_DIGITS_MIN && isNamedBehind(text, number, count))
  if (!isNamed && !(digits.length >= LETTERED_DIGITS_MIN && isLettered(text, number, context))) return null
  if (REFERENCE_WORDS.test(context)) return null
  const isBracketed = text.charAt(number.start - 1) === '(' && number.separators[1]?.startsWith(')') === true
  return {
    start: isBracketed ? number.start - 1 : number.start,
    end: number.ends[count - 1] ?? number.start,
    rule: 'phone',
  }
}

/** `M 07700 900461`, `T: (030) 1234567`: a line of a signature, in which a letter stands for the word. */
const LETTER = /(?:^|[|•·,/(]) ?[mtpfhwcd][.:]? ?[+(]{0,2}$/
const LETTERED_DIGITS_MIN = 9

const isLettered = (text: string, { start, groups }: NumberGroups, context: string) =>
  (groups[0]?.startsWith('0') || groups.length > 2 || /[+(]/.test(text.charAt(start - 1))) && LETTER.test(context)

/** `0161 496 0753 (mobile)`. */
const KIND_BEHIND =
  /^ ?[([](?:mobile|mob|cell|home|work|office|landline|direct|fax|tel|phone|handy|mobil|festnetz|privat|portable|fixe|móvil|fijo|cellulare|casa|ufficio|thuis|werk|komórka|hem|携帯|手机|моб)/i

const isNamedBehind = (text: string, { ends, start }: NumberGroups, count: number) => {
  const end = ends[count - 1] ?? start
  return KIND_BEHIND.test(text.slice(end, end + 12))
}

/** Groups that together have at most so many digits. */
function countUpTo(number: NumberGroups, digitsMax: number): number {
  let digits = 0
  let count = 0
  for (const group of number.groups) {
    digits += group.length
    if (digits > digitsMax) break
    count += 1
  }
  return count
}

/** Whether more digits are tied on by something other than a blank. */
const isContinued = ({ separators }: NumberGroups, count: number): boolean => {
  const next = separators[count]
  return next !== undefined && !/^[ \u00a0(]{1,2}$/.test(next)
}
