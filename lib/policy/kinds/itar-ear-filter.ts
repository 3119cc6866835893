import { z } from 'zod'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import { ITAR_EAR_TERMS } from './itar-ear-terms'
import { blockedTerms, configured, controlledTerms, fuzzyShape } from './mechanisms/controlled-terms'

const Settings = z.strictObject({
  /** Added to the built-in terms. */
  blocked_terms: blockedTerms,
  action: z.literal('block').default('block'),
  ...fuzzyShape,
})

/** Stops what is marked or worded as export-controlled defence work before it reaches a model. */
export const ITAR_EAR_FILTER: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'itar-ear-filter',
  version: '1',
  summary: 'Blocks requests with markings or vocabulary of export-controlled defence articles (ITAR, EAR).',
  phases: ['input', 'tool'],
  settings: Settings,
  needsBlock: false,
  compile: (settings) =>
    controlledTerms(ITAR_EAR_FILTER, settings, {
      named: [...ITAR_EAR_TERMS, ...configured(settings.blocked_terms, 'blocked_terms')],
      action: 'block',
      reasonCode: 'export_control.detected',
      message: 'This request appears to contain export-controlled information and was not sent.',
      explain: [
        `Blocks ${ITAR_EAR_TERMS.length} built-in markings and terms of the US Munitions List and the EAR, and ${settings.blocked_terms.length} of this configuration.`,
        'It recognises words; it does not classify goods.',
      ],
    }),
}
