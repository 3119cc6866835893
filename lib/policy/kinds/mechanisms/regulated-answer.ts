import { CLEAN, type Finding, type Policy, type View } from '@/lib/policy/engine/policy'
import { appendMissing } from './answer-edits'
import { finding } from './finding'
import type { PatternSearch } from './pattern-search'

/**
 * An answer of a regulated trade: blocked for what may not be said, otherwise given the disclaimers it lacks.
 *
 * @param needsDisclaimer whether this answer must carry them
 */
export function regulatedAnswer(
  view: View,
  {
    search,
    disclaimers,
    topic,
    message,
    needsDisclaimer = () => true,
  }: {
    search: PatternSearch
    disclaimers: readonly string[]
    /** First word of reason codes and flags. */
    topic: string
    message: string
    needsDisclaimer?: (view: View) => boolean
  },
): Finding {
  const detections = search.find(view)
  if (detections.length > 0) {
    return finding({ verdict: 'block', reasonCode: `${topic}.prohibited_statement`, message, detections })
  }
  if (disclaimers.length === 0 || !needsDisclaimer(view)) return CLEAN
  const { redactions, skipped } = appendMissing(view, disclaimers)
  return finding({
    redactions,
    skipped,
    flags: [
      ...(redactions.length > 0 ? [`${topic}.disclaimer_added`] : []),
      ...(skipped.length > 0 ? [`${topic}.disclaimer_not_added`] : []),
    ],
  })
}

/** What is the same for every policy that must see a whole answer. */
export const ANSWER_POLICY = {
  phases: ['output'],
  terms: [],
  streaming: 'buffered',
  bytesMax: 1_048_576,
} as const satisfies Partial<Policy>
