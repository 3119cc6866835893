import { expect, test } from 'vitest'
import { walletStanding, walletText } from './wallet-words'

const TEAM = { scope: 'team', scope_id: 'team_01a2', name: 'Finance', status: 'depleted' } as const
const DELETED = { ...TEAM, name: 'team_01a2' }

test('the wallet of a deleted team is told as that, and asks for nobody when nothing is in it', () => {
  expect([walletText(TEAM), walletStanding(TEAM)]).toEqual(['Finance', { label: 'Depleted', tone: 'bad' }])
  expect([walletText(DELETED), walletStanding(DELETED)]).toEqual(['Deleted team', { label: 'Empty', tone: 'neutral' }])
  expect(walletStanding({ ...DELETED, status: 'healthy' })).toEqual({ label: 'Healthy', tone: 'ok' })
  const user = { ...TEAM, scope: 'user', scope_id: 'ada', name: 'ada' } as const
  expect(walletText(user)).toBe('ada')
})
