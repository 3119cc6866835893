import { expect, test } from '@playwright/test'
import { createMember, signedInState } from './installation'

test('a viewer is not shown keys, is told who can open them, and is refused by the server', async ({
  page,
  playwright,
}) => {
  const member = await createMember('role_viewer')
  const { cookies } = await signedInState(playwright.request, member)
  await page.context().addCookies(cookies)

  await page.goto('/')
  const navigation = page.getByRole('navigation', { name: 'Main' })
  await expect(navigation.getByRole('link', { name: 'History' })).toBeVisible()
  await expect(navigation.getByRole('link', { name: /keys/ })).toHaveCount(0)
  await expect(page.getByRole('link', { name: 'Create gateway key' })).toHaveCount(0)

  for (const path of ['/settings/access-keys', '/settings/gateway-keys?create=true']) {
    await page.goto(path)
    await expect(page.getByRole('heading', { name: 'Your role does not open this page' })).toBeVisible()
    await expect(page.getByRole('main')).toContainText('tokens:read')
    await expect(page.getByRole('main')).toContainText('Owner, Admin, Developer')
    await expect(page.getByRole('dialog')).toHaveCount(0)
  }

  await page.goto('/gateways?register=true')
  await expect(page.getByRole('row').filter({ hasText: 'Local' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Register gateway' })).toHaveCount(0)
  await expect(page.getByRole('dialog')).toHaveCount(0)

  await page.goto('/settings/security')
  await expect(page.getByText('Owners and admins can change these.')).toBeVisible()
  await expect(page.getByLabel('Longest life of a new key, in days')).toBeDisabled()
  await expect(page.getByRole('button', { name: 'Save changes' })).toHaveCount(0)

  const forbidden = await page.evaluate(async () => {
    const send = async (method: string, path: string, body?: object) => {
      const response = await fetch(path, {
        method,
        ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
      })
      return [`${method} ${path}`, response.status, (await response.json()).code]
    }
    return Promise.all([
      send('GET', '/api/tokens'),
      send('POST', '/api/tokens', { name: 'mine', token_type: 'gateway' }),
      send('GET', '/api/activity'),
      send('PATCH', '/api/settings/security', { key_expiry_required: false }),
      send('PATCH', '/api/organization', { name: 'Mine' }),
      send('POST', '/api/configurations', { name: 'mine', yaml: 'pack: {}' }),
      send('POST', '/api/gateways', { id: 'mine' }),
    ])
  })
  for (const [call, status, code] of forbidden) expect.soft([call, status, code]).toEqual([call, 403, 'forbidden'])
})
