import { beforeEach, describe, expect, test } from 'vitest'
import { type Token, tokens } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import { runCli } from './program'
import { bundledKt, contractServer, terminal } from './testing'

const bench = bundledKt()
const server = contractServer()
const kt = (...args: string[]) =>
  bench.kt(args, { env: { KEEPTRUSTS_API_URL: server.url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test' } })

const EXAMPLE = tokens.get.example.output as Token
const tokenOf = (change: Partial<Token>): Token => ({ ...EXAMPLE, ...change })
const asked = (name: string) => server.asked.filter((one) => one.name === name).map(({ input }) => input)

beforeEach(() => {
  server.on(tokens.create, (input) => ({
    key: `kt_${input.token_type === 'access' ? 'ak' : 'gk'}_secret`,
    token: tokenOf({
      name: input.name,
      token_type: input.token_type,
      expires_at: input.expires_at ? new Date(input.expires_at).toISOString() : null,
    }),
  }))
  server.on(tokens.revoke, () => tokenOf({ status: 'revoked', token_type: 'gateway', name: 'app-production' }))
})

describe('kt tokens create', () => {
  test('prints the key, the name and the end as documented', async () => {
    const { code, stdout } = await kt(
      'tokens',
      'create',
      '--type',
      'access',
      '--name',
      'ci-pipeline-prod',
      '--expires-in',
      '90d',
    )

    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^Access key created:\nKey: kt_ak_secret\nName: ci-pipeline-prod\nExpires: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/,
    )
    const [input] = asked('tokens.create')
    const daysLeft = (Date.parse(String(input?.expires_at)) - Date.now()) / 86_400_000
    expect(daysLeft).toBeGreaterThan(89.9)
    expect(daysLeft).toBeLessThanOrEqual(90)
  })

  test('says gateway key for a gateway key, and never for one without an end', async () => {
    const { stdout } = await kt('tokens', 'create', '--type', 'gateway', '--name', 'app-production')

    expect(stdout).toBe('Gateway key created:\nKey: kt_gk_secret\nName: app-production\nExpires: never\n')
  })

  test('sends every restriction it was given and nothing it was not', async () => {
    await kt(
      ...'tokens create --type gateway --name frontend-only --label prod'.split(' '),
      '--allowed-models',
      'gpt-4o, gpt-4o-mini',
      '--allowed-providers',
      'openai',
      '--agent-id',
      'bot',
      '--expires-at',
      '2027-01-01T00:00:00+02:00',
    )
    await kt(
      ...'tokens create --type access --name gw --purpose gateway_runtime --gateway-id gw_1 --permissions events:read,events:export'.split(
        ' ',
      ),
    )

    expect(asked('tokens.create')).toEqual([
      {
        name: 'frontend-only',
        token_type: 'gateway',
        label: 'prod',
        scope: 'org',
        allowed_models: ['gpt-4o', 'gpt-4o-mini'],
        allowed_providers: ['openai'],
        agent_id: 'bot',
        expires_at: '2027-01-01T00:00:00+02:00',
      },
      {
        name: 'gw',
        token_type: 'access',
        purpose: 'gateway_runtime',
        gateway_id: 'gw_1',
        permissions: ['events:read', 'events:export'],
        scope: 'org',
      },
    ])
  })

  test('is an access key under kt auth token', async () => {
    const { code, stdout } = await kt(
      ...'auth token create --name integration-reader --scope team --role-id role_configurations_writer'.split(' '),
    )

    expect(code).toBe(0)
    expect(stdout).toContain('Access key created:\nKey: kt_ak_secret\n')
    expect(asked('tokens.create')).toEqual([
      { name: 'integration-reader', token_type: 'access', scope: 'team', role_id: 'role_configurations_writer' },
    ])
  })

  test.each([['90'], ['0d'], ['-5d'], ['90 days'], ['999999999w']])(
    'refuses %s as a duration before it asks the server',
    async (text) => {
      const { code, stderr } = await kt('tokens', 'create', '--type', 'access', '--name', 'x', `--expires-in=${text}`)

      expect(code).toBe(2)
      expect(stderr).toContain('90d, 24h or 30m')
      expect(server.asked).toEqual([])
    },
  )

  test('marks itself as the CLI', async () => {
    await kt('tokens', 'create', '--type', 'access', '--name', 'x')

    expect(server.asked[0]?.headers['user-agent']).toMatch(/^kt\/\d+\.\d+\.\d+/)
  })
})

describe('kt tokens list', () => {
  test('prints the documented columns', async () => {
    server.on(tokens.list, () => ({
      items: [
        tokenOf({
          name: 'ci-pipeline-prod',
          created_at: '2026-04-01T10:00:00.123456Z',
          expires_at: '2026-07-01T10:00:00.000Z',
        }),
        tokenOf({ name: 'service', token_type: 'gateway', expires_at: null, status: 'revoked' }),
      ],
      next_cursor: null,
    }))

    const { stdout } = await kt('tokens', 'list')

    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['NAME', 'TYPE', 'CREATED', 'EXPIRES', 'STATUS'],
      ['ci-pipeline-prod', 'access', '2026-04-01T10:00:00', '2026-07-01T10:00:00', 'active'],
      ['service', 'gateway', '2026-04-23T10:00:00', 'never', 'revoked'],
      [''],
    ])
  })

  test('follows pages to the end, and stops at a limit', async () => {
    const all = Array.from({ length: 450 }, (_, i) => tokenOf({ name: `key-${i}` }))
    server.on(tokens.list, ({ cursor, limit }) => {
      const from = Number(cursor ?? 0)
      const items = all.slice(from, from + limit)
      return { items, next_cursor: from + limit < all.length ? String(from + limit) : null }
    })

    const whole = JSON.parse((await kt('tokens', 'list', '--type', 'access', '--json')).stdout)
    const some = JSON.parse((await kt('tokens', 'list', '--limit', '201', '--output', 'json')).stdout)

    expect(whole.items.map(({ name }: Token) => name)).toEqual(all.map(({ name }) => name))
    expect(whole.next_cursor).toBeNull()
    expect(some.items).toHaveLength(201)
    expect(some.next_cursor).toBe('201')
    expect(asked('tokens.list').map(({ type, limit }) => [type, limit])).toEqual([
      ['access', 200],
      ['access', 200],
      ['access', 200],
      [undefined, 200],
      [undefined, 1],
    ])
  })

  test.each(['table', 'json', 'yaml'])('lets no name drive the terminal as %s', async (format) => {
    const name = 'evil\u001b[2J\u009b31m\u202etxt\u2066'
    server.on(tokens.list, () => ({ items: [tokenOf({ name })], next_cursor: null }))

    const { stdout, code } = await kt('tokens', 'list', '--output', format)

    expect(code).toBe(0)
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
    expect(stdout).toContain('evil')
    if (format === 'json') expect(JSON.parse(stdout).items[0].name).toBe(name)
  })
})

describe('kt tokens inspect', () => {
  const token = tokenOf({
    name: 'app-production',
    token_type: 'gateway',
    created_at: '2026-04-15T14:00:00.000Z',
    expires_at: '2026-05-15T14:00:00.000000Z',
    last_used_at: '2026-04-23T12:45:00.5Z',
    allowed_models: ['gpt-4o', 'gpt-4o-mini'],
  })

  test('prints the documented JSON', async () => {
    server.on(tokens.list, () => ({ items: [token], next_cursor: null }))

    const { stdout } = await kt('tokens', 'inspect', '--name', 'app-production')

    expect(stdout).toBe(`{
  "name": "app-production",
  "token_type": "gateway",
  "created_at": "2026-04-15T14:00:00Z",
  "expires_at": "2026-05-15T14:00:00Z",
  "last_used_at": "2026-04-23T12:45:00Z",
  "status": "active",
  "allowed_models": ["gpt-4o", "gpt-4o-mini"]
}
`)
  })

  test('shows all of it as JSON or YAML when asked, also by id', async () => {
    server.on(tokens.get, () => token)

    const json = await kt('tokens', 'inspect', token.id, '--output', 'json')
    const yaml = await kt('tokens', 'inspect', '--id', token.id, '--output', 'yaml')

    expect(JSON.parse(json.stdout)).toEqual(token)
    expect(yaml.stdout).toContain(`id: ${token.id}\n`)
    expect(asked('tokens.get')).toEqual([{ id: token.id }, { id: token.id }])
  })

  test('prefers the live key over dead ones of the same name', async () => {
    server.on(tokens.list, ({ status }) => ({
      items: status === 'live' ? [token] : [tokenOf({ name: 'app-production', status: 'revoked' })],
      next_cursor: null,
    }))

    expect(JSON.parse((await kt('tokens', 'inspect', '--name', 'app-production')).stdout).status).toBe('active')
  })

  test('needs to know which', async () => {
    expect(await kt('tokens', 'inspect')).toMatchObject({ code: 2, stderr: expect.stringContaining('--name NAME') })
  })
})

describe('kt tokens revoke', () => {
  test('does not ask where there is no terminal, as the documented scripts need', async () => {
    server.on(tokens.list, () => ({ items: [tokenOf({ name: 'app-production' })], next_cursor: null }))

    const { code, stdout } = await kt('tokens', 'revoke', '--name', 'app-production')

    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Gateway key revoked: app-production\n' })
    expect(asked('tokens.revoke')).toEqual([{ id: EXAMPLE.id }])
  })

  test.each([
    ['n\r', [], 1, 1],
    ['\r', [], 1, 1],
    ['y\r', [], 0, 0],
    ['\u0003', [], 130, 1],
    [undefined, ['--yes'], 0, 0],
  ] as const)('asks on a terminal: %j with %j ends with %i', async (answer, flags, code, left) => {
    server.on(tokens.list, () => ({ items: [tokenOf({ name: 'app-\u001b[2Jproduction' })], next_cursor: null }))
    const { io, screen } = terminal(answer ? { '[y/N]': answer } : {}, {
      HOME: bench.home,
      KEEPTRUSTS_API_URL: server.url,
      KEEPTRUSTS_API_TOKEN: 'kt_ak_test',
    })

    expect(await runCli(['tokens', 'revoke', '--name', 'app-production', ...flags], io)).toBe(code)
    expect(asked('tokens.revoke')).toHaveLength(1 - left)
    expect(screen().includes('[y/N]')).toBe(answer !== undefined)
    expect(screen()).not.toContain('\u001b[2J')
  })

  test('may be repeated', async () => {
    server.on(tokens.list, ({ status }) => ({
      items: status === 'live' ? [] : [tokenOf({ status: 'revoked', revoked_at: '2026-04-23T11:00:00.000Z' })],
      next_cursor: null,
    }))

    const { code, stdout } = await kt('tokens', 'revoke', '--name', 'ci-pipeline-prod')

    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'ci-pipeline-prod was already revoked at 2026-04-23T11:00:00Z.\n',
    })
    expect(asked('tokens.revoke')).toEqual([])
  })

  test('touches only access keys under kt auth token', async () => {
    server.on(tokens.list, ({ type }) => ({ items: type === 'access' ? [] : [tokenOf({})], next_cursor: null }))

    server.on(tokens.get, () => tokenOf({ token_type: 'gateway' }))

    expect(await kt('auth', 'token', 'revoke', '--name', 'app')).toMatchObject({ code: 3 })
    expect(await kt('auth', 'token', 'revoke', EXAMPLE.id)).toMatchObject({ code: 3 })
    expect(asked('tokens.revoke')).toEqual([])
  })
})

describe('kt tokens rotate', () => {
  const rotating = tokenOf({
    previous_secret: {
      prefix: 'kt_ak_',
      last4: 'abcd',
      expires_at: '2026-04-24T10:00:00.000Z',
      last_used_at: null,
      use_count: 0,
      source_ips: [],
    },
  })

  test('prints the new secret and how long the old one lives', async () => {
    server.on(tokens.list, () => ({ items: [EXAMPLE], next_cursor: null }))
    server.on(tokens.rotate, () => ({ key: 'kt_ak_second', token: rotating }))

    const { stdout } = await kt('tokens', 'rotate', '--name', EXAMPLE.name, '--grace', '2h')

    expect(stdout).toBe(
      'Access key rotated:\nKey: kt_ak_second\nName: ci-pipeline-prod\nExpires: 2026-07-22T00:00:00Z\nOld secret ends: 2026-04-24T10:00:00Z\n',
    )
    expect(asked('tokens.rotate')).toEqual([{ id: EXAMPLE.id, grace_seconds: 7_200 }])
  })

  test('ends or prolongs the old secret without a new one', async () => {
    server.on(tokens.get, () => EXAMPLE)
    server.on(tokens.finishRotation, () => EXAMPLE)
    server.on(tokens.extendRotation, () => rotating)

    expect((await kt('tokens', 'rotate', EXAMPLE.id, '--finish')).code).toBe(0)
    expect((await kt('tokens', 'rotate', EXAMPLE.id, '--extend', '1d')).stdout).toContain('ends 2026-04-24T10:00:00Z')
    expect(asked('tokens.extendRotation')).toEqual([{ id: EXAMPLE.id, grace_seconds: 86_400 }])
    expect(asked('tokens.rotate')).toEqual([])
  })

  test('refuses a grace beyond seven days', async () => {
    expect(await kt('tokens', 'rotate', '--name', 'x', '--grace', '8d')).toMatchObject({ code: 2 })
  })
})

test('a name that is taken says what to do', async () => {
  server.on(tokens.create, () => {
    throw new AppError('name_taken', 'A live key is named ci already.')
  })

  const { code, stderr } = await kt('tokens', 'create', '--type', 'access', '--name', 'ci')

  expect(code).toBe(1)
  expect(stderr).toBe('kt: A live key is named ci already.\n  Choose another name.\n')
})
