import type { Chain } from '@/lib/policy/engine/chain'
import { type Decision, decidePhase, decidePhaseAsync } from '@/lib/policy/engine/decide'
import type { Ports, Streaming } from '@/lib/policy/engine/policy'
import type { Subject, ToolCall } from '@/lib/policy/engine/subject'

/** What was decided about calls that belong together. `arguments` has one entry per call; null leaves it as it came. */
export type CallDecision = { decisions: readonly Decision[]; arguments: readonly (string | null)[] }

export type DecideCalls = (calls: readonly ToolCall[]) => CallDecision | Promise<CallDecision>

/** What an answer is held to while it is written. */
export type AnswerRules = {
  /** Of every policy that looks at the text. One that is `buffered` holds all of it back. */
  streaming: readonly Streaming[]
  /** Decides a piece of the answer. */
  check(subject: Subject): Decision
  /** Decides the whole, when something is `buffered`. */
  checkWhole(subject: Subject): Decision | Promise<Decision>
  /** Null when nobody looks at tool calls, so that they pass as they come. */
  decideCalls: DecideCalls | null
}

/** The output phase of a chain; null when there is nothing to hold an answer to. */
export function rulesOf(
  chain: Chain,
  nowMs: number,
  ports: Ports,
  decideCalls: DecideCalls | null,
): AnswerRules | null {
  const streaming = chain.phases.output.flatMap((index) => chain.policies[index]?.streaming ?? [])
  if (streaming.length === 0 && decideCalls === null) return null
  return {
    // An answer that must be shown to somebody else is shown as a whole.
    streaming: chain.asks.output ? ['buffered', ...streaming] : streaming,
    check: (subject) => decidePhase(chain, subject, nowMs),
    checkWhole: (subject) => decidePhaseAsync(chain, subject, nowMs, ports),
    decideCalls,
  }
}
