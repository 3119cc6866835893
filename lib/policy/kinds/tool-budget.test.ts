import { expect, test } from 'vitest'
import { TOOL_BUDGET } from './tool-budget'
import { callOf, policyOf, stateOf, toolView } from './tool-testing'

const budgets = { search: { max_tokens: 100, max_cost_usd: 0.5 } }
const decide = (tool: string, tokens: number, nanos: bigint) =>
  policyOf(TOOL_BUDGET, { budgets }).check(
    toolView([callOf(tool)], {
      state: stateOf({ toolTokens: new Map([['search', tokens]]), toolNanos: new Map([['search', nanos]]) }),
    }),
  )

test.each([
  [99, 499_999_999n, 'ok'],
  [100, 0n, 'tool_budget.tokens_exceeded'],
  [0, 500_000_000n, 'tool_budget.cost_exceeded'],
])('%d tokens and %d nano-dollars: %s', (tokens, nanos, reason) => {
  expect(decide('search', tokens, nanos).reasonCode).toBe(reason)
})

test('a budget is for the tool of exactly that name', () => {
  expect(decide('search_web', 1_000, 10n ** 12n).verdict).toBe('allow')
})

test.each([[{ budgets: { a: {} } }], [{ budgets: { a: { max_tokens: 0 } } }], [{ budget: {} }]])(
  '%j is refused',
  (bad) => {
    expect(TOOL_BUDGET.settings.safeParse(bad).success).toBe(false)
  },
)

test('without a session it says that it could not count', () => {
  const finding = policyOf(TOOL_BUDGET, { budgets }).check(toolView([callOf('search')], { state: null }))
  expect(finding.skipped).toHaveLength(1)
})
