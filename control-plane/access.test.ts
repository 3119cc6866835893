import { afterAll, describe, expect, test } from 'vitest'
import { requestFor } from '@/lib/client'
import { ENDPOINTS } from '@/lib/contract/all'
import type { Endpoint } from '@/lib/contract/endpoint'
import { ROLE_IDS, ROLES } from '@/lib/contract/permissions'
import { startControlPlane } from './testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const organization = await plane.organization()

/** The example of the reference, sent as it stands. What it names does not exist here, so nothing comes of it. */
async function ask(endpoint: Endpoint, token: string | undefined) {
  const headers = { authorization: token === undefined ? undefined : `Bearer ${token}` }
  const response = await plane.fetch(requestFor(endpoint, 'http://control-plane.test', endpoint.example.input, headers))
  if (endpoint.answers !== 'json' && response.ok) {
    await response.body?.cancel()
    return { status: response.status, detail: '' }
  }
  const { detail = '' } = (await response.json()) as { detail?: string }
  return { status: response.status, detail }
}

const needs = (endpoint: Endpoint) => `This needs the permission ${endpoint.access}.`
const guarded = ENDPOINTS.filter(({ access }) => access !== 'public' && access !== 'signed_in')

describe.each(ROLE_IDS)('%s', (roleId) => {
  test('reaches what its permissions name and is refused all else', async () => {
    const { token } = await organization.as(roleId)
    const permissions: readonly string[] = ROLES[roleId]?.permissions ?? []
    for (const endpoint of guarded) {
      const { status, detail } = await ask(endpoint, token)
      if (permissions.includes(endpoint.access)) {
        expect(detail, endpoint.name).not.toBe(needs(endpoint))
        expect(status, endpoint.name).toBeLessThan(500)
      } else {
        expect({ name: endpoint.name, status, detail }).toEqual({
          name: endpoint.name,
          status: 403,
          detail: needs(endpoint),
        })
      }
    }
  })
})

test('a key that holds nothing is refused wherever a permission is named', async () => {
  const { token } = await organization.as([])
  for (const endpoint of guarded) {
    expect(await ask(endpoint, token), endpoint.name).toEqual({ status: 403, detail: needs(endpoint) })
  }
})

test('nobody gets anywhere without a token, but to sign in', async () => {
  const open: string[] = []
  for (const endpoint of ENDPOINTS) {
    const { status } = await ask(endpoint, undefined)
    if (status !== 401) open.push(`${endpoint.name} ${status}`)
  }
  // Signing in answers 401 itself for the example's password; there is no OpenID provider here, and no link of this name.
  expect(open).toEqual(['exports.open 404', 'sessions.createFromOidc 404'])
})

test('a refused change is recorded, a refused look is not', async () => {
  const other = await plane.organization()
  const viewer = await other.as('role_viewer')
  await plane.send('GET', '/v1/tokens', { token: viewer.token })
  await plane.send('PATCH', '/v1/organization', { token: viewer.token, body: '{"name":"Mine"}' })
  expect(await other.recorded()).toEqual(['viewer access.denied'])
})
