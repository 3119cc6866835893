import type { Decision } from '@/lib/policy/engine/decide'
import type { Subject } from '@/lib/policy/engine/subject'
import type { AnswerRules } from './rules'

/**
 * What the rules make of a text that is there at once: what a stream of the same text must come to.
 *
 * @returns null as text when it must not be shown
 */
export function governWhole(
  rules: AnswerRules,
  subject: Subject,
  text: string,
): { text: string | null; decision: Decision } {
  const path = ['choices', 0, 'message', 'content']
  const part = { path, kind: 'text' as const, role: 'assistant' as const, message: 0, text, media: null }
  const decision = rules.check({ ...subject, phase: 'output', parts: [part] })
  const isStopped = decision.verdict === 'block' || decision.verdict === 'escalate'
  return { text: isStopped ? null : (decision.texts.get(0) ?? text), decision }
}
