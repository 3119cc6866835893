import type { GatewayEvent } from '@/lib/contract/events'

export type TokenUsage = NonNullable<GatewayEvent['tokens']>

/**
 * Token counts as the provider reported them (`usage` of an answer or of a stream's last chunk), in any of the shapes that
 * pass untouched. `input` includes what was cached, which Anthropic counts beside it.
 *
 * @returns null when it reported none, or counts that cannot be: an unknown amount is never a silent zero
 */
export function readUsage(answer: Record<string, unknown>): TokenUsage | null {
  const usage = fieldsOf(answer.usage)
  if (usage === null) return null
  const isChat = usage.prompt_tokens !== undefined
  const input = countOf(isChat ? usage.prompt_tokens : usage.input_tokens)
  const output = countOf((isChat ? usage.completion_tokens : usage.output_tokens) ?? 0)
  if (input === null || output === null) return null
  const inputDetails = fieldsOf(isChat ? usage.prompt_tokens_details : usage.input_tokens_details)
  const outputDetails = fieldsOf(isChat ? usage.completion_tokens_details : usage.output_tokens_details)
  const beside = isChat ? 0 : (countOf(usage.cache_read_input_tokens) ?? 0)
  const written = isChat ? 0 : (countOf(usage.cache_creation_input_tokens) ?? 0)
  return {
    input: input + beside + written,
    output,
    cached: countOf(inputDetails?.cached_tokens) ?? beside,
    reasoning: countOf(outputDetails?.reasoning_tokens) ?? 0,
  }
}

export const fieldsOf = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null

const countOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
