import type { Chain } from '@/lib/policy/engine/chain'
import { type Decision, decidePhaseAsync } from '@/lib/policy/engine/decide'
import type { Ports } from '@/lib/policy/engine/policy'
import { type TextEdit, writeTexts } from '@/lib/policy/engine/redact'
import type { Part, Subject } from '@/lib/policy/engine/subject'
import { Walk } from '@/lib/policy/walk/walked'
import type { CallDecision, DecideCalls } from './rules'

/** Decides the calls of an answer: as tool calls first, then as what the answer says. Null when the chain does neither. */
export function decideCallsOf(chain: Chain, subject: Subject, nowMs: number, ports: Ports): DecideCalls | null {
  const phases = (['tool', 'output'] as const).filter((phase) => chain.phases[phase].length > 0)
  if (phases.length === 0) return null
  return (calls) => {
    const walk = new Walk()
    for (const [index, { id, name, arguments: json }] of calls.entries()) {
      walk.callWithJson(id, name, json, { path: [index], role: 'assistant', message: 0 })
    }
    const { parts } = walk.done()
    const decide = (phase: (typeof phases)[number], now: readonly Part[]) =>
      decidePhaseAsync(chain, { ...subject, phase, parts: now, toolCalls: calls }, nowMs, ports)
    const conclude = (decisions: readonly Decision[]): CallDecision => {
      const edits = editsOf(parts, decisions)
      const written = writeTexts(
        calls.map((call) => call.arguments),
        edits,
      )
      const texts = Array.isArray(written) ? written : []
      const changed = new Set(edits.map(({ path }) => path[0]))
      return { decisions, arguments: calls.map((_, index) => (changed.has(index) ? String(texts[index]) : null)) }
    }
    const next = (decisions: readonly Decision[], now: readonly Part[]): CallDecision | Promise<CallDecision> => {
      const phase = phases[decisions.length]
      if (phase === undefined || decisions.some(isStop)) return conclude(decisions)
      const then = (decision: Decision) => next([...decisions, decision], withTexts(now, decision))
      const decided = decide(phase, now)
      return decided instanceof Promise ? decided.then(then) : then(decided)
    }
    return next([], parts)
  }
}

const isStop = ({ verdict }: Decision) => verdict === 'block' || verdict === 'escalate'

const withTexts = (parts: readonly Part[], { texts }: Decision) =>
  parts.map((part, index) => ({ ...part, text: texts.get(index) ?? part.text }))

/** The later decision has seen what the earlier one made of a text. */
function editsOf(parts: readonly Part[], decisions: readonly Decision[]): TextEdit[] {
  const texts = new Map(decisions.flatMap((decision) => [...decision.texts]))
  return [...texts].flatMap(([index, text]) => {
    const path = parts[index]?.path
    return path === undefined ? [] : [{ path, text }]
  })
}
