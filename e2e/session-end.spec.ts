import { expect, type PlaywrightWorkerArgs, test } from '@playwright/test'
import { members } from '@/lib/contract/members'
import { sessions } from '@/lib/contract/sessions'
import {
  type Account,
  asAdministrator,
  createMember,
  openSession,
  sessionCookie,
  signedInState,
  signIn,
} from './installation'

type Tools = Pick<PlaywrightWorkerArgs, 'browser' | 'playwright'>

/** A page that asks the server for nothing by itself, so that the next click is what finds out. */
async function openQuietPage({ browser, playwright }: Tools, account: Account) {
  const context = await browser.newContext({ storageState: await signedInState(playwright.request, account) })
  const page = await context.newPage()
  await page.goto('/settings/organization')
  await expect(page.getByRole('main')).toContainText('Created')
  return { context, page }
}

test('after sign-out the cookie of before opens nothing', async ({ browser, playwright }) => {
  const { context, page } = await openQuietPage({ browser, playwright }, await createMember('role_viewer'))
  const cookie = await sessionCookie(context)
  await page.getByRole('button', { name: /^Account:/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page).toHaveURL('/sign-in')
  expect((await context.cookies()).map(({ name }) => name)).not.toContain(cookie.name)

  await context.addCookies([cookie])
  const answer = await context.request.get('/api/whoami')
  expect(answer.status()).toBe(401)
  await page.goto('/history')
  await expect(page).toHaveURL(/\/sign-in/)
  await context.close()
})

test('a session that was ended elsewhere leads to sign-in at the next click, and back', async ({
  browser,
  playwright,
}) => {
  const member = await createMember('role_viewer')
  const { context, page } = await openQuietPage({ browser, playwright }, member)
  const { client } = await openSession(member)
  const { items } = await client(sessions.list, {})
  expect(items).toHaveLength(2)
  for (const { id, current } of items) if (!current) await client(sessions.revoke, { id })

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Gateways' }).click()
  await expect(page).toHaveURL(/\/sign-in\?/)
  await expect(page.getByRole('main').getByRole('alert')).toHaveText('Your session has ended. Sign in to go on.')
  await signIn(page, member)
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible()
  await context.close()
})

test('a member who was disabled is out at the next click and cannot sign in again', async ({ browser, playwright }) => {
  const member = await createMember('role_viewer')
  const { context, page } = await openQuietPage({ browser, playwright }, member)
  await (await asAdministrator())(members.update, { id: member.id, disabled: true })
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Gateways' }).click()
  await expect(page).toHaveURL(/\/sign-in\?/)
  await signIn(page, member)
  await expect(page.getByRole('main').getByRole('alert')).toContainText(/do not match|may not sign in/)
  expect((await context.request.get('/api/whoami')).status()).toBe(401)
  await context.close()
})

test('a role that was taken away is gone at the next request', async ({ browser, playwright }) => {
  const member = await createMember('role_developer')
  const { context, page } = await openQuietPage({ browser, playwright }, member)
  expect((await context.request.get('/api/tokens')).status()).toBe(200)
  await (await asAdministrator())(members.update, { id: member.id, role_id: 'role_viewer' })
  expect((await context.request.get('/api/tokens')).status()).toBe(403)
  await page.reload()
  await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /keys/ })).toHaveCount(0)
  await context.close()
})

test('each sign-in gets a session of its own, so a planted cookie is not the one that is used', async ({
  browser,
  playwright,
}) => {
  const member = await createMember('role_viewer')
  const attacker = await signedInState(playwright.request, await createMember('role_viewer'))
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto('/sign-in')
  await context.addCookies(attacker.cookies)
  await signIn(page, member)
  await expect(page.getByRole('button', { name: `Account: ${member.email}` })).toBeVisible()
  const planted = attacker.cookies.find(({ name }) => name === 'keeptrusts.session')
  expect((await sessionCookie(context)).value).not.toBe(planted?.value)
  await context.close()
})

test('who ends all other sessions is asked first, and stays signed in alone', async ({ browser, playwright }) => {
  const member = await createMember('role_viewer')
  const { context, page } = await openQuietPage({ browser, playwright }, member)
  const elsewhere = await Promise.all([openSession(member), openSession(member)])
  await page.goto('/settings/sessions')
  const rows = page.getByRole('region', { name: 'Your sessions' }).getByRole('row')
  await expect(rows).toHaveCount(4)
  await expect(rows.nth(1)).toContainText('This session')
  await page.getByRole('button', { name: 'End all others' }).click()
  const question = page.getByRole('dialog', { name: 'End 2 other sessions?' })
  for (const { client } of elsewhere) await client(sessions.list, {})
  await question.getByRole('button', { name: 'End sessions' }).click()
  await expect(rows).toHaveCount(2)
  for (const { client } of elsewhere) await expect(client(sessions.list, {})).rejects.toMatchObject({ status: 401 })
  await context.close()
})
