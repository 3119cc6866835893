import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BudgetRule, type Spender } from './spend-rules'
import { budget, spendOf } from './spend-testing'

const part = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined })
const scope = fc.record({ team_id: part, user_id: part, agent_id: part, token_id: part, model: part })
const said = fc.option(fc.constantFrom('a', 'b', 'c', 'd', ''), { nil: null })
const who = fc.record({ teamId: said, userId: said, agentId: said, tokenId: said, model: said })

test('a request is counted by those budgets of which every stated part holds, asked once or again', () => {
  fc.assert(
    fc.property(fc.array(scope, { maxLength: 12 }), fc.array(who, { minLength: 1, maxLength: 12 }), (scopes, all) => {
      const given = scopes.map((one, at) => ({ id: `bud_${at}`, scope: JSON.parse(JSON.stringify(one)) }))
      const rules = spendOf({ budgets: given.map(({ id, scope }) => budget(id, { scope })) })
      const isMeant = ({ team_id, user_id, agent_id, token_id, model }: (typeof scopes)[number], it: Spender) =>
        [
          [team_id, it.teamId],
          [user_id, it.userId],
          [agent_id, it.agentId],
          [token_id, it.tokenId],
          [model, it.model],
        ].every(([wanted, is]) => wanted === undefined || wanted === is)
      for (const it of [...all, ...all]) {
        const expected = given.filter(({ scope }) => isMeant(scope, it)).map(({ id }) => id)
        expect(rules.match(it).budgets.map(({ id }) => id)).toEqual(expected)
      }
    }),
  )
})

test('wallets pay in order of closeness, as far as there are any', () => {
  const rules = spendOf({ wallets: ['team:x', 'organization', 'user:ada', 'user:x'] })
  const of = (teamId: string | null, userId: string | null) =>
    rules.match({ teamId, userId, agentId: null, tokenId: null, model: 'm' }).wallets
  expect(of('x', 'ada')).toEqual(['user:ada', 'team:x', 'organization'])
  expect(of('y', 'ada')).toEqual(['user:ada', 'organization'])
  expect(of(null, null)).toEqual(['organization'])
  expect(of('x', 'x')).toEqual(['user:x', 'team:x', 'organization'])
})

test('callers cannot fill the memory with names that nobody wrote into a budget', () => {
  const rules = spendOf({ budgets: [budget('bud_a', { scope: { user_id: 'ada' } }), budget('bud_b')] })
  const matches = new Set(
    Array.from({ length: 50_000 }, (_, n) =>
      rules.match({ teamId: `t${n}`, userId: `u${n}`, agentId: `a${n}`, tokenId: `k${n}`, model: `m${n}` }),
    ),
  )
  expect(matches.size).toBe(1)
})

test('a request belongs to the window in which it started, and to none of those that are known when it lies outside of them', () => {
  const at = (windows_ms: number[], ms: number) => {
    const { startMs, resetMs } = new BudgetRule(budget('bud_a', { windows_ms })).windowAt(ms)
    return windows_ms.includes(startMs) ? [startMs, resetMs] : 'none of them'
  }
  expect([999, 1_000, 1_999, 2_000, 2_999, 3_000, 9e15].map((ms) => at([1_000, 2_000, 3_000], ms))).toEqual([
    'none of them',
    [1_000, 2_000],
    [1_000, 2_000],
    [2_000, 3_000],
    [2_000, 3_000],
    'none of them',
    'none of them',
  ])
  expect([0, 999, 1_000, 9e15].map((ms) => at([0, 1_000], ms))).toEqual([
    [0, 1_000],
    [0, 1_000],
    [1_000, null],
    [1_000, null],
  ])
})
