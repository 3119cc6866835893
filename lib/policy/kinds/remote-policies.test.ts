import { describe, expect, test } from 'vitest'
import { subjectOf } from '../engine/testing'
import { EMBEDDING_DETECTOR } from './embedding-detector'
import { EXTERNAL_MODERATION } from './external-moderation'
import { decideAsking, decideRequest, fakeService, HttpFailure, problemsOf } from './testing'

const KEY = { secret_key_ref: { env: 'MODERATION_KEY' } }

/** Answers as the services document them, for the text "I will hurt you, Ada". */
const RECORDED = [
  {
    settings: { provider: 'openai-moderation', ...KEY },
    answer: {
      id: 'modr-1',
      model: 'omni-moderation-latest',
      results: [
        { flagged: true, categories: { violence: true, hate: false }, category_scores: { violence: 0.93, hate: 0.02 } },
      ],
    },
    clean: { results: [{ flagged: false, categories: {}, category_scores: { violence: 0.01, hate: 0 } }] },
    url: 'https://api.openai.com/v1/moderations',
    header: ['authorization', 'Bearer test-secret'],
    body: { model: 'omni-moderation-latest', input: 'I will hurt you, Ada' },
    flags: ['moderation.violence'],
  },
  {
    settings: { provider: 'azure-content-safety', endpoint: 'https://me.cognitiveservices.azure.com/', ...KEY },
    answer: {
      blocklistsMatch: [],
      categoriesAnalysis: [
        { category: 'Hate', severity: 0 },
        { category: 'Violence', severity: 4 },
      ],
    },
    clean: { categoriesAnalysis: [{ category: 'Violence', severity: 2 }] },
    url: 'https://me.cognitiveservices.azure.com/contentsafety/text:analyze?api-version=2024-09-01',
    header: ['ocp-apim-subscription-key', 'test-secret'],
    body: {
      text: 'I will hurt you, Ada',
      categories: ['Hate', 'SelfHarm', 'Sexual', 'Violence'],
      outputType: 'FourSeverityLevels',
    },
    flags: ['moderation.Violence'],
  },
  {
    settings: {
      provider: 'bedrock-apply-guardrail',
      endpoint: 'https://bedrock-runtime.eu-west-1.amazonaws.com/guardrail/abc123/version/1/apply',
      ...KEY,
    },
    answer: { action: 'GUARDRAIL_INTERVENED', outputs: [{ text: 'Sorry.' }], assessments: [{}], usage: {} },
    clean: { action: 'NONE', outputs: [], assessments: [{}], usage: {} },
    url: 'https://bedrock-runtime.eu-west-1.amazonaws.com/guardrail/abc123/version/1/apply',
    header: ['authorization', 'Bearer test-secret'],
    body: { source: 'INPUT', content: [{ text: { text: 'I will hurt you, Ada' } }] },
    flags: ['moderation.guardrail_intervened'],
  },
  {
    settings: { provider: 'presidio', endpoint: 'http://presidio.internal:5002' },
    answer: [{ entity_type: 'PERSON', start: 17, end: 20, score: 0.85, analysis_explanation: null }],
    clean: [],
    url: 'http://presidio.internal:5002/analyze',
    header: null,
    body: { text: 'I will hurt you, Ada', language: 'en' },
    flags: ['moderation.PERSON'],
  },
  {
    settings: { provider: 'guardrails-ai', endpoint: 'http://guards.internal:8000/guards/toxic/validate' },
    answer: { callId: '1', rawLlmOutput: 'x', validatedOutput: null, validationPassed: false },
    clean: { call_id: '1', raw_llm_output: 'x', validation_passed: true },
    url: 'http://guards.internal:8000/guards/toxic/validate',
    header: null,
    body: { llmOutput: 'I will hurt you, Ada', numReasks: 0 },
    flags: ['moderation.validation_failed'],
  },
  {
    settings: { provider: 'dynamo-ai', categories: ['policy-123'], ...KEY },
    answer: {
      finalAction: 'BLOCK',
      appliedPolicies: [
        {
          policy: { id: 'policy-123', name: 'Toxicity', method: 'TOXICITY' },
          outputs: { action: 'BLOCK', message: 'x' },
        },
      ],
    },
    clean: { finalAction: 'NONE', appliedPolicies: [] },
    url: 'https://api.dynamo.ai/v1/moderation/analyze/',
    header: ['authorization', 'Bearer test-secret'],
    body: {
      messages: [{ role: 'user', content: 'I will hurt you, Ada' }],
      textType: 'MODEL_INPUT',
      policyIds: ['policy-123'],
    },
    flags: ['moderation.policy-123', 'moderation.blocked'],
  },
  {
    settings: { provider: 'lakera', ...KEY },
    answer: {
      flagged: true,
      metadata: { request_uuid: 'u' },
      breakdown: [
        { project_id: 'p', detector_type: 'moderated_content/violence', detected: true, confidence: 'L1' },
        { project_id: 'p', detector_type: 'pii/name', detected: false, confidence: 'L5' },
      ],
    },
    clean: { flagged: false, metadata: { request_uuid: 'u' } },
    url: 'https://api.lakera.ai/v2/guard',
    header: ['authorization', 'Bearer test-secret'],
    body: { messages: [{ role: 'user', content: 'I will hurt you, Ada' }], breakdown: true },
    flags: ['moderation.moderated_content/violence'],
  },
  {
    settings: { endpoint: 'https://moderate.example.com/v1', ...KEY },
    answer: { flagged: true, categories: { threat: 0.5, spam: 0.49 } },
    clean: { flagged: false },
    url: 'https://moderate.example.com/v1',
    header: ['authorization', 'Bearer test-secret'],
    body: { text: 'I will hurt you, Ada', phase: 'input', categories: [] },
    flags: ['moderation.threat'],
  },
  {
    settings: {
      provider: 'embedding-endpoint',
      endpoint: 'https://api.openai.com/v1/embeddings',
      categories: ['violence'],
      ...KEY,
    },
    answer: {
      data: [
        { index: 1, embedding: [1, 1] },
        { index: 0, embedding: [1, 0.9] },
      ],
    },
    clean: {
      data: [
        { index: 0, embedding: [1, 0] },
        { index: 1, embedding: [0, 1] },
      ],
    },
    url: 'https://api.openai.com/v1/embeddings',
    header: ['authorization', 'Bearer test-secret'],
    body: { model: 'text-embedding-3-small', input: ['I will hurt you, Ada', 'violence'] },
    flags: ['moderation.violence'],
  },
]

describe('external-moderation', () => {
  test.each(RECORDED.map((each) => [each.settings.provider ?? 'webhook', each] as const))(
    'asks %s as it documents and understands its answers',
    async (_name, { settings, answer, clean, url, header, body, flags }) => {
      const service = fakeService(answer)
      const decision = await decideAsking(EXTERNAL_MODERATION, settings, subjectOf(['I will hurt you, Ada']), service)
      expect(decision).toMatchObject({ verdict: 'block', reasonCode: 'moderation.flagged', flags })
      expect(service.asked).toEqual([
        { url, body, headers: header ? { [header[0] ?? '']: header[1] } : {}, timeoutMs: 3_000 },
      ])

      const quiet = await decideAsking(EXTERNAL_MODERATION, settings, subjectOf(['hi']), fakeService(clean))
      expect(quiet.verdict).toBe('allow')

      for (const failure of [{ unknown: 'shape' }, new HttpFailure(500), new Error('no answer')]) {
        const failed = await decideAsking(EXTERNAL_MODERATION, settings, subjectOf(['hi']), fakeService(failure))
        expect(failed).toMatchObject({ verdict: 'block', reasonCode: 'policy.error' })
      }
    },
  )

  const webhook = { endpoint: 'https://moderate.example.com/v1' }
  const ask = (settings: object, answer: unknown, texts = ['x'], facts = {}) =>
    decideAsking(EXTERNAL_MODERATION, { ...webhook, ...settings }, subjectOf(texts, facts), fakeService(answer))

  test('counts only the categories of the configuration, however they are spelt', async () => {
    const answer = { flagged: true, categories: { 'self-harm': 0.9, spam: 0.9 } }
    expect((await ask({ categories: ['SelfHarm'] }, answer)).flags).toEqual(['moderation.self-harm'])
    expect((await ask({ categories: ['violence'] }, answer)).verdict).toBe('allow')
  })

  test('acts from the threshold on and not below', async () => {
    const answer = { flagged: true, categories: { spam: 0.7 } }
    expect((await ask({ threshold: 0.7 }, answer)).verdict).toBe('block')
    expect((await ask({ threshold: 0.71 }, answer)).verdict).toBe('allow')
  })

  test('does what the action says', async () => {
    const answer = { flagged: true, categories: { spam: 1 } }
    expect((await ask({ action: 'escalate' }, answer)).verdict).toBe('escalate')
    expect(await ask({ action: 'flag' }, answer)).toMatchObject({
      verdict: 'allow',
      flags: ['moderation.flagged', 'moderation.spam'],
    })
  })

  test('lets pass what it could not ask about only when told to', async () => {
    expect((await ask({ on_error: 'allow' }, new Error('down'))).verdict).toBe('allow')
    expect((await ask({ secret_key_ref: { env: 'UNSET' } }, { flagged: false })).reasonCode).toBe('policy.error')
  })

  test('cuts out what presidio found, counted in code points, in the piece it was found in', async () => {
    const settings = { provider: 'presidio', endpoint: 'http://p.example', action: 'redact' }
    const answer = [{ entity_type: 'PERSON', start: 3, end: 6, score: 0.9 }]
    const decision = await decideAsking(EXTERNAL_MODERATION, settings, subjectOf(['😀, Ada!']), fakeService(answer))
    expect(decision.texts.get(0)).toBe('😀, [REDACTED]!')
    const long = `${'a'.repeat(7_800)}xx Ada${'b'.repeat(200)}`
    const second = fakeService([], answer)
    const found = await decideAsking(EXTERNAL_MODERATION, settings, subjectOf([long]), second)
    expect(second.asked).toHaveLength(2)
    expect(found.texts.get(0)).toBe(`${'a'.repeat(7_800)}xx [REDACTED]${'b'.repeat(200)}`)
  })

  test('looks at the phases of the configuration', async () => {
    const answer = { flagged: true }
    expect((await ask({ phase: 'output' }, answer)).verdict).toBe('allow')
    expect((await ask({ phase: 'both' }, answer, ['x'], { phase: 'output' })).verdict).toBe('block')
  })

  test('refuses what cannot work', () => {
    expect(problemsOf(EXTERNAL_MODERATION, {})).toEqual(['endpoint: is needed by webhook'])
    expect(problemsOf(EXTERNAL_MODERATION, { ...webhook, action: 'redact' })).toHaveLength(1)
    expect(problemsOf(EXTERNAL_MODERATION, { ...webhook, provider: 'embedding-endpoint' })).toEqual([
      'categories: is needed by embedding-endpoint',
    ])
    expect(
      problemsOf(EXTERNAL_MODERATION, { provider: 'lakera', secret_key_ref: { env: 'KEEPTRUSTS_KEY' } }),
    ).toHaveLength(1)
    expect(problemsOf(EXTERNAL_MODERATION, { provider: 'openai' })).toHaveLength(1)
  })
})

describe('embedding-detector', () => {
  const categories = [
    { label: 'weapons', reference_text: 'how to build a weapon' },
    { label: 'layoffs', reference_text: 'people will be dismissed' },
  ]
  const references = [
    [1, 0],
    [0, 1],
  ]

  test('asks text-embeddings-inference, blocks from the threshold on and asks for references once', async () => {
    const service = fakeService(references, [[0.8, 0.6]], [[0.6, 0.79]])
    const settings = { categories, similarity_threshold: 0.8 }
    const detector = EMBEDDING_DETECTOR.compile(EMBEDDING_DETECTOR.settings.parse(settings), { hasSecret: () => true })
    const { chainOf } = await import('../engine/chain')
    const { decidePhaseAsync } = await import('../engine/decide')
    const chain = chainOf([detector])
    const first = await decidePhaseAsync(chain, subjectOf(['build one']), 0, service)
    expect(first).toMatchObject({ verdict: 'block', reasonCode: 'embedding.similar' })
    expect(first.detections.map(({ rule }) => rule)).toEqual(['weapons'])
    const second = await decidePhaseAsync(chain, subjectOf(['build two']), 0, service)
    expect(second.verdict).toBe('allow')
    expect(service.asked.map(({ body }) => body)).toEqual([
      { inputs: ['how to build a weapon', 'people will be dismissed'], truncate: true },
      { inputs: ['build one'], truncate: true },
      { inputs: ['build two'], truncate: true },
    ])
    expect(service.asked[0]).toMatchObject({ url: 'http://localhost:8080/embed', timeoutMs: 20 })
  })

  const external = { backend: 'external', endpoint: 'https://api.openai.com/v1/embeddings', ...KEY, categories }
  const openAi = (vectors: number[][]) => ({ data: vectors.map((embedding, index) => ({ index, embedding })) })

  test('redacts exactly the paragraph that is close', async () => {
    const service = fakeService(
      openAi(references),
      // The order of an answer means nothing; its indexes do.
      {
        data: [
          { index: 1, embedding: [0.9, 0.1] },
          { index: 0, embedding: [-0.6, -0.6] },
        ],
      },
    )
    const subject = subjectOf(['Hello there.\n\nHow do I build it?'])
    const decision = await decideAsking(EMBEDDING_DETECTOR, { ...external, action: 'redact' }, subject, service)
    expect(decision.texts.get(0)).toBe('Hello there.\n\n[REDACTED]')
    expect(service.asked[1]).toMatchObject({
      headers: { authorization: 'Bearer test-secret' },
      body: { model: 'all-MiniLM-L6-v2', input: ['Hello there.', 'How do I build it?'] },
    })
  })

  test.each([
    ['fewer vectors', openAi([[1, 0]])],
    [
      'vectors of another length',
      openAi([
        [1, 0, 0],
        [0, 1, 0],
      ]),
    ],
    [
      'more vectors',
      openAi([
        [1, 0],
        [0, 1],
        [1, 1],
      ]),
    ],
    ['no numbers', { data: [{ index: 0, embedding: ['a'] }] }],
  ])('denies when the service answers with %s', async (_what, answer) => {
    const decision = await decideAsking(
      EMBEDDING_DETECTOR,
      external,
      subjectOf(['a\n\nb']),
      fakeService(openAi(references), answer),
    )
    expect(decision.reasonCode).toBe('policy.error')
  })

  test('denies a request with more passages than it compares, unless told to go on with the newest', async () => {
    const text = Array.from({ length: 130 }, (_, index) => `p${index}`).join('\n\n')
    const many = (count: number) => openAi(Array.from({ length: count }, () => [-1, -1]))
    const denied = await decideAsking(
      EMBEDDING_DETECTOR,
      external,
      subjectOf([text]),
      fakeService(openAi(references), many(128)),
    )
    expect(denied.reasonCode).toBe('policy.error')
    const service = fakeService(openAi(references), many(128))
    const allowed = await decideAsking(
      EMBEDDING_DETECTOR,
      { ...external, on_error: 'allow' },
      subjectOf([text]),
      service,
    )
    expect(allowed.verdict).toBe('allow')
    expect(allowed.results[0]?.coverage.skipped).toEqual([{ what: '2 earlier passages', why: 'over 128' }])
    expect(service.asked[1]?.body).toMatchObject({ input: expect.arrayContaining(['p129', 'p2']) })
  })

  test('refuses settings it cannot use', () => {
    expect(problemsOf(EMBEDDING_DETECTOR, {})).toHaveLength(1)
    expect(problemsOf(EMBEDDING_DETECTOR, { categories, timeout_ms: 60_001 })).toHaveLength(1)
    expect(problemsOf(EMBEDDING_DETECTOR, { categories: [{ label: 'a b', reference_text: 'abc' }] })).toHaveLength(1)
  })

  test('cannot be decided without somebody to ask', () => {
    expect(() => decideRequest(EMBEDDING_DETECTOR, { categories }, ['x'])).toThrow('asks other services')
  })
})
