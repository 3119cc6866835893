import { afterAll, expect, test } from 'vitest'
import { startControlPlane } from './testing'

const plane = await startControlPlane()
afterAll(plane.stop)
const organization = await plane.organization()
const { token } = await organization.as('role_owner')

const BUDGET = { name: 'Finance', limit_usd: '10' }

test.each<[string, string, object, string[]]>([
  [
    'an amount that is a number',
    '/v1/wallets/credit',
    { amount_usd: 500 },
    ['amount_usd: must be a text in quotes, not a number'],
  ],
  ['an amount that is missing', '/v1/wallets/credit', {}, ['amount_usd: is missing']],
  ['null for a text', '/v1/wallets/credit', { amount_usd: null }, ['amount_usd: must be a text in quotes, not null']],
  [
    'a field that nobody knows',
    '/v1/wallets/credit',
    { amount_usd: '5', currency: 'EUR' },
    ['there is no "currency" here'],
  ],
  [
    'another word than those there are',
    '/v1/billing/budgets',
    { ...BUDGET, rollover: 'all' },
    ['rollover: must be one of none, carry, cap'],
  ],
  [
    'a day that is none',
    '/v1/billing/budgets',
    { ...BUDGET, anchor: '2026-02-30' },
    ['anchor: must be a day such as 2026-03-31'],
  ],
  ['a list for an object', '/v1/billing/budgets', { ...BUDGET, scope: [] }, ['scope: must be an object, not a list']],
  [
    'part of a per cent',
    '/v1/billing/budgets',
    { ...BUDGET, thresholds: [50.5] },
    ['thresholds.0: must be a whole number'],
  ],
  [
    'a number that is too small',
    '/v1/billing/budgets',
    { ...BUDGET, thresholds: [0] },
    ['thresholds.0: must be at least 1'],
  ],
  [
    'a list that is too long',
    '/v1/billing/budgets',
    { ...BUDGET, thresholds: Array.from({ length: 11 }, (_, at) => at + 1) },
    ['thresholds: must have at most 10 entries'],
  ],
  [
    'a text without a character',
    '/v1/usage/invoices',
    { month: '2026-03', provider: 'openai', content: '' },
    ['content: must not be empty'],
  ],
])('%s is refused in words that say what to write instead', async (_, path, body, problems) => {
  const { status, json } = await plane.send('POST', path, { token, body: JSON.stringify(body) })
  expect(status).toBe(400)
  expect(json).toMatchObject({ code: 'invalid_request', detail: problems.join('; ') })
})

test('a query that is no number is refused in the same words', async () => {
  const { json } = await plane.send('GET', '/v1/billing/budgets?limit=many', { token })
  expect(json).toMatchObject({ code: 'invalid_request', detail: 'limit: must be a number' })
})
