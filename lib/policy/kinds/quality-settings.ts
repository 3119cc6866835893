import { z } from 'zod'
import { hasAddress, judgeShape } from './mechanisms/judge'
import { onError, pattern, ratio } from './mechanisms/setting-shapes'

/** What a judge can be asked to score, each 0 to 1. */
export const DIMENSIONS = ['faithfulness', 'relevancy', 'coherence', 'completeness', 'accuracy'] as const
export type Dimension = (typeof DIMENSIONS)[number]

/** Assertions that are computed here. */
export const LOCAL_ASSERTIONS = [
  'is-json',
  'contains',
  'not-contains',
  'regex',
  'not-regex',
  'min-chars',
  'max-chars',
] as const
/** Assertions that a judge decides; the second and third are scored as the dimensions faithfulness and accuracy. */
export const JUDGED_ASSERTIONS = ['llm-rubric', 'context-faithfulness', 'factuality'] as const

const Assertion = z
  .strictObject({
    type: z.enum([...LOCAL_ASSERTIONS, ...JUDGED_ASSERTIONS]),
    name: z.string().trim().min(1).max(100).optional(),
    enabled: z.boolean().default(true),
    /** Score from which it passes; for what is computed here only 1 or 0 come out. */
    threshold: ratio.default(0.7),
    /** Its weight in the aggregate, beside those of the dimensions. */
    weight: z.number().min(0).max(100).default(0),
    mode: z.literal('enforce').default('enforce'),
    /** A critical one that fails decides alone; a warning is recorded and counts in the aggregate only. */
    severity: z.enum(['critical', 'warning']).default('critical'),
    config: z
      .strictObject({
        /** Of `contains` and `not-contains`. */
        value: z.string().min(1).max(1_000).optional(),
        /** Of `regex` and `not-regex`. */
        pattern: pattern.optional(),
        /** Of `min-chars` and `max-chars`. */
        chars: z.number().int().min(0).max(10_000_000).optional(),
        /** Of `llm-rubric`: what a good answer does. */
        rubric: z.string().trim().min(1).max(4_000).optional(),
        /** Of `factuality`: what is true. */
        reference: z.string().trim().min(1).max(20_000).optional(),
      })
      .prefault({}),
  })
  .superRefine(({ type, config }, context) => {
    const needed = NEEDS[type]
    if (needed && config[needed] === undefined) {
      context.addIssue({ code: 'custom', path: ['config', needed], message: `is needed by ${type}` })
    }
  })
export type Assertion = z.infer<typeof Assertion>

const NEEDS: Partial<Record<string, 'value' | 'pattern' | 'chars' | 'rubric' | 'reference'>> = {
  contains: 'value',
  'not-contains': 'value',
  regex: 'pattern',
  'not-regex': 'pattern',
  'min-chars': 'chars',
  'max-chars': 'chars',
  'llm-rubric': 'rubric',
  factuality: 'reference',
}

export const QualitySettings = z
  .strictObject({
    /** Told to the judge, so that it judges by the standards of the trade. */
    industry: z.string().trim().min(1).max(100).optional(),
    min_output_chars: z.number().int().min(0).max(1_000_000).default(50),
    min_sentences: z.number().int().min(0).max(10_000).default(2),
    /** Asks no judge: only what is computed here counts, and the record says so. For trying a configuration out. */
    mock_scoring: z.boolean().default(false),
    /** Judges; the next is asked when one fails. */
    providers: z
      .array(
        z
          .strictObject({
            id: z.string().trim().min(1).max(100),
            label: z.string().trim().min(1).max(200).optional(),
            ...judgeShape,
            config: z.strictObject({ temperature: z.number().min(0).max(2).default(0) }).prefault({}),
          })
          .refine(hasAddress, { path: ['endpoint'], message: 'is needed: only openai has a known address' }),
      )
      .max(5)
      .default([]),
    benchmarks: z
      .strictObject({
        ragas_faithfulness: z.boolean().default(false),
        ragas_relevancy: z.boolean().default(false),
        coherence: z.boolean().default(false),
        completeness: z.boolean().default(false),
      })
      .prefault({}),
    assertions: z.array(Assertion).max(50).default([]),
    thresholds: z
      .strictObject({
        min_aggregate: ratio.default(0.7),
        min_faithfulness: ratio.default(0.8),
        min_relevancy: ratio.default(0.75),
        min_coherence: ratio.default(0.65),
        min_completeness: ratio.default(0.7),
        min_accuracy: ratio.default(0.8),
      })
      .prefault({}),
    weights: z
      .strictObject({
        faithfulness: z.number().min(0).max(100).default(0.25),
        relevancy: z.number().min(0).max(100).default(0.25),
        coherence: z.number().min(0).max(100).default(0.15),
        completeness: z.number().min(0).max(100).default(0.2),
        accuracy: z.number().min(0).max(100).default(0.15),
      })
      .prefault({}),
    failure_action: z.strictObject({ action: z.enum(['block', 'escalate', 'flag']).default('block') }).prefault({}),
    on_error: onError,
  })
  .superRefine((settings, context) => {
    if (settings.mock_scoring || settings.providers.length > 0 || !needsJudge(settings)) return
    context.addIssue({
      code: 'custom',
      path: ['providers'],
      message: 'is needed: benchmarks or assertions ask a judge',
    })
  })
export type QualitySettings = z.infer<typeof QualitySettings>

/** Dimensions that a configuration asks for. */
export function dimensionsOf({
  benchmarks,
  assertions,
}: Pick<QualitySettings, 'benchmarks' | 'assertions'>): Dimension[] {
  const asks = (type: Assertion['type']) => assertions.some((assertion) => assertion.enabled && assertion.type === type)
  const wanted: Record<Dimension, boolean> = {
    faithfulness: benchmarks.ragas_faithfulness || asks('context-faithfulness'),
    relevancy: benchmarks.ragas_relevancy,
    coherence: benchmarks.coherence,
    completeness: benchmarks.completeness,
    accuracy: asks('factuality'),
  }
  return DIMENSIONS.filter((dimension) => wanted[dimension])
}

export const needsJudge = (settings: Pick<QualitySettings, 'benchmarks' | 'assertions'>): boolean =>
  dimensionsOf(settings).length > 0 || settings.assertions.some(({ enabled, type }) => enabled && type === 'llm-rubric')
