/** Check digits of published numbers. Each takes digits (and letters) without separators and is false for anything odd. */

const digitAt = (text: string, index: number) => text.charCodeAt(index) - 48

/** ISO/IEC 7812: payment cards. */
export function hasLuhn(digits: string): boolean {
  let sum = 0
  for (let index = digits.length - 1, isSecond = false; index >= 0; index--, isSecond = !isSecond) {
    const value = digitAt(digits, index) * (isSecond ? 2 : 1)
    sum += value > 9 ? value - 9 : value
  }
  return sum % 10 === 0
}

/** ISO 13616 registry: total length per country. */
const IBAN_LENGTHS: Readonly<Record<string, number>> = {
  AD: 24,
  AE: 23,
  AL: 28,
  AT: 20,
  AZ: 28,
  BA: 20,
  BE: 16,
  BG: 22,
  BH: 22,
  BR: 29,
  BY: 28,
  CH: 21,
  CR: 22,
  CY: 28,
  CZ: 24,
  DE: 22,
  DK: 18,
  DO: 28,
  EE: 20,
  EG: 29,
  ES: 24,
  FI: 18,
  FO: 18,
  FR: 27,
  GB: 22,
  GE: 22,
  GI: 23,
  GL: 18,
  GR: 27,
  GT: 28,
  HR: 21,
  HU: 28,
  IE: 22,
  IL: 23,
  IQ: 23,
  IS: 26,
  IT: 27,
  JO: 30,
  KW: 30,
  KZ: 20,
  LB: 28,
  LC: 32,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  LY: 25,
  MC: 27,
  MD: 24,
  ME: 22,
  MK: 19,
  MR: 27,
  MT: 31,
  MU: 30,
  NL: 18,
  NO: 15,
  PK: 24,
  PL: 28,
  PS: 29,
  PT: 25,
  QA: 29,
  RO: 24,
  RS: 22,
  SA: 24,
  SC: 31,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  ST: 25,
  SV: 28,
  TL: 23,
  TN: 24,
  TR: 26,
  UA: 29,
  VA: 22,
  VG: 24,
  XK: 20,
}

/** Characters of an IBAN of this country; 0 when it has none. */
export const ibanLength = (country: string): number => IBAN_LENGTHS[country] ?? 0

/** ISO 7064 MOD 97-10. @param iban in upper case */
export function hasIbanChecksum(iban: string): boolean {
  let rest = 0
  for (let index = 0; index < iban.length; index++) {
    const code = iban.charCodeAt((index + 4) % iban.length)
    const value = code >= 65 ? code - 55 : code - 48
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}

/** Social Security Administration: no area 000, 666 or 900-999, no group 00, no serial 0000. */
export function isSsn(digits: string): boolean {
  const area = digits.slice(0, 3)
  return area !== '000' && area !== '666' && area < '900' && digits.slice(3, 5) !== '00' && digits.slice(5) !== '0000'
}

const DNI_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE'

/** Spanish DNI (`12345678Z`) and NIE (`X1234567L`), in upper case. */
export function isSpanishId(text: string): boolean {
  const digits = text.slice(0, -1).replace('X', '0').replace('Y', '1').replace('Z', '2')
  return text.length === 9 && /^\d{8}$/.test(digits) && DNI_LETTERS[Number(digits) % 23] === text[8]
}

/** French NIR with its key: 15 digits. Births in Corsica have letters and are not covered. */
export function isFrenchNir(digits: string): boolean {
  const month = Number(digits.slice(3, 5))
  if (!/^[1-478]\d{14}$/.test(digits) || month === 0 || (month > 12 && month < 20) || month > 99) return false
  return 97n - (BigInt(digits.slice(0, 13)) % 97n) === BigInt(digits.slice(13))
}

const CF_ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]

/** Italian codice fiscale, in upper case. */
export function isCodiceFiscale(text: string): boolean {
  if (!/^[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPRST][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]$/.test(text)) return false
  let sum = 0
  for (let index = 0; index < 15; index++) {
    const code = text.charCodeAt(index)
    const value = code >= 65 ? code - 65 : code - 48
    sum += index % 2 === 0 ? (CF_ODD[value] ?? 0) : value
  }
  return text.charCodeAt(15) - 65 === sum % 26
}

/** German Steuer-ID: ISO 7064 MOD 11,10, and one digit occurs twice or three times among the first ten. */
export function isSteuerId(digits: string): boolean {
  if (!/^[1-9]\d{10}$/.test(digits) || new Set(digits.slice(0, 10)).size > 9) return false
  let product = 10
  for (let index = 0; index < 10; index++) {
    const sum = (digitAt(digits, index) + product) % 10 || 10
    product = (sum * 2) % 11
  }
  return (11 - product) % 10 === digitAt(digits, 10)
}

const weighted = (digits: string, weights: readonly number[]) =>
  weights.reduce((sum, weight, index) => sum + weight * digitAt(digits, index), 0)

/** Brazilian CPF. */
export function isCpf(digits: string): boolean {
  if (!/^\d{11}$/.test(digits) || /^(\d)\1{10}$/.test(digits)) return false
  const key = (length: number) => {
    const sum = Array.from({ length }, (_, index) => digitAt(digits, index) * (length + 1 - index))
    return ((sum.reduce((a, b) => a + b, 0) * 10) % 11) % 10
  }
  return key(9) === digitAt(digits, 9) && key(10) === digitAt(digits, 10)
}

/** Polish PESEL. */
export function isPesel(digits: string): boolean {
  if (!/^\d{11}$/.test(digits)) return false
  const month = Number(digits.slice(2, 4)) % 20
  const day = Number(digits.slice(4, 6))
  if (month < 1 || month > 12 || day < 1 || day > 31) return false
  return (10 - (weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === digitAt(digits, 10)
}

/** Dutch BSN: the eleven test. */
export const isBsn = (digits: string): boolean =>
  /^\d{9}$/.test(digits) && digits !== '000000000' && weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0

/** Swiss AHV/AVS number: EAN-13 of country 756. */
export const isAhv = (digits: string): boolean =>
  /^756\d{10}$/.test(digits) && weighted(digits, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0

const VERHOEFF_PRODUCT = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
]
const VERHOEFF_PERMUTE = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
]

/** Indian Aadhaar: Verhoeff. */
export function isAadhaar(digits: string): boolean {
  if (!/^[2-9]\d{11}$/.test(digits)) return false
  let check = 0
  for (let index = 0; index < 12; index++) {
    const permuted = digitAt(VERHOEFF_PERMUTE[index % 8] ?? '', digitAt(digits, 11 - index))
    check = digitAt(VERHOEFF_PRODUCT[check] ?? '', permuted)
  }
  return check === 0
}

/** US National Provider Identifier: Luhn over the number behind `80840`. */
export const isNpi = (digits: string): boolean => /^[12]\d{9}$/.test(digits) && hasLuhn(`80840${digits}`)

/** UK NHS number: weights 10 to 2, modulus 11; a check digit of 10 is not issued. */
export function isNhsNumber(digits: string): boolean {
  if (!/^\d{10}$/.test(digits) || /^(\d)\1{9}$/.test(digits)) return false
  const check = 11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)
  return (check === 11 ? 0 : check) === digitAt(digits, 9)
}

/** Canadian Social Insurance Number: Luhn; none begins with 0 or, of persons, with 8. */
export const isSin = (digits: string): boolean => /^[1-79]\d{8}$/.test(digits) && hasLuhn(digits)

/**
 * Swedish personnummer and samordningsnummer (whose day is 60 more), of 10 or 12 digits: a date, and Luhn over the last ten.
 */
export function isPersonnummer(digits: string): boolean {
  if (!/^(?:(?:18|19|20)\d{2}|\d{2})\d{8}$/.test(digits)) return false
  const short = digits.slice(-10)
  const month = Number(short.slice(2, 4))
  const day = Number(short.slice(4, 6)) % 60
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && Number(short.slice(4, 6)) <= 91 && hasLuhn(short)
}
