import { z } from 'zod'
import { CLEAN, type Finding, type Policy, type PolicyKind } from '../engine/policy'
import { refuseCalls } from './tool-finding'

const Budget = z
  .strictObject({
    max_tokens: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
    max_cost_usd: z.number().min(0).max(1_000_000).optional(),
  })
  .refine((budget) => budget.max_tokens !== undefined || budget.max_cost_usd !== undefined, {
    message: 'must limit tokens, cost or both',
  })

const Settings = z.strictObject({
  /** By the exact name of the tool. */
  budgets: z
    .record(z.string().min(1).max(200), Budget)
    .refine((budgets) => Object.keys(budgets).length <= 1_000, { message: 'at most 1,000 tools' })
    .default({}),
  on_error: z.enum(['deny', 'allow']).default('deny'),
})
type Settings = z.infer<typeof Settings>

const VERSION = '1'
const NANOS_PER_USD = 1_000_000_000

/** What each tool may use up in one conversation. */
export const TOOL_BUDGET: PolicyKind<Settings> = {
  kind: 'tool-budget',
  version: VERSION,
  summary: 'Limits the tokens and the cost of each tool in one session.',
  phases: ['tool'],
  settings: Settings,
  needsBlock: true,
  compile,
}

function compile(settings: Settings): Policy {
  const budgets = new Map(
    Object.entries(settings.budgets).map(([tool, { max_tokens, max_cost_usd }]) => [
      tool,
      {
        tokens: max_tokens ?? null,
        nanos: max_cost_usd === undefined ? null : BigInt(Math.round(max_cost_usd * NANOS_PER_USD)),
      },
    ]),
  )
  return {
    kind: 'tool-budget',
    version: VERSION,
    phases: ['tool'],
    terms: [],
    onError: settings.on_error,
    streaming: 'buffered',
    explain: Object.entries(settings.budgets).map(([tool, { max_tokens, max_cost_usd }]) => {
      const limits = [max_tokens && `${max_tokens} tokens`, max_cost_usd !== undefined && `${max_cost_usd} USD`]
      return `Refuses ${tool} once it has used ${limits.filter(Boolean).join(' or ')} in a session.`
    }),
    bytesMax: 0,
    refusesTool: (name) => {
      const nanos = budgets.get(name)?.nanos
      return nanos === 0n
    },
    check({ subject }): Finding {
      const { conversation, toolCalls } = subject
      for (const { name } of toolCalls) {
        const budget = budgets.get(name)
        if (budget === undefined) continue
        const tokens = conversation?.toolTokens.get(name) ?? 0
        const nanos = conversation?.toolNanos.get(name) ?? 0n
        const isTokensSpent = budget.tokens !== null && tokens >= budget.tokens
        if (isTokensSpent || (budget.nanos !== null && nanos >= budget.nanos)) {
          const unit = isTokensSpent ? 'tokens' : 'cost'
          return refuseCalls(`tool_budget.${unit}_exceeded`, `The session's ${unit} budget of this tool is used up.`)
        }
      }
      if (conversation !== null || budgets.size === 0) return CLEAN
      return { ...CLEAN, skipped: [{ what: 'budgets', why: 'there is no session to count in' }] }
    },
  }
}
