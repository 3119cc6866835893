import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { gateways } from '@/lib/contract/gateways'
import { settings } from '@/lib/contract/settings'
import { tokens } from '@/lib/contract/tokens'
import { TOKEN_PATTERN } from '@/lib/tokens'
import { startControlPlane, type TestOrganization } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

let home: TestOrganization
let owner: Awaited<ReturnType<TestOrganization['as']>>
beforeEach(async () => {
  home = await plane.organization()
  owner = await home.as('role_owner')
})

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
const badField = (path: string) => ({ code: 'invalid_request', errors: [expect.objectContaining({ path })] })

describe('a new key', () => {
  test('is shown once, recognisable afterwards, and stored nowhere', async () => {
    const { key, token } = await owner(tokens.create, { name: 'ci', token_type: 'access', label: 'prod' })
    expect(key).toMatch(/^kt_ak_prod_/)
    expect(key).toMatch(TOKEN_PATTERN)
    expect(key.startsWith(token.prefix) && key.endsWith(token.last4)).toBe(true)
    const dump =
      await plane.owner`select t.*::text as t, s.*::text as s from tokens t join token_secrets s on s.token_id = t.id`
    expect(JSON.stringify(dump)).not.toContain(key)
    expect(JSON.stringify(await owner(tokens.get, { id: token.id }))).not.toContain(key)
    const activity = await plane.send('GET', '/v1/activity', { token: owner.token })
    expect(activity.text).not.toContain(key)
  })

  test('for the gateway carries what it may use and no permission', async () => {
    const input = {
      name: 'app',
      token_type: 'gateway',
      allowed_models: ['gpt-4o'],
      allowed_providers: [],
      agent_id: 'bot',
    } as const
    const { key, token } = await owner(tokens.create, { ...input, allowed_models: ['gpt-4o'], allowed_providers: [] })
    expect(key).toMatch(/^kt_gk_/)
    expect(token).toMatchObject({
      ...input,
      purpose: 'general',
      scope: 'org',
      status: 'active',
      permissions: [],
      role_id: null,
    })
  })

  test('without role or permissions gets what its creator holds but the means to widen itself', async () => {
    const { token } = await owner(tokens.create, { name: 'ci', token_type: 'access' })
    expect(token.permissions).toEqual(expect.arrayContaining(['events:read', 'tokens:read', 'configurations:write']))
    for (const kept of ['tokens:write', 'members:write', 'settings:write', 'org:write', 'org:billing']) {
      expect(token.permissions).not.toContain(kept)
    }
  })

  test('never holds more than its creator, who is told what is missing', async () => {
    const developer = await home.as('role_developer')
    const wide = { name: 'wide', token_type: 'access', permissions: ['events:read', 'settings:write'] } as const
    await expect(developer(tokens.create, { ...wide, permissions: [...wide.permissions] })).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/you lack settings:write\.$/),
    })
    const asAdmin = developer(tokens.create, { name: 'wide', token_type: 'access', role_id: 'role_admin' })
    await expect(asAdmin).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('members:write'),
    })
    expect((await developer(tokens.list, {})).items.map(({ name }) => name)).not.toContain('wide')
  })

  test.each([
    ['permissions', { token_type: 'gateway', permissions: ['events:read'] }],
    ['role_id', { token_type: 'gateway', role_id: 'role_viewer' }],
    ['gateway_id', { token_type: 'gateway', gateway_id: 'gw' }],
    ['purpose', { token_type: 'gateway', purpose: 'integration' }],
    ['purpose', { token_type: 'access', purpose: 'general' }],
    ['allowed_models', { token_type: 'access', allowed_models: ['gpt-4o'] }],
    ['allowed_providers', { token_type: 'access', allowed_providers: [] }],
    ['agent_id', { token_type: 'access', agent_id: 'bot' }],
    ['gateway_id', { token_type: 'access', gateway_id: 'gw' }],
    ['gateway_id', { token_type: 'access', purpose: 'gateway_runtime' }],
    ['gateway_id', { token_type: 'access', purpose: 'gateway_runtime', gateway_id: 'nobody' }],
    ['role_id', { token_type: 'access', purpose: 'gateway_runtime', gateway_id: 'gw', role_id: 'role_viewer' }],
    ['team_id', { token_type: 'access', team_id: 'team_1' }],
    ['team_id', { token_type: 'access', scope: 'team', team_id: 'team_1' }],
    ['expires_at', { token_type: 'access', expires_at: '2020-01-01T00:00:00Z' }],
    ['expires_at', { token_type: 'access', expires_at: '9999-12-31T23:59:59-23:00' }],
    ['label', { token_type: 'access', label: 'PROD' }],
    ['token_type', { token_type: 'admin' }],
    ['permissions.0', { token_type: 'access', permissions: ['everything'] }],
    ['allowed_models.0', { token_type: 'gateway', allowed_models: ['a b'] }],
  ])('with a wrong %s is refused by that name: %j', async (path, fields) => {
    const { status, json } = await plane.send('POST', '/v1/tokens', {
      token: owner.token,
      body: JSON.stringify({ name: 'x', ...fields }),
    })
    expect({ status, ...json }).toMatchObject({ status: 400, ...badField(path) })
  })

  test('takes no name of a live key, even when a hundred ask at once', async () => {
    const asked = await Promise.allSettled(
      Array.from({ length: 100 }, () => owner(tokens.create, { name: 'only one', token_type: 'gateway' })),
    )
    const made = asked.filter(({ status }) => status === 'fulfilled')
    expect(made).toHaveLength(1)
    for (const refused of asked.filter((one) => one.status === 'rejected')) {
      expect(refused.reason).toMatchObject({ code: 'name_taken', status: 409 })
    }
    expect((await owner(tokens.list, { name: 'only one' })).items).toHaveLength(1)
  })

  test('may take the name of one that was revoked', async () => {
    const { token } = await owner(tokens.create, { name: 'app', token_type: 'gateway' })
    await owner(tokens.revoke, { id: token.id })
    expect((await owner(tokens.create, { name: 'app', token_type: 'gateway' })).token.id).not.toBe(token.id)
  })

  test('for a gateway process is bound to that gateway and holds just what it needs', async () => {
    await owner(gateways.register, { id: 'gw-1' })
    const input = { name: 'runtime', token_type: 'access', purpose: 'gateway_runtime', gateway_id: 'gw-1' } as const
    const { token } = await owner(tokens.create, input)
    expect(token).toMatchObject({
      gateway_id: 'gw-1',
      permissions: ['configurations:read', 'gateways:report', 'events:ingest'],
    })
    const developer = await home.as('role_developer')
    const refused = developer(tokens.create, { ...input, name: 'another' })
    await expect(refused).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('gateways:write'),
    })
  })
})

describe('a key of a team', () => {
  test("belongs to its creator's team, else to the organisation's first", async () => {
    const { token } = await owner(tokens.create, { name: 'ours', token_type: 'gateway', scope: 'team' })
    const [team] = await plane.owner`select id from teams where org_id = ${home.orgId}`
    expect(token).toMatchObject({ scope: 'team', team_id: team?.id })
  })

  test('sees and makes keys of that team only', async () => {
    const [team] = await plane.owner<{ id: string }[]>`select id from teams where org_id = ${home.orgId}`
    await plane.owner`insert into teams (org_id, id, name) values (${home.orgId}, 'team_other', 'Other')`
    const teamId = team?.id ?? ''
    const member = await home.as('role_developer', { teamId })
    const ours = await owner(tokens.create, { name: 'ours', token_type: 'gateway', scope: 'team', team_id: teamId })
    const theirs = await owner(tokens.create, {
      name: 'theirs',
      token_type: 'gateway',
      scope: 'team',
      team_id: 'team_other',
    })

    const { items } = await member(tokens.list, {})
    expect(items.map(({ name }) => name).toSorted()).toEqual(['developer', 'ours'])
    for (const call of [tokens.get, tokens.revoke, tokens.rotate, tokens.propagation, tokens.finishRotation]) {
      await expect(member(call, { id: theirs.token.id })).rejects.toMatchObject({ code: 'not_found' })
    }
    await expect(member(tokens.create, { name: 'wide', token_type: 'gateway' })).rejects.toMatchObject({
      code: 'forbidden',
    })
    await expect(member(tokens.revoke, { id: ours.token.id })).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe("somebody else's key", () => {
  test('is changed, rotated or revoked only by who may change settings', async () => {
    const developer = await home.as('role_developer')
    const { token } = await owner(tokens.create, { name: 'not yours', token_type: 'gateway' })
    for (const call of [tokens.revoke, tokens.rotate, tokens.finishRotation, tokens.update]) {
      await expect(developer(call, { id: token.id })).rejects.toMatchObject({ code: 'forbidden', status: 403 })
    }
    const { token: own } = await developer(tokens.create, { name: 'mine', token_type: 'gateway' })
    expect((await developer(tokens.revoke, { id: own.id })).status).toBe('revoked')
    expect((await owner(tokens.revoke, { id: token.id })).status).toBe('revoked')
  })
})

describe('the list', () => {
  test('pages through everything once, newest first', async () => {
    for (let i = 0; i < 7; i++) await owner(tokens.create, { name: `key ${i}`, token_type: 'gateway' })
    const names: string[] = []
    let cursor: string | undefined
    do {
      const page = await owner(tokens.list, { type: 'gateway', limit: 3, cursor })
      names.push(...page.items.map(({ name }) => name))
      cursor = page.next_cursor ?? undefined
    } while (cursor)
    expect(names).toEqual(['key 6', 'key 5', 'key 4', 'key 3', 'key 2', 'key 1', 'key 0'])
  })

  test.each(['x', '', 'WzFd', 'bnVsbA', '%00', 'eyJhIjoxfQ'])(
    'refuses a cursor it did not give: %j',
    async (cursor) => {
      const { status, json } = await plane.send('GET', `/v1/tokens?cursor=${cursor}`, { token: owner.token })
      expect({ status, code: json.code }).toEqual({ status: 400, code: 'invalid_cursor' })
    },
  )

  test('filters by status, name, part of a name and facet', async () => {
    const make = (name: string, expires_at?: string) =>
      owner(tokens.create, {
        name,
        token_type: 'gateway',
        expires_at,
        allowed_models: name === 'soon' ? ['m'] : undefined,
      })
    await make('for ever')
    await make('soon', inDays(3))
    await make('later 100%', inDays(30))
    const gone = await make('gone', inDays(1))
    const dead = await make('dead')
    await plane.owner`update tokens set expires_at = now() - interval '1 day' where id = ${gone.token.id}`
    await owner(tokens.revoke, { id: dead.token.id })
    const rotating = await make('rotating')
    await owner(tokens.rotate, { id: rotating.token.id })

    const names = async (filter: object) =>
      (await owner(tokens.list, { type: 'gateway', ...filter })).items.map(({ name }) => name)
    expect(await names({ status: 'expiring' })).toEqual(['soon'])
    expect(await names({ status: 'expired' })).toEqual(['gone'])
    expect(await names({ status: 'revoked' })).toEqual(['dead'])
    expect(await names({ status: 'active' })).toEqual(['rotating', 'later 100%', 'for ever'])
    expect(await names({ status: 'live' })).toEqual(['rotating', 'later 100%', 'soon', 'for ever'])
    expect(await names({ status: 'rotating' })).toEqual(['rotating'])
    expect(await names({ q: '0%' })).toEqual(['later 100%'])
    expect(await names({ q: '%' })).toEqual(['later 100%'])
    expect(await names({ name: 'soon' })).toEqual(['soon'])
    expect(await names({ name: 'soo' })).toEqual([])
    expect(await names({ facet: 'no_expiry', status: 'live' })).toEqual(['rotating', 'for ever'])
    expect(await names({ facet: 'no_model_limit', status: 'expiring' })).toEqual([])
    expect(await names({ facet: 'never_used' })).toHaveLength(6)
  })
})

describe('changing a key', () => {
  test('records what changed and nothing else', async () => {
    const { token } = await owner(tokens.create, { name: 'app', token_type: 'gateway', allowed_models: ['a'] })
    const changed = await owner(tokens.update, { id: token.id, name: 'app', allowed_models: ['a', 'b'] })
    expect(changed.allowed_models).toEqual(['a', 'b'])
    await owner(tokens.update, { id: token.id, name: 'app' })
    const { json } = await plane.send('GET', '/v1/activity', { token: owner.token })
    expect(json.items).toMatchObject([
      { action: 'token.updated', before: { allowed_models: ['a'] }, after: { allowed_models: ['a', 'b'] } },
      { action: 'token.created' },
    ])
  })

  test('can take a restriction away with null, and a name that is free', async () => {
    const { token } = await owner(tokens.create, { name: 'app', token_type: 'gateway', allowed_models: ['a'] })
    await owner(tokens.create, { name: 'other', token_type: 'gateway' })
    expect((await owner(tokens.update, { id: token.id, allowed_models: null })).allowed_models).toBeNull()
    await expect(owner(tokens.update, { id: token.id, name: 'other' })).rejects.toMatchObject({ code: 'name_taken' })
  })

  test('lets it end earlier; to let it end later takes the right to change the rules', async () => {
    const developer = await home.as('role_developer')
    const { token } = await developer(tokens.create, { name: 'app', token_type: 'gateway', expires_at: inDays(10) })
    const earlier = inDays(5)
    expect(Date.parse((await developer(tokens.update, { id: token.id, expires_at: earlier })).expires_at ?? '')).toBe(
      Date.parse(earlier),
    )
    for (const expires_at of [inDays(6), null]) {
      await expect(developer(tokens.update, { id: token.id, expires_at })).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringContaining('settings:write'),
      })
    }
    expect((await owner(tokens.update, { id: token.id, expires_at: null })).expires_at).toBeNull()
  })

  test('is refused once it is dead', async () => {
    const { token } = await owner(tokens.create, { name: 'app', token_type: 'gateway' })
    await owner(tokens.revoke, { id: token.id })
    await expect(owner(tokens.update, { id: token.id, name: 'b' })).rejects.toMatchObject({ code: 'conflict' })
    await expect(owner(tokens.rotate, { id: token.id })).rejects.toMatchObject({ code: 'conflict' })
  })
})

test('revoking is recorded once, however often it is asked', async () => {
  const { token } = await owner(tokens.create, { name: 'app', token_type: 'gateway' })
  const first = await owner(tokens.revoke, { id: token.id, reason: 'leaked' })
  const again = await owner(tokens.revoke, { id: token.id })
  expect(again).toEqual(first)
  expect(await home.recorded()).toEqual(['owner token.created', 'owner token.revoked'])
})

describe('the key policy of the organisation', () => {
  const policyError = { code: 'unprocessable', status: 422, errors: [expect.objectContaining({ path: 'expires_at' })] }

  test('bounds the lifetime of new, changed and rotated keys', async () => {
    const old = await owner(tokens.create, { name: 'old', token_type: 'gateway' })
    await owner(settings.updateSecurity, { key_lifetime_days_max: 30 })
    const make = (name: string, expires_at?: string) =>
      owner(tokens.create, { name, token_type: 'gateway', expires_at })
    await expect(make('endless')).rejects.toMatchObject(policyError)
    await expect(make('too long', inDays(31))).rejects.toMatchObject(policyError)
    const { token } = await make('fine', inDays(30))
    await expect(owner(tokens.update, { id: token.id, expires_at: inDays(40) })).rejects.toMatchObject(policyError)
    await expect(owner(tokens.rotate, { id: old.token.id })).rejects.toMatchObject(policyError)
    await owner(tokens.update, { id: old.token.id, expires_at: inDays(20) })
    expect((await owner(tokens.rotate, { id: old.token.id })).token.id).toBe(old.token.id)
  })

  test('may demand that a key expires', async () => {
    await owner(settings.updateSecurity, { key_expiry_required: true })
    await expect(owner(tokens.create, { name: 'endless', token_type: 'access' })).rejects.toMatchObject(policyError)
    expect(
      (await owner(tokens.create, { name: 'ends', token_type: 'access', expires_at: inDays(900) })).token.status,
    ).toBe('active')
  })
})
