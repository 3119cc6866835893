import { expect, test } from '@playwright/test'
import { organization } from '@/lib/contract/organization'
import { ADMIN, BASE_URL, OIDC_ISSUER } from './environment'
import { asAdministrator, createMember, SESSION_COOKIE, signIn } from './installation'

test('the first administrator signs in and is shown the way to a governed request', async ({ page, context }) => {
  // Of an installation that has recorded nothing yet: other tests have, and then nobody is shown the way any more.
  await page.route(
    ({ pathname }) => pathname === '/api/events',
    async (route) => {
      const answer = await (await route.fetch()).json()
      await route.fulfill({ json: { ...answer, items: [], next_cursor: null } })
    },
  )
  await page.goto('/')
  await expect(page).toHaveURL('/sign-in')
  await signIn(page, ADMIN)
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()

  const checklist = page.getByRole('region', { name: 'From nothing to a governed request' })
  await expect(
    checklist.getByRole('listitem').filter({ hasText: 'Connect a gateway' }).getByLabel('Done'),
  ).toBeVisible()
  await expect(
    checklist.getByRole('listitem').filter({ hasText: 'Give it a configuration' }).getByLabel('Done'),
  ).toBeVisible()

  await expect(checklist.getByRole('listitem').filter({ hasText: 'Send a request' }).getByLabel('To do')).toBeVisible()

  const cookie = (await context.cookies()).find(({ name }) => name === SESSION_COOKIE)
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' })
  expect(cookie?.value).not.toContain('kt_st_')
})

test('a wrong password is refused in words, and the right one then works', async ({ page }) => {
  const member = await createMember('role_viewer')
  await page.goto('/sign-in')
  await expect(page.getByLabel('E-mail address')).toBeFocused()
  await signIn(page, { ...member, password: 'not the password' })
  await expect(page.getByRole('main').getByRole('alert')).toHaveText(
    'E-mail address and password do not match an account here.',
  )
  await expect(page.getByLabel('Password')).toBeFocused()
  await expect(page.getByLabel('Password')).toHaveValue('')

  await signIn(page, member)
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
})

test('after five failures the address must wait, and is told how long', async ({ page }) => {
  const member = await createMember('role_viewer')
  await page.goto('/sign-in')
  for (let failure = 1; failure <= 5; failure++) {
    const refused = page.waitForResponse('**/api/auth/callback/password')
    await signIn(page, { ...member, password: `wrong ${failure}` })
    await refused
    await expect(page.getByRole('main').getByRole('alert')).toHaveText(
      'E-mail address and password do not match an account here.',
    )
  }
  await signIn(page, member)
  await expect(page.getByRole('main').getByRole('alert')).toHaveText(
    /^Too many attempts\. Try again in \d+ (seconds|minutes)\.$/,
  )
})

test('a visitor who is not signed in comes back to the address asked for', async ({ page }) => {
  const member = await createMember('role_viewer')
  const asked = '/history?since=7d&filter=verdict%3Dblock'
  await page.goto(asked)
  await expect(page).toHaveURL(`/sign-in?returnTo=${encodeURIComponent(asked)}`)
  await signIn(page, member)
  await expect(page).toHaveURL(asked)
  await expect(page.getByRole('heading', { name: 'History' })).toBeVisible()
})

const ELSEWHERE = [
  OIDC_ISSUER,
  '//example.com/',
  '/\\example.com/',
  '/\t/example.com/',
  'javascript:alert(1)',
  '/api/whoami',
  '/sign-in',
]

test('sign-in leads to no other address, whatever the link says', async ({ page, playwright }) => {
  await page.goto(`/sign-in?returnTo=${encodeURIComponent('//example.com/')}`)
  await signIn(page, ADMIN)
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  expect(new URL(page.url()).origin).toBe(BASE_URL)

  // Who is signed in already is sent on by the server.
  const browser = await playwright.request.newContext({ storageState: await page.context().storageState() })
  for (const target of ELSEWHERE) {
    const path = `${BASE_URL}/sign-in?returnTo=${encodeURIComponent(target)}`
    const answer = await browser.get(path, { maxRedirects: 0 })
    expect.soft([target, answer.status(), answer.headers().location]).toEqual([target, 307, '/'])
  }
  await browser.dispose()
})

test('without a session no answer carries anything of the console', async ({ request }) => {
  const { id, name } = await (await asAdministrator())(organization.get, {})
  const paths = ['/', '/history', '/configurations', '/gateways', '/settings/access-keys', '/settings/organization']
  for (const path of paths) {
    for (const accept of ['text/html', 'text/x-component']) {
      const headers = { accept, ...(accept === 'text/html' ? {} : { rsc: '1' }) }
      const answer = await request.get(path, { headers, maxRedirects: 0 })
      const body = await answer.text()
      expect.soft(answer.status(), path).not.toBe(200)
      for (const text of [id, ADMIN.email, `>${name}<`, 'aria-label="Main"', '"permissions":[']) {
        expect.soft(body, path).not.toContain(text)
      }
    }
  }
  for (const path of ['/api/whoami', '/api/events', '/api/tokens', '/api/events/tail']) {
    const answer = await request.get(path)
    expect.soft(answer.status(), path).toBe(401)
    expect.soft((await answer.json()).code, path).toBe('unauthenticated')
  }
})

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false })

  test('a visitor who is not signed in is led to the sign-in page', async ({ page }) => {
    await page.goto('/history')
    await expect(page).toHaveURL('/sign-in?returnTo=%2Fhistory')
    await expect(page.getByRole('heading', { name: 'Sign in to Keeptrusts' })).toBeVisible()
  })
})
