import type { UsageSums } from '@/lib/contract/usage'
import { usdOfNano } from '@/lib/money'

/** What is summed up, in the order in which answers tell it; `cost` is in nano-dollars and becomes `cost_usd`. */
export const METRICS = [
  'requests',
  'errors',
  'cache_hits',
  'tokens_input',
  'tokens_output',
  'tokens_total',
  'cost',
  'unpriced',
] as const
export type Metric = (typeof METRICS)[number]

/** No sum is of use that is no longer exact; nor may it keep the others from being told. */
const countOf = (sum: bigint | string): number => Math.min(Number(sum), Number.MAX_SAFE_INTEGER)

export const sumsBy = (metric: (name: Metric) => bigint | string): UsageSums => ({
  requests: countOf(metric('requests')),
  errors: countOf(metric('errors')),
  cache_hits: countOf(metric('cache_hits')),
  tokens_input: countOf(metric('tokens_input')),
  tokens_output: countOf(metric('tokens_output')),
  tokens_total: countOf(metric('tokens_total')),
  cost_usd: usdOfNano(BigInt(metric('cost'))),
  unpriced: countOf(metric('unpriced')),
})
