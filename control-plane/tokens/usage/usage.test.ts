import { afterAll, expect, test } from 'vitest'
import { events } from '@/lib/contract/events'
import { tokens } from '@/lib/contract/tokens'
import { gatewayOf } from '../../events/testing'
import { startControlPlane } from '../../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()

async function usedKey() {
  const home = await plane.organization()
  const { admin, gateway, event } = await gatewayOf(home)
  const { token } = await admin(tokens.create, { name: 'app', token_type: 'gateway' })
  const { token: other } = await admin(tokens.create, { name: 'other', token_type: 'gateway' })
  const of = (given: Parameters<typeof event>[0]) => event({ token_id: token.id, token_name: 'app', ...given })
  await gateway(events.ingest, {
    events: [
      of({ timestamp: minutesAgo(90), model_requested: 'gpt-4o', provider: 'openai', client_ip: '10.0.0.1' }),
      of({ timestamp: minutesAgo(30), model_requested: 'gpt-4o', provider: 'openai', client_ip: '10.0.0.2' }),
      of({ timestamp: minutesAgo(20), model_requested: 'o9', provider: null, verdict: 'block', client_ip: '10.0.0.2' }),
      of({ timestamp: minutesAgo(10), model_requested: 'read_file', provider: 'mcp', client_ip: '10.0.0.2' }),
      event({ token_id: other.id, model_requested: 'of-another-key', client_ip: '10.9.9.9' }),
    ],
  })
  return { home, admin, token }
}

test('usage counts what one key did in the range, and a tool is no model', async () => {
  const { admin, token } = await usedKey()
  const all = await admin(tokens.usage, { id: token.id, since: '24h' })
  expect(all).toMatchObject({ requests: 4, blocked: 1 })
  expect(all.models.items.map(({ name, requests, blocked }) => [name, requests, blocked])).toEqual([
    ['gpt-4o', 2, 0],
    ['o9', 1, 1],
  ])
  expect(all.providers.items.map(({ name }) => name)).toEqual(['openai', 'mcp'])
  expect(all.source_ips.items.map(({ name, requests }) => [name, requests])).toEqual([
    ['10.0.0.2', 3],
    ['10.0.0.1', 1],
  ])
  const recent = await admin(tokens.usage, { id: token.id, since: '1h', until: minutesAgo(25) })
  expect(recent).toMatchObject({ requests: 1, blocked: 0, source_ips: { items: [{ name: '10.0.0.2' }] } })
})

test('a key that nobody used has a usage of nothing', async () => {
  const admin = await (await plane.organization()).as('role_admin')
  const { token } = await admin(tokens.create, { name: 'idle', token_type: 'gateway' })
  const usage = await admin(tokens.usage, { id: token.id })
  expect(usage).toMatchObject({ requests: 0, first_at: null, last_at: null, models: { items: [], has_more: false } })
})

test('usage needs events:read, a range that makes sense, and a key of the own organisation', async () => {
  const { home, admin, token } = await usedKey()
  const blind = await home.as(['tokens:read'])
  await expect(blind(tokens.usage, { id: token.id })).rejects.toMatchObject({ code: 'forbidden' })
  for (const range of [{ since: '1h', until: '2h' }, { since: '500d' }, { since: 'yesterday' }]) {
    await expect(admin(tokens.usage, { id: token.id, ...range })).rejects.toMatchObject({ code: 'invalid_request' })
  }
  const stranger = await (await plane.organization()).as('role_owner')
  const missing = await stranger(tokens.usage, { id: 'tok_missing' }).catch((thrown: unknown) => thrown)
  await expect(stranger(tokens.usage, { id: token.id })).rejects.toMatchObject({
    code: 'not_found',
    message: (missing as Error).message,
  })
})
