/** Tab, line feed, carriage return, blank, line and paragraph separator; NFKC has made blanks of the others. */
export const WHITE_SPACE = [0x09, 0x0a, 0x0d, 0x20, 0x2028, 0x2029]

const isSpace = (unit: number) => unit <= 0x20 || unit === 0x2028 || unit === 0x2029

/** Goes back `length` characters of a term from `end` in a normal text; a run of white space is one of them. */
export function startOf(normal: string, end: number, length: number): number {
  let start = end
  for (let left = length; left > 0; left--) {
    start -= 1
    if (left === 1 || !isSpace(normal.charCodeAt(start))) continue
    while (start > 0 && isSpace(normal.charCodeAt(start - 1))) start -= 1
  }
  return start
}

export const isWholeWord = (normal: string, start: number, end: number): boolean =>
  beginsWord(normal, start) && !isWordCharacter(normal.codePointAt(end) ?? 0)

/** Whether what stands before is neither a letter nor a digit. */
export function beginsWord(normal: string, start: number): boolean {
  const before = normal.charCodeAt(start - 1)
  const isPair = (before & 0xfc00) === 0xdc00 && (normal.charCodeAt(start - 2) & 0xfc00) === 0xd800
  return start === 0 || !isWordCharacter(isPair ? (normal.codePointAt(start - 2) ?? 0) : before)
}

/** Whether letters or digits of ASCII stand on both sides of `start`. */
export const isInAsciiWord = (normal: string, start: number): boolean =>
  start > 0 && isAsciiWordUnit(normal.charCodeAt(start - 1)) && isAsciiWordUnit(normal.charCodeAt(start))

const WORD = /[\p{L}\p{N}]/u

/** Of normal text, which has no capital ASCII letters. */
function isWordCharacter(point: number): boolean {
  if (point < 0x80) return isAsciiWordUnit(point)
  return WORD.test(String.fromCodePoint(point))
}

const isAsciiWordUnit = (unit: number): boolean => (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39)
