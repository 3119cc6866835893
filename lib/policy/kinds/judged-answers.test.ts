import { describe, expect, test } from 'vitest'
import { partOf, subjectOf } from '../engine/testing'
import { FLAGGED_REVIEW } from './flagged-review'
import { QUALITY_SCORER } from './quality-scorer'
import { answerSubject, completion, decideAnswer, decideAsking, fakeService, HttpFailure, problemsOf } from './testing'

const GOOD = 'Paris is the capital of France. It lies on the Seine, and has done so for two thousand years.'
const JUDGE = { id: 'a', provider: 'openai', model: 'gpt-judge', secret_key_ref: { env: 'JUDGE_KEY' } }

describe('quality-scorer', () => {
  test('wants answers of some length', () => {
    expect(decideAnswer(QUALITY_SCORER, {}, GOOD).verdict).toBe('allow')
    expect(decideAnswer(QUALITY_SCORER, {}, 'No.')).toMatchObject({
      verdict: 'block',
      reasonCode: 'quality.below_threshold',
    })
    const exactly = { min_output_chars: 3, min_sentences: 1 }
    expect(decideAnswer(QUALITY_SCORER, exactly, 'No.').verdict).toBe('allow')
    expect(decideAnswer(QUALITY_SCORER, { ...exactly, min_output_chars: 4 }, 'No.').verdict).toBe('block')
    expect(
      decideAnswer(QUALITY_SCORER, { min_output_chars: 0, min_sentences: 2 }, 'Version 3.5 e.g. here').verdict,
    ).toBe('allow')
    expect(decideAnswer(QUALITY_SCORER, { min_output_chars: 0, min_sentences: 2 }, 'Version 3.5 is here').verdict).toBe(
      'block',
    )
  })

  const assertion = (type: string, config: object, change: object = {}) => ({
    min_output_chars: 0,
    min_sentences: 0,
    assertions: [{ type, config, ...change }],
  })

  test.each([
    ['is-json', {}, '{"a": 1}', '{"a": 1'],
    ['contains', { value: 'Seine' }, GOOD, 'The Thames.'],
    ['not-contains', { value: 'thames' }, GOOD, 'The Thames.'],
    ['regex', { pattern: 'p[a-z]ris' }, GOOD, 'The Thames.'],
    ['not-regex', { pattern: 'th[a-z]mes' }, GOOD, 'The Thames.'],
    ['min-chars', { chars: 12 }, 'The Thames..', 'The Thames.'],
    ['max-chars', { chars: 11 }, 'The Thames.', 'The Thames..'],
  ])('knows by itself whether an answer passes %s', (type, config, passes, fails) => {
    expect(decideAnswer(QUALITY_SCORER, assertion(type, config), passes).verdict).toBe('allow')
    expect(decideAnswer(QUALITY_SCORER, assertion(type, config), fails).verdict).toBe('block')
    const warning = assertion(type, config, { severity: 'warning' })
    expect(decideAnswer(QUALITY_SCORER, warning, fails).verdict).toBe('allow')
    expect(decideAnswer(QUALITY_SCORER, assertion(type, config, { enabled: false }), fails).verdict).toBe('allow')
  })

  test('does what failure_action says', () => {
    const decide = (action: string) => decideAnswer(QUALITY_SCORER, { failure_action: { action } }, 'No.')
    expect(decide('escalate').verdict).toBe('escalate')
    expect(decide('flag')).toMatchObject({
      verdict: 'allow',
      flags: expect.arrayContaining(['quality.below_threshold']),
    })
  })

  const judged = { providers: [JUDGE], benchmarks: { ragas_faithfulness: true, coherence: true } }
  const ask = (settings: object, ...answers: unknown[]) => {
    const service = fakeService(...answers)
    const subject = answerSubject([GOOD], { requestParts: [partOf('What is the capital?')] })
    return decideAsking(QUALITY_SCORER, settings, subject, service).then((decision) => ({ decision, service }))
  }
  const scores = (faithfulness: number, coherence: number) =>
    completion({ scores: { faithfulness, coherence }, rubrics: [] })

  test('asks the judge through the chat API and shows it the answer as data', async () => {
    const { decision, service } = await ask(judged, scores(0.9, 0.8))
    expect(decision.verdict).toBe('allow')
    expect(decision.flags).toContain('quality.faithfulness:0.90')
    expect(service.asked).toHaveLength(1)
    expect(service.asked[0]).toMatchObject({
      url: 'https://api.openai.com/v1/chat/completions',
      headers: { authorization: 'Bearer test-secret' },
      body: { model: 'gpt-judge', temperature: 0, response_format: { type: 'json_object' } },
    })
    const { messages } = Object(service.asked[0]?.body) as { messages: { role: string; content: string }[] }
    expect(JSON.parse(messages[1]?.content ?? '')).toMatchObject({
      answer: GOOD,
      request: 'user: What is the capital?',
    })
  })

  test('holds each dimension to its threshold, inclusive', async () => {
    expect((await ask(judged, scores(0.8, 0.65))).decision.verdict).toBe('allow')
    expect((await ask(judged, scores(0.79, 1))).decision.flags).toContain('quality.failed:faithfulness')
    expect((await ask(judged, scores(1, 0.64))).decision.verdict).toBe('block')
  })

  test('weighs what was scored into one aggregate', async () => {
    const settings = {
      ...judged,
      thresholds: { min_faithfulness: 0, min_coherence: 0, min_aggregate: 0.5 },
      weights: { faithfulness: 3, coherence: 1 },
    }
    expect((await ask(settings, scores(0.6, 0.2))).decision).toMatchObject({ verdict: 'allow' })
    const low = (await ask(settings, scores(0.2, 0.6))).decision
    expect(low.verdict).toBe('block')
    expect(low.flags).toContain('quality.aggregate:0.30')
  })

  test('asks the next judge when one fails, and denies when none answers as it should', async () => {
    const two = {
      ...judged,
      providers: [JUDGE, { ...JUDGE, id: 'b', provider: 'own', endpoint: 'https://judge.example/v1/' }],
    }
    const { decision, service } = await ask(two, new HttpFailure(500), scores(1, 1))
    expect(decision.verdict).toBe('allow')
    expect(service.asked[1]?.url).toBe('https://judge.example/v1/chat/completions')
    for (const answer of [
      completion('fine!'),
      completion({ scores: { faithfulness: 7 } }),
      completion({ scores: {} }),
      {},
    ]) {
      expect((await ask(two, answer)).decision.reasonCode).toBe('policy.error')
    }
    expect((await ask({ ...two, on_error: 'allow' }, {})).decision.verdict).toBe('allow')
  })

  test('scores rubrics and facts by the judge', async () => {
    const settings = {
      providers: [JUDGE],
      assertions: [
        { type: 'llm-rubric', name: 'polite', threshold: 0.5, weight: 1, config: { rubric: 'is polite' } },
        { type: 'factuality', config: { reference: 'Paris is the capital.' } },
      ],
    }
    const answer = (rubric: number, accuracy: number) => completion({ scores: { accuracy }, rubrics: [rubric] })
    expect((await ask(settings, answer(0.9, 0.9))).decision.verdict).toBe('allow')
    expect((await ask(settings, answer(0.4, 0.9))).decision.flags).toContain('quality.failed:polite')
    expect((await ask(settings, answer(0.9, 0.1))).decision.verdict).toBe('block')
    expect((await ask(settings, completion({ scores: { accuracy: 1 }, rubrics: [] }))).decision.reasonCode).toBe(
      'policy.error',
    )
  })

  test('spends no judge on an answer that fails already, and none on a mock', async () => {
    const short = fakeService(scores(1, 1))
    const escalating = { ...judged, failure_action: { action: 'escalate' } }
    expect((await decideAsking(QUALITY_SCORER, escalating, answerSubject(['No.']), short)).verdict).toBe('escalate')
    expect(short.asked).toEqual([])
    const mock = { ...judged, mock_scoring: true }
    expect(decideAnswer(QUALITY_SCORER, mock, GOOD).flags).toContain('quality.mock_scoring')
  })

  test('refuses settings that cannot work', () => {
    expect(problemsOf(QUALITY_SCORER, { benchmarks: { coherence: true } })[0]).toMatch(/^providers: /)
    expect(problemsOf(QUALITY_SCORER, { assertions: [{ type: 'contains' }] })).toEqual([
      'assertions.0.config.value: is needed by contains',
    ])
    expect(problemsOf(QUALITY_SCORER, { providers: [{ ...JUDGE, provider: 'own' }] })).toHaveLength(1)
    expect(problemsOf(QUALITY_SCORER, { thresholds: { min_aggregate: 1.1 } })).toHaveLength(1)
  })
})

describe('flagged-review', () => {
  const provider = { name: 'openai', model: 'gpt-judge', secret_key_ref: { env: 'JUDGE_KEY' } }
  const RISKY = 'The film shows a murder and a bomb.'
  const ask = (settings: object, answer: unknown, text = RISKY, facts = {}) => {
    const service = fakeService(answer)
    return decideAsking(FLAGGED_REVIEW, settings, answerSubject([text], facts), service).then((decision) => ({
      decision,
      service,
    }))
  }

  test('only records in audit_only, and escalates in escalate', () => {
    expect(decideAnswer(FLAGGED_REVIEW, { mode: 'audit_only' }, RISKY)).toMatchObject({
      verdict: 'allow',
      flags: ['flagged_review.topic:violence'],
    })
    expect(decideAnswer(FLAGGED_REVIEW, { mode: 'escalate' }, RISKY).verdict).toBe('escalate')
    expect(decideAnswer(FLAGGED_REVIEW, { mode: 'escalate' }, 'The film shows a skilled cook.').verdict).toBe('allow')
  })

  test.each(['allow', 'block', 'escalate'])('does what the judge says: %s', async (verdict) => {
    const { decision, service } = await ask({ mode: 'judge', provider }, completion({ verdict, topic: 'violence' }))
    expect(decision.verdict).toBe(verdict)
    const reason = { allow: 'ok', block: 'flagged_review.blocked', escalate: 'flagged_review.escalated' }[verdict]
    expect(decision.results[0]?.reason_code).toBe(reason)
    expect(decision.flags).toContain(`flagged_review.judged:${verdict}`)
    expect(decision.flags).toContain('flagged_review.rationale:violence')
    expect(service.asked[0]?.headers).toMatchObject({ 'x-keeptrusts-review-depth': '1' })
  })

  test('returns the answer in any case in review_and_return, with what the judge said', async () => {
    const settings = { mode: 'review_and_return', provider, rationale_capture: false }
    const { decision } = await ask(settings, completion({ verdict: 'block', topic: 'violence' }))
    expect(decision.verdict).toBe('allow')
    expect(decision.flags).toEqual(['flagged_review.topic:violence', 'flagged_review.judged:block'])
  })

  test('asks nobody about an answer that touches no topic', async () => {
    const { decision, service } = await ask({ mode: 'judge', provider }, completion('x'), 'A cake recipe.')
    expect(decision.verdict).toBe('allow')
    expect(service.asked).toEqual([])
  })

  test('denies when the judge does not answer with one of the words', async () => {
    for (const answer of [completion({ verdict: 'maybe', topic: 'none' }), completion('allow'), new Error('down')]) {
      const { decision } = await ask({ mode: 'judge', provider }, answer)
      expect(decision.reasonCode).toBe('policy.error')
      expect(String(decision.failures[0]?.cause)).toMatch(
        /^Error: (The judge gpt-judge answered in an unknown shape\.|down)$/,
      )
    }
  })

  const targets = [
    {
      id: 't',
      provider: 'openai',
      dataPolicy: { zeroDataRetention: false, trainingOptOut: false, retentionDays: null },
    },
  ]

  test('does not let a provider judge itself, unless told to', async () => {
    const allow = completion({ verdict: 'allow', topic: 'none' })
    expect((await ask({ mode: 'judge', provider }, allow, RISKY, { targets })).decision.reasonCode).toBe('policy.error')
    const shared = { mode: 'judge', provider, provider_isolation: false }
    expect((await ask(shared, allow, RISKY, { targets })).decision.verdict).toBe('allow')
  })

  test('does not review a review, but believes only verified callers that it is one', async () => {
    const caller = (identity: 'verified' | 'anonymous') => ({
      caller: { ...subjectOf([]).caller, identity, headers: { 'x-keeptrusts-review-depth': '1' } },
    })
    expect(decideAnswer(FLAGGED_REVIEW, { mode: 'escalate' }, RISKY, caller('verified')).verdict).toBe('allow')
    expect(decideAnswer(FLAGGED_REVIEW, { mode: 'escalate' }, RISKY, caller('anonymous')).verdict).toBe('escalate')
    const deeper = { mode: 'escalate', recursion_depth_max: 2 }
    expect(decideAnswer(FLAGGED_REVIEW, deeper, RISKY, caller('verified')).verdict).toBe('escalate')
  })

  test('refuses settings that cannot work', () => {
    expect(problemsOf(FLAGGED_REVIEW, { mode: 'judge' })).toEqual(['provider: is needed by the mode judge'])
    expect(problemsOf(FLAGGED_REVIEW, { mode: 'judge', provider: { ...provider, name: 'own' } })).toHaveLength(1)
    expect(problemsOf(FLAGGED_REVIEW, {})).toHaveLength(1)
  })
})
