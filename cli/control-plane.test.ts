import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatewayOf } from '@/control-plane/events/testing'
import { startControlPlane, type TestPlane } from '@/control-plane/testing'

import { activity } from '@/lib/contract/activity'
import { events } from '@/lib/contract/events'
import { evidence } from '@/lib/contract/evidence'
import { members } from '@/lib/contract/members'
import { notifications } from '@/lib/contract/notifications'
import { sessions } from '@/lib/contract/sessions'
import { newId } from '@/lib/ids'
import { parseToken } from '@/lib/tokens'
import { bundledKt } from './testing'

/** kt against the control plane as it is: what each assumes of the other is tried here. */
const bench = bundledKt()
let plane: TestPlane
let url = ''
let close: () => Promise<unknown>

beforeAll(async () => {
  plane = await startControlPlane({ jobs: true })
  const server = createServer(getRequestListener((request) => plane.fetch(request)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
})
afterAll(async () => {
  await close()
  await plane.stop()
})

/** kt as an owner of an organisation of its own. */
async function owner() {
  const organization = await plane.organization()
  const client = await organization.as('role_owner')
  const env = { KEEPTRUSTS_API_URL: url, KEEPTRUSTS_API_TOKEN: client.token }
  const kt = (...args: string[]) => bench.kt(args, { env })
  return { organization, client, kt, bundled: (...args: string[]) => bench.bundled(args, { env }), env }
}

test('a key lives as documented: created, listed, inspected, rotated, revoked, and each change is recorded as made with the CLI', async () => {
  const { bundled: kt, client } = await owner()

  const created = await kt(
    'tokens',
    'create',
    '--type',
    'gateway',
    '--name',
    'app-production',
    '--label',
    'prod',
    '--expires-in',
    '30d',
    '--allowed-models',
    'gpt-4o,gpt-4o-mini',
  )
  const key = /^Gateway key created:\nKey: (\S+)\nName: app-production\nExpires: \S+\n$/.exec(created.stdout)?.[1] ?? ''
  expect(parseToken(key)).toEqual({ kind: 'gk', label: 'prod' })

  expect((await kt('tokens', 'list', '--type', 'gateway')).stdout).toMatch(
    /^app-production +gateway +\S{19} +\S{19} +active$/m,
  )
  expect(JSON.parse((await kt('tokens', 'inspect', '--name', 'app-production')).stdout)).toMatchObject({
    name: 'app-production',
    status: 'active',
    last_used_at: null,
    allowed_models: ['gpt-4o', 'gpt-4o-mini'],
  })

  const rotated = await kt('tokens', 'rotate', '--name', 'app-production', '--grace', '2h', '--json')
  expect(JSON.parse(rotated.stdout).key).not.toBe(key)
  expect(JSON.parse(rotated.stdout).token.previous_secret).not.toBeNull()
  expect(await kt('tokens', 'rotate', '--name', 'app-production', '--finish')).toMatchObject({ code: 0 })

  expect(await kt('tokens', 'revoke', '--name', 'app-production')).toMatchObject({
    code: 0,
    stdout: 'Gateway key revoked: app-production\n',
  })
  expect(await kt('tokens', 'revoke', '--name', 'app-production')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('already revoked'),
  })

  const { items } = await client(activity.list, { limit: 50 })
  expect(items.filter(({ source }) => source === 'cli').length).toBeGreaterThanOrEqual(4)
})

test('the name of a live key is taken, and free again once it is revoked', async () => {
  const { kt } = await owner()
  const create = () => kt('tokens', 'create', '--type', 'access', '--name', 'ci-pipeline-prod', '--expires-in', '90d')

  expect(await create()).toMatchObject({ code: 0 })
  expect(await create()).toMatchObject({ code: 1, stderr: expect.stringContaining('free again once that is revoked') })
  await kt('tokens', 'revoke', '--name', 'ci-pipeline-prod')
  expect(await create()).toMatchObject({ code: 0 })
  expect(JSON.parse((await kt('tokens', 'inspect', '--name', 'ci-pipeline-prod')).stdout).status).toBe('active')
})

test('a scoped token for automation may do what its role says and no more', async () => {
  const { kt } = await owner()
  const created = await kt(
    ...'auth token create --name integration-reader --scope team --role-id role_configurations_writer --json'.split(
      ' ',
    ),
  )
  expect(created).toMatchObject({ code: 0 })
  const as = (...args: string[]) =>
    bench.kt(args, { env: { KEEPTRUSTS_API_URL: url, KEEPTRUSTS_API_TOKEN: JSON.parse(created.stdout).key } })

  expect(await as('auth', 'whoami')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Role: role_configurations_writer'),
  })
  expect(await as('tokens', 'list')).toMatchObject({ code: 4 })
})

test('a configuration is saved, rolled out and read back', async () => {
  const { kt, env } = await owner()
  const yaml = (version: string) =>
    `pack:\n  name: production\n  version: ${version}\n  enabled: true\npolicies:\n  chain: []\nproviders:\n  targets:\n    - id: sandbox\n      provider: sandbox\n      models: ["*"]\n`
  const fed = (input: string, ...args: string[]) => bench.kt(args, { env, input })

  expect(await fed(yaml('0.2.0'), 'config', 'create', '--name', 'production', '--file', '-')).toMatchObject({ code: 0 })
  expect(await fed(yaml('0.3.0'), 'config', 'save', 'production', '--file', '-')).toMatchObject({ code: 0 })
  const other = await fed(`${yaml('0.3.0')}# other`, 'config', 'save', 'production', '--file', '-')
  expect(other.code).toBeOneOf([1, 2])
  expect((await kt('config', 'get', 'production')).stdout).toBe(yaml('0.3.0'))
  expect((await kt('config', 'versions', 'production')).stdout).toMatch(/^0\.3\.0 .*\n0\.2\.0 /m)

  expect(await kt('gateway', 'register', 'proxy_production_01')).toMatchObject({ code: 0 })
  expect(await kt('config', 'assign', 'production', '--gateway-ids', 'proxy_production_01')).toMatchObject({ code: 0 })
  const rollout = await kt('rollout', '--gateway-ids', 'proxy_production_01', '--version', '0.3.0', '--no-wait')
  expect(rollout).toMatchObject({ code: 0, stdout: expect.stringMatching(/^proxy_production_01 +- +- +waiting/m) })
  expect(await kt('rollout', '--gateway-ids', 'proxy_production_01', '--version', '9.9.9', '--no-wait')).toMatchObject({
    code: 3,
  })
  expect((await kt('gateway', 'list')).stdout).toMatch(/^proxy_production_01 +pending +production +- +0\.3\.0 +never$/m)
})

test('what is asked of an unknown key, event or gateway is not found', async () => {
  const { kt } = await owner()

  expect(await kt('tokens', 'inspect', '--name', 'absent')).toMatchObject({ code: 3 })
  expect(await kt('tokens', 'inspect', 'tok_0123')).toMatchObject({ code: 3 })
  expect(await kt('events', 'get', 'evt_0123')).toMatchObject({ code: 3 })
  expect(await kt('gateway', 'inspect', 'absent')).toMatchObject({ code: 3 })
})

test('a filter that names no field is invalid input, on the list and on the tail', async () => {
  const { kt } = await owner()

  expect(await kt('events', 'list', '--filter', 'tokn=x')).toMatchObject({ code: 2 })
  expect(await kt('events', 'tail', '--filter', 'tokn=x')).toMatchObject({ code: 2 })
  expect(await kt('events', 'tail', '--filter', 'token_name=x', '--no-follow')).toMatchObject({ code: 0 })
})

test('the doctor finds the control plane well', async () => {
  const { kt } = await owner()

  expect((await kt('doctor')).stdout).toMatch(/^ok {4}control plane: .*\nok {4}clock: .*\nok {4}identity: /m)
})

test('events are exported to a file whose rows are those of the list', async () => {
  const { bundled: kt, organization } = await owner()
  const { gateway, event } = await gatewayOf(organization)
  const sent = Array.from({ length: 25 }, () => event())
  await gateway(events.ingest, { events: sent })

  const exported = await kt('events', 'export', '--since', '24h', '--format', 'json_lines', '--to', 'events.jsonl')

  expect(exported).toMatchObject({ code: 0, stderr: '' })
  const lines = (await readFile(join(bench.home, 'events.jsonl'), 'utf8')).trim().split('\n')
  const ids = lines.map((line) => (JSON.parse(line) as { event_id: string }).event_id)
  expect(ids.toSorted()).toEqual(sent.map(({ event_id }) => event_id).toSorted())
})

test('a record is signed, verified and proven to somebody without a network, who finds a changed byte', async () => {
  const { kt, client, organization } = await owner()
  const { gateway, event } = await gatewayOf(organization)
  const sent = event()
  await gateway(events.ingest, { events: [sent] })
  expect((await kt('trail', 'sign')).stdout).toMatch(/^dig_\w+: \d+ records/)
  expect((await kt('trail', 'verify', '--since', '1h', '--deep')).stdout).toMatch(/^Chain {8}valid\n/)
  const { fingerprint } = JSON.parse((await kt('trail', 'key', '--json')).stdout) as { fingerprint: string }
  await writeFile(join(bench.home, 'kept.txt'), (await kt('trail', 'checkpoint')).stdout)
  const { body } = await client.download(evidence.archive, { request_id: sent.request_id })
  const archive = new Uint8Array(await new Response(body).arrayBuffer())
  await writeFile(join(bench.home, 'bundle.zip'), archive)
  const alone = (...args: string[]) => bench.kt(args, { env: { KEEPTRUSTS_API_URL: 'http://127.0.0.1:1' } })

  const verified = await alone('verify', 'bundle.zip', '--fingerprint', fingerprint, '--checkpoint', 'kept.txt')

  expect(verified).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/Verified: everything holds\.\n$/),
  })
  expect((await alone('verify', 'bundle.zip', '--fingerprint', '0'.repeat(64))).code).toBe(1)
  archive[archive.length >> 1] = (archive[archive.length >> 1] ?? 0) ^ 1
  await writeFile(join(bench.home, 'bundle.zip'), archive)
  const changed = await alone('verify', 'bundle.zip', '--fingerprint', fingerprint)
  expect(changed).toMatchObject({ code: 1, stdout: expect.stringMatching(/^FAIL/m) })
  expect((await alone('verify', 'nothing.zip', '--fingerprint', fingerprint)).code).toBe(2)
})

test('a name that is taken says so, and of a key when it is free again', async () => {
  const { kt } = await owner()
  const twice = async (...args: string[]) => {
    await kt(...args)
    return (await kt(...args)).stderr
  }

  expect(await twice('team', 'create', '--name', 'Finance')).toBe(
    'kt: There is a team with this name already.\n  name: belongs to a team already\n  Choose another name.\n',
  )
  expect(await twice('tokens', 'create', '--type', 'access', '--name', 'ci')).toBe(
    'kt: Another live key is called "ci".\n  name: is taken by a live key, and free again once that is revoked\n  Choose another name.\n',
  )
})

test('money goes down to a team and a user and back as documented, once per key, and the ledger adds up', async () => {
  const { kt } = await owner()
  const words = (line: string) => kt(...line.split(' '))

  await words('team create --name Finance')
  expect((await words('wallet credit --amount 2000 --note Invoice')).stdout).toMatch(
    /^Credited 2000\.00:\norganization: 0\.00 -> 2000\.00\nTransaction: ltx_/,
  )
  const allocate = 'wallet allocate --team Finance --amount 500.000000001 --idempotency-key approval-17'
  const first = await words(allocate)
  expect(first.stdout).toMatch(
    /^Allocated 500\.000000001:\norganization: 2000\.00 -> 1499\.999999999\nteam:team_\w+: 0\.00 -> 500\.000000001\n/,
  )
  expect((await words(allocate)).stdout).toBe(first.stdout)
  const teamWallet = /team:team_\w+/.exec(first.stdout)?.[0] ?? ''
  await words(`wallet allocate --user ada --amount 20 --from ${teamWallet}`)
  expect((await words('wallet reclaim --user ada --amount 25')).stderr).toBe(
    'kt: amount_usd: wallet user:ada has 20 US dollars to give.\n',
  )
  expect((await words('wallet reclaim --user ada --amount 5 --dry-run')).stdout).toMatch(/^It would reclaim 5\.00:\n/)

  expect((await words('wallet list')).stdout.split('\n').slice(1, 4)).toEqual([
    expect.stringMatching(/^organization +Test +1499\.999999999 +0\.00 +1499\.999999999 +0\.00 +healthy$/),
    expect.stringMatching(/^team:team_\w+ +Finance +480\.000000001 +0\.00 +480\.000000001 +0\.00 +healthy$/),
    expect.stringMatching(/^user:ada +ada +20\.00 +0\.00 +20\.00 +0\.00 +healthy$/),
  ])
  expect((await words(`wallet transactions ${teamWallet}`)).stdout.split('\n').slice(1, 3)).toEqual([
    expect.stringMatching(/ allocate +-20\.00 +- +480\.000000001 +user:ada +owner +-$/),
    expect.stringMatching(/ allocate +\+500\.000000001 +- +500\.000000001 +organization +owner +-$/),
  ])
  expect((await words('wallet balance --user ada')).stdout).toMatch(/\nAvailable: 1519\.999999999\n$/)
  expect(await words('wallet check')).toMatchObject({ code: 0 })
  expect((await words('team delete Finance')).stderr).toMatch(
    /its wallet has 480\.000000001 US dollars, to be reclaimed first/,
  )
})

test('notifications are listed as they were told, and are read by who asks as a member', async () => {
  const { organization, client, kt } = await owner()
  const { gateway } = await gatewayOf(organization)
  expect(await kt('notifications', 'list')).toMatchObject({ code: 0, stderr: 'Nothing to tell you.\n' })
  await gateway(events.ingest, { events: [{ nothing: true }] })
  expect((await kt('notifications', 'list')).stdout).toMatch(
    /^TIME +SEVERITY +KIND +ABOUT +READ +SEQ\n\S{19} +warning +events\.quarantined +gw_one +no +\d+\n$/,
  )
  expect(JSON.parse((await kt('notifications', 'list', '--json')).stdout).items).toEqual(
    (await client(notifications.list, {})).items,
  )
  expect(await kt('notifications', 'read', '--until', 'x')).toMatchObject({ code: 2 })

  const account = { email: `${newId('usr')}@example.com`, password: 'a long enough password' }
  await client(members.create, { ...account, name: 'Ana', role_id: 'role_viewer' })
  const { session_token } = await plane.client('')(sessions.create, account)
  await gateway(events.ingest, { events: [{ another: true }] })
  const ana = { env: { KEEPTRUSTS_API_URL: url, KEEPTRUSTS_API_TOKEN: session_token } }
  expect((await bench.kt(['notifications', 'read'], ana)).stdout).toBe('Unread: 0\n')
  expect((await bench.kt(['notifications', 'list'], ana)).stdout).not.toContain(' no ')
})
