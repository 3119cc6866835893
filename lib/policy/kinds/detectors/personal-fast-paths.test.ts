import { array, assert, constantFrom, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { factsOf } from '@/lib/policy/engine/text-facts'
import { personalCodes } from './personal-codes'
import { personalNumbers } from './personal-numbers'

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
const texts = array(pieces, { maxLength: 14 }).map((parts) => parts.join(''))

describe('what is known about an ASCII text', () => {
  test('finds the same numbers faster', () => {
    assert(
      property(texts, (text) => {
        expect(personalNumbers(text, factsOf(text).digitRuns)).toEqual(personalNumbers(text))
      }),
      { numRuns: 5_000 },
    )
  })

  test('finds the same codes faster', () => {
    assert(
      property(texts, (text) => {
        expect(personalCodes(text, factsOf(text).digitRuns)).toEqual(personalCodes(text))
      }),
      { numRuns: 5_000 },
    )
  })
})
