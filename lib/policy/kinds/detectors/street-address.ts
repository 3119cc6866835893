import type { Found } from './found'

const NUMBER_FIRST =
  /(?<![\p{L}\p{N}.,-])\d{1,5}[A-Za-z]? (?:(?:N|S|E|W|North|South|East|West)\.? )?(?:\p{Lu}[\p{L}'’.-]{1,20} |\d{1,3}(?:st|nd|rd|th) ){1,4}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Place|Pl|Way|Terrace|Parkway|Pkwy|Highway|Hwy|Close|Crescent|Row|Gardens)(?![\p{L}\p{N}])\.?/gu

const STREET_FIRST =
  /(?<![\p{L}\p{N}])(?:\p{Lu}[\p{L}-]{1,24}(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|straat|laan|gracht|plein)|(?:[Cc]alle|[Aa]venida|[Pp]laza|[Vv]ia|[Pp]iazza|[Cc]orso|[Rr]ua|[Pp]raça|[Uu]l\.) (?:(?:de|del|della|dei|degli|di|da|do|das|dos|la|las|los) ){0,2}\p{Lu}[\p{L}'’-]{1,24}(?: \p{Lu}[\p{L}'’-]{1,24}){0,2},?) \d{1,4} ?[a-zA-Z]?(?![\p{L}\p{N}])/gu

const FRENCH =
  /(?<![\p{L}\p{N}])\d{1,4}(?: (?:bis|ter))?,? (?:rue|avenue|boulevard|place|allée|chemin|impasse|quai) (?:(?:de|du|des|la|le|les|de la|de l'|l'|d') ?){0,3}\p{Lu}[\p{L}'’-]{1,24}(?: \p{Lu}[\p{L}'’-]{1,24}){0,2}/gu

const RUSSIAN =
  /(?<![\p{L}\p{N}])(?:ул|пр|просп|пер|наб|бул)\. ?\p{Lu}[\p{L}-]{1,24}(?: \p{Lu}[\p{L}-]{1,24})?,? (?:д\. ?)?\d{1,4}[а-я]?(?:,? (?:корп|стр|кв)\. ?\d{1,4}){0,3}/gu

const HAS_DIGIT = /\d/

/**
 * House number and street as English, German, Dutch, French, Spanish, Italian, Portuguese, Polish and Russian addresses have them.
 *
 * @param digitRuns of a text of ASCII words where its runs of digits begin and end; null of others
 */
export function streetAddresses(text: string, digitRuns: readonly number[] | null): Found[] {
  if (digitRuns === null) return HAS_DIGIT.test(text) ? PATTERNS.flatMap((pattern) => matchesOf(pattern, text)) : []
  const found = [
    ...matchesAtNumbers(NUMBER_FIRST_HERE, text, digitRuns),
    ...matchesAtNumbers(FRENCH_HERE, text, digitRuns),
  ]
  if (digitRuns.length * STREET_UNITS > 2 * text.length) return [...found, ...matchesOf(STREET_FIRST, text)]
  return [...found, ...streetsBeforeNumbers(text, digitRuns)]
}

const PATTERNS = [NUMBER_FIRST, STREET_FIRST, FRENCH, RUSSIAN]
const NUMBER_FIRST_HERE = new RegExp(NUMBER_FIRST, 'uy')
const FRENCH_HERE = new RegExp(FRENCH, 'uy')

const addressAt = (start: number, address: string): Found => ({
  start,
  end: start + address.length,
  rule: 'street_address',
})

const matchesOf = (pattern: RegExp, text: string): Found[] =>
  Array.from(text.matchAll(pattern), ({ index, 0: address }) => addressAt(index, address))

/** @param pattern sticky, begins with a number */
function matchesAtNumbers(pattern: RegExp, text: string, digitRuns: readonly number[]): Found[] {
  const found: Found[] = []
  let end = 0
  for (let i = 0; i < digitRuns.length; i += 2) {
    const start = digitRuns[i] ?? 0
    if (start < end) continue
    pattern.lastIndex = start
    const address = pattern.exec(text)?.[0]
    if (address === undefined) continue
    found.push(addressAt(start, address))
    end = start + address.length
  }
  return found
}

const DIGITS_MAX = 4
/** What `STREET_FIRST` takes before and behind a number at most, and a character that must not be part of a word. */
const STREET_UNITS = 112
const BEHIND_UNITS = 3
const CAPITALISED = /[A-Z][A-Za-z'’.-]{0,32},?$/

const STREET_FIRST_NEAR = new RegExp(STREET_FIRST, 'u')

/** What `STREET_FIRST` finds among ASCII words: a number of few digits right behind a capitalised word. */
function streetsBeforeNumbers(text: string, digitRuns: readonly number[]): Found[] {
  const found: Found[] = []
  for (let i = 0; i < digitRuns.length; i += 2) {
    const start = digitRuns[i] ?? 0
    const end = digitRuns[i + 1] ?? 0
    if (end - start > DIGITS_MAX || text[start - 1] !== ' ') continue
    const from = Math.max(0, (digitRuns[i - 1] ?? 0) - 1, start - STREET_UNITS)
    if (!CAPITALISED.test(text.slice(from, start - 1))) continue
    const match = STREET_FIRST_NEAR.exec(text.slice(from, end + BEHIND_UNITS))
    if (match) found.push(addressAt(from + match.index, match[0]))
  }
  return found
}
