import ipaddr from 'ipaddr.js'
import type { Span } from '@/lib/policy/engine/policy'
import { step } from '@/lib/policy/engine/time-limit'
import {
  hasLuhn,
  isAadhaar,
  isAhv,
  isBsn,
  isCpf,
  isFrenchNir,
  isNhsNumber,
  isPersonnummer,
  isPesel,
  isSin,
  isSpanishId,
  isSsn,
  isSteuerId,
} from './checksums'
import {
  AADHAAR_WORDS,
  BIRTH_WORDS,
  BSN_WORDS,
  CARD_WORDS,
  CONTEXT_UNITS,
  CPF_WORDS,
  CVV_WORDS,
  contextBefore,
  LICENCE_WORDS,
  NHS_WORDS,
  PASSPORT_WORDS,
  PERSONNUMMER_WORDS,
  PESEL_WORDS,
  SIN_ALONE,
  SIN_WORDS,
  SSN_WORDS,
  STEUER_WORDS,
  VERSION_WORDS,
} from './context'
import { dateAt } from './dates'
import type { Found } from './found'
import { nationalNumberAt } from './national-ids'
import { contextOf, digitsOf, hasShape, isSeparatedBy, type NumberGroups, readGroups } from './number-groups'
import { phoneAt } from './phone'

/**
 * Everything that is made of digits: cards, national ids, telephone numbers, IPv4 addresses, dates of birth.
 *
 * @param digitRuns where the runs of digits begin and end
 */
export function personalNumbers(text: string, digitRuns: readonly number[]): Found[] {
  const found: Found[] = []
  for (let i = 0; i < digitRuns.length; i += 2) {
    step()
    const start = digitRuns[i] ?? 0
    if (!isWordCode(text.charCodeAt(start - 1)) && couldBePersonal(text, digitRuns, i)) numberAt(text, start, found)
  }
  return found
}

export function numberAt(text: string, start: number, found: Found[]): void {
  step(4)
  const number = readGroups(text, start)
  for (const detect of number.digits < LONG_DIGITS_MIN ? OF_SHORT : DETECTORS) {
    const one = detect(text, number)
    if (one) found.push(one)
  }
}

/** ASCII; false of what is not a character. */
const isWordCode = (code: number) =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95

/** Most characters between two groups of one number, and between a day and its year ("3rd, of September., de 1999"). */
const GROUP_GAP_MAX = 2
const YEAR_GAP_MAX = 30
/** Every name of a security code has one of these in it. */
const CVV_SIGN =
  /cv|csc|cid|code|kod|código|codice|secur|verif|gramme|prüf|front|back|revers|rück|dos|verso|retro|achter|odwroc|arka|安全|校验|后三位|セキュリティ|보안|код|сивив|सीवी|सुरक्षा|güvenlik/i
const CVV_CONTEXT_UNITS = 36
/** Between a card's date and the code behind it: `06/29 / 123`. */
const DATE_GAP_MAX = 6
const MONTH_GAP_MAX = 3

/** Whether any detector could want the run of digits at `i`: nearly all numbers of usual text are short and stand alone. */
function couldBePersonal(text: string, digitRuns: readonly number[], i: number): boolean {
  const start = digitRuns[i] ?? 0
  const end = digitRuns[i + 1] ?? 0
  const gap = (digitRuns[i + 2] ?? Number.POSITIVE_INFINITY) - end
  const length = end - start
  if (length > 6 || gap <= GROUP_GAP_MAX) return true
  if (length <= 2) return gap <= YEAR_GAP_MAX
  if (length > 4) return false
  return isBehindMonth(digitRuns, i) || CVV_SIGN.test(text.slice(Math.max(0, start - CVV_CONTEXT_UNITS), start))
}

/** Whether the two runs before could be a month and a year. */
function isBehindMonth(digitRuns: readonly number[], i: number): boolean {
  if (i < 4 || (digitRuns[i] ?? 0) - (digitRuns[i - 1] ?? 0) > DATE_GAP_MAX) return false
  const monthEnd = digitRuns[i - 3] ?? 0
  return monthEnd - (digitRuns[i - 4] ?? 0) === 2 && (digitRuns[i - 2] ?? 0) - monthEnd <= MONTH_GAP_MAX
}

type Detect = (text: string, number: NumberGroups) => Found | null

const DETECTORS: readonly Detect[] = [
  cardAt,
  wrappedCardAt,
  nationalIdAt,
  namedIdAt,
  countryIdAt,
  phoneAt,
  ipv4At,
  birthDateAt,
  cvvAt,
]
/** The others want at least so many digits. */
const LONG_DIGITS_MIN = 7
const OF_SHORT: readonly Detect[] = [wrappedCardAt, ipv4At, birthDateAt, cvvAt]

const CARD_SHAPES = [
  [4, 4, 4, 4, 3],
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
]

/** Issuer ranges in use (ISO/IEC 7812): Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay, Maestro. */
const CARD_ISSUERS: readonly { begins: RegExp; lengths: readonly number[] }[] = [
  { begins: /^4/, lengths: [13, 16, 19] },
  { begins: /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] },
  { begins: /^3[47]/, lengths: [15] },
  { begins: /^(?:6011|65|64[4-9])/, lengths: [16, 19] },
  { begins: /^3(?:0[0-5]|[689])/, lengths: [14] },
  { begins: /^35(?:2[89]|[3-8])/, lengths: [16, 19] },
  { begins: /^62/, lengths: [16, 17, 18, 19] },
  { begins: /^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, lengths: [12, 13, 14, 15, 16, 17, 18, 19] },
]

export const isCardNumber = (digits: string): boolean =>
  CARD_ISSUERS.some(({ begins, lengths }) => lengths.includes(digits.length) && begins.test(digits)) && hasLuhn(digits)

function cardAt(text: string, number: NumberGroups): Found | null {
  const first = number.groups[0]?.length ?? 0
  if (number.digits < 12 || first < 4) return null
  const count = first > 4 ? 1 : (CARD_SHAPES.find((lengths) => hasShape(number, lengths))?.length ?? 0)
  if (count === 0 || !isCardNumber(digitsOf(number, count)) || !isSeparatedBy(number, count, null)) return null
  return whole(text, number, count, 'credit_card')
}

const LINE_END = /[ \t]{0,2}\r?\n[ \t]{0,4}(?=\d)/y
const BREAKS_MAX = 3

/** A card that goes on in the next line. In groups of a card it stands for itself; otherwise a card must be spoken of. */
function wrappedCardAt(text: string, number: NumberGroups): Found | null {
  if (number.digits > 15 || (number.groups[0]?.length ?? 0) < 4) return null
  const groups = [...number.groups]
  const joints: string[] = number.separators.slice(1)
  let end = number.ends.at(-1) ?? number.start
  let breaks = 0
  for (let digits = number.digits; breaks < BREAKS_MAX && digits < 16; breaks++) {
    LINE_END.lastIndex = end
    const lineEnd = LINE_END.exec(text)
    if (lineEnd === null) break
    const next = readGroups(text, end + lineEnd[0].length)
    groups.push(...next.groups)
    joints.push('\n', ...next.separators.slice(1))
    digits += next.digits
    end = next.ends.at(-1) ?? end
  }
  if (breaks === 0 || !isCardNumber(groups.join(''))) return null
  const inLine = new Set(joints.filter((joint) => joint !== '\n'))
  const isShaped = CARD_SHAPES.some(
    (shape) => shape.length === groups.length && shape.every((n, i) => n === groups[i]?.length),
  )
  const isPlain = breaks === 1 && isShaped && inLine.size === 1
  const before = text.slice(Math.max(0, number.start - CONTEXT_UNITS), number.start).toLowerCase()
  if (inLine.size > 1 || !(isPlain || CARD_WORDS.test(before)) || isTiedBefore(text, number)) return null
  return /[A-Za-z0-9_]/.test(text.charAt(end)) ? null : { start: number.start, end, rule: 'credit_card' }
}

/** Ids with a check digit that too many other numbers have as well: their name must stand before them. */
function namedIdAt(text: string, number: NumberGroups): Found | null {
  if (number.digits < 9) return null
  const { groups, separators } = number
  const first = groups[0] ?? ''
  const context = contextOf(text, number)
  const grouped = (lengths: readonly number[]) =>
    first.length === lengths.reduce((sum, length) => sum + length, 0)
      ? 1
      : hasShape(number, lengths) && isSeparatedBy(number, lengths.length, null)
        ? lengths.length
        : 0
  const nhs = grouped([3, 3, 4])
  if (nhs > 0 && NHS_WORDS.test(context) && isNhsNumber(digitsOf(number, nhs))) return nationalId(text, number, nhs)
  const sin = grouped([3, 3, 3])
  const isSinNamed = () => SIN_WORDS.test(context) || (sin === 3 && SIN_ALONE.test(context))
  if (sin > 0 && isSinNamed() && isSin(digitsOf(number, sin))) return nationalId(text, number, sin)
  const swedish =
    first.length === 10 || first.length === 12 ? 1 : separators[1] === '-' && groups[1]?.length === 4 ? 2 : 0
  if (swedish === 0 || (swedish === 2 && first.length !== 6 && first.length !== 8)) return null
  const isOld = swedish === 2 && first.length === 8 && first >= '1900' && first < '2011'
  if (!isOld && !PERSONNUMMER_WORDS.test(context)) return null
  return isPersonnummer(digitsOf(number, swedish)) ? nationalId(text, number, swedish) : null
}

/** Seven digits and a letter, or more; neither a date nor a number to dial abroad. */
function countryIdAt(text: string, number: NumberGroups): Found | null {
  if (number.digits === 8 && hasShape(number, [4, 2, 2])) return null
  const before = text.charAt(number.start - 1)
  if (before === '+' || before === '(' || isTiedBefore(text, number)) return null
  return nationalNumberAt(text, number.start, () => contextOf(text, number)) ?? documentInGroupsAt(text, number)
}

/** Passports and driving licences in groups of digits, right behind their name: `паспорт № 72 4410983`. */
function documentInGroupsAt(text: string, number: NumberGroups): Found | null {
  const count = number.groups.length
  const joint = number.separators[1]
  if (number.digits > DOCUMENT_DIGITS_MAX) return null
  if ((joint !== ' ' && joint !== '-') || !isSeparatedBy(number, count, null)) return null
  if (dateAt(text, number) !== null) return null
  const context = contextOf(text, number).slice(-DOCUMENT_UNITS)
  if (/\d/.test(context)) return null
  if (PASSPORT_WORDS.test(context)) return whole(text, number, count, 'passport')
  return LICENCE_WORDS.test(context) ? whole(text, number, count, 'driving_licence') : null
}

const DOCUMENT_DIGITS_MAX = 12
const DOCUMENT_UNITS = 30

function nationalIdAt(text: string, number: NumberGroups): Found | null {
  if (number.digits < 8) return null
  const { groups, separators } = number
  const first = groups[0] ?? ''
  const context = () => contextOf(text, number)
  if (
    hasShape(number, [3, 2, 4]) &&
    isSsn(digitsOf(number, 3)) &&
    isSeparatedBy(number, 3, null) &&
    !isTiedBefore(text, number)
  ) {
    if (separators[1] === '-' || SSN_WORDS.test(context())) return whole(text, number, 3, 'ssn')
  }
  if (first.length === 9 && isSsn(first) && SSN_WORDS.test(context())) return whole(text, number, 1, 'ssn')
  if (
    hasShape(number, [3, 3, 3, 2]) &&
    isCpf(digitsOf(number, 4)) &&
    (separators[3] === '-' || CPF_WORDS.test(context()))
  )
    return nationalId(text, number, 4)
  if (hasShape(number, [3, 4, 4, 2]) && isAhv(digitsOf(number, 4))) return nationalId(text, number, 4)
  if (hasShape(number, [4, 4, 4]) && isAadhaar(digitsOf(number, 3)) && AADHAAR_WORDS.test(context()))
    return nationalId(text, number, 3)
  if (first.length === 12 && isAadhaar(first) && AADHAAR_WORDS.test(context())) return nationalId(text, number, 1)
  if (first.length === 15 && isFrenchNir(first)) return nationalId(text, number, 1)
  if (hasShape(number, [1, 2, 2, 2, 3, 3, 2]) && isFrenchNir(digitsOf(number, 7))) return nationalId(text, number, 7)
  if (first.length === 8) {
    const letter = text.slice(number.ends[0] ?? 0).match(/^-?[A-Za-z](?![A-Za-z0-9])/)?.[0]
    if (letter && isSpanishId(`${first}${letter.slice(-1).toUpperCase()}`)) {
      return { start: number.start, end: (number.ends[0] ?? 0) + letter.length, rule: 'national_id' }
    }
  }
  const isNamed = ELEVEN_DIGITS.some(({ isValid, name }) => {
    const digits = first.length === 11 ? first : hasShape(number, [2, 3, 3, 3]) ? digitsOf(number, 4) : ''
    return digits !== '' && isValid(digits) && name.test(context())
  })
  if (isNamed) return nationalId(text, number, first.length === 11 ? 1 : 4)
  return first.length === 9 && isBsn(first) && BSN_WORDS.test(context()) ? nationalId(text, number, 1) : null
}

/** Too many ordinary numbers have eleven digits and a right check digit, so these need their name before them. */
const ELEVEN_DIGITS = [
  { isValid: isCpf, name: CPF_WORDS },
  { isValid: isPesel, name: PESEL_WORDS },
  { isValid: isSteuerId, name: STEUER_WORDS },
]

const nationalId = (text: string, number: NumberGroups, count: number) => whole(text, number, count, 'national_id')

function ipv4At(text: string, number: NumberGroups): Found | null {
  const { groups, separators, ends, start } = number
  if (groups.length < 4 || !isSeparatedBy(number, 4, '.') || separators[4] === '.') return null
  if (/[.\d-]/.test(text.charAt(start - 1)) && text.charAt(start - 1) !== '-') return null
  const octets = groups.slice(0, 4)
  if (octets.some((octet) => octet.length > 3 || Number(octet) > 255 || (octet.length > 1 && octet.startsWith('0'))))
    return null
  const range = ipaddr.IPv4.parse(octets.join('.')).range()
  if (
    range === 'loopback' ||
    range === 'unspecified' ||
    range === 'broadcast' ||
    octets[0] === '255' ||
    octets[0] === '0'
  )
    return null
  // A network of machines, no one of them.
  if (octets[2] === '0' && octets[3] === '0') return null
  if (VERSION_WORDS.test(contextOf(text, number).slice(-24)) || isBehindVersion(text, start, octets)) return null
  return { start, end: ends[3] ?? start, rule: 'ip_address' }
}

/** "Version 2.0.14.3 mends it, 2.0.14.2 is to be avoided": of the second one nobody says again what it is. */
function isBehindVersion(text: string, start: number, octets: readonly string[]): boolean {
  const line = text.slice(Math.max(0, start - VERSION_UNITS), start).toLowerCase()
  const other = line.lastIndexOf(`${octets[0]}.${octets[1]}.`)
  if (other === -1 || line.indexOf('\n', other) !== -1) return false
  return VERSION_WORDS.test(line.slice(Math.max(0, other - 24), other))
}

const VERSION_UNITS = 120

function birthDateAt(text: string, number: NumberGroups): Found | null {
  const date = dateAt(text, number) ?? compactDateAt(number)
  if (!date || isTiedBefore(text, number)) return null
  const isNamed = BIRTH_WORDS.test(contextBefore(text, date.start)) || isBornBehind(text, date.end)
  return isNamed ? { ...date, rule: 'date_of_birth' } : null
}

/** In languages in which the verb comes last. */
const BORN_BEHIND = /^ ?(?:生まれ|出生|생(?![\uac00-\ud7af])|doğumlu|született|को जन्म)/
const BLANK = 32
const isBornBehind = (text: string, end: number) =>
  (text.charCodeAt(end) === BLANK || text.charCodeAt(end) > 0x7f) && BORN_BEHIND.test(text.slice(end, end + 10))

/** `19900817` and `17081990`: only a name tells them from other numbers. */
function compactDateAt({ start, groups, ends }: NumberGroups): Span | null {
  const [digits = ''] = groups
  const isDate =
    /^(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d)$/
  return digits.length === 8 && isDate.test(digits) ? { start, end: ends[0] ?? start } : null
}

function cvvAt(text: string, number: NumberGroups): Found | null {
  const length = number.groups[0]?.length ?? 0
  if (length !== 3 && length !== 4) return null
  if (isBehindCard(text, number.start)) return whole(text, number, 1, 'cvv')
  // Right behind the name: a price further on is no security code.
  const context = contextOf(text, number).slice(-CVV_CONTEXT_UNITS)
  const named = CVV_WORDS.exec(context)
  if (!named || /\d/.test(context.slice(named.index + named[0].length))) return null
  // Other things have a CID too.
  if (named[0] === 'cid' && !CARD_NEAR.test(text.slice(Math.max(0, number.start - CARD_UNITS), number.start)))
    return null
  return whole(text, number, 1, 'cvv')
}

const CARD_UNITS = 64
const CARD_NEAR = /card|amex|american express|\d{11}|\d{4}[ -]\d{4}/i
/** A card, when it ends, and nothing else: `4111 1111 1111 1111 / 03-27 / `. */
const CARD_AND_DATE = /(?<!\d)(\d(?:[ -]?\d){11,18})[^\d\n]{1,14}(?:0[1-9]|1[0-2]) ?[/-] ?(?:20)?[2-4]\d[ ,;:/|-]{1,5}$/

function isBehindCard(text: string, start: number): boolean {
  const card = CARD_AND_DATE.exec(text.slice(Math.max(0, start - CARD_UNITS), start))?.[1]
  return card !== undefined && isCardNumber(card.replace(/\D/g, ''))
}

/** The first groups as one place, if no letter or further digit is tied to their end. */
function whole(text: string, { start, ends }: NumberGroups, count: number, rule: string): Found | null {
  const end = ends[count - 1] ?? start
  if (/[A-Za-z0-9_]/.test(text.charAt(end))) return null
  if (/[-/]/.test(text.charAt(end)) && /\d/.test(text.charAt(end + 1))) return null
  return { start, end, rule }
}

const isTiedBefore = (text: string, { start }: NumberGroups) =>
  /[-./]/.test(text.charAt(start - 1)) && /[A-Za-z0-9]/.test(text.charAt(start - 2))
