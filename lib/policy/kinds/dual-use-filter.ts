import { z } from 'zod'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import { DUAL_USE_TERMS } from './dual-use-terms'
import { blockedTerms, configured, controlledTerms, fuzzyShape } from './mechanisms/controlled-terms'

const Settings = z.strictObject({
  /** Added to the built-in terms. */
  blocked_terms: blockedTerms,
  action: z.enum(['block', 'redact']).default('block'),
  ...fuzzyShape,
})

/** Stops or removes what belongs to goods of civil and military use. */
export const DUAL_USE_FILTER: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'dual-use-filter',
  version: '1',
  summary: 'Blocks or redacts vocabulary of controlled dual-use goods and technology.',
  phases: ['input', 'tool'],
  settings: Settings,
  needsBlock: false,
  compile: (settings) =>
    controlledTerms(DUAL_USE_FILTER, settings, {
      named: [...DUAL_USE_TERMS, ...configured(settings.blocked_terms, 'blocked_terms')],
      action: settings.action,
      reasonCode: 'dual_use.detected',
      message: 'This request appears to concern controlled dual-use technology and was not sent.',
      explain: [
        `${settings.action === 'block' ? 'Blocks' : 'Redacts'} ${DUAL_USE_TERMS.length} built-in terms of the dual-use lists and ${settings.blocked_terms.length} of this configuration.`,
        'It recognises words; it does not classify goods.',
      ],
    }),
}
