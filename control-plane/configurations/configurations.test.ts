import { createHash, createPublicKey, verify } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { BundlePayload, configurations, type RuntimeState } from '@/lib/contract/configurations'
import { gateways } from '@/lib/contract/gateways'
import { settings } from '@/lib/contract/settings'
import { tokens } from '@/lib/contract/tokens'
import { gatewayOf } from '../events/testing'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(plane.stop)

const yamlOf = (version: string, comment = '') => `# ${comment}
pack:
  name: production
  version: ${version}
  enabled: true
policies:
  chain: []
providers:
  targets:
    - id: sandbox
      provider: sandbox
`

async function home() {
  const organization = await plane.organization()
  return { organization, ...(await gatewayOf(organization)) }
}

describe('a configuration', () => {
  test('begins with the version that its text names', async () => {
    const { organization, admin } = await home()
    const yaml = yamlOf('1.2.0')
    const made = await admin(configurations.create, { name: 'production', yaml, note: 'first' })

    expect(made).toMatchObject({ name: 'production', latest_version: '1.2.0', gateways: [] })
    expect(await admin(configurations.get, { id: made.id })).toEqual(made)
    expect((await admin(configurations.list, {})).items).toEqual([made])
    const version = await admin(configurations.getVersion, { id: made.id, version: '1.2.0' })
    expect(version).toMatchObject({ yaml, note: 'first', created_by: { name: 'admin' }, running_on: [] })
    expect(version.sha256).toBe(createHash('sha256').update(yaml).digest('hex'))
    expect((await organization.recorded()).at(-1)).toBe('admin configuration.created')
  })

  test('with a mistake is refused with the place of every mistake', async () => {
    const { admin } = await home()
    const yaml = yamlOf('1.0.0')
      .replace('provider: sandbox', 'provider: sandbox\n      wieght: 1')
      .replace('enabled: true', 'enabled: 7')
    const refusal = await admin(configurations.create, { name: 'broken', yaml }).catch((error: unknown) => error)

    expect(refusal).toMatchObject({
      code: 'invalid_configuration',
      errors: [
        { path: expect.stringContaining('enabled'), message: expect.stringMatching(/^5:\d+ E008 /) },
        { path: expect.stringContaining('wieght'), message: expect.stringMatching(/^12:\d+ E002 /) },
      ],
    })
    expect((await admin(configurations.list, {})).items).toEqual([])
    expect(await admin(configurations.lint, { yaml })).toMatchObject({
      valid: false,
      diagnostics: [{ line: 5 }, { line: 12 }],
    })
    expect(await admin(configurations.lint, { yaml: yamlOf('1.0.0') })).toEqual({ valid: true, diagnostics: [] })
  })

  test.each(['', '\u0000', 'a: \ud800', '{', '__proto__: 1', `${'['.repeat(100_000)}`, 'a: &a [*a]'])(
    'cannot be made from %j',
    async (yaml) => {
      const { admin } = await home()
      const refusal = await admin(configurations.create, { name: 'x', yaml: yaml.slice(0, 200_000) }).catch(
        (error: unknown) => error,
      )
      expect(refusal).toMatchObject({ code: expect.stringMatching(/^invalid_(configuration|request)$/) })
    },
  )

  test('has a name of its own in the organisation', async () => {
    const { admin } = await home()
    await admin(configurations.create, { name: 'production', yaml: yamlOf('1.0.0') })
    await expect(admin(configurations.create, { name: 'production', yaml: yamlOf('2.0.0') })).rejects.toMatchObject({
      code: 'name_taken',
    })
    expect((await admin(configurations.list, {})).items).toHaveLength(1)
  })

  test('lists in pages', async () => {
    const { admin } = await home()
    for (const name of ['a', 'b', 'c']) await admin(configurations.create, { name, yaml: yamlOf('1.0.0') })
    const first = await admin(configurations.list, { limit: 2 })
    const second = await admin(configurations.list, { limit: 2, cursor: first.next_cursor ?? undefined })
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['c', 'b', 'a'])
    expect(second.next_cursor).toBeNull()
    await expect(admin(configurations.list, { cursor: 'x' })).rejects.toMatchObject({ code: 'invalid_cursor' })
  })
})

describe('a version', () => {
  async function withConfiguration() {
    const { id: _gateway, organization, admin, ...rest } = await home()
    const { id } = await admin(configurations.create, { name: 'production', yaml: yamlOf('0.1.0') })
    return { organization, admin, id, ...rest }
  }

  test('is added and becomes the latest', async () => {
    const { organization, admin, id } = await withConfiguration()
    const made = await admin(configurations.createVersion, {
      id,
      yaml: yamlOf('0.2.0'),
      expected_latest_version: '0.1.0',
    })
    expect(made).toMatchObject({ version: '0.2.0', configuration_id: id })
    expect((await admin(configurations.get, { id })).latest_version).toBe('0.2.0')
    const { items } = await admin(configurations.listVersions, { id })
    expect(items.map(({ version }) => version)).toEqual(['0.2.0', '0.1.0'])
    expect((await organization.recorded()).at(-1)).toBe('admin configuration.version_created')
  })

  test('never changes: the same text again is the same version, another text is refused', async () => {
    const { organization, admin, id } = await withConfiguration()
    const made = await admin(configurations.createVersion, { id, yaml: yamlOf('0.2.0') })
    const before = await organization.recorded()

    const again = await admin(configurations.createVersion, {
      id,
      yaml: yamlOf('0.2.0'),
      expected_latest_version: '0.1.0',
    })
    const other = admin(configurations.createVersion, { id, yaml: yamlOf('0.2.0', 'changed') })

    expect(again).toEqual(made)
    await expect(other).rejects.toMatchObject({ code: 'conflict' })
    expect(await organization.recorded()).toEqual(before)
  })

  test('of a writer who has not seen the newest one is refused', async () => {
    const { admin, id } = await withConfiguration()
    const writers = ['0.2.0', '0.3.0', '0.4.0'].map((version) =>
      admin(configurations.createVersion, { id, yaml: yamlOf(version), expected_latest_version: '0.1.0' }),
    )
    const answers = await Promise.allSettled(writers)
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'precondition_failed' })
    }
  })

  test('of a writer whose If-Match names an older state is refused', async () => {
    const { organization, admin, id } = await withConfiguration()
    const { token } = await organization.as('role_admin')
    const path = `/v1/configurations/${id}`
    const etag = (await plane.send('GET', path, { token })).headers.get('etag') ?? ''
    const save = (version: string, headers: Record<string, string>) =>
      plane.send('POST', `${path}/versions`, { token, headers, body: JSON.stringify({ yaml: yamlOf(version) }) })

    expect((await save('0.2.0', { 'if-match': '"another"' })).status).toBe(412)
    expect((await save('0.2.0', { 'if-match': etag })).status).toBe(201)
    expect((await save('0.3.0', { 'if-match': etag })).json).toMatchObject({ status: 412, code: 'precondition_failed' })
    expect((await admin(configurations.get, { id })).latest_version).toBe('0.2.0')
  })

  test('that was read before is not sent again', async () => {
    const { admin, id } = await withConfiguration()
    const read = (headers: Record<string, string>) =>
      plane.fetch(
        new Request(`http://control-plane.test/v1/configurations/${id}/versions/0.1.0`, {
          headers: { authorization: `Bearer ${admin.token}`, ...headers },
        }),
      )
    const etag = (await read({})).headers.get('etag') ?? ''
    expect((await read({ 'if-none-match': etag })).status).toBe(304)
  })
})

describe('rolling out', () => {
  test('signs a bundle that the gateway can verify, and tells it at once', async () => {
    const { organization, gateway, admin } = await home()
    const yaml = yamlOf('0.3.0')
    const { id } = await admin(configurations.create, { name: 'production', yaml })

    const rolledOut = await admin(configurations.rollout, { gateway_ids: ['gw_one'], version: '0.3.0' })

    expect(rolledOut.items).toEqual([{ gateway_id: 'gw_one', generation: 1, previous_version: null }])
    const state = await gateway(configurations.runtimeState, { id: 'gw_one' })
    expect(state).toMatchObject({ desired_version: '0.3.0', desired_generation: 1, org_id: organization.orgId })
    expect(payloadOf(state)).toEqual({
      format: 1,
      org_id: organization.orgId,
      gateway_id: 'gw_one',
      generation: 1,
      min_gateway_version: '0.1.0',
      created_at: expect.any(String),
      configuration: {
        id,
        name: 'production',
        version: '0.3.0',
        sha256: createHash('sha256').update(yaml).digest('hex'),
        yaml,
      },
    })
    expect(await admin(gateways.get, { id: 'gw_one' })).toMatchObject({
      configuration_id: id,
      configuration_name: 'production',
    })
  })

  test('of a second version names the one before, and shows where each one runs', async () => {
    const { organization, gateway, admin } = await home()
    const { id } = await admin(configurations.create, { name: 'production', yaml: yamlOf('0.1.0') })
    await admin(configurations.createVersion, { id, yaml: yamlOf('0.2.0') })
    await admin(configurations.rollout, { gateway_ids: ['gw_one'], version: '0.1.0' })
    await gateway(gateways.heartbeat, {
      ...gateways.heartbeat.example.input,
      id: 'gw_one',
      running_version: '0.1.0',
      running_generation: 1,
    })

    const second = await admin(configurations.rollout, { gateway_ids: ['gw_one', 'gw_one'], version: '0.2.0' })

    expect(second.items).toEqual([{ gateway_id: 'gw_one', generation: 2, previous_version: '0.1.0' }])
    const { items } = await admin(configurations.listVersions, { id })
    expect(items.map(({ version, running_on }) => [version, running_on])).toEqual([
      ['0.2.0', []],
      ['0.1.0', ['gw_one']],
    ])
    const runtime = await admin(configurations.listRuntime, {})
    expect(runtime).toEqual({
      items: [
        {
          gateway_id: 'gw_one',
          status: 'degraded',
          configuration_id: id,
          configuration_name: 'production',
          desired_version: '0.2.0',
          running_version: '0.1.0',
          last_seen_at: expect.any(String),
          last_error: null,
        },
      ],
      next_cursor: null,
    })
    expect((await admin(configurations.get, { id })).gateways).toMatchObject([
      { gateway_id: 'gw_one', running_version: '0.1.0' },
    ])
    const [entry] = (await admin(activity.list, { action: 'configuration.rolled_out', limit: 1 })).items
    expect(entry).toMatchObject({
      target: { type: 'configuration', id, name: 'production' },
      before: { gateways: [{ id: 'gw_one', version: '0.1.0' }] },
      after: { rollout_id: second.rollout_id, version: '0.2.0', gateways: ['gw_one'] },
    })
    expect((await organization.recorded()).filter((line) => line.endsWith('rolled_out'))).toHaveLength(2)
  })

  test('reaches all gateways or none', async () => {
    const { organization, gateway, admin } = await home()
    await admin(configurations.create, { name: 'production', yaml: yamlOf('1.0.0') })
    const before = await organization.recorded()

    const rollout = admin(configurations.rollout, { gateway_ids: ['gw_one', 'gw_none', 'gw_nor'], version: '1.0.0' })

    await expect(rollout).rejects.toMatchObject({
      code: 'not_found',
      message: 'There are no gateways gw_none, gw_nor.',
    })
    expect((await gateway(configurations.runtimeState, { id: 'gw_one' })).bundle).toBeNull()
    expect(await organization.recorded()).toEqual(before)
  })

  test('asks which configuration is meant when it cannot know', async () => {
    const { admin } = await home()
    const a = await admin(configurations.create, { name: 'a', yaml: yamlOf('1.0.0') })
    const b = await admin(configurations.create, { name: 'b', yaml: yamlOf('1.0.0') })
    const rollout = (input: { configuration_id?: string; version?: string } = {}) =>
      admin(configurations.rollout, { gateway_ids: ['gw_one'], version: '1.0.0', ...input })

    await expect(rollout()).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringContaining('configuration_id'),
    })
    await expect(rollout({ version: '9.9.9' })).rejects.toMatchObject({ code: 'not_found' })
    expect((await rollout({ configuration_id: b.id })).items[0]?.generation).toBe(1)
    // Assigned by now, so it need not be named again, and another one is not taken by mistake.
    expect((await rollout()).items[0]?.generation).toBe(2)
    await expect(rollout({ configuration_id: a.id })).rejects.toMatchObject({ code: 'unprocessable' })
    await admin(configurations.assign, { id: a.id, gateway_ids: ['gw_one'] })
    expect((await rollout()).items[0]?.generation).toBe(3)
    expect((await admin(configurations.get, { id: a.id })).gateways).toMatchObject([{ gateway_id: 'gw_one' }])
    expect((await admin(configurations.get, { id: b.id })).gateways).toEqual([])
  })

  test('at the same time gives every rollout a generation of its own', async () => {
    const { admin } = await home()
    await admin(gateways.register, { id: 'gw_two' })
    await admin(configurations.create, { name: 'production', yaml: yamlOf('1.0.0') })
    const orders = [
      ['gw_one', 'gw_two'],
      ['gw_two', 'gw_one'],
      ['gw_one', 'gw_two'],
      ['gw_two', 'gw_one'],
    ]
    const answers = await Promise.all(
      orders.map((gateway_ids) => admin(configurations.rollout, { gateway_ids, version: '1.0.0' })),
    )
    for (const id of ['gw_one', 'gw_two']) {
      const generations = answers.flatMap(({ items }) =>
        items.filter((item) => item.gateway_id === id).map((item) => item.generation),
      )
      expect(generations.toSorted()).toEqual([1, 2, 3, 4])
    }
  })
})

describe('the runtime state', () => {
  test('holds key hashes for the gateway itself and for nobody else', async () => {
    const { organization, gateway, admin } = await home()
    await admin(tokens.create, { name: 'app', token_type: 'gateway' })
    const reader = await organization.as(['configurations:read'])

    const own = await gateway(configurations.runtimeState, { id: 'gw_one' })
    expect(own.keys).toMatchObject([{ token_name: 'app', dead: null }])
    expect(own.settings).toEqual({ payload_capture: 'redacted', max_offline_key_age_seconds: 86_400 })
    expect((await admin(configurations.runtimeState, { id: 'gw_one' })).keys).toEqual([])
    expect((await reader(configurations.runtimeState, { id: 'gw_one' })).keys).toEqual([])
  })

  test('keeps its ETag until something changes, and every change gives it another', async () => {
    const { gateway, admin } = await home()
    const poll = async (etag: string) => {
      const response = await plane.fetch(
        new Request('http://control-plane.test/v1/admin/configurations/gateways/gw_one/runtime-state', {
          headers: { authorization: `Bearer ${gateway.token}`, 'if-none-match': etag },
        }),
      )
      return { status: response.status, etag: response.headers.get('etag') ?? '' }
    }
    const { token } = await admin(tokens.create, { name: 'app', token_type: 'gateway' })
    let { etag } = await poll('"none"')
    expect(await poll(etag)).toEqual({ status: 304, etag })

    const changes = [
      () =>
        admin(configurations.create, { name: 'production', yaml: yamlOf('1.0.0') }).then(() =>
          admin(configurations.rollout, { gateway_ids: ['gw_one'], version: '1.0.0' }),
        ),
      () => admin(tokens.create, { name: 'other', token_type: 'gateway' }),
      () => admin(tokens.update, { id: token.id, allowed_models: ['gpt-4o'] }),
      () => admin(tokens.rotate, { id: token.id, grace_seconds: 60 }),
      () => admin(tokens.revoke, { id: token.id }),
      () => admin(settings.updateSecurity, { payload_capture: 'full' }),
    ]
    for (const change of changes) {
      await change()
      const answer = await poll(etag)
      expect([answer.status, answer.etag === etag]).toEqual([200, false])
      etag = answer.etag
      await gateway(gateways.heartbeat, { ...gateways.heartbeat.example.input, id: 'gw_one' })
      expect(await poll(etag)).toEqual({ status: 304, etag })
    }
  })

  test('of another gateway does not exist for the key of a gateway process', async () => {
    const { gateway, admin } = await home()
    await admin(gateways.register, { id: 'gw_two' })
    const other = await admin(configurations.create, { name: 'other', yaml: yamlOf('1.0.0') })
    const mine = await admin(configurations.create, { name: 'mine', yaml: yamlOf('2.0.0') })
    await admin(configurations.assign, { id: mine.id, gateway_ids: ['gw_one'] })

    await expect(gateway(configurations.runtimeState, { id: 'gw_two' })).rejects.toMatchObject({ code: 'not_found' })
    expect((await gateway(configurations.listRuntime, {})).items.map(({ gateway_id }) => gateway_id)).toEqual([
      'gw_one',
    ])
    expect((await gateway(configurations.list, {})).items.map(({ name }) => name)).toEqual(['mine'])
    await expect(gateway(configurations.getVersion, { id: other.id, version: '1.0.0' })).rejects.toMatchObject({
      code: 'not_found',
    })
  })
})

describe('who may do what', () => {
  test('another organisation sees and changes nothing', async () => {
    const { admin } = await home()
    const { id } = await admin(configurations.create, { name: 'production', yaml: yamlOf('1.0.0') })
    const stranger = await (await plane.organization()).as('role_admin')
    const calls = [
      stranger(configurations.get, { id }),
      stranger(configurations.listVersions, { id }),
      stranger(configurations.getVersion, { id, version: '1.0.0' }),
      stranger(configurations.createVersion, { id, yaml: yamlOf('1.1.0') }),
      stranger(configurations.assign, { id, gateway_ids: ['gw_one'] }),
      stranger(configurations.rollout, { gateway_ids: ['gw_one'], version: '1.0.0' }),
      stranger(configurations.runtimeState, { id: 'gw_one' }),
      stranger(gateways.get, { id: 'gw_one' }),
      stranger(gateways.register, { id: 'gw_x', configuration_id: id }),
    ]
    expect(await codesOf(calls)).toEqual(calls.map(() => 'not_found'))
    expect((await stranger(configurations.list, {})).items).toEqual([])
    expect((await stranger(configurations.listRuntime, {})).items).toEqual([])
    expect((await admin(configurations.listVersions, { id })).items).toHaveLength(1)
  })

  test('without its permission nothing is read or written', async () => {
    const { organization, admin } = await home()
    const { id } = await admin(configurations.create, { name: 'production', yaml: yamlOf('1.0.0') })
    const [nobody, viewer] = [await organization.as(['tokens:read']), await organization.as('role_viewer')]
    const calls = [
      nobody(configurations.list, {}),
      nobody(configurations.get, { id }),
      nobody(configurations.lint, { yaml: '' }),
      nobody(configurations.listVersions, { id }),
      nobody(configurations.getVersion, { id, version: '1.0.0' }),
      nobody(configurations.listRuntime, {}),
      nobody(configurations.runtimeState, { id: 'gw_one' }),
      viewer(configurations.create, { name: 'x', yaml: yamlOf('1.0.0') }),
      viewer(configurations.createVersion, { id, yaml: yamlOf('1.1.0') }),
      viewer(configurations.assign, { id, gateway_ids: ['gw_one'] }),
      viewer(configurations.rollout, { gateway_ids: ['gw_one'], version: '1.0.0' }),
    ]
    expect(await codesOf(calls)).toEqual(calls.map(() => 'forbidden'))
  })
})

/** The code that each call was refused with. */
const codesOf = (calls: Promise<unknown>[]): Promise<unknown[]> =>
  Promise.all(
    calls.map((call) =>
      call.then(
        () => 'allowed',
        (error: { code?: unknown }) => error.code,
      ),
    ),
  )

/** What a gateway does with a bundle before it trusts a word of it. */
function payloadOf({ bundle, signing_keys }: RuntimeState): BundlePayload {
  const signer = signing_keys.find(({ kid }) => kid === bundle?.kid)
  if (!bundle || !signer) throw new Error('There is no bundle, or nobody has signed it.')
  const spki = Buffer.from(signer.public_key, 'base64')
  expect(createHash('sha256').update(spki).digest('hex').slice(0, 32)).toBe(signer.kid)
  const bytes = Buffer.from(bundle.payload, 'base64')
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  expect(verify(null, bytes, key, Buffer.from(bundle.signature, 'base64'))).toBe(true)
  return BundlePayload.parse(JSON.parse(bytes.toString()))
}
