import { z } from 'zod'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import { finding } from './mechanisms/finding'
import { onError } from './mechanisms/setting-shapes'

const Settings = z.strictObject({
  /** Events cannot be changed once recorded, whatever stands here; only true is therefore accepted. */
  immutable: z.literal(true, 'must be true: recorded events cannot be changed').default(true),
  /** How long events of this chain are to be kept. */
  retention_days: z.number().int().min(1).max(36_500).default(365),
  hipaa_audit_controls: z.boolean().default(false),
  /** Marks requests that no other policy said anything about, too. */
  log_all_access: z.boolean().default(false),
  on_error: onError,
})

/** HIPAA documentation must be kept for six years (45 CFR 164.316(b)(2)(i)). */
const HIPAA_DAYS = 2_190

/** Marks events with how they are to be kept. Recording itself does not depend on it. */
export const AUDIT_LOGGER: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'audit-logger',
  version: '1',
  summary: 'Marks events with their retention and audit regime; never changes a decision.',
  phases: ['input'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const days = settings.hipaa_audit_controls ? Math.max(HIPAA_DAYS, settings.retention_days) : settings.retention_days
    const marked = finding({
      flags: [
        `audit.retention_days:${days}`,
        ...(settings.hipaa_audit_controls ? ['audit.hipaa'] : []),
        ...(settings.log_all_access ? ['audit.access'] : []),
      ],
    })
    return {
      kind: 'audit-logger',
      version: '1',
      phases: ['input'],
      terms: [],
      onError: settings.on_error,
      streaming: 'buffered',
      explain: [
        `Marks each event to be kept for ${days} days${settings.hipaa_audit_controls ? ', at least six years as HIPAA asks' : ''}.`,
        'Every decision is recorded with or without this policy.',
      ],
      bytesMax: 0,
      check: () => marked,
    }
  },
}
