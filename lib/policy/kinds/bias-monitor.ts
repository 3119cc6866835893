import { z } from 'zod'
import { CLEAN, type Detection, type PolicyKind } from '@/lib/policy/engine/policy'
import { GROUNDS, GROUPS } from './bias-groups'
import { finding } from './mechanisms/finding'
import { type NamedPattern, patternSearch } from './mechanisms/pattern-search'
import { ANSWER_POLICY } from './mechanisms/regulated-answer'
import { onError, ratio } from './mechanisms/setting-shapes'

const Settings = z.strictObject({
  /** Added to race, gender, religion, disability and age. */
  protected_characteristics: z
    .array(
      z
        .string()
        .trim()
        .min(2)
        .max(60)
        .regex(/^[\p{L}\p{N} -]+$/u, 'must be words'),
    )
    .max(50)
    .default([]),
  /** Score from which something happens, 0 to 1. */
  threshold: ratio.default(0.85),
  action: z.enum(['block', 'escalate']).default('escalate'),
  on_error: onError,
})

/** How strongly each wording suggests bias. Between them lies room for a threshold, not a measurement. */
const SCORES = { decision_on_ground: 0.95, generalisation: 0.9, unfit: 0.9, mild_generalisation: 0.6 } as const
type Wording = keyof typeof SCORES

/**
 * Flags answers that generalise about protected groups or decide on protected grounds.
 *
 * It is a list of English wordings with scores. It sees what is said outright; it measures no statistical disparity, and
 * quoting a prejudice to refute it looks the same to it.
 */
export const BIAS_MONITOR: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'bias-monitor',
  version: '1',
  summary: 'Escalates or blocks answers that generalise about protected groups or decide on protected grounds.',
  phases: ['output'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const characteristics = [
      ...Object.keys(GROUPS),
      ...settings.protected_characteristics.map((name) => name.toLowerCase()),
    ]
    const search = patternSearch([...new Set(characteristics)].flatMap(wordingsFor))
    return {
      ...ANSWER_POLICY,
      kind: 'bias-monitor',
      version: '1',
      onError: settings.on_error,
      explain: [
        `Looks for generalisations and decisions about ${[...new Set(characteristics)].join(', ')}; ${settings.action === 'block' ? 'blocks' : 'escalates'} from a score of ${settings.threshold}.`,
        'Scores belong to English wordings; no statistics of outcomes are computed.',
      ],
      check(view) {
        const found = search.find(view).map((detection) => ({ detection, score: scoreOf(detection) }))
        const score = Math.max(0, ...found.map((each) => each.score))
        if (score === 0) return CLEAN
        const flags = [`bias.score:${score}`, ...new Set(found.map(({ detection }) => `bias.${detection.rule}`))]
        if (score < settings.threshold) return finding({ flags, detections: found.map(({ detection }) => detection) })
        return finding({
          verdict: settings.action,
          reasonCode: 'bias.suspected',
          message: 'This answer may treat people unfairly and was held back.',
          detections: found.filter((each) => each.score >= settings.threshold).map(({ detection }) => detection),
          flags,
        })
      },
    }
  },
}

const scoreOf = ({ rule }: Detection): number => SCORES[rule.split('.').at(-1) as Wording] ?? 0

function wordingsFor(characteristic: string): NamedPattern[] {
  const groups = alternatives(GROUPS[characteristic] ?? [escaped(characteristic)])
  const grounds = alternatives(GROUNDS[characteristic] ?? [escaped(characteristic)])
  // Spaces would make a rule's name hard to search for in records.
  const rule = (wording: Wording) => `${characteristic.replace(/[^\p{L}\p{N}]+/gu, '_')}.${wording}`
  return [
    {
      rule: rule('generalisation'),
      source: String.raw`\b(?:all|most|every|typical)\s+(?:of\s+the\s+)?${groups}\s+(?:are|is|can(?:not|'t)|should(?:n't| not)|have no|lack|don't|do not|never|always)\b`,
    },
    {
      rule: rule('generalisation'),
      source: String.raw`\b${groups}\s+(?:are|is)\s+(?:naturally|inherently|genetically|by nature|always|just|simply|all|biologically|generally)\s+(?:\w+\s+){0,3}(?:worse|inferior|less|lazy|stupid|dangerous|criminals?|violent|weak|emotional|dishonest|greedy|unreliable|incapable|unintelligent|slow|bad|unfit|primitive|aggressive)\b`,
    },
    {
      rule: rule('unfit'),
      source: String.raw`\b${groups}\s+(?:should(?:n't| not)|must not|can(?:not|'t)|are not fit to|are unfit to|don't deserve to|do not deserve to)\s+(?:be\s+(?:hired|promoted|allowed|trusted|in charge|given)|work|lead|vote|drive|manage|hold|become|handle)\b`,
    },
    {
      rule: rule('decision_on_ground'),
      source: String.raw`\b(?:reject(?:ed|ing)?|den(?:y|ied|ying)|declin(?:e|ed|ing)|disqualif(?:y|ied)|not\s+(?:hire|hired|suitable|a good fit|recommended)|unsuitable|fire[ds]?|exclud(?:e|ed|ing)|prefer(?:red)?|charge(?:d)? more)\b[^.!?\n]{0,60}\b(?:because of|due to|based on|on account of|on the basis of|given|because (?:he|she|they) (?:is|are))\s+(?:(?:his|her|their|the|an?|candidate's|applicant's)\s+){0,2}${grounds}\b`,
    },
    {
      rule: rule('mild_generalisation'),
      source: String.raw`\b${groups}\s+(?:tend to be|are usually|are often|are known for|are more likely to be)\b`,
    },
  ]
}

const alternatives = (words: readonly string[]) => `(?:${words.join('|')})`

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
