import { expect, test } from 'vitest'
import { type Activity, activity } from '@/lib/contract/activity'
import { type Token, type TokenUsage, tokens } from '@/lib/contract/tokens'
import { changesReport, usageReport } from './leak-report'

const token = tokens.revoke.example.output as Token
const about = {
  token,
  since: '2026-04-22T10:00:00.000Z',
  organization: 'Example',
  madeBy: 'Ada',
  madeAt: '2026-04-23T12:00:00.000Z',
  origin: 'https://console.example.com',
}

test('the report of a leaked gateway key says what was called, from where, and where the rows are', () => {
  const usage = tokens.usage.example.output as TokenUsage
  const report = usageReport({ ...about, token: { ...token, token_type: 'gateway' } }, usage)
  expect(report).toContain('Leaked gateway key: ci-pipeline-prod')
  expect(report).toContain('Revoked: 2026-04-23T11:00:00.000Z')
  expect(report).toContain('Calls: 42, of them 2 blocked')
  expect(report).toContain('Models asked for: gpt-5.4-mini 42 (2 blocked)')
  expect(report).toContain('Addresses: 10.0.0.7 42 (2 blocked)')
  expect(report).not.toContain('Agents')
  expect(report).toContain(
    `The calls: https://console.example.com/history?since=2026-04-22T10%3A00%3A00.000Z&filter=token_id%3D${token.id}`,
  )
})

test('the report of a leaked access key lists its changes, and says so while it still works', () => {
  const { items } = activity.list.example.output as { items: Activity[] }
  const report = changesReport({ ...about, token: { ...token, revoked_at: null } }, items, true)
  expect(report).toContain('Revoked: no, it still works')
  expect(report).toContain('Changes: 1 or more')
  expect(report).toContain('2026-04-23T10:00:00.000Z token.revoked app-production from 127.0.0.1')
})
