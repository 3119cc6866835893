import { z } from 'zod'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import { numbered, patternSearch } from './mechanisms/pattern-search'
import { ANSWER_POLICY, regulatedAnswer } from './mechanisms/regulated-answer'
import { onError, patterns, wording } from './mechanisms/setting-shapes'

/** What an assistant may not say to patients: diagnoses, changes of medication, promises of cure, against seeing a doctor. */
const BUILT_IN = [
  {
    rule: 'healthcare.diagnosis',
    source: String.raw`\b(?:I|we)\s+(?:can\s+)?(?:diagnose|am diagnosing|are diagnosing)\s+you\b`,
  },
  {
    rule: 'healthcare.diagnosis',
    source: String.raw`\byou\s+(?:definitely|clearly|certainly|undoubtedly)\s+(?:have|suffer\s+from|are\s+suffering\s+from)\b`,
  },
  { rule: 'healthcare.diagnosis', source: String.raw`\b(?:my|the)\s+diagnosis\s+(?:for you\s+)?is\b` },
  {
    rule: 'healthcare.medication_change',
    source: String.raw`\b(?:you\s+(?:should|must|can|need\s+to)\s+)?(?:stop|quit|discontinue|skip)\s+taking\s+your\b`,
  },
  {
    rule: 'healthcare.dosage',
    source: String.raw`\b(?:take|increase|double|raise|reduce)\s+(?:your\s+)?(?:dose|dosage|[a-z]{3,30})\s+(?:to|of|by)\s+\d+(?:\.\d+)?\s?(?:mg|mcg|g|ml|units?|tablets?|pills?)\b`,
  },
  {
    rule: 'healthcare.prescription',
    source: String.raw`\bI(?:'m| am| will|'ll)?\s+(?:prescrib(?:e|ing)|writing you a prescription)\b`,
  },
  {
    rule: 'healthcare.cure_promise',
    source: String.raw`\b(?:guaranteed?|certain|proven|miracle|100%)\s+(?:to\s+)?(?:cure|heal|remedy)s?\b`,
  },
  {
    rule: 'healthcare.no_doctor',
    source: String.raw`\byou\s+(?:don't|do not|needn't|need not)\s+(?:need|have)\s+(?:to\s+(?:see|consult|visit|call)\s+)?(?:a|any|your)\s+(?:doctor|physician|medical (?:help|attention|care))\b`,
  },
]

/** 21 CFR 860.3: the higher the class of a device, the more its answers are held to. */
const CLASS_DISCLAIMERS = {
  I: [],
  II: [],
  III: ['This information supports a clinician and must be confirmed by one before it is acted on.'],
} as const

const Settings = z.strictObject({
  /** Added to the built-in patterns. */
  blocked_patterns: patterns.default([]),
  /** Added to the end of each answer that lacks them. */
  required_disclaimers: z.array(wording).max(20).default([]),
  /** Class of the medical device; III adds a disclaimer of its own. */
  fda_class: z.enum(['I', 'II', 'III']).default('II'),
  on_error: onError,
})

/** Keeps answers from practising medicine, and gives them the disclaimers they need. */
export const HEALTHCARE_COMPLIANCE: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'healthcare-compliance',
  version: '1',
  summary: 'Blocks diagnoses, changes of medication and promises of cure in answers and adds required disclaimers.',
  phases: ['output'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const search = patternSearch([...BUILT_IN, ...numbered(settings.blocked_patterns, 'blocked_patterns')])
    const disclaimers = [...settings.required_disclaimers, ...CLASS_DISCLAIMERS[settings.fda_class]]
    return {
      ...ANSWER_POLICY,
      kind: 'healthcare-compliance',
      version: '1',
      onError: settings.on_error,
      explain: [
        `Blocks answers with one of ${BUILT_IN.length} built-in and ${settings.blocked_patterns.length} configured patterns: diagnoses, dosages, changes of medication, promises of cure.`,
        `Adds ${disclaimers.length} disclaimers where an answer lacks them; JSON answers are left alone.`,
        `Marks events with device class ${settings.fda_class}.`,
      ],
      check(view) {
        const found = regulatedAnswer(view, {
          search,
          disclaimers,
          topic: 'healthcare_compliance',
          message: 'The answer contained a medical statement that may not be made and was stopped.',
        })
        return { ...found, flags: [...found.flags, `healthcare.fda_class:${settings.fda_class}`] }
      },
    }
  },
}
