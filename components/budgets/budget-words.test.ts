import { describe, expect, test } from 'vitest'
import { percentText } from '@/components/ui/money'
import { budgets } from '@/lib/contract/budgets'
import { endsAsProjected, filterOfScope, needsPerson, scopeText, standingOf, usedText } from './budget-words'

const EXAMPLE = budgets.create.example.output as Parameters<typeof standingOf>[0]
const standing = (part: Partial<(typeof EXAMPLE)['current']>) =>
  standingOf({ current: { ...EXAMPLE.current, ...part } })

describe('which requests a budget counts', () => {
  const named = (id: string) => (id === 'team_finance' ? 'Finance' : id)

  test('is told in words, teams by their name', () => {
    expect(scopeText({}, named)).toBe('Whole organization')
    expect(scopeText({ team_id: 'team_finance', model: 'gpt-5.4' }, named)).toBe('Team Finance, model gpt-5.4')
  })

  test('are found in History, models by the name that was asked for', () => {
    expect(filterOfScope({ team_id: 'team_finance', model: 'gpt-5.4' })).toBe(
      'team_id=team_finance model_requested=gpt-5.4',
    )
    expect(filterOfScope({ user_id: 'ada lovelace' })).toBe('user_id="ada lovelace"')
  })
})

describe('how a budget stands', () => {
  test('is the worst of what can be said of it', () => {
    expect(standing({}).label).toBe('Within its limit')
    expect(standing({ projected_exhaustion_at: '2026-03-28T00:00:00.000Z' }).label).toBe('Runs out early')
    expect(standing({ committed_usd: '2000.000000000' }).label).toBe('Nearly used')
    expect(standing({ remaining_usd: '0.000000000' }).label).toBe('Used up')
    expect(standing({ remaining_usd: '0.000000000', excess_usd: '0.000000001' }).label).toBe('Over its limit')
  })

  test('beyond a limit of nothing is more than all of it, and not none', () => {
    const nothing = { limit_usd: '0.000000000', remaining_usd: '0.000000000' }
    const spent = standing({ ...nothing, committed_usd: '1.200000000', excess_usd: '1.200000000' })
    expect([spent.label, percentText(spent.percent)]).toEqual(['Over its limit', '> 999 %'])
  })

  test('with a limit of nothing, and nothing charged to it, is not used up: that is how it was set', () => {
    const current = {
      ...EXAMPLE.current,
      limit_usd: '0.000000000',
      committed_usd: '0.000000000',
      remaining_usd: '0.000000000',
    }
    expect(standingOf({ current })).toMatchObject({ label: 'Nothing to spend', tone: 'neutral' })
    expect([usedText({ current }), needsPerson({ current })]).toEqual(['–', false])
  })

  test('is an amount at its end only where something is left until then', () => {
    const ends = (part: Partial<(typeof EXAMPLE)['current']>) =>
      endsAsProjected({ current: { ...EXAMPLE.current, projected_usd: '9.000000000', ...part } })
    expect(ends({ projected_exhaustion_at: null })).toBe(true)
    expect(ends({ projected_exhaustion_at: '2026-03-28T00:00:00.000Z' })).toBe(false)
    expect(ends({ projected_exhaustion_at: null, remaining_usd: '0.000000000' })).toBe(false)
  })

  test('needs a person from 80 per cent on, not a nano-dollar earlier', () => {
    const at = (committed_usd: string) => needsPerson({ current: { ...EXAMPLE.current, committed_usd } })
    expect([at('1999.999999999'), at('2000.000000000')]).toEqual([false, true])
  })
})
