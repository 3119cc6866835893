import type { DecisionEvent } from '@/lib/contract/events'

/** The policy that made the verdict what it is; undefined when all allowed, or when none of the chain decided. */
export const decisiveResult = ({ verdict, reason_code, policy_results }: DecisionEvent) =>
  verdict === 'allow'
    ? undefined
    : policy_results.find((result) => result.verdict === verdict && result.reason_code === reason_code)
