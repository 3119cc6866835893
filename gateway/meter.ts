import type { GatewayEvent } from '@/lib/contract/events'

export type TokenUsage = NonNullable<GatewayEvent['tokens']>

/**
 * Token counts as the provider reported them (`usage` of an answer or of a stream's last chunk).
 *
 * @returns null when it reported none, or counts that cannot be: an unknown amount is never a silent zero
 */
export function readUsage(answer: Record<string, unknown>): TokenUsage | null {
  const usage = fieldsOf(answer.usage)
  if (usage === null) return null
  const input = countOf(usage.prompt_tokens)
  const output = countOf(usage.completion_tokens ?? 0)
  if (input === null || output === null) return null
  return {
    input,
    output,
    cached: countOf(fieldsOf(usage.prompt_tokens_details)?.cached_tokens) ?? 0,
    reasoning: countOf(fieldsOf(usage.completion_tokens_details)?.reasoning_tokens) ?? 0,
  }
}

export const fieldsOf = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null

const countOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
