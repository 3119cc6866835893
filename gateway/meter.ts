import { readTokenUsage, type TokenUsage } from '@/lib/token-usage'

/**
 * Token counts as the provider reported them: `usage` of an answer or of a stream's last chunk, which Google calls
 * `usageMetadata`. See lib/token-usage.ts.
 */
export const readUsage = (answer: Record<string, unknown>): TokenUsage | null =>
  readTokenUsage(fieldsOf(answer.usage) ?? fieldsOf(answer.usageMetadata))

export const fieldsOf = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
