import type { Json } from '../adapter'
import { type Chat, type ChatMessage, refusal } from '../chat'

export const BUDGET_TOKENS_MIN = 1_024
const BUDGET_TOKENS = { minimal: 1_024, low: 2_048, medium: 8_192, high: 16_384, xhigh: 24_576, max: 32_768 }
/** Models that think within a budget; later ones take an effort and decide for themselves. */
const THINKS_IN_BUDGET = /^claude-(?:3-|(?:opus|sonnet|haiku)-4(?:$|-[015](?:$|-)|-\d{8}))/

/** `output` belongs into `output_config`; `budget` is how many tokens are for thinking only. */
export type Thinking = { thinking: Json | null; output: Json; budget: number }

/**
 * How hard a Claude model shall think.
 *
 * @throws Refusal when the limit leaves no room for it
 */
export function thinkingOf(chat: Chat, model: string, maxTokens: number | null): Thinking {
  const { thinking, reasoning_effort: effort } = chat
  if (thinking?.type === 'adaptive' || thinking?.type === 'disabled') {
    const output = effort === null || effort === 'none' ? {} : { effort: effort === 'minimal' ? 'low' : effort }
    return { thinking: { type: thinking.type }, output, budget: 0 }
  }
  if (thinking === null && (effort === null || effort === 'none')) return { thinking: null, output: {}, budget: 0 }
  if (thinking === null && effort !== null && effort !== 'none' && !THINKS_IN_BUDGET.test(model)) {
    return { thinking: { type: 'adaptive' }, output: { effort: effort === 'minimal' ? 'low' : effort }, budget: 0 }
  }
  // A turn with tool calls must keep its thoughts; a caller that did not keep them goes on without.
  if (!canThinkOn(chat.messages)) return { thinking: null, output: {}, budget: 0 }
  const asked = thinking?.budget_tokens ?? BUDGET_TOKENS[effort === null || effort === 'none' ? 'medium' : effort]
  if (maxTokens !== null && maxTokens <= BUDGET_TOKENS_MIN) {
    throw refusal('max_completion_tokens', `must be more than ${BUDGET_TOKENS_MIN} for a model that thinks first`)
  }
  const budget = maxTokens === null || thinking !== null ? asked : Math.min(asked, fitting(maxTokens))
  return { thinking: { type: 'enabled', budget_tokens: budget }, output: {}, budget }
}

/** Leaves some of the limit for the answer. */
const fitting = (maxTokens: number) => Math.max(BUDGET_TOKENS_MIN, Math.floor(maxTokens * 0.8))

function canThinkOn(messages: readonly ChatMessage[]): boolean {
  const last = messages.findLast(({ role }) => role !== 'tool')
  if (messages.at(-1)?.role !== 'tool' || last?.role !== 'assistant') return true
  return (last.reasoning_details ?? []).some((one) => one.type !== 'reasoning.summary')
}
