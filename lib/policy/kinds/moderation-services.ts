import { z } from 'zod'
import type { Ports, Span } from '@/lib/policy/engine/policy'
import { cosine, embed } from './mechanisms/embeddings'
import { ask, type SecretRef, secretHeader, under } from './mechanisms/remote'

/** What a service says about one text. */
export type Opinion = {
  /** Names as the service gives them, with scores 0 to 1; a service that only says yes or no gives 1. */
  scores: readonly { category: string; score: number }[]
  /** Where, for services that say so; offsets in UTF-16 units of the text. */
  spans: readonly (Span & { category: string; score: number })[]
}

export type ServiceSettings = {
  endpoint: string | undefined
  secret_key_ref: SecretRef | undefined
  timeout_ms: number
  categories: readonly string[]
  model: string | undefined
  language: string
}

export type Question = { text: string; phase: 'input' | 'output' }

export type Service = {
  /** Null when there is no well-known address and `endpoint` is needed. */
  endpoint: string | null
  /** Whether `categories` is what the service is asked about, and so needed. */
  needsCategories?: boolean
  /** @throws Error when it cannot be asked or answers in an unknown shape */
  moderate(ports: Ports, settings: ServiceSettings, question: Question): Promise<Opinion>
}

const score = z.number().min(0).max(1)
const yes = (...categories: string[]): Opinion => ({
  scores: categories.map((category) => ({ category, score: 1 })),
  spans: [],
})
const NOTHING: Opinion = { scores: [], spans: [] }

/** Text that is not shown, because answers of services are not echoed anywhere. */
const common = (ports: Ports, settings: ServiceSettings, name: string, header?: string, prefix?: string) => ({
  name,
  timeoutMs: settings.timeout_ms,
  headers: secretHeader(ports, settings.secret_key_ref, header, prefix),
})

/** POST /v1/moderations; scores per category. https://platform.openai.com/docs/api-reference/moderations */
const openAi: Service = {
  endpoint: 'https://api.openai.com/v1/moderations',
  async moderate(ports, settings, { text }) {
    const { results } = await ask(ports, {
      ...common(ports, settings, 'openai-moderation'),
      url: settings.endpoint ?? 'https://api.openai.com/v1/moderations',
      body: { model: settings.model ?? 'omni-moderation-latest', input: text },
      answer: z.object({ results: z.array(z.object({ category_scores: z.record(z.string(), score) })).min(1) }),
    })
    const scores = results.flatMap((result) => Object.entries(result.category_scores))
    return { scores: scores.map(([category, value]) => ({ category, score: value })), spans: [] }
  },
}

const AZURE_CATEGORIES = ['Hate', 'SelfHarm', 'Sexual', 'Violence']
const AZURE_SEVERITY_MAX = 6

/** POST /contentsafety/text:analyze; severity 0, 2, 4 or 6, told here as a sixth of it. learn.microsoft.com/rest/api/contentsafety */
const azure: Service = {
  endpoint: null,
  async moderate(ports, settings, { text }) {
    const url = new URL(under(settings.endpoint ?? '', 'contentsafety/text:analyze'))
    url.searchParams.set('api-version', '2024-09-01')
    const asked = AZURE_CATEGORIES.filter(
      (name) => settings.categories.length === 0 || includes(settings.categories, name),
    )
    const { categoriesAnalysis } = await ask(ports, {
      ...common(ports, settings, 'azure-content-safety', 'ocp-apim-subscription-key', ''),
      url: url.href,
      body: { text, categories: asked, outputType: 'FourSeverityLevels' },
      answer: z.object({
        categoriesAnalysis: z.array(z.object({ category: z.string(), severity: z.number().min(0).max(7) })),
      }),
    })
    return {
      scores: categoriesAnalysis.map(({ category, severity }) => ({
        category,
        score: Math.min(1, severity / AZURE_SEVERITY_MAX),
      })),
      spans: [],
    }
  },
}

const Intervention = z.object({
  action: z.enum(['NONE', 'GUARDRAIL_INTERVENED']),
  assessments: z.array(z.unknown()).optional(),
})

/**
 * POST /guardrail/{id}/version/{version}/apply, whose address is the endpoint; signed in with a Bedrock API key.
 * docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html
 */
const bedrock: Service = {
  endpoint: null,
  async moderate(ports, settings, { text, phase }) {
    const { action } = await ask(ports, {
      ...common(ports, settings, 'bedrock-apply-guardrail'),
      url: settings.endpoint ?? '',
      body: { source: phase === 'input' ? 'INPUT' : 'OUTPUT', content: [{ text: { text } }] },
      answer: Intervention,
    })
    return action === 'NONE' ? NOTHING : yes('guardrail_intervened')
  },
}

/** POST /analyze; entities with offsets in code points. microsoft.github.io/presidio/api-docs */
const presidio: Service = {
  endpoint: null,
  async moderate(ports, settings, { text }) {
    const entities = await ask(ports, {
      ...common(ports, settings, 'presidio'),
      url: under(settings.endpoint ?? '', 'analyze'),
      body: {
        text,
        language: settings.language,
        ...(settings.categories.length > 0 ? { entities: settings.categories } : {}),
      },
      answer: z.array(
        z.object({ entity_type: z.string(), start: z.number().int().min(0), end: z.number().int().min(0), score }),
      ),
    })
    const toUnits = unitsByCodePoint(text)
    const spans = entities.map(({ entity_type, start, end, score: value }) => ({
      category: entity_type,
      score: value,
      start: toUnits(start),
      end: toUnits(end),
    }))
    return { scores: spans.map(({ category, score: value }) => ({ category, score: value })), spans }
  },
}

/** POST /guards/{name}/validate of a Guardrails server, whose address is the endpoint. Older and newer servers spell it differently. */
const guardrailsAi: Service = {
  endpoint: null,
  async moderate(ports, settings, { text }) {
    const passed = await ask(ports, {
      ...common(ports, settings, 'guardrails-ai'),
      url: settings.endpoint ?? '',
      body: { llmOutput: text, numReasks: 0 },
      answer: z
        .union([z.object({ validationPassed: z.boolean() }), z.object({ validation_passed: z.boolean() })])
        .transform((outcome) => ('validationPassed' in outcome ? outcome.validationPassed : outcome.validation_passed)),
    })
    return passed ? NOTHING : yes('validation_failed')
  },
}

/** POST /v1/moderation/analyze/; policies by id in `categories`. docs.dynamo.ai */
const dynamoAi: Service = {
  endpoint: 'https://api.dynamo.ai/v1/moderation/analyze/',
  async moderate(ports, settings, { text, phase }) {
    const { finalAction, appliedPolicies } = await ask(ports, {
      ...common(ports, settings, 'dynamo-ai'),
      url: settings.endpoint ?? 'https://api.dynamo.ai/v1/moderation/analyze/',
      body: {
        messages: [{ role: phase === 'input' ? 'user' : 'assistant', content: text }],
        textType: phase === 'input' ? 'MODEL_INPUT' : 'MODEL_RESPONSE',
        policyIds: settings.categories,
      },
      answer: z.object({
        finalAction: z.string(),
        appliedPolicies: z
          .array(
            z.object({ policy: z.object({ id: z.string() }), outputs: z.object({ action: z.string() }).nullish() }),
          )
          .default([]),
      }),
    })
    if (finalAction !== 'BLOCK') return NOTHING
    return yes(
      ...appliedPolicies.filter(({ outputs }) => outputs?.action === 'BLOCK').map(({ policy }) => policy.id),
      'blocked',
    )
  },
}

/** How sure Lakera is, L1 the surest. */
const LAKERA_CONFIDENCE: Readonly<Record<string, number>> = { L1: 0.99, L2: 0.95, L3: 0.9, L4: 0.75, L5: 0.5 }

/** POST /v2/guard; detectors and their thresholds are set in the Lakera project. docs.lakera.ai/docs/api/guard */
const lakera: Service = {
  endpoint: 'https://api.lakera.ai/v2/guard',
  async moderate(ports, settings, { text, phase }) {
    const { flagged, breakdown } = await ask(ports, {
      ...common(ports, settings, 'lakera'),
      url: settings.endpoint ?? 'https://api.lakera.ai/v2/guard',
      body: {
        messages: [{ role: phase === 'input' ? 'user' : 'assistant', content: text }],
        breakdown: true,
        ...(settings.model ? { project_id: settings.model } : {}),
      },
      answer: z.object({
        flagged: z.boolean(),
        breakdown: z
          .array(z.object({ detector_type: z.string(), detected: z.boolean(), confidence: z.string().nullish() }))
          .default([]),
      }),
    })
    const detected = breakdown.filter((detector) => detector.detected)
    if (!flagged) return NOTHING
    if (detected.length === 0) return yes('flagged')
    return {
      scores: detected.map(({ detector_type, confidence }) => ({
        category: detector_type,
        score: LAKERA_CONFIDENCE[confidence ?? ''] ?? 1,
      })),
      spans: [],
    }
  },
}

/** A service of your own: `{text, phase, categories}` to `{"flagged": bool, "categories": {"name": 0.0 to 1.0}}`. */
const webhook: Service = {
  endpoint: null,
  async moderate(ports, settings, { text, phase }) {
    const { flagged, categories } = await ask(ports, {
      ...common(ports, settings, 'The moderation webhook'),
      url: settings.endpoint ?? '',
      body: { text, phase, categories: settings.categories },
      answer: z.object({ flagged: z.boolean(), categories: z.record(z.string(), score).default({}) }),
    })
    const scores = Object.entries(categories).map(([category, value]) => ({ category, score: value }))
    // "flagged" without a category is a verdict about the whole.
    return flagged && scores.length === 0 ? yes('flagged') : { scores, spans: [] }
  },
}

/** The OpenAI embeddings API: the similarity of the text to each category's own words, at least 0. */
const embedding: Service = {
  endpoint: null,
  needsCategories: true,
  async moderate(ports, settings, { text }) {
    const service = {
      backend: 'external',
      endpoint: settings.endpoint ?? '',
      model: settings.model ?? 'text-embedding-3-small',
      secret: settings.secret_key_ref,
      timeoutMs: settings.timeout_ms,
    } as const
    const [own = [], ...references] = await embed(ports, service, [text, ...settings.categories])
    return {
      scores: settings.categories.map((category, index) => ({
        category,
        score: Math.max(0, Math.min(1, cosine(own, references[index] ?? []))),
      })),
      spans: [],
    }
  },
}

export const MODERATION_SERVICES = {
  webhook,
  'openai-moderation': openAi,
  'azure-content-safety': azure,
  'bedrock-apply-guardrail': bedrock,
  'embedding-endpoint': embedding,
  presidio,
  'guardrails-ai': guardrailsAi,
  'dynamo-ai': dynamoAi,
  lakera,
} as const satisfies Record<string, Service>

/** Case and separators aside, because services spell their own categories in several ways. */
export const includes = (categories: readonly string[], category: string): boolean =>
  categories.some((wanted) => bare(wanted) === bare(category))

const bare = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/** Python counts code points, strings here count UTF-16 units. Offsets beyond the text become its end. */
function unitsByCodePoint(text: string): (codePoint: number) => number {
  if (!/[\u{10000}-\u{10ffff}]/u.test(text)) return (codePoint) => Math.min(codePoint, text.length)
  const units: number[] = []
  let at = 0
  for (const character of text) {
    units.push(at)
    at += character.length
  }
  return (codePoint) => units[codePoint] ?? text.length
}
