import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { gateways } from '@/lib/contract/gateways'
import { tokens } from '@/lib/contract/tokens'
import { hashToken } from '@/lib/tokens'
import type { PushSignal } from '../../push'
import { inTenant } from '../../tenant'
import { startControlPlane, type TestOrganization } from '../../testing'
import { gatewayKeysOf } from '../queries'

const plane = await startControlPlane()
afterAll(() => plane.stop())

let home: TestOrganization
let owner: Awaited<ReturnType<TestOrganization['as']>>
beforeEach(async () => {
  home = await plane.organization()
  owner = await home.as('role_owner')
})

const whoami = (token: string) => plane.send('GET', '/v1/whoami', { token })
const access = (name = 'ci') => owner(tokens.create, { name, token_type: 'access' })

describe('a rotation', () => {
  test('keeps id and settings, and both secrets open the door until grace ends', async () => {
    const before = await owner(tokens.create, {
      name: 'ci',
      token_type: 'access',
      permissions: ['org:read'],
      label: 'prod',
    })
    const { key, token } = await owner(tokens.rotate, { id: before.token.id, grace_seconds: 3_600 })
    expect(key).toMatch(/^kt_ak_prod_/)
    expect(token).toMatchObject({ id: before.token.id, permissions: ['org:read'], name: 'ci' })
    expect(token.previous_secret).toMatchObject({ last4: before.token.last4, use_count: 0 })
    expect((await whoami(before.key)).status).toBe(200)
    expect((await whoami(key)).status).toBe(200)
  })

  test('leaves at most two secrets alive: the oldest ends at once', async () => {
    const first = await access()
    const second = await owner(tokens.rotate, { id: first.token.id })
    const third = await owner(tokens.rotate, { id: first.token.id })
    expect((await whoami(first.key)).json.code).toBe('token_rotated_out')
    expect((await whoami(second.key)).status).toBe(200)
    expect((await whoami(third.key)).status).toBe(200)
  })

  test('asked thirty times at once still leaves two', async () => {
    const { token } = await access()
    await Promise.all(Array.from({ length: 30 }, () => owner(tokens.rotate, { id: token.id })))
    const [live] =
      await plane.owner`select count(*)::int as n from token_secrets where token_id = ${token.id} and (ends_at is null or ends_at > now())`
    const [current] =
      await plane.owner`select count(*)::int as n from token_secrets where token_id = ${token.id} and ends_at is null`
    expect([live?.n, current?.n]).toEqual([2, 1])
  })

  test('ends the old secret no later than the key', async () => {
    const expires_at = new Date(Date.now() + 60_000).toISOString()
    const { token } = await owner(tokens.create, { name: 'short', token_type: 'access', expires_at })
    const rotated = await owner(tokens.rotate, { id: token.id, grace_seconds: 3_600 })
    expect(rotated.token.previous_secret?.expires_at).toBe(rotated.token.expires_at)
    const ends = new Date(Date.now() + 30_000).toISOString()
    const earlier = await owner(tokens.update, { id: token.id, expires_at: ends })
    expect(Date.parse(earlier.previous_secret?.expires_at ?? '')).toBe(Date.parse(ends))
  })

  test('can be extended and finished, and finishing is recorded', async () => {
    const first = await access()
    await expect(owner(tokens.finishRotation, { id: first.token.id })).rejects.toMatchObject({ code: 'conflict' })
    await owner(tokens.rotate, { id: first.token.id, grace_seconds: 60 })
    const extended = await owner(tokens.extendRotation, { id: first.token.id, grace_seconds: 3_600 })
    expect(Date.parse(extended.previous_secret?.expires_at ?? '')).toBeGreaterThan(Date.now() + 3_000_000)
    expect((await owner(tokens.finishRotation, { id: first.token.id })).previous_secret).toBeNull()
    expect((await whoami(first.key)).json.code).toBe('token_rotated_out')
    expect(await home.recorded()).toEqual([
      'owner token.created',
      'owner token.rotated',
      'owner token.rotation_extended',
      'owner token.rotation_finished',
    ])
  })

  test('hands nobody the secret of a key that may do more than they', async () => {
    const { token } = await owner(tokens.create, { name: 'strong', token_type: 'access', role_id: 'role_admin' })
    const developer = await home.as('role_developer')
    await expect(developer(tokens.rotate, { id: token.id })).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('settings:write'),
    })
  })
})

describe('gateways', () => {
  const keys = (tokenId?: string) =>
    inTenant(plane.services.db, home.orgId, (tx) => gatewayKeysOf(tx, home.orgId, tokenId))

  test('know keys by their hashes, with what they may do and when they end', async () => {
    const expires_at = new Date(Date.now() + 86_400_000).toISOString()
    const { key, token } = await owner(tokens.create, {
      name: 'app',
      token_type: 'gateway',
      allowed_models: ['m'],
      expires_at,
    })
    await access('never sent')
    expect(await keys()).toEqual([
      {
        hash: hashToken(key),
        token_id: token.id,
        token_secret_id: expect.stringMatching(/^sec_/),
        token_name: 'app',
        purpose: 'general',
        team_id: null,
        agent_id: null,
        allowed_models: ['m'],
        allowed_providers: null,
        expires_at_ms: Date.parse(expires_at),
        ends_at_ms: null,
        dead: null,
      },
    ])
  })

  test('know the end of a grace from the end of a key', async () => {
    const expires_at = new Date(Date.now() + 86_400_000).toISOString()
    const { token } = await owner(tokens.create, { name: 'app', token_type: 'gateway', expires_at })
    const rotated = await owner(tokens.rotate, { id: token.id, grace_seconds: 60 })
    const ends_at = rotated.token.previous_secret?.expires_at ?? ''
    expect(Date.parse(ends_at)).toBeLessThan(Date.now() + 61_000)
    expect(await keys(token.id)).toMatchObject([
      { expires_at_ms: Date.parse(expires_at), ends_at_ms: Date.parse(ends_at), dead: null },
      { expires_at_ms: Date.parse(expires_at), ends_at_ms: null, dead: null },
    ])
  })

  test('know why a secret is dead, and forget it after a month', async () => {
    const first = await owner(tokens.create, { name: 'app', token_type: 'gateway' })
    const second = await owner(tokens.rotate, { id: first.token.id, grace_seconds: 0 })
    const dead = async () => (await keys(first.token.id)).map(({ hash, dead }) => [hash, dead])
    expect(await dead()).toEqual([
      [hashToken(first.key), 'token_rotated_out'],
      [hashToken(second.key), null],
    ])
    await owner(tokens.revoke, { id: first.token.id })
    expect(await dead()).toEqual([
      [hashToken(first.key), 'token_revoked'],
      [hashToken(second.key), 'token_revoked'],
    ])
    await plane.owner`update tokens set revoked_at = now() - interval '31 days' where id = ${first.token.id}`
    expect(await keys()).toEqual([])
  })

  test('are told of every change of a gateway key when it is committed, and of no other', async () => {
    const heard: PushSignal[] = []
    const stop = plane.services.hub.subscribe(home.orgId, (signal) => heard.push(signal))
    const { token } = await owner(tokens.create, { name: 'app', token_type: 'gateway' })
    await access()
    const twin = owner(tokens.create, { name: 'app', token_type: 'gateway' })
    await expect(twin).rejects.toMatchObject({ code: 'name_taken' })
    await owner(tokens.revoke, { id: token.id })
    await expect
      .poll(() => heard)
      .toEqual([
        { orgId: home.orgId, kind: 'key', tokenId: token.id },
        { orgId: home.orgId, kind: 'key', tokenId: token.id },
      ])
    stop()
  })

  test('show whether they have confirmed the last change', async () => {
    await owner(gateways.register, { id: 'gw-1', name: 'One' })
    const { token } = await owner(tokens.create, { name: 'app', token_type: 'gateway' })
    const before = await owner(tokens.propagation, { id: token.id })
    expect(before).toEqual({
      revision: 1,
      items: [{ gateway_id: 'gw-1', name: 'One', status: 'pending', acknowledged: false, last_seen_at: null }],
      requests_last_hour: 0,
    })
    await plane.owner`update gateways set keys_revision = 1 where org_id = ${home.orgId}`
    expect((await owner(tokens.propagation, { id: token.id })).items[0]?.acknowledged).toBe(true)
    await owner(tokens.revoke, { id: token.id })
    expect(await owner(tokens.propagation, { id: token.id })).toMatchObject({
      revision: 2,
      items: [{ acknowledged: false }],
    })
  })
})
