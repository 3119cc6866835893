import { expect, type Page, test } from '@playwright/test'
import { members } from '@/lib/contract/members'
import { sessions } from '@/lib/contract/sessions'
import { OIDC_ISSUER } from './environment'
import { asAdministrator, uniqueName } from './installation'

/** The provider's own pages: who one is, then what the console may know. */
async function signInAtProvider(page: Page, login: string) {
  await page.waitForURL(`${OIDC_ISSUER}/interaction/**`)
  await page.locator('input[name="login"]').fill(login)
  await page.locator('input[name="password"]').fill('any')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
}

test('who signs in through the OpenID provider for the first time becomes a viewer', async ({ page, context }) => {
  const login = uniqueName('oidc')
  await page.goto('/sign-in?returnTo=/gateways')
  await page.getByRole('button', { name: 'Continue with Example ID' }).click()
  await signInAtProvider(page, login)
  await expect(page).toHaveURL('/gateways')
  await expect(page.getByRole('heading', { name: 'Gateways' })).toBeVisible()
  // The browser fetches it, so from then on it answers clicks.
  await expect(page.getByRole('row', { name: /local/ })).toBeVisible()

  await page.getByRole('button', { name: /^Account:/ }).click()
  await expect(page.getByRole('menu')).toContainText(`${login}@example.com`)
  await expect(page.getByRole('menu')).toContainText('Viewer')
  await page.keyboard.press('Escape')

  const admin = await asAdministrator()
  const bearing = async () =>
    (await admin(members.list, { limit: 200 })).items.filter(({ email }) => email === `${login}@example.com`)
  expect(await bearing()).toMatchObject([{ role_id: 'role_viewer', disabled: false }])

  const own = await (await context.request.get('/api/sessions')).json()
  expect(sessions.list.output.parse(own).items).toMatchObject([{ method: 'oidc', current: true }])

  // The second time it is the same member, and the provider remembers both answers.
  await page.getByRole('button', { name: /^Account:/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page).toHaveURL('/sign-in')
  await page.getByRole('button', { name: 'Continue with Example ID' }).click()
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  expect(await bearing()).toHaveLength(1)
})

test('who turns back at the provider is not signed in, and is told so', async ({ page, context }) => {
  await page.goto('/sign-in')
  await page.getByRole('button', { name: 'Continue with Example ID' }).click()
  await page.waitForURL(`${OIDC_ISSUER}/interaction/**`)
  await page.getByRole('link', { name: /Cancel/ }).click()
  await expect(page.getByRole('main').getByRole('alert')).toBeVisible()
  expect((await context.request.get('/api/whoami')).status()).toBe(401)
})

test('an answer that did not begin in this browser signs nobody in', async ({ page, context }) => {
  await page.goto('/api/auth/callback/oidc?code=made-up&state=made-up')
  await expect(page.getByRole('main').getByRole('alert')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Sign in to Keeptrusts' })).toBeVisible()
  expect((await context.request.get('/api/whoami')).status()).toBe(401)
})
