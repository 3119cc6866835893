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

/** House number and street as English, German, Dutch, French, Spanish, Italian, Portuguese, Polish and Russian addresses have them. */
export function streetAddresses(text: string): Found[] {
  if (!HAS_DIGIT.test(text)) return []
  return [NUMBER_FIRST, STREET_FIRST, FRENCH, RUSSIAN].flatMap((pattern) =>
    Array.from(text.matchAll(pattern), ({ index, 0: address }) => ({
      start: index,
      end: index + address.length,
      rule: 'street_address',
    })),
  )
}
