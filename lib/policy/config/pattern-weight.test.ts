import { describe, expect, test } from 'vitest'
import { lintPolicyConfig } from '../config'
import { PATTERN_WEIGHT_MAX, patternTooMany, patternWeight } from './pattern-weight'

describe('the weight of a pattern', () => {
  test.each([
    ['abc', 3],
    ['a{10}', 10],
    ['a{2,5}b', 6],
    ['(?:ab){10}', 40],
    ['(?:(?:a{10}){10}){10}', 1_200],
    ['[a-z]{500}', 2_000],
    ['[]a]{2}', 8],
    ['\\p{L}{3}', 12],
    ['a{', 2],
    ['(((', 0],
  ])('%s weighs about %d', (source, weight) => {
    expect(patternWeight(source)).toBeGreaterThanOrEqual(weight * 0.5)
    expect(patternWeight(source)).toBeLessThanOrEqual(weight * 2 + 2)
  })
})

test('patterns are found wherever their key says so, and other texts are not taken for patterns', () => {
  expect(patternTooMany({ a: { detect_patterns: ['x{1000}', 'y{999}'] } })).toBeNull()
  expect(patternTooMany({ a: { blocked_terms: Array(500).fill('x{1000}') } })).toBeNull()
  const rules = Array.from({ length: 40 }, () => ({ name: 'n', pattern: 'x{1000}' }))
  expect(patternTooMany({ 'response-rewriter': { rules } })).toEqual([
    'policy',
    'response-rewriter',
    'rules',
    20,
    'pattern',
  ])
})

test.each([
  ['classes', '[a-z]{500}x'],
  ['alternatives', '(?:a|b|c){300}'],
  ['nested repeats', '(?:[a-z]{0,30}[0-9]{0,30}){15}'],
  ['classes of Unicode', '\\\\p{L}{1,500}'],
])('hundreds of patterns with %s are refused at a place before any is compiled', (_, pattern) => {
  const list = Array.from({ length: 200 }, (_, at) => `"${pattern}${at}"`).join(', ')
  const yaml = `pack: { name: a, version: 1.0.0, enabled: true }
policies: { chain: [mnpi-filter] }
policy:
  mnpi-filter: { detect_patterns: [${list}] }
`
  const { config, diagnostics } = lintPolicyConfig(yaml)
  expect(config).toBeNull()
  expect(diagnostics).toMatchObject([
    { code: 'E008', line: 4, path: expect.stringMatching(/^policy\.mnpi-filter\.detect_patterns\[\d+\]$/) },
  ])
  expect(PATTERN_WEIGHT_MAX).toBeLessThan(100_000)
})

test('a pattern that is not linear is refused at its place', () => {
  const yaml = `pack: { name: a, version: 1.0.0, enabled: true }
policies: { chain: [mnpi-filter] }
policy:
  mnpi-filter: { detect_patterns: [fine, "(a)\\\\1"] }
`
  expect(lintPolicyConfig(yaml).diagnostics).toMatchObject([
    { code: 'E008', path: 'policy.mnpi-filter.detect_patterns[1]', line: 4, column: 42 },
  ])
})
