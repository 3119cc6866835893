import { describe, expect, test } from 'vitest'
import { BIAS_MONITOR } from './bias-monitor'
import { HUMAN_OVERSIGHT } from './human-oversight'
import { decideAnswer, problemsOf } from './testing'

describe('human-oversight', () => {
  const all = {
    require_human_for: ['financial_advice', 'medical_decisions', 'legal_opinions', 'hiring_actions', 'safety_critical'],
  }

  test.each([
    ['financial_advice', 'I recommend buying shares of this fund.'],
    ['financial_advice', 'The loan application was denied.'],
    ['medical_decisions', 'The diagnosis is pneumonia.'],
    ['medical_decisions', 'Increase the insulin by 2 mg.'],
    ['legal_opinions', 'In our opinion the supplier is in breach of contract.'],
    ['hiring_actions', 'I suggest rejecting this candidate for the role.'],
    ['safety_critical', 'Disable the safety interlock first.'],
  ])('holds %s: %s', (category, answer) => {
    const decision = decideAnswer(HUMAN_OVERSIGHT, all, answer)
    expect(decision).toMatchObject({ verdict: 'escalate', reasonCode: 'human_oversight.required' })
    expect(decision.flags).toContain(`oversight.${category}`)
    const others = { require_human_for: all.require_human_for.filter((each) => each !== category) }
    expect(decideAnswer(HUMAN_OVERSIGHT, others, answer).flags).not.toContain(`oversight.${category}`)
  })

  test.each([
    'A bond is a loan to a company.',
    'Pneumonia is diagnosed with an X-ray.',
    'The safety of the interlock was discussed.',
    'We hired a band for the party.',
  ])('lets pass %s', (answer) => expect(decideAnswer(HUMAN_OVERSIGHT, all, answer).verdict).toBe('allow'))

  test('needs a confidence of at least the threshold, and several signs add up', () => {
    const at = (confidence_threshold: number, text: string) =>
      decideAnswer(HUMAN_OVERSIGHT, { require_human_for: ['legal_opinions'], confidence_threshold }, text).verdict
    expect(at(0.5, 'The clause is unenforceable.')).toBe('escalate')
    expect(at(0.51, 'The clause is unenforceable.')).toBe('allow')
    expect(at(0.8, 'The clause is unenforceable. You have a case.')).toBe('escalate')
    expect(at(0.81, 'The clause is unenforceable. You have a case.')).toBe('allow')
  })

  test('tells who is to decide and how long that may take', () => {
    const settings = {
      require_human_for: ['medical_decisions'],
      default_assignee: 'medical-board',
      timeout_seconds: 60,
    }
    expect(decideAnswer(HUMAN_OVERSIGHT, settings, 'The diagnosis is gout.').flags).toEqual([
      'oversight.medical_decisions',
      'oversight.timeout_seconds:60',
      'oversight.assignee:medical-board',
    ])
    expect(decideAnswer(HUMAN_OVERSIGHT, { ...settings, action: 'block' }, 'The diagnosis is gout.').verdict).toBe(
      'block',
    )
  })

  test('refuses settings it cannot use', () => {
    expect(problemsOf(HUMAN_OVERSIGHT, {})).toHaveLength(1)
    expect(problemsOf(HUMAN_OVERSIGHT, { require_human_for: ['hiring'] })).toHaveLength(1)
    expect(problemsOf(HUMAN_OVERSIGHT, { ...all, timeout_seconds: 0 })).toHaveLength(1)
  })
})

describe('bias-monitor', () => {
  test.each([
    ['gender', 'Women are naturally worse at engineering.'],
    ['gender', 'All men are liars.'],
    ['age', 'Older workers cannot be trusted with it.'],
    ['age', 'He was rejected because of his age.'],
    ['religion', 'Muslims should not be hired.'],
    ['race', 'Immigrants are generally less honest.'],
    ['disability', 'She is not suitable due to her disability.'],
  ])('holds what is said about %s: %s', (characteristic, answer) => {
    const decision = decideAnswer(BIAS_MONITOR, {}, answer)
    expect(decision).toMatchObject({ verdict: 'escalate', reasonCode: 'bias.suspected' })
    expect(decision.flags.some((flag) => flag.startsWith(`bias.${characteristic}.`))).toBe(true)
  })

  test.each([
    'Women and men applied in equal numbers.',
    'The law protects older workers from dismissal.',
    'He was rejected because of missing documents.',
    'Discrimination because of age is illegal.',
    'The mosque is open to all.',
  ])('lets pass %s', (answer) => expect(decideAnswer(BIAS_MONITOR, {}, answer).verdict).toBe('allow'))

  test('records what stays below the threshold, and acts from it on', () => {
    const mild = 'Seniors tend to be slower.'
    expect(decideAnswer(BIAS_MONITOR, {}, mild)).toMatchObject({
      verdict: 'allow',
      flags: ['bias.score:0.6', 'bias.age.mild_generalisation'],
    })
    expect(decideAnswer(BIAS_MONITOR, { threshold: 0.6, action: 'block' }, mild).verdict).toBe('block')
    expect(decideAnswer(BIAS_MONITOR, { threshold: 0.61 }, mild).verdict).toBe('allow')
  })

  test('adds characteristics to the built-in ones', () => {
    const settings = { protected_characteristics: ['Marital status'] }
    const answer = 'The applicant was rejected because of marital status.'
    expect(decideAnswer(BIAS_MONITOR, settings, answer).flags).toContain('bias.marital_status.decision_on_ground')
    expect(decideAnswer(BIAS_MONITOR, {}, answer).verdict).toBe('allow')
    expect(decideAnswer(BIAS_MONITOR, settings, 'All men are liars.').verdict).toBe('escalate')
  })

  test('refuses settings it cannot use', () => {
    expect(problemsOf(BIAS_MONITOR, { protected_characteristics: ['a|b'] })).toHaveLength(1)
    expect(problemsOf(BIAS_MONITOR, { threshold: 85 })).toHaveLength(1)
    expect(problemsOf(BIAS_MONITOR, { action: 'redact' })).toHaveLength(1)
  })
})
