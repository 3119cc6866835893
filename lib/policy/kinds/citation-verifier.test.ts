import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Part } from '../engine/subject'
import { partOf } from '../engine/testing'
import { CITATION_VERIFIER } from './citation-verifier'
import { citationsIn, groundedness, indexSources } from './citations'
import { answerSubject, decideAnswer, decideAsking, fakeService, HttpFailure, problemsOf } from './testing'

const ALL = ['academic', 'url', 'quote'] as const
const values = (text: string) => citationsIn(text, ALL).map(({ type, value }) => `${type} ${value}`)

describe('citations', () => {
  test.each([
    ['See https://example.com/a.', ['url https://example.com/a']],
    ['[docs](https://example.com/a?b=1)', ['url https://example.com/a?b=1']],
    ['doi 10.1000/xyz123 and arXiv:2101.00001', ['academic 10.1000/xyz123', 'academic arXiv:2101.00001']],
    ['as shown (Smith et al., 2020)', ['academic Smith et al., 2020)']],
    ['It says "the quick brown fox jumps over".', ['quote the quick brown fox jumps over']],
    ['It says "a rather short one".', []],
    ['Nothing at all in 2020.', []],
  ])('finds in %s: %j', (text, found) => expect(values(text)).toEqual(found))

  test('finds at most 200', () => {
    expect(citationsIn('https://a.example/x '.repeat(500), ALL)).toHaveLength(200)
  })

  test('spans lie in the text, whatever it is', () => {
    const text = fc.string({
      unit: fc.constantFrom('"', '“', '«', 'A', 'b', ' ', '(', '1', 'https://x.y/', '10.1234/', ')'),
      maxLength: 300,
    })
    fc.assert(
      fc.property(text, (given) => {
        for (const { start, end } of citationsIn(given, ALL))
          expect(0 <= start && start < end && end <= given.length).toBe(true)
      }),
    )
  })

  test('groundedness is the share of longer words that occur in the sources', () => {
    const sources = indexSources(['Leave lasts thirty days'])
    expect(groundedness('Leave lasts thirty days', sources)).toBe(1)
    expect(groundedness('Leave lasts forty years', sources)).toBe(0.5)
    expect(groundedness('is it so', sources)).toBe(1)
  })
})

describe('citation-verifier', () => {
  const given = (...texts: string[]): { requestParts: Part[] } => ({ requestParts: texts.map((text) => partOf(text)) })
  const HANDBOOK = given(
    'From https://www.example.com/handbook/: "Leave is thirty days for all employees, taken by March." (Smith, 2020)',
  )
  const decide = (settings: object, text: string, facts = HANDBOOK) =>
    decideAnswer(CITATION_VERIFIER, settings, text, facts)
  const strict = { require_source_match: true }

  test.each([
    ['a link, however it ends', 'Thirty days (https://example.com/handbook).'],
    ['a quotation', 'It says "leave is thirty days for all employees".'],
    ['an author and a year', 'As shown by Smith (2020), it is thirty days.'],
  ])('finds %s in the sources', (_what, answer) => {
    const { verdict, flags } = decide(strict, answer)
    expect(verdict).toBe('allow')
    expect(flags).toContain('citation.matched:1')
  })

  test.each([
    ['a link', 'Thirty days (https://example.com/other).'],
    ['a quotation', 'It says "leave is forty weeks for some contractors only".'],
    ['an author', 'As shown by Jones (2020), it is thirty days.'],
  ])('blocks %s that is not in the sources, when it must be', (_what, answer) => {
    expect(decide(strict, answer)).toMatchObject({ verdict: 'block', reasonCode: 'citation.not_in_sources' })
    expect(decide({}, answer)).toMatchObject({
      verdict: 'allow',
      flags: expect.arrayContaining(['citation.unverified']),
    })
  })

  test('does not take what the assistant said before for a source', () => {
    const before = { requestParts: [partOf('https://example.com/x', { role: 'assistant' })] }
    expect(decide(strict, 'See https://example.com/x', before).verdict).toBe('block')
    const fetched = { requestParts: [partOf('https://example.com/x', { role: 'tool', kind: 'tool_result' })] }
    expect(decide(strict, 'See https://example.com/x', fetched).verdict).toBe('allow')
  })

  test('min_confidence is the share that must be found, inclusive', () => {
    const half = 'https://example.com/handbook and https://example.com/other'
    expect(decide({ ...strict, min_confidence: 0.5 }, half).verdict).toBe('allow')
    expect(decide({ ...strict, min_confidence: 0.51 }, half).verdict).toBe('block')
  })

  test('says what is to happen to an answer without citations', () => {
    const text = 'It is thirty days.'
    expect(decide({}, text)).toMatchObject({ verdict: 'allow', flags: expect.arrayContaining(['citation.missing']) })
    expect(decide({ output_action: { unverified_action: 'block' } }, text).verdict).toBe('block')
    expect(decide({ output_action: { unverified_action: 'escalate' } }, text).verdict).toBe('escalate')
    expect(decide({ require_sources: false }, text).flags).not.toContain('citation.missing')
  })

  test('holds an answer to the words of its sources', () => {
    const settings = { min_groundedness: 0.8, require_sources: false }
    expect(decide(settings, 'Leave is thirty days for employees.').verdict).toBe('allow')
    expect(decide(settings, 'Penguins migrate towards Antarctica.').reasonCode).toBe('citation.ungrounded')
    expect(decide(settings, 'Leave is thirty days.', given()).reasonCode).toBe('citation.ungrounded')
  })

  test('reports in numbers unless told not to', () => {
    expect(decide(strict, 'See https://example.com/handbook').flags).toEqual([
      'citation.total:1',
      'citation.matched:1',
      'citation.groundedness:1.00',
    ])
    const quiet = { ...strict, response: { include_verification_report: false } }
    expect(decide(quiet, 'See https://example.com/handbook').flags).toEqual([])
  })

  test('asks your resolver and blocks what does not exist', async () => {
    const settings = { external_resolver: { endpoint: 'https://resolve.example.com', secret_key_ref: { env: 'KEY' } } }
    const subject = answerSubject(['See https://a.example/1 and https://a.example/2'])
    const ask = async (answer: unknown) => {
      const service = fakeService(answer)
      return { decision: await decideAsking(CITATION_VERIFIER, settings, subject, service), service }
    }
    const { decision, service } = await ask({ results: [{ exists: true }, { exists: false }] })
    expect(decision).toMatchObject({ verdict: 'block', reasonCode: 'citation.not_found' })
    expect(service.asked[0]).toMatchObject({
      body: {
        citations: [
          { type: 'url', value: 'https://a.example/1' },
          { type: 'url', value: 'https://a.example/2' },
        ],
      },
      headers: { authorization: 'Bearer test-secret' },
    })
    expect((await ask({ results: [{ exists: true }, { exists: true }] })).decision.verdict).toBe('allow')
    for (const answer of [{ results: [{ exists: true }] }, {}, new HttpFailure(404)]) {
      expect((await ask(answer)).decision.reasonCode).toBe('policy.error')
    }
  })

  test('refuses settings it cannot use', () => {
    expect(problemsOf(CITATION_VERIFIER, { extract_patterns: [] })).toHaveLength(1)
    expect(problemsOf(CITATION_VERIFIER, { output_action: { unverified_action: 'rewrite' } })).toHaveLength(1)
    expect(problemsOf(CITATION_VERIFIER, { min_confidence: 2 })).toHaveLength(1)
  })
})
