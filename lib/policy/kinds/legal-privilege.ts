import { z } from 'zod'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import { configured, controlledTerms } from './mechanisms/controlled-terms'
import { onError, terms } from './mechanisms/setting-shapes'

/** How privileged papers are marked, and what they say about themselves. */
const MARKERS = [
  'attorney-client',
  'attorney client privilege',
  'attorney-client privileged',
  'solicitor-client privilege',
  'legal professional privilege',
  'work product',
  'attorney work product',
  'work-product doctrine',
  'privileged and confidential',
  'privileged & confidential',
  'confidential and privileged',
  'legal advice',
  'litigation strategy',
  'prepared in anticipation of litigation',
  'common interest privilege',
  'joint defense privilege',
  'subject to legal privilege',
].map((text, index) => ({ text, rule: `privilege.marker_${index + 1}` }))

const Settings = z.strictObject({
  /** Added to the built-in markers. */
  privilege_markers: terms.default([]),
  action: z.literal('block').default('block'),
  on_error: onError,
})

/** Keeps privileged papers from third parties: showing one to a provider may waive the privilege. */
export const LEGAL_PRIVILEGE: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'legal-privilege',
  version: '1',
  summary: 'Blocks content marked as protected by legal privilege.',
  phases: ['input', 'tool', 'output'],
  settings: Settings,
  needsBlock: false,
  compile: (settings) =>
    controlledTerms(
      LEGAL_PRIVILEGE,
      { ...settings, fuzzy_matching: false, max_distance: 0 },
      {
        named: [...MARKERS, ...configured(settings.privilege_markers, 'privilege_markers')],
        action: 'block',
        reasonCode: 'legal_privilege.detected',
        message: 'This content appears to be legally privileged and was stopped.',
        explain: [
          `Blocks ${MARKERS.length} built-in markers of legal privilege and ${settings.privilege_markers.length} of this configuration, in requests, tool calls and answers.`,
          'A marker is enough: a text that only talks about privilege is stopped as well.',
        ],
      },
    ),
}
