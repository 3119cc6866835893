import { z } from 'zod'
import { modelName, slug } from '@/lib/contract/fields'

export const ROUTING_STRATEGIES = [
  'ordered',
  'weighted',
  'round_robin',
  'lowest_latency',
  'lowest_cost',
  'least_busy',
] as const

export const FALLBACK_TRIGGERS = ['rate_limit', 'server_error', 'timeout', 'connection', 'invalid_answer'] as const

export const Routing = z.strictObject({
  strategy: z
    .enum(ROUTING_STRATEGIES)
    .default('ordered')
    .describe('Which of the targets that serve a model goes first.'),
  sticky: z
    .enum(['none', 'conversation'])
    .default('none')
    .describe('Whether requests with the same `x-conversation-id` go to the same target while it is there.'),
})

export const Fallback = z.strictObject({
  triggers: z
    .array(z.enum(FALLBACK_TRIGGERS))
    .max(5)
    .default([...FALLBACK_TRIGGERS])
    .describe(
      'Failures after which a request is tried elsewhere, or once more: 429, 5xx, no answer in time, no connection, an answer that is none. With an empty list none is.',
    ),
  max_fallback_attempts: z
    .int()
    .min(0)
    .max(10)
    .default(3)
    .describe('Further calls that one request may make after its first.'),
})

export const Retry = z.strictObject({
  budget_percent: z
    .number()
    .min(0)
    .max(100)
    .default(10)
    .describe(
      'Further calls at most, in percent of all requests over time, so that a failing provider is not flooded.',
    ),
})

export const CircuitBreaker = z.strictObject({
  failure_threshold: z
    .int()
    .min(1)
    .max(1_000)
    .default(5)
    .describe('Transient failures in a row after which a target is left alone.'),
  cooldown_seconds: z.number().min(0.1).max(3_600).default(30).describe('Seconds until it is tried again.'),
  half_open_probes: z
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('Requests that try it then; when all succeed it is used as before.'),
  all_open: z
    .enum(['try', 'refuse'])
    .default('try')
    .describe('When every target is left alone: try one all the same, or refuse at once.'),
})

export const HealthMonitor = z.strictObject({
  interval_seconds: z.int().min(5).max(3_600).default(30).describe('Seconds between two looks at a target.'),
  timeout_ms: z.int().min(100).max(60_000).default(5_000).describe('Longest wait for its answer, in milliseconds.'),
})

export const ModelGroup = z.strictObject({
  name: modelName.describe('Name that callers use as `model`.'),
  aliases: z.array(modelName).max(50).default([]).describe('Further names for the same group.'),
  targets: z.array(slug).min(1).max(100).describe('Ids of the targets that answer for it, in order.'),
  fallback_group: modelName.optional().describe('Group that answers when none of these targets can.'),
})

export const Mirror = z.strictObject({
  target: slug.describe('Id of the target that gets a copy of requests after they were answered.'),
  percent: z.number().min(0).max(100).default(100).describe('Share of requests that are copied, in percent.'),
  timeout_ms: z
    .int()
    .min(100)
    .max(600_000)
    .default(5_000)
    .describe('Longest wait for the answer of the copy, in milliseconds.'),
})
