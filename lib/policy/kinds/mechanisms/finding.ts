import { CLEAN, type Detection, type Finding, type Redaction } from '@/lib/policy/engine/policy'

/** A finding that says only what differs from having nothing to say. */
export const finding = (said: Partial<Finding>): Finding => ({ ...CLEAN, ...said })

type Action = 'block' | 'redact' | 'escalate' | 'flag'

/**
 * What was detected, turned into what is configured to happen.
 *
 * @param message for the caller; says what kind of thing was found, never what
 */
export function actOn(
  detections: readonly Detection[],
  {
    action,
    reasonCode,
    message,
    replacement,
  }: { action: Action; reasonCode: string; message: string; replacement?: string },
): Finding {
  if (detections.length === 0) return CLEAN
  if (action === 'flag') return finding({ reasonCode, flags: [reasonCode], detections })
  if (action !== 'redact') return finding({ verdict: action, reasonCode, message, detections })
  const redactions = detections.map(
    ({ part, start, end }): Redaction => ({ part, start, end, replacement: replacement ?? '[REDACTED]' }),
  )
  return finding({ verdict: 'redact', reasonCode, detections, redactions })
}
