import type { Decision } from '@/lib/policy/engine/decide'
import type { Subject } from '@/lib/policy/engine/subject'
import type { TextLane } from './lane'
import type { AnswerRules } from './rules'

const WINDOW_TRIES_MAX = 8

/**
 * Looks at the windows of these lanes. A window begins somewhere in a text, so that a policy may take the rest of a word at
 * its beginning for a word: what it says about text that is long settled is an artefact, and another beginning is tried.
 */
export function checkWindows(
  rules: AnswerRules,
  subject: Subject,
  lanes: readonly TextLane[],
  lookBehind: number,
): Decision {
  const look = () => rules.check({ ...subject, phase: 'output', parts: lanes.map(({ part }) => part) })
  let decision = look()
  for (let tries = 0; tries < WINDOW_TRIES_MAX && isArtefact(decision, lanes); tries++) {
    const narrowed = lanes.map((lane) => lane.narrow(lookBehind))
    if (!narrowed.includes(true)) break
    decision = look()
  }
  return decision
}

/** Whether an objection or a redaction begins in text that was settled without it. */
function isArtefact({ verdict, decisive, redactions }: Decision, lanes: readonly TextLane[]): boolean {
  const isBeforeSettled = ({ part, start }: { part: number; start: number }) =>
    start < (lanes[part]?.settledInWindow ?? 0)
  const isStop = verdict === 'block' || verdict === 'escalate'
  if (isStop && decisive.length > 0 && decisive.every(isBeforeSettled)) return true
  return redactions.some((cut) => isBeforeSettled(cut) && cut.end > (lanes[cut.part]?.settledInWindow ?? 0))
}
