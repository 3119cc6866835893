import { describe, expect, test } from 'vitest'
import type { TargetFacts } from '../engine/subject'
import { subjectOf } from '../engine/testing'
import { AUDIT_LOGGER } from './audit-logger'
import { DATA_ROUTING_POLICY } from './data-routing-policy'
import { EU_AI_ACT, missingForEuAiAct } from './eu-ai-act'
import { GDPR_COMPLIANCE } from './gdpr-compliance'
import { decideAsking, decideRequest, fakeService, HttpFailure, NOW_MS, policyFor, problemsOf } from './testing'

const target = (
  id: string,
  zeroDataRetention: boolean,
  trainingOptOut: boolean,
  retentionDays: number | null,
): TargetFacts => ({
  id,
  provider: 'openai',
  dataPolicy: { zeroDataRetention, trainingOptOut, retentionDays },
})

describe('data-routing-policy', () => {
  const targets = [
    target('none', true, true, null),
    target('month', false, true, 30),
    target('silent', false, false, null),
  ]
  const kept = (settings: object) => decideRequest(DATA_ROUTING_POLICY, settings, ['x'], { targets }).targets

  test('keeps the providers that comply, in their order', () => {
    expect(kept({})).toEqual(['none', 'month', 'silent'])
    expect(kept({ require_no_training: true })).toEqual(['none', 'month'])
    expect(kept({ require_zero_data_retention: true })).toEqual(['none'])
    expect(kept({ max_retention_days: 30 })).toEqual(['none', 'month'])
    expect(kept({ max_retention_days: 29 })).toEqual(['none'])
  })

  test('blocks when nobody complies', () => {
    const decision = decideRequest(DATA_ROUTING_POLICY, { require_zero_data_retention: true }, ['x'], {
      targets: targets.slice(1),
    })
    expect(decision).toMatchObject({ verdict: 'block', reasonCode: 'data_routing.no_compliant_provider' })
  })

  test('records what it kept, unless told not to', () => {
    const flags = (settings: object) => decideRequest(DATA_ROUTING_POLICY, settings, ['x'], { targets }).flags
    expect(flags({ require_no_training: true })).toEqual(['data_routing.kept:none,month', 'data_routing.excluded:1'])
    expect(flags({ require_no_training: true, log_provider_selection: false })).toEqual([])
  })

  test('keeps the record short however many there are', () => {
    const many = Array.from({ length: 200 }, (_, index) => target(`provider-${index}`, true, true, 0))
    const [flag = ''] = decideRequest(DATA_ROUTING_POLICY, {}, ['x'], { targets: many }).flags
    expect(flag.length).toBeLessThanOrEqual(200)
    expect(flag).toMatch(/^data_routing\.kept:provider-0,provider-1,.*,provider-\d+,\+\d+$/)
    const counted = Number(flag.split('+')[1]) + flag.split(',').length - 1
    expect(counted).toBe(200)
  })

  test('refuses to do anything but block', () => {
    expect(problemsOf(DATA_ROUTING_POLICY, { on_no_compliant_provider: 'allow' })).toHaveLength(1)
    expect(problemsOf(DATA_ROUTING_POLICY, { max_retention_days: -1 })).toHaveLength(1)
  })
})

describe('audit-logger', () => {
  test('marks and never decides', () => {
    const decision = decideRequest(AUDIT_LOGGER, { retention_days: 2555, log_all_access: true }, ['x'])
    expect(decision.verdict).toBe('allow')
    expect(decision.flags).toEqual(['audit.retention_days:2555', 'audit.access'])
  })

  test('keeps events of health data for at least six years', () => {
    expect(decideRequest(AUDIT_LOGGER, { hipaa_audit_controls: true }, ['x']).flags).toContain(
      'audit.retention_days:2190',
    )
  })

  test('does not pretend that events could be changed', () => {
    expect(problemsOf(AUDIT_LOGGER, { immutable: false })).toEqual([
      'immutable: must be true: recorded events cannot be changed',
    ])
    expect(problemsOf(AUDIT_LOGGER, { retention_days: 0 })).toHaveLength(1)
    expect(problemsOf(AUDIT_LOGGER, { retention_days: 36_500 })).toEqual([])
  })
})

describe('eu-ai-act', () => {
  test('says which articles nothing in the chain contributes to', () => {
    const chain = ['pii-detector', 'human-oversight', 'audit-logger', 'eu-ai-act']
    expect(missingForEuAiAct({ articles: [9, 10, 12, 14, 15] }, chain).map((each) => each.slice(0, 59))).toEqual([
      'Nothing in the chain contributes to article 9 (risk managem',
      'Nothing in the chain contributes to article 15 (accuracy, r',
    ])
    expect(policyFor(EU_AI_ACT, { articles: [9] }, chain).explain.join(' ')).toContain('article 9')
    expect(policyFor(EU_AI_ACT, { articles: [10] }, chain).explain.join(' ')).not.toContain('article 10')
  })

  test('marks events and lets them pass', () => {
    const decision = decideRequest(EU_AI_ACT, { risk_class: 'limited' }, ['x'])
    expect(decision).toMatchObject({ verdict: 'allow', flags: ['eu_ai_act.risk_class:limited'] })
  })

  test('blocks everything of a prohibited practice', () => {
    expect(decideRequest(EU_AI_ACT, { risk_class: 'unacceptable' }, ['x']).reasonCode).toBe('eu_ai_act.prohibited')
  })

  test('knows only articles that a gateway can contribute to', () => {
    expect(problemsOf(EU_AI_ACT, { articles: [52] })).toHaveLength(1)
    expect(problemsOf(EU_AI_ACT, { risk_class: 'medium' })).toHaveLength(1)
  })
})

describe('gdpr-compliance', () => {
  const request = (text: string, headers: Record<string, string> = {}) =>
    subjectOf([text], { caller: { ...subjectOf([]).caller, userId: 'ada', headers } })
  const decide = (settings: object, headers: Record<string, string>) =>
    decideRequest(GDPR_COMPLIANCE, settings, ['x'], request('x', headers)).reasonCode

  test('needs the consent header, unless told otherwise', () => {
    expect(decide({}, {})).toBe('gdpr.consent_missing')
    expect(decide({}, { 'x-consent-token': ' ' })).toBe('gdpr.consent_missing')
    expect(decide({}, { 'x-consent-token': 'yes' })).toBe('ok')
    expect(decide({ consent_header: 'X-My-Consent' }, { 'x-my-consent': 'yes' })).toBe('ok')
    expect(decide({ consent_required: false }, {})).toBe('ok')
  })

  test('marks events with categories and retention', () => {
    const settings = { data_categories: ['personal', 'biometric'], consent_required: false }
    const { flags } = decideRequest(GDPR_COMPLIANCE, settings, ['x'])
    expect(flags).toEqual(['gdpr.retention_days:30', 'gdpr.categories:personal,biometric'])
  })

  const verifying = { consent_verification_endpoint: 'https://consent.example.com/check' }

  test('has consent verified, and denies when it is not valid or nobody answers', async () => {
    const headers = { 'x-consent-token': 'tok' }
    const reason = async (...answers: unknown[]) =>
      (await decideAsking(GDPR_COMPLIANCE, verifying, request('x', headers), fakeService(...answers))).reasonCode
    expect(await reason({ valid: true })).toBe('ok')
    expect(await reason({ valid: false })).toBe('gdpr.consent_invalid')
    expect(await reason({ ok: 1 })).toBe('policy.error')
    expect(await reason(new HttpFailure(503, { valid: true }))).toBe('policy.error')
    expect(await reason(new Error('refused'))).toBe('policy.error')
  })

  test('asks nobody without consent', async () => {
    const service = fakeService({ valid: true })
    expect((await decideAsking(GDPR_COMPLIANCE, verifying, request('x'), service)).reasonCode).toBe(
      'gdpr.consent_missing',
    )
    expect(service.asked).toEqual([])
  })

  test('passes on a wish for erasure, once, and only of the last message', async () => {
    const settings = { consent_required: false, erasure_webhook: 'https://erase.example.com/hook' }
    const service = fakeService({})
    const decision = await decideAsking(
      GDPR_COMPLIANCE,
      settings,
      request('Please delete all my personal data.'),
      service,
    )
    expect(decision.flags).toContain('gdpr.erasure_requested')
    expect(service.asked.map(({ body }) => body)).toEqual([
      { event: 'erasure_requested', user_id: 'ada', at: new Date(NOW_MS).toISOString() },
    ])
    for (const texts of [['Please delete all my data.', 'And what now?'], ['How do I delete my draft?']]) {
      const quiet = fakeService({})
      await decideAsking(GDPR_COMPLIANCE, settings, subjectOf(texts), quiet)
      expect(quiet.asked).toEqual([])
    }
  })

  test('refuses addresses it cannot use', () => {
    expect(problemsOf(GDPR_COMPLIANCE, { erasure_webhook: 'ftp://x' })).toHaveLength(1)
    expect(problemsOf(GDPR_COMPLIANCE, { erasure_webhook: 'https://user:pw@x.example' })).toHaveLength(1)
    expect(problemsOf(GDPR_COMPLIANCE, { data_categories: ['health'] })).toHaveLength(1)
  })
})
