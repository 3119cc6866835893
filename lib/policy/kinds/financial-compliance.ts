import { z } from 'zod'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import { numbered, patternSearch } from './mechanisms/pattern-search'
import { ANSWER_POLICY, regulatedAnswer } from './mechanisms/regulated-answer'
import { onError, patterns, wording } from './mechanisms/setting-shapes'

/** What a firm may not say to clients: promises, exaggeration and pressure (FINRA Rule 2210(d)(1); MiFID II, article 24(3)). */
const BUILT_IN = [
  {
    rule: 'financial.guaranteed_return',
    source: String.raw`\b(?:guaranteed?|assured|certain|promised?)\s+(?:[a-z0-9%.]+\s+){0,3}(?:returns?|profits?|gains?|yields?|income)\b`,
  },
  {
    rule: 'financial.guaranteed_return',
    source: String.raw`\b(?:returns?|profits?|gains?)\s+(?:are|is)\s+(?:guaranteed|assured|certain)\b`,
  },
  {
    rule: 'financial.no_risk',
    source: String.raw`\b(?:risk[- ]free|zero[- ]risk|no[- ]risk|without (?:any )?risk)\s+(?:[a-z-]+\s+){0,2}(?:investments?|returns?|profits?|trades?|opportunit(?:y|ies)|strateg(?:y|ies))\b`,
  },
  {
    rule: 'financial.no_risk',
    source: String.raw`\b(?:you )?(?:can(?:no|')t|can not|will never|won't) lose (?:any )?(?:your )?(?:money|capital|principal)\b`,
  },
  {
    rule: 'financial.sure_thing',
    source: String.raw`\b(?:sure[- ]fire|can't[- ]miss|guaranteed|foolproof)\s+(?:investment|stock|trade|bet|opportunity|pick)\b`,
  },
  {
    rule: 'financial.double_money',
    source: String.raw`\b(?:double|triple|10x)\s+your\s+(?:money|investment|savings|capital)\b`,
  },
  {
    rule: 'financial.personal_recommendation',
    source: String.raw`\b(?:I|we)\s+(?:strongly\s+)?(?:recommend|advise|suggest)\s+(?:that\s+)?you\s+(?:to\s+)?(?:buy|sell|short|invest|put)\b`,
  },
  {
    rule: 'financial.personal_recommendation',
    source: String.raw`\byou\s+should\s+(?:definitely\s+|immediately\s+|absolutely\s+)?(?:buy|sell|short|invest\s+(?:all|in|your))\b[^.!?\n]{0,80}\b(?:stocks?|shares?|bonds?|funds?|crypto|bitcoin|options?|securities|savings|now)\b`,
  },
  {
    rule: 'financial.pressure',
    source: String.raw`\b(?:buy|invest|act)\s+(?:now|today|immediately)\s+(?:before|or)\b[^.!?\n]{0,60}\b(?:too late|miss(?:es|ed)?|gone|lose)\b`,
  },
]

const Settings = z.strictObject({
  /** Added to the built-in patterns. */
  blocked_patterns: patterns.default([]),
  /** Added to the end of each answer that lacks them. */
  required_disclaimers: z.array(wording).max(20).default([]),
  on_error: onError,
})

/** Keeps answers from promising what no firm may promise, and gives them the disclaimers a firm needs. */
export const FINANCIAL_COMPLIANCE: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'financial-compliance',
  version: '1',
  summary: 'Blocks promises and personal investment advice in answers and adds required disclaimers.',
  phases: ['output'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const search = patternSearch([...BUILT_IN, ...numbered(settings.blocked_patterns, 'blocked_patterns')])
    return {
      ...ANSWER_POLICY,
      kind: 'financial-compliance',
      version: '1',
      onError: settings.on_error,
      explain: [
        `Blocks answers with one of ${BUILT_IN.length} built-in and ${settings.blocked_patterns.length} configured patterns: promised returns, denied risk, pressure, personal recommendations.`,
        `Adds ${settings.required_disclaimers.length} disclaimers where an answer lacks them; JSON answers are left alone.`,
      ],
      check: (view) =>
        regulatedAnswer(view, {
          search,
          disclaimers: settings.required_disclaimers,
          topic: 'financial_compliance',
          message: 'The answer contained a financial statement that may not be made and was stopped.',
        }),
    }
  },
}
