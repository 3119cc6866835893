import { afterAll, beforeEach, expect, test } from 'vitest'
import { startControlPlane, type TestOrganization } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

let home: TestOrganization
let token: string
beforeEach(async () => {
  home = await plane.organization()
  token = (await home.as('role_owner')).token
})

const create = (key: string, body: object, bearer = token) =>
  plane.send('POST', '/v1/tokens', { token: bearer, body: JSON.stringify(body), headers: { 'idempotency-key': key } })
const APP = { name: 'app', token_type: 'gateway' }

test('a hundred twins at once have one effect; the others get its answer, or are told that it still runs', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => create('k-1', APP)))
  const created = answers.filter(({ status }) => status === 201)
  const told = answers.filter(({ status, json }) => status === 409 && json.code === 'idempotency_key_in_use')
  expect(created.length + told.length).toBe(100)
  expect(new Set(created.map(({ text }) => text)).size).toBe(1)
  expect(created.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1)
  const later = await create('k-1', APP)
  expect([later.text, later.headers.get('idempotent-replayed')]).toEqual([created[0]?.text, 'true'])
  expect(await home.recorded()).toEqual(['owner token.created'])
})

test('the same words in another order are the same request', async () => {
  const first = await create('k-1', APP)
  const again = await create('k-1', { token_type: 'gateway', name: 'app' })
  expect(again.text).toBe(first.text)
})

test('another body under the same key is refused', async () => {
  await create('k-1', APP)
  const { status, json } = await create('k-1', { ...APP, name: 'other' })
  expect([status, json.code]).toEqual([422, 'idempotency_key_reused'])
})

test('a key belongs to one caller and one operation', async () => {
  await create('k-1', APP)
  const { token: second } = await home.as('role_admin')
  expect((await create('k-1', { ...APP, name: 'of another' }, second)).status).toBe(201)
  const elsewhere = await plane.organization()
  expect((await create('k-1', APP, (await elsewhere.as('role_owner')).token)).status).toBe(201)
})

test('a refusal is not kept: the same key may try again', async () => {
  expect((await create('k-1', { ...APP, token_type: 'access', role_id: undefined, allowed_models: [] })).status).toBe(
    400,
  )
  expect((await create('k-1', APP)).status).toBe(201)
})

test('after 24 hours the key is free', async () => {
  const first = await create('k-1', APP)
  await plane.owner`update idempotency_keys set created_at = now() - interval '25 hours' where org_id = ${home.orgId}`
  const later = await create('k-1', { ...APP, name: 'later' })
  expect(later.status).toBe(201)
  expect(later.text).not.toBe(first.text)
})

test('answers of more than 24 hours ago are forgotten by the next request, whoever made them', async () => {
  await create('k-1', APP)
  await create('k-2', { ...APP, name: 'second' })
  await plane.owner`update idempotency_keys set created_at = now() - interval '25 hours' where org_id = ${home.orgId}`
  await create('k-3', { ...APP, name: 'third' }, (await home.as('role_admin')).token)
  const rows = await plane.owner`select key from idempotency_keys where org_id = ${home.orgId}`
  expect(rows.map(({ key }) => key)).toEqual(['k-3'])
})

test('what is kept for a repeat is not readable in the database', async () => {
  const { json } = await create('k-1', APP)
  const rows = await plane.owner`select * from idempotency_keys where org_id = ${home.orgId}`
  expect(rows).toHaveLength(1)
  expect(JSON.stringify(rows)).not.toContain(json.key)
})

test.each(['', 'x'.repeat(256), 'a b', 'ü'])('a key that cannot be one is refused: %j', async (key) => {
  const { status, json } = await create(key, APP)
  expect([status, json.code]).toEqual([400, 'invalid_request'])
})
