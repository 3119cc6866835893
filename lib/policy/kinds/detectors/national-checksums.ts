const digitAt = (digits: string, index: number) => digits.charCodeAt(index) - 48

/** The sum of digits times weights. */
const weighted = (digits: string, weights: readonly number[]) =>
  weights.reduce((sum, weight, index) => sum + weight * digitAt(digits, index), 0)

/** A day as two digits of year, month and day; some countries add 20, 40 or more to the month or day. */
const isShortDate = (yymmdd: string) => {
  const month = Number(yymmdd.slice(2, 4))
  const day = Number(yymmdd.slice(4, 6))
  return month >= 1 && month <= 12 && day >= 1 && day <= 31
}
const isShortDateFromDay = (ddmmyy: string) =>
  isShortDate(`${ddmmyy.slice(4, 6)}${ddmmyy.slice(2, 4)}${ddmmyy.slice(0, 2)}`)

const isOneDigit = (digits: string) => /^(\d)\1*$/.test(digits)

/** ISO 7064 MOD 11,10, as in Germany and Croatia. */
function hasHybridCheck(digits: string): boolean {
  let product = 10
  for (let index = 0; index < digits.length - 1; index++) {
    const sum = (digitAt(digits, index) + product) % 10 || 10
    product = (sum * 2) % 11
  }
  return (11 - product) % 10 === digitAt(digits, digits.length - 1)
}

export const isTfn = (digits: string) =>
  digits.length === 9 && !isOneDigit(digits) && weighted(digits, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0

export const isMedicareCard = (digits: string) =>
  /^[2-6]/.test(digits) && weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === digitAt(digits, 8)

export const isAbn = (digits: string) => (weighted(digits, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 === 0

const NRIC_LETTERS: Readonly<Record<string, string>> = {
  S: 'JZIHGFEDCBA',
  T: 'JZIHGFEDCBA',
  F: 'XWUTRQPNMLK',
  G: 'XWUTRQPNMLK',
  M: 'XWUTRQPNJLK',
}

/** Singapore, NRIC and FIN. */
export function isNric(code: string): boolean {
  const first = code.charAt(0)
  const offset = first === 'T' || first === 'G' ? 4 : first === 'M' ? 3 : 0
  const rest = (weighted(code.slice(1, 8), [2, 7, 6, 5, 4, 3, 2]) + offset) % 11
  return NRIC_LETTERS[first]?.charAt(first === 'M' ? 10 - rest : rest) === code.charAt(8)
}

export function isMyNumber(digits: string): boolean {
  const rest = weighted(digits, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
  return !isOneDigit(digits) && (rest <= 1 ? 0 : 11 - rest) === digitAt(digits, 11)
}

/** China, GB 11643: region, day of birth, ISO 7064 MOD 11-2. */
export const isChineseId = (code: string) =>
  /^[1-8]\d{5}(?:19|20)/.test(code) &&
  isShortDate(code.slice(8, 14)) &&
  '10X98765432'.charAt(weighted(code, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11) === code.charAt(17)

/** South Korea; numbers given since 2020 have no check digit. */
export const isKoreanId = (digits: string) => isShortDate(digits) && /^\d{6}[1-8]/.test(digits)

/** Belgium: 97 less the rest, with a 2 in front for those born since 2000. */
export const isBelgianId = (digits: string) => {
  const check = Number(digits.slice(9))
  const body = digits.slice(0, 9)
  return 97 - (Number(body) % 97) === check || 97 - (Number(`2${body}`) % 97) === check
}

export function isPortugueseNif(digits: string): boolean {
  const rest = weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
  return /^[1-35689]/.test(digits) && (rest < 2 ? 0 : 11 - rest) === digitAt(digits, 8)
}

/** Czechia and Slovakia; women have 50 more in the month. */
export const isBirthNumber = (digits: string) => {
  const month = Number(digits.slice(2, 4)) % 50
  return month >= 1 && month <= 32 && (digits.length === 9 || Number(digits) % 11 === 0)
}

export const isBulgarianEgn = (digits: string) =>
  (weighted(digits, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === digitAt(digits, 9)

export function isRomanianCnp(digits: string): boolean {
  const rest = weighted(digits, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11
  return isShortDate(digits.slice(1)) && (rest === 10 ? 1 : rest) === digitAt(digits, 12)
}

export const isCroatianOib = (digits: string) => hasHybridCheck(digits)

/** Serbia, Bosnia, North Macedonia, Montenegro, Slovenia. */
export const isJmbg = (digits: string) => {
  const rest = 11 - (weighted(digits, [7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)
  return (rest > 9 ? 0 : rest) === digitAt(digits, 12)
}

export function isTurkishId(digits: string): boolean {
  const odd = weighted(digits, [1, 0, 1, 0, 1, 0, 1, 0, 1])
  const even = weighted(digits, [0, 1, 0, 1, 0, 1, 0, 1])
  const tenth = (((odd * 7 - even) % 10) + 10) % 10
  return /^[1-9]/.test(digits) && tenth === digitAt(digits, 9) && (odd + even + tenth) % 10 === digitAt(digits, 10)
}

/** Russia: of persons twelve digits, of firms ten. */
export function isInn(digits: string): boolean {
  const check = (weights: readonly number[]) => (weighted(digits, weights) % 11) % 10
  if (digits.length === 10) return check([2, 4, 10, 3, 5, 9, 4, 6, 8]) === digitAt(digits, 9)
  return (
    check([7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) === digitAt(digits, 10) &&
    check([3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) === digitAt(digits, 11)
  )
}

export const isSnils = (digits: string) =>
  (weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101) % 100 === Number(digits.slice(9))

export const isUkrainianCode = (digits: string) =>
  (((weighted(digits, [-1, 5, 7, 9, 4, 6, 10, 5, 7]) % 11) + 11) % 11) % 10 === digitAt(digits, 9)

/** Chile, RUT and RUN. */
export function isRut(code: string): boolean {
  let sum = 0
  for (let index = code.length - 2, weight = 2; index >= 0; index--, weight = weight === 7 ? 2 : weight + 1)
    sum += digitAt(code, index) * weight
  return '0K987654321'.charAt(sum % 11) === code.charAt(code.length - 1)
}

export const isCuit = (digits: string) =>
  /^(?:20|23|24|25|26|27|30|33|34)/.test(digits) &&
  (11 - (weighted(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === digitAt(digits, 10)

const CURP_SIGNS = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ'

export function isCurp(code: string): boolean {
  let sum = 0
  for (let index = 0; index < 17; index++) sum += CURP_SIGNS.indexOf(code.charAt(index)) * (18 - index)
  return isShortDate(code.slice(4, 10)) && (10 - (sum % 10)) % 10 === digitAt(code, 17)
}

export function isCnpj(digits: string): boolean {
  const check = (length: number) => {
    const weights = Array.from({ length }, (_, index) => ((length - index - 1) % 8) + 2)
    const rest = weighted(digits, weights) % 11
    return rest < 2 ? 0 : 11 - rest
  }
  return !isOneDigit(digits) && check(12) === digitAt(digits, 12) && check(13) === digitAt(digits, 13)
}

const TAIWAN_LETTERS = 'ABCDEFGHJKLMNPQRSTUVXYWZIO'

export function isTaiwaneseId(code: string): boolean {
  const region = TAIWAN_LETTERS.indexOf(code.charAt(0)) + 10
  const sum = Math.floor(region / 10) + (region % 10) * 9 + weighted(code.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1])
  return sum % 10 === 0
}

/** Hong Kong; the check character may stand in brackets. */
export function isHkid(code: string): boolean {
  const signs = code.length === 8 ? ` ${code}` : code
  const value = (sign: string) => (sign === ' ' ? 36 : sign >= 'A' ? sign.charCodeAt(0) - 55 : Number(sign))
  let sum = 0
  for (let index = 0; index < 9; index++) sum += value(signs.charAt(index)) * (9 - index)
  return sum % 11 === 0
}

export const isThaiId = (digits: string) =>
  /^[1-8]/.test(digits) &&
  (11 - (weighted(digits, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === digitAt(digits, 12)

/** Malaysia. */
export const isMyKad = (digits: string) => isShortDate(digits)

/** Indonesia: region, then a day of birth to which 40 is added for women. */
export const isNik = (digits: string) => {
  const day = Number(digits.slice(6, 8)) % 40
  const month = Number(digits.slice(8, 10))
  return day >= 1 && day <= 31 && month >= 1 && month <= 12
}

/** Ireland. */
export function isPpsn(code: string): boolean {
  const second = code.charAt(8)
  const extra = second === '' || second === 'W' ? 0 : (second.charCodeAt(0) - 64) * 9
  return 'WABCDEFGHIJKLMNOPQRSTUV'.charAt((weighted(code, [8, 7, 6, 5, 4, 3, 2]) + extra) % 23) === code.charAt(7)
}

export const isAmka = (digits: string) => isShortDateFromDay(digits)

export function isGreekAfm(digits: string): boolean {
  return (weighted(digits, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10 === digitAt(digits, 8)
}

/** Austria: a serial number of three digits, a check digit, the day of birth. */
export const isAustrianSvnr = (digits: string) =>
  weighted(digits, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === digitAt(digits, 3) && isShortDateFromDay(digits.slice(4))

export const isFinnishHetu = (code: string) =>
  isShortDateFromDay(code) &&
  '0123456789ABCDEFHJKLMNPRSTUVWXY'.charAt(Number(code.slice(0, 6) + code.slice(-4, -1)) % 31) === code.slice(-1)

/** Denmark: numbers given since 2007 need no check digit. */
export const isDanishCpr = (digits: string) => isShortDateFromDay(digits)

export function isNorwegianId(digits: string): boolean {
  const check = (weights: readonly number[]) => (11 - (weighted(digits, weights) % 11)) % 11
  return (
    check([3, 7, 6, 1, 8, 9, 4, 5, 2]) === digitAt(digits, 9) &&
    check([5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) === digitAt(digits, 10)
  )
}

export const isKennitala = (digits: string) =>
  isShortDateFromDay(digits) && (11 - (weighted(digits, [3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === digitAt(digits, 8)

/** Lithuania and Estonia. */
export function isBalticId(digits: string): boolean {
  const first = weighted(digits, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11
  const check = first === 10 ? (weighted(digits, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11) % 10 : first
  return check === digitAt(digits, 10) && isShortDate(digits.slice(1))
}

/** Israel: as Luhn, from the left. */
export function isIsraeliId(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < 9; index++) {
    const value = digitAt(digits, index) * ((index % 2) + 1)
    sum += value > 9 ? value - 9 : value
  }
  return sum % 10 === 0
}

/** South Africa: a day of birth; Luhn is checked apart. */
export const isSouthAfricanDate = (digits: string) => isShortDate(digits)

/** Egypt: century, day of birth. */
export const isEgyptianId = (digits: string) => /^[23]/.test(digits) && isShortDate(digits.slice(1))
