import { array, assert, constantFrom, oneof, property, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TermHit } from '@/lib/policy/engine/policy'
import { buildScanner } from '@/lib/policy/engine/scanner'
import { factsOf } from '@/lib/policy/engine/text-facts'
import { contextBefore } from './context'
import type { Found } from './found'
import { labelledSearch } from './labelled'
import { CARDHOLDER, CASE_NUMBERS, HEALTH_NUMBERS, HIPAA_NUMBERS, STUDENT_NUMBERS } from './named-values'
import { codeStarts } from './personal-codes'
import { numberAt, personalNumbers } from './personal-numbers'
import { streetAddresses } from './street-address'

/** What personal data is made of, so that chance puts it together often. */
const pieces = constantFrom(
  ...['1', '12', '123', '1234', '4111', '1111', '999', '78-05-1120', '2024-11-03', '00:1A:2B', ':3C:4D:5E', '::1', ':'],
  ...[
    'fe80',
    'AB ',
    'QQ 12 34 56 C',
    'DE89',
    ' 3704 0044 0532 0130 00',
    'X1234567L',
    '12345678Z',
    'A1B',
    'ab',
    '_',
    '-',
  ],
  ...[
    '.',
    '/',
    ' ',
    ', ',
    '(',
    ')',
    '+',
    '+49 30 23456789',
    'born ',
    'May ',
    '3rd, of May, 1999',
    '5 May 1999',
    'cvv ',
    'ssn ',
  ],
  ...['passport ', 'C01X00T47', 'phone ', '192.168.1.20', 'jane@example.org', 'security code: ', '\n', 'Z', '55'],
  ...[
    'X-1234567-L',
    'P-1428903 5',
    'AB 1234567',
    'ABC-',
    ' 06/29 / ',
    'on the back: ',
    'Y-',
    '131052-308T',
    'nric ',
    'S1234567D',
    'itin ',
    '970-70-0000',
    '0011.2233.44aa',
    'mac ',
    '%40',
    '(at)',
  ],
  ...['jane[at]example[dot]org', 'dl no ', 'S514-7777-8888', 'tfn ', '123 456 782'],
)
const foreign = constantFrom(
  'é',
  'ß',
  '日',
  '年',
  '月',
  '𝒳',
  '😀',
  '’',
  '—',
  '安全码 ',
  'prüfziffer ',
  'né le ',
  '٣',
  '\ud83d',
)
const texts = array(oneof({ weight: 6, arbitrary: pieces }, { weight: 1, arbitrary: foreign }), { maxLength: 14 }).map(
  (parts) => parts.join(''),
)

const PROSE = ' in the quiet part of the old town behind the river where nobody has lived for years. '.repeat(8)

/** A digit that begins a group: nothing of a word or number stands right before it. */
const GROUP_START = /(?<![A-Za-z0-9_])\d/g
/** A word that has letters before its digits, with what may follow it in groups. */
const CODE =
  /(?<![\p{L}\p{N}_])[A-Za-z]{1,6}\d|(?<![\p{L}\p{N}_])[XYZxyz]-\d|(?<![\p{L}\p{N}_])[A-Z]{2} (?=\d\d ?\d\d ?\d\d ?[A-D](?![A-Za-z0-9]))|(?<![\p{L}\p{N}_])(?![XYZ]-)[A-Z]{1,5}[ -](?=\d{5})|(?<![A-Za-z0-9_.-])\d(?=[0-9A-Z]{5,14}(?![A-Za-z0-9]))/gu

const runsOf = (text: string) => (factsOf(text).hasAsciiWords ? factsOf(text).digitRuns : null)

describe('what is known about a text', () => {
  test('finds the same numbers faster', () => {
    assert(
      property(texts, (text) => {
        const all: Found[] = []
        for (const { index } of text.matchAll(GROUP_START)) numberAt(text, index, all)
        expect(personalNumbers(text, factsOf(text).digitRuns)).toEqual(all)
      }),
      { numRuns: 5_000 },
    )
  })

  test('finds the same beginnings of codes faster', () => {
    assert(
      property(texts, (text) => {
        const all = Array.from(text.matchAll(CODE), ({ index, 0: begins }) => [index, index + begins.length])
        expect(codeStarts(text, factsOf(text).digitRuns)).toEqual(all.flat())
      }),
      { numRuns: 5_000 },
    )
  })

  test('finds the same labelled values faster', () => {
    const labels =
      "cardholder |Name on card|MRN|medical record|patient id|Inpatient record|patient|Patient's name|chart no|member number|" +
      'group id|policy no|medicaid|NHS number|npi|surname|Name|Mr|ms.|Mrs|next of kin|husband|account|access|acct no|licence|' +
      'dea|deal|VIN|vehicle identification|licence plate|device id|udi|audio|iris|voice print|voiceprint|zip|IL|postcode|post|' +
      "student's id|student_id|pupil no|student|guardian|GPA|504 plan|grade point average|case|because|case no.|file|docket|" +
      'plaintiff|minor child|minor|appellant|karteninhaber|matrikelnummer|Aktenzeichen|az.|in re'
    const values =
      '1234567893|12|12345|MRN-1234567|A1234567|ABC12 345|4711-0815|John Smith|J. van der Berg|Mary|1HGCM82633A123456|AB-12-34|' +
      '3.9|24-cv-01234|62701-1234|12 O 345/21'
    const between = constantFrom('', ' ', ': ', ' no. ', ' is ', ', ', '#', '\n', '_', ' "', '(', ' of ')
    const named = tuple(constantFrom(...labels.split('|')), between, constantFrom(...values.split('|')), between)
    const labelled = array(named, { maxLength: 4 }).map((all) => all.flat().join(''))
    const rules = [...CARDHOLDER, ...HEALTH_NUMBERS, ...HIPAA_NUMBERS, ...STUDENT_NUMBERS, ...CASE_NUMBERS]
    const search = labelledSearch(rules)
    const unhurried = labelledSearch(rules.map((rule) => ({ ...rule, signs: [], digitsTogether: 0 })))
    const scanner = buildScanner(search.terms)
    assert(
      property(labelled, (text) => {
        const hits: TermHit[] = []
        scanner.scan(text, (term, start, end) => hits.push({ term, start, end }))
        const all = unhurried.find(text, null, [])
        expect(search.find(text, hits, factsOf(text).digitRuns)).toEqual(all)
        expect(search.find(text, null, factsOf(text).digitRuns)).toEqual(all)
      }),
      { numRuns: 10_000 },
    )
  })

  test('finds the same streets faster', () => {
    const pieces =
      '12|7|1234|12345|123456| | |, |. |A|a|x|-|Main Street|N. 5th Avenue|Oak |Rd|Hauptstraße|Hauptstr. |Bergstr. 5|Ring|Marktplatz |' +
      "Calle de la Rosa |calle |Via |via Roma|Rua das Flores, |rue de la Paix|place d'Armes|bis| ter|Mc|Weg|Lindenweg 3a|McDonaldweg |’|“|–|ul. |Nowy Swiat |" +
      'Avenida de los Extraordinariamente Buenosaires Maravillosos |Friedrichshainerchausseestra'
    const street = array(constantFrom(...pieces.split('|')), { maxLength: 9 }).map((parts) => parts.join(''))
    assert(
      property(array(street, { maxLength: 3 }), (streets) => {
        const sorted = (found: Found[]) => found.sort((a, b) => a.start - b.start || a.end - b.end)
        // Few numbers in much text, and many in little.
        for (const text of [streets.join(PROSE), streets.join(' ')])
          expect(sorted(streetAddresses(text, runsOf(text)))).toEqual(sorted(streetAddresses(text, null)))
      }),
      { numRuns: 10_000 },
    )
  })
})

describe('what stands before a value', () => {
  test('begins behind the last end of a sentence', () => {
    const contextOf = (text: string) => contextBefore(text, text.length)
    expect(contextOf('Her birthday is known. Due on ')).toBe('due on ')
    expect(contextOf('It was dr. no. 5 on ')).toBe('it was dr. no. 5 on ')
    expect(contextOf('born; died; on ')).toBe(' on ')
    expect(contextOf('出生。日期：')).toBe('日期：')
    expect(contextOf('one\ntwo')).toBe('two')
    expect(contextOf('really! ÖL is ')).toBe('really! öl is ')
    expect(contextOf(`${'x'.repeat(50)} dob `)).toBe(`${'x'.repeat(35)} dob `)
  })
})
