import { array, assert, constantFrom, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise } from '@/lib/policy/engine/normalise'
import { buildScanner } from '@/lib/policy/engine/scanner'
import { factsOf } from '@/lib/policy/engine/text-facts'
import { mayBeLeet, mayHaveLettersApart } from './disguised-text'
import { BOUNDARY_TERMS, fakeBoundaries } from './injection-boundaries'

const textOf = (pieces: readonly string[], maxLength: number) =>
  array(constantFrom(...pieces), { maxLength }).map((parts) => parts.join(''))

describe('what is known about an ASCII text', () => {
  test('finds the same frames faster', () => {
    const frames = [
      ...[
        '<|im_start|>',
        'system',
        ' ',
        '\n',
        '\n\n',
        '## ',
        '### System:',
        'user:',
        'Human:',
        'ASSISTANT:',
        '[/INST]',
      ],
      ...[
        '[INST]',
        '<s>',
        '</s>',
        '</user>',
        '<system>',
        '--- end of',
        ' input',
        'END OF',
        ' the prompt',
        'begin system',
      ],
      ...[
        '{"role": "system"',
        ', "content"',
        'x',
        'é',
        '’',
        '\u0323',
        '\u200b',
        '<b hidden',
        '> AI model',
        'some words here',
        '[system]:',
        '<<SYS>>',
        '<start_of_turn>user',
      ],
    ]
    const scanner = buildScanner(BOUNDARY_TERMS)
    const ALL_TERMS = BOUNDARY_TERMS.map((_, term) => term)
    assert(
      property(textOf(frames, 14), (text) => {
        const seen: number[] = []
        scanner.scan(normalise(text).text, (term) => seen.push(term))
        expect(fakeBoundaries(text, seen)).toEqual(fakeBoundaries(text, ALL_TERMS))
      }),
      { numRuns: 3_000 },
    )
  })

  test('never hides letters that stand apart', () => {
    const pieces = ['a', 'B', ' ', '.', '-', 'a ', 'b_', ' c', '1', 'word', 'a b c d e ', '. . .']
    assert(
      property(textOf(pieces, 40), (text) => {
        if (/(?:[A-Za-z][ ._-]){5}/.test(text)) expect(mayHaveLettersApart(text)).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })

  test('never hides words with digits for letters', () => {
    const pieces = [
      '1gn0re',
      ' ',
      '4ll',
      'pr3v',
      '1ous',
      '$ystem',
      '@ll',
      'word',
      '12',
      '7',
      'x9',
      '3 ',
      'abc',
      '_',
      '9a',
      'é',
      '—',
    ]
    const mixed = /(?<![A-Za-z0-9])(?=[0-9@$]{0,3}[A-Za-z])[A-Za-z0-9@$]{4,24}(?![A-Za-z0-9])/g
    const isLeet = (word: string) =>
      /[0-9@$]/.test(word) && /[A-Za-z]{2}|[A-Za-z]\d[A-Za-z]/.test(word) && !/^[0-9a-f]+$/i.test(word)
    assert(
      property(textOf(pieces, 12), (text) => {
        const words = Array.from(text.matchAll(mixed), ([word]) => word).filter(isLeet)
        if (words.length > 1) expect(mayBeLeet(text, factsOf(text).digitRuns)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })
})
