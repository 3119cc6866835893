import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Configuration, type ConfigurationVersion, configurations } from '@/lib/contract/configurations'
import { type Gateway, gateways } from '@/lib/contract/gateways'
import { bundledKt, contractServer } from './testing'

const bench = bundledKt()
const server = contractServer()
const kt = (args: string[], input?: string) =>
  bench.kt(args, {
    env: { KEEPTRUSTS_API_URL: server.url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test' },
    ...(input ? { input } : {}),
  })

const GATEWAY = gateways.get.example.output as Gateway
const CONFIGURATION = configurations.get.example.output as Configuration
const VERSION = configurations.createVersion.example.output as ConfigurationVersion
const YAML = 'pack:\n  name: production\n  version: 0.3.0\n  enabled: true\npolicies:\n  chain: []\n'
const asked = (name: string) => server.asked.filter((one) => one.name === name).map(({ input }) => input)

beforeEach(async () => {
  server.on(gateways.list, () => ({ items: [GATEWAY], next_cursor: null }))
  server.on(configurations.list, () => ({ items: [CONFIGURATION], next_cursor: null }))
  server.on(configurations.get, () => CONFIGURATION)
  await writeFile(join(bench.home, 'policy-config.yaml'), YAML)
})

describe('kt gateway', () => {
  test('list shows what runs where', async () => {
    const { stdout } = await kt(['gateway', 'list'])

    expect(stdout).toMatch(
      /^ID +STATUS +CONFIGURATION +RUNNING +DESIRED +LAST SEEN\nproxy_production_01 +healthy +production +0\.3\.0 +0\.3\.0 +2026-03-20T12:05:00\n$/,
    )
  })

  test('inspect shows one, with its last error', async () => {
    server.on(gateways.get, () => ({
      ...GATEWAY,
      last_error: { code: 'bundle_refused', message: 'Bad signature.', at: '2026-03-20T12:05:00.000Z' },
    }))

    const { stdout } = await kt(['gateway', 'inspect', 'proxy_production_01'])

    expect(stdout).toContain('Running version: 0.3.0\n')
    expect(stdout).toContain('Last error: bundle_refused: Bad signature. (2026-03-20T12:05:00Z)\n')
  })

  test('register says how to make its key', async () => {
    server.on(gateways.register, ({ id }) => ({ ...GATEWAY, id, status: 'pending' as const }))

    const { stdout } = await kt(['gateway', 'register', 'edge_1', '--name', 'Edge 1'])

    expect(stdout).toContain('kt tokens create --type access --purpose gateway_runtime --gateway-id edge_1')
    expect(asked('gateways.register')).toEqual([{ id: 'edge_1', name: 'Edge 1' }])
  })
})

describe('kt config', () => {
  test('get prints the newest YAML byte for byte, by name', async () => {
    server.on(configurations.getVersion, () => ({ ...VERSION, yaml: `${YAML}# \u001b` }))

    const { stdout } = await kt(['config', 'get', 'production'])

    expect(stdout).toBe(`${YAML}# \u001b`)
    expect(asked('configurations.getVersion')).toEqual([{ id: CONFIGURATION.id, version: '0.3.0' }])
  })

  test('get reads an older version', async () => {
    server.on(configurations.getVersion, () => ({ ...VERSION, yaml: YAML }))

    await kt(['config', 'get', CONFIGURATION.id, '--version', '0.2.0'])

    expect(asked('configurations.getVersion')).toMatchObject([{ version: '0.2.0' }])
  })

  test('refuses to guess which of two configurations of one name is meant', async () => {
    server.on(configurations.list, () => ({
      items: [CONFIGURATION, { ...CONFIGURATION, id: 'cfg_2' }],
      next_cursor: null,
    }))

    expect(await kt(['config', 'get', 'production'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cfg_2'),
    })
    expect(await kt(['config', 'get', 'absent'])).toMatchObject({ code: 3 })
  })

  test('create and save send the file as it is, from disk or standard input', async () => {
    server.on(configurations.create, ({ name }) => ({ ...CONFIGURATION, name }))
    server.on(configurations.createVersion, () => VERSION)

    const created = await kt(['config', 'create', '--name', 'staging', '--file', 'policy-config.yaml'])
    const saved = await kt(
      ['config', 'save', 'production', '--file', '-', '--note', 'n', '--expected-latest-version', '0.2.0'],
      YAML,
    )

    expect(created.stdout).toContain('Configuration created: staging 0.3.0')
    expect(saved.stdout).toContain('Version saved: production 0.3.0')
    expect(asked('configurations.create')).toEqual([{ name: 'staging', yaml: YAML }])
    expect(asked('configurations.createVersion')).toEqual([
      { id: CONFIGURATION.id, yaml: YAML, note: 'n', expected_latest_version: '0.2.0' },
    ])
  })

  test('a file that is not there or not text is invalid input', async () => {
    await writeFile(join(bench.home, 'binary'), Buffer.from([0xff, 0xfe, 0x00]))

    expect(await kt(['config', 'save', 'production', '--file', 'absent.yaml'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ENOENT'),
    })
    expect(await kt(['config', 'save', 'production', '--file', 'binary'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('UTF-8'),
    })
    expect(server.asked).toEqual([])
  })

  test('lint needs no control plane, names line and column, and exits 2 for a file with errors', async () => {
    const offline = (args: string[], input = '') => bench.kt(['config', 'lint', ...args], { input })

    expect(await offline(['policy-config.yaml'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^policy-config\.yaml is valid\.\n$/m),
    })
    const wrong = await offline(['-'], YAML.replace('policies:', 'polices:'))
    expect(wrong.code).toBe(2)
    expect(wrong.stdout).toMatch(/^-:5:1: error E002: /m)
    const json = await offline(['-', '--json'], YAML.replace('policies:', 'polices:'))
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: false,
      diagnostics: expect.arrayContaining([expect.objectContaining({ line: 5, column: 1, code: 'E002' })]),
    })
  })
})

describe('kt rollout', () => {
  const started = (ids: string[]) => ({
    rollout_id: 'rol_1',
    version: '0.3.0',
    items: ids.map((gateway_id) => ({ gateway_id, generation: 5, previous_version: '0.2.0' })),
  })
  const gateway = (id: string, running: boolean) => ({
    ...GATEWAY,
    id,
    running_version: running ? '0.3.0' : '0.2.0',
    running_generation: running ? 5 : 4,
  })

  test('waits until every gateway runs the version', async () => {
    server.on(configurations.rollout, ({ gateway_ids }) => started(gateway_ids))
    server.on(gateways.get, ({ id }) => gateway(id, id === 'a' || asked('gateways.get').length > 3))

    const { code, stdout } = await kt(['rollout', '--gateway-ids', 'a,b', '--version', '0.3.0'])

    expect(code).toBe(0)
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['GATEWAY', 'PREVIOUS', 'RUNNING', 'STATE', 'DETAIL'],
      ['a', '0.2.0', '0.3.0', 'running'],
      ['b', '0.2.0', '0.3.0', 'running'],
      [''],
    ])
    expect(asked('configurations.rollout')).toEqual([{ gateway_ids: ['a', 'b'], version: '0.3.0' }])
    expect(asked('gateways.get').length).toBeGreaterThan(3)
  })

  test('fails with the reason when one does not come along in time', async () => {
    server.on(configurations.rollout, ({ gateway_ids }) => started(gateway_ids))
    server.on(gateways.get, ({ id }) => ({
      ...gateway(id, id === 'a'),
      last_error: { code: 'bundle_refused', message: 'Bad.', at: '2026-03-20T12:05:00.000Z', generation: 5 },
    }))

    const { code, stdout, stderr } = await kt([
      'rollout',
      '--gateway-ids',
      'a,b',
      '--version',
      '0.3.0',
      '--timeout',
      '1s',
    ])

    expect(code).toBe(1)
    expect(stdout).toMatch(/^b +0\.2\.0 +0\.2\.0 +waiting +bundle_refused: Bad\.$/m)
    expect(stderr).toContain('b did not report 0.3.0 within 1 s')
  })

  test('--no-wait looks once; --config resolves a name', async () => {
    server.on(configurations.rollout, ({ gateway_ids }) => started(gateway_ids))
    server.on(gateways.get, ({ id }) => gateway(id, false))

    const { code, stdout } = await kt([
      'rollout',
      '--gateway-ids',
      'a',
      '--version',
      '0.3.0',
      '--no-wait',
      '--config',
      'production',
      '--json',
    ])

    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ rollout_id: 'rol_1', items: [{ gateway_id: 'a', state: 'waiting' }] })
    expect(asked('configurations.rollout')).toMatchObject([{ configuration_id: CONFIGURATION.id }])
    expect(asked('gateways.get')).toHaveLength(1)
  })

  test('a version that does not exist is not found', async () => {
    expect(await kt(['rollout', '--gateway-ids', 'a', '--version', '9.9.9'])).toMatchObject({ code: 3 })
  })
})
