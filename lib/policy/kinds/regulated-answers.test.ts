import { describe, expect, test } from 'vitest'
import { chainOf } from '../engine/chain'
import { decidePhase } from '../engine/decide'
import { FINANCIAL_COMPLIANCE } from './financial-compliance'
import { HEALTHCARE_COMPLIANCE } from './healthcare-compliance'
import { MNPI_FILTER } from './mnpi-filter'
import { RESPONSE_REWRITER } from './response-rewriter'
import { answerOf, answerSubject, decideAnswer, decideRequest, policyFor, problemsOf } from './testing'
import { UPL_DISCLAIMER, UPL_FILTER } from './upl-filter'

const NOT_ADVICE = 'This is not financial advice.'

describe('financial-compliance', () => {
  test.each([
    'This fund offers guaranteed returns.',
    'Guaranteed 12% annual returns await you',
    'It is a risk-free investment.',
    "You can't lose your money.",
    'We recommend that you buy now.',
    'You should invest your savings in it.',
    'Double your money with us!',
  ])('stops %s', (answer) => {
    const { verdict, reasonCode, message } = decideAnswer(FINANCIAL_COMPLIANCE, {}, answer)
    expect({ verdict, reasonCode }).toEqual({
      verdict: 'block',
      reasonCode: 'financial_compliance.prohibited_statement',
    })
    expect(message).toBe('The answer contained a financial statement that may not be made and was stopped.')
  })

  test.each([
    'Government bonds have returned about 3% a year; past returns guarantee nothing.',
    'No investment is without risk.',
    'The product comes with a guarantee of two years.',
    'You should read the prospectus.',
  ])('lets pass %s', (answer) => {
    expect(decideAnswer(FINANCIAL_COMPLIANCE, {}, answer)).toMatchObject({ verdict: 'allow', flags: [] })
  })

  test('adds a disclaimer once, and not to what has it already', () => {
    const settings = { required_disclaimers: [NOT_ADVICE] }
    const first = answerOf(decideAnswer(FINANCIAL_COMPLIANCE, settings, 'An index fund follows an index.'), '')
    expect(first).toBe(`An index fund follows an index.\n\n${NOT_ADVICE}`)
    const second = decideAnswer(FINANCIAL_COMPLIANCE, settings, first)
    expect(answerOf(second, first)).toBe(first)
    expect(second.flags).toEqual([])
    const other = '**This is *not* financial\nadvice**: an index fund follows an index.'
    expect(answerOf(decideAnswer(FINANCIAL_COMPLIANCE, settings, other), other)).toBe(other)
  })

  test('gives every choice its disclaimer', () => {
    const subject = answerSubject(['One.', `Two. ${NOT_ADVICE}`, 'Three.'])
    const policy = policyFor(FINANCIAL_COMPLIANCE, { required_disclaimers: [NOT_ADVICE] })
    const { texts } = decidePhase(chainOf([policy]), subject, 0)
    expect([...texts]).toEqual([
      [0, `One.\n\n${NOT_ADVICE}`],
      [2, `Three.\n\n${NOT_ADVICE}`],
    ])
  })

  test('leaves a JSON answer whole and says so', () => {
    const decision = decideAnswer(FINANCIAL_COMPLIANCE, { required_disclaimers: [NOT_ADVICE] }, '{"fund": "index"}')
    expect(decision.texts.size).toBe(0)
    expect(decision.flags).toEqual(['financial_compliance.disclaimer_not_added'])
    expect(decision.results[0]?.coverage.skipped).toHaveLength(1)
  })

  test('adds patterns of its own and refuses those that are none', () => {
    const settings = { blocked_patterns: ['moon\\s+shot'] }
    expect(decideAnswer(FINANCIAL_COMPLIANCE, settings, 'A Moon  Shot!').verdict).toBe('block')
    expect(problemsOf(FINANCIAL_COMPLIANCE, { blocked_patterns: ['(a'] })[0]).toMatch(/^blocked_patterns.0: /)
    expect(problemsOf(FINANCIAL_COMPLIANCE, { blocked_patterns: ['a*'] })).toHaveLength(1)
    expect(problemsOf(FINANCIAL_COMPLIANCE, { required_disclaimers: [' '] })).toHaveLength(1)
  })
})

describe('healthcare-compliance', () => {
  test.each([
    'You definitely have pneumonia.',
    'My diagnosis is gout.',
    'Stop taking your blood thinner.',
    'Increase your dose to 40 mg.',
    'Garlic is a guaranteed cure.',
    "You don't need to see a doctor.",
  ])('stops %s', (answer) => expect(decideAnswer(HEALTHCARE_COMPLIANCE, {}, answer).verdict).toBe('block'))

  test.each([
    'Pneumonia is an infection of the lungs.',
    'Ask your doctor before you stop any medicine.',
    'Doctors often prescribe 500 mg tablets.',
    'If you have a fever, see a doctor.',
  ])('lets pass %s', (answer) => expect(decideAnswer(HEALTHCARE_COMPLIANCE, {}, answer).verdict).toBe('allow'))

  test('adds disclaimers, and one more for a device of class III', () => {
    const settings = { required_disclaimers: ['This does not replace a doctor.'] }
    expect(answerOf(decideAnswer(HEALTHCARE_COMPLIANCE, settings, 'Rest.'), '')).toBe(
      'Rest.\n\nThis does not replace a doctor.',
    )
    const third = decideAnswer(HEALTHCARE_COMPLIANCE, { ...settings, fda_class: 'III' }, 'Rest.')
    expect(answerOf(third, '')).toContain('confirmed by one')
    expect(third.flags).toContain('healthcare.fda_class:III')
    expect(problemsOf(HEALTHCARE_COMPLIANCE, { fda_class: 'IV' })).toHaveLength(1)
  })
})

describe('upl-filter', () => {
  const ADVICE = 'Landlords must give notice. I advise you to sue your landlord. Courts are slow.'

  test.each([ADVICE, 'You have a strong case.', 'As your attorney, I would wait.', 'You will win this case.'])(
    'stops %s',
    (answer) => expect(decideAnswer(UPL_FILTER, {}, answer).reasonCode).toBe('upl.prohibited_statement'),
  )

  test('adds a disclaimer to answers about law only', () => {
    expect(answerOf(decideAnswer(UPL_FILTER, {}, 'A plaintiff brings a lawsuit.'), '')).toBe(
      `A plaintiff brings a lawsuit.\n\n${UPL_DISCLAIMER}`,
    )
    expect(decideAnswer(UPL_FILTER, {}, 'Cakes need flour.').texts.size).toBe(0)
    expect(decideAnswer(UPL_FILTER, { require_disclaimer: false }, 'A plaintiff brings a lawsuit.').texts.size).toBe(0)
  })

  test('replaces exactly the sentence of advice when told to, which wins over blocking', () => {
    const settings = { rewrite_to_educational: true, require_disclaimer: false }
    const decision = decideAnswer(UPL_FILTER, settings, ADVICE)
    expect(answerOf(decision, '')).toBe(
      'Landlords must give notice. What applies in a particular situation depends on its facts and on local law; a licensed lawyer can say. Courts are slow.',
    )
    expect(decision.flags).toEqual(['upl.rewritten'])
  })

  test('replaces neighbouring sentences of advice once', () => {
    const settings = { rewrite_to_educational: true, require_disclaimer: false }
    const text = answerOf(decideAnswer(UPL_FILTER, settings, 'You should sue. You have a strong case.'), '')
    expect(text.match(/licensed lawyer/g)).toHaveLength(1)
    expect(text).not.toMatch(/sue|strong case/)
  })
})

describe('mnpi-filter', () => {
  test.each([
    'This memo contains material non-public information.',
    'The merger has not yet been announced, draft the plan.',
    'Summarise the unannounced acquisition for me',
    'Buy the shares before the deal is announced.',
  ])('stops %s', (text) => {
    expect(decideRequest(MNPI_FILTER, {}, [text]).reasonCode).toBe('mnpi.detected')
    expect(decideAnswer(MNPI_FILTER, {}, text).verdict).toBe('block')
  })

  test.each([
    'Acme announced its merger with Beta yesterday.',
    'What is insider trading?',
    'When will earnings season start?',
    'The results are public.',
  ])('lets pass %s', (text) => expect(decideRequest(MNPI_FILTER, {}, [text]).verdict).toBe('allow'))

  test('adds patterns of its own', () => {
    expect(
      decideRequest(MNPI_FILTER, { detect_patterns: ['project\\s+falcon'] }, ['about Project Falcon']).verdict,
    ).toBe('block')
    expect(problemsOf(MNPI_FILTER, { action: 'redact' })).toHaveLength(1)
    expect(problemsOf(MNPI_FILTER, { detect_patterns: ['(?=x)y'] })).toHaveLength(1)
  })
})

describe('response-rewriter', () => {
  const rule = (change: object) => ({ rules: [{ name: 'r', pattern: 'colour', replacement: 'color', ...change }] })

  test('replaces every match outside code and outside JSON', () => {
    const text = 'Colour and colour; `x`\n```\ncolour\n```\ncolour'
    expect(answerOf(decideAnswer(RESPONSE_REWRITER, rule({}), text), '')).toBe(
      'color and color; `x`\n```\ncolour\n```\ncolor',
    )
    expect(decideAnswer(RESPONSE_REWRITER, rule({}), '{"a": "colour"}').texts.size).toBe(0)
    const everywhere = { preserve_structure: false, ...rule({}) }
    expect(answerOf(decideAnswer(RESPONSE_REWRITER, everywhere, '{"a": "colour"}'), '')).toBe('{"a": "color"}')
  })

  test('writes the replacement as it stands', () => {
    expect(answerOf(decideAnswer(RESPONSE_REWRITER, rule({ replacement: '$1 $&' }), 'a colour'), '')).toBe('a $1 $&')
  })

  test('prepends and appends once, where the pattern occurs', () => {
    const before = rule({ position: 'prepend', replacement: 'Note: ' })
    const once = answerOf(decideAnswer(RESPONSE_REWRITER, before, 'a colour'), '')
    expect(once).toBe('Note: a colour')
    expect(decideAnswer(RESPONSE_REWRITER, before, once).texts.size).toBe(0)
    expect(decideAnswer(RESPONSE_REWRITER, before, 'grey').texts.size).toBe(0)
    const after = { rules: [{ name: 'sign', position: 'append', replacement: ' -- Bot' }] }
    expect(answerOf(decideAnswer(RESPONSE_REWRITER, after, 'Hi'), '')).toBe('Hi -- Bot')
  })

  test('keeps what another policy takes out of the same text', () => {
    const chain = chainOf([
      policyFor(RESPONSE_REWRITER, { rules: [{ name: 'mask', pattern: 'secret', replacement: '***' }] }),
      policyFor(FINANCIAL_COMPLIANCE, { required_disclaimers: [NOT_ADVICE] }),
    ])
    expect(decidePhase(chain, answerSubject(['A secret']), 0).texts.get(0)).toBe(`A ***\n\n${NOT_ADVICE}`)
  })

  test('refuses a rule that says nothing', () => {
    expect(problemsOf(RESPONSE_REWRITER, { rules: [] })).toHaveLength(1)
    expect(problemsOf(RESPONSE_REWRITER, { rules: [{ name: 'r', replacement: 'x' }] })).toEqual([
      'rules.0.pattern: is needed to replace something',
    ])
  })
})
