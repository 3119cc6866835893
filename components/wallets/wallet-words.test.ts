import { expect, test } from 'vitest'
import { walletStanding, walletText } from './wallet-words'

const TEAM = { scope: 'team', scope_id: 'team_01a2', name: 'Finance', status: 'depleted' } as const
const DELETED = { ...TEAM, name: 'team_01a2' }

test('the wallet of a deleted team is told as that, and asks for nobody when nothing is in it', () => {
  expect([walletText(TEAM), walletStanding(TEAM, true)]).toEqual(['Finance', { label: 'Depleted', tone: 'bad' }])
  expect([walletText(DELETED), walletStanding(DELETED, true)]).toEqual([
    'Deleted team',
    { label: 'Empty', tone: 'neutral' },
  ])
  expect(walletStanding({ ...DELETED, status: 'healthy' }, true)).toEqual({ label: 'Healthy', tone: 'ok' })
  const user = { ...TEAM, scope: 'user', scope_id: 'ada', name: 'ada' } as const
  expect(walletText(user)).toBe('ada')
})

test('a wallet in which nothing is asks for nobody while no request has to be paid', () => {
  const fresh = { scope: 'organization', scope_id: null, name: 'Acme', status: 'depleted' } as const
  expect(walletStanding(fresh, false)).toEqual({ label: 'Empty', tone: 'neutral' })
  expect(walletStanding(fresh, true)).toEqual({ label: 'Depleted', tone: 'bad' })
  expect(walletStanding({ ...fresh, status: 'low' }, false).label).toBe('Low')
})
