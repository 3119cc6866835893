import { z } from 'zod'
import { CLEAN, type Detection, type PolicyKind } from '@/lib/policy/engine/policy'
import { finding } from './mechanisms/finding'
import { patternSearch } from './mechanisms/pattern-search'
import { ANSWER_POLICY } from './mechanisms/regulated-answer'
import { onError, ratio } from './mechanisms/setting-shapes'

const CATEGORIES = [
  'financial_advice',
  'medical_decisions',
  'legal_opinions',
  'hiring_actions',
  'safety_critical',
] as const
type Category = (typeof CATEGORIES)[number]

/** Wordings of a decision about a person or a plant, and how much each alone says about it being one (0 to 1). */
const SIGNALS: Readonly<Record<Category, readonly { source: string; weight: number }[]>> = {
  financial_advice: [
    {
      source: String.raw`\b(?:I|we)\s+(?:\w+\s+)?(?:recommend|advise|suggest)\b[^.!?\n]{0,80}\b(?:buy|sell|invest|shares?|stocks?|bonds?|funds?|portfolio|mortgage|loan|crypto)`,
      weight: 0.8,
    },
    { source: String.raw`\byou\s+should\s+(?:buy|sell|invest|refinance|borrow|short)\b`, weight: 0.8 },
    {
      source: String.raw`\b(?:loan|credit|mortgage)\s+(?:application\s+)?(?:is|was|should be|has been)\s+(?:approved|denied|declined|rejected)\b`,
      weight: 0.9,
    },
    { source: String.raw`\b(?:allocate|rebalance)\s+(?:your\s+)?(?:portfolio|\d{1,3}\s?%)`, weight: 0.5 },
  ],
  medical_decisions: [
    { source: String.raw`\b(?:the|my|your)\s+diagnosis\s+is\b`, weight: 0.9 },
    {
      source: String.raw`\b(?:start|stop|increase|decrease|prescribe|administer|discontinue)\b[^.!?\n]{0,60}\b(?:\d+\s?m?c?g|dose|dosage|medication|treatment|insulin|antibiotics?|chemotherapy)\b`,
      weight: 0.8,
    },
    {
      source: String.raw`\b(?:patient|you)\s+(?:should|must|needs? to)\s+(?:undergo|be (?:admitted|discharged|operated|intubated)|have surgery|take)\b`,
      weight: 0.8,
    },
    { source: String.raw`\btriage\s+(?:level|category|priority)\b`, weight: 0.5 },
  ],
  legal_opinions: [
    {
      source: String.raw`\b(?:in\s+(?:my|our)\s+(?:legal\s+)?opinion|it is our opinion)\b[^.!?\n]{0,120}\b(?:liable|liability|contract|court|breach|statute|enforceable|claim)`,
      weight: 0.9,
    },
    {
      source: String.raw`\byou\s+(?:should|must)\s+(?:sue|plead|file\s+(?:a|an|for|your)|settle|appeal)\b`,
      weight: 0.8,
    },
    {
      source: String.raw`\b(?:is|are)\s+(?:legally\s+)?(?:liable|enforceable|unenforceable|in breach|void)\b`,
      weight: 0.5,
    },
    {
      source: String.raw`\byou\s+(?:have|do not have|don't have)\s+(?:a|any)\s+(?:\w+\s+)?(?:case|claim)\b`,
      weight: 0.6,
    },
  ],
  hiring_actions: [
    {
      source: String.raw`\b(?:recommend|suggest|advise|should|decided? to)\b[^.!?\n]{0,40}\b(?:hir(?:e|ing)|reject(?:ing)?|shortlist(?:ing)?|promot(?:e|ing)|terminat(?:e|ing)|dismiss(?:ing)?|lay(?:ing)? off|not (?:proceed|advance))\b[^.!?\n]{0,60}\b(?:candidate|applicant|employee|him|her|them|position|role)`,
      weight: 0.9,
    },
    {
      source: String.raw`\b(?:candidate|applicant)s?\b[^.!?\n]{0,60}\b(?:is|are|was|were|should be)\s+(?:not\s+)?(?:rejected|hired|shortlisted|selected|suitable|qualified|recommended)\b`,
      weight: 0.8,
    },
    {
      source: String.raw`\b(?:rank(?:ed|ing)?|scor(?:e|ed|ing))\s+(?:of\s+)?(?:the\s+|these\s+)?(?:candidates?|applicants?|resumes?|CVs?)\b`,
      weight: 0.7,
    },
  ],
  safety_critical: [
    {
      source: String.raw`\b(?:disable|bypass|override|shut\s?down|disconnect|jumper)\b[^.!?\n]{0,50}\b(?:safety|interlock|alarm|emergency stop|e-stop|protection|relief valve|reactor|turbine|breaker|brakes?|autopilot)\b`,
      weight: 0.9,
    },
    {
      source: String.raw`\b(?:open|close|set|increase|raise|lower)\b[^.!?\n]{0,30}\b(?:valve|pressure|setpoint|reactor|control rods?|coolant|dam gates?|voltage)\b`,
      weight: 0.7,
    },
    {
      source: String.raw`\b(?:clear(?:ed)? for (?:takeoff|landing)|release the brakes?|energi[sz]e the (?:line|bus|circuit))\b`,
      weight: 0.8,
    },
  ],
}

const Settings = z.strictObject({
  require_human_for: z.array(z.enum(CATEGORIES)).min(1).max(CATEGORIES.length),
  action: z.enum(['escalate', 'block']).default('escalate'),
  /** How sure the recognition of a category must be, 0 to 1. */
  confidence_threshold: ratio.default(0.7),
  default_assignee: z.string().trim().min(1).max(120).optional(),
  /** How long an answer waits for a person. */
  timeout_seconds: z.number().int().min(1).max(604_800).default(3_600),
  on_error: onError,
})

/** Holds back answers that a person must decide on. */
export const HUMAN_OVERSIGHT: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'human-oversight',
  version: '1',
  summary: 'Escalates answers that decide about money, health, law, employment or safety to a person.',
  phases: ['output'],
  settings: Settings,
  needsBlock: true,
  compile(settings) {
    const wanted = settings.require_human_for.map((category) => ({
      category,
      signals: SIGNALS[category].map(({ source, weight }) => ({
        weight,
        search: patternSearch([{ source, rule: category }]),
      })),
    }))
    return {
      ...ANSWER_POLICY,
      kind: 'human-oversight',
      version: '1',
      onError: settings.on_error,
      explain: [
        `${settings.action === 'escalate' ? 'Escalates' : 'Blocks'} answers that read like ${settings.require_human_for.join(', ')} with a confidence of at least ${settings.confidence_threshold}.`,
        `Somebody${settings.default_assignee ? ` (${settings.default_assignee})` : ''} has ${settings.timeout_seconds} seconds to decide.`,
        'Recognition is by wordings in English; the confidence is computed from how many of them occur, not by a model.',
      ],
      check(view) {
        const detections: Detection[] = []
        const flags: string[] = []
        for (const { category, signals } of wanted) {
          const found = signals
            .map(({ search, weight }) => ({ weight, at: search.find(view) }))
            .filter(({ at }) => at.length > 0)
          // Signals are taken as independent: what is left of the doubt is the product of what each leaves.
          const confidence = 1 - found.reduce((doubt, { weight }) => doubt * (1 - weight), 1)
          // Rounded, so that 1 - (1 - 0.7) is not less than 0.7.
          if (found.length === 0 || Math.round(confidence * 1e6) / 1e6 < settings.confidence_threshold) continue
          detections.push(...found.flatMap(({ at }) => at))
          flags.push(`oversight.${category}`)
        }
        if (detections.length === 0) return CLEAN
        return finding({
          verdict: settings.action,
          reasonCode: 'human_oversight.required',
          message: 'This answer needs the decision of a person before it can be given.',
          detections,
          flags: [
            ...flags,
            ...(settings.action === 'escalate' ? [`oversight.timeout_seconds:${settings.timeout_seconds}`] : []),
            ...(settings.default_assignee ? [`oversight.assignee:${settings.default_assignee}`] : []),
          ],
        })
      },
    }
  },
}
