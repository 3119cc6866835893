import { type APIResponse, expect, type Response } from '@playwright/test'
import { activity } from '@/lib/contract/activity'
import { sessions } from '@/lib/contract/sessions'
import { tokens } from '@/lib/contract/tokens'
import { createToken } from '@/lib/tokens'
import { ADMIN, BASE_URL, OIDC_ISSUER } from './environment'
import { asAdministrator, signIn, uniqueName } from './installation'
import { PAGES } from './pages'
import { NOBODY, test } from './signed-in'

const STRANGE_IP = '203.0.113.9'
const FORGED = {
  'x-forwarded-for': STRANGE_IP,
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'https',
  'x-real-ip': STRANGE_IP,
  'x-keeptrusts-peer': STRANGE_IP,
  forwarded: `for=${STRANGE_IP};host=evil.example`,
}
/** Any secret of ours, of the browser's session or of a key. */
const SECRET = /kt_(?:ak|gk|st)_(?:[a-z0-9]{1,12}_)?[0-9A-Za-z]{49}/

const keysNamed = async (name: string) => (await (await asAdministrator())(tokens.list, { name })).items

test('a change that another site sends is refused, and nothing is changed', async ({ page }) => {
  const name = uniqueName('forged')
  const send = (headers: Record<string, string>, data = JSON.stringify({ name, token_type: 'gateway' })) =>
    page.request.post('/api/tokens', { headers: { 'content-type': 'application/json', ...headers }, data })
  const refusal = async (answer: APIResponse) => [answer.status(), (await answer.json()).code]

  const origin = BASE_URL
  expect(await refusal(await send({ 'sec-fetch-site': 'cross-site', origin }))).toEqual([403, 'cross_site_request'])
  expect(await refusal(await send({ 'sec-fetch-site': 'same-site', origin }))).toEqual([403, 'cross_site_request'])
  expect(await refusal(await send({ 'sec-fetch-site': 'none', origin }))).toEqual([403, 'cross_site_request'])
  expect(await refusal(await send({ origin: 'https://evil.example' }))).toEqual([403, 'cross_site_request'])
  expect(await refusal(await send({ origin: 'null' }))).toEqual([403, 'cross_site_request'])
  expect(await refusal(await send({}))).toEqual([403, 'cross_site_request'])
  expect(await refusal(await send({ origin, 'content-type': 'text/plain' }))).toEqual([415, 'unsupported_media_type'])
  expect(await refusal(await send({ origin, 'content-type': 'application/x-www-form-urlencoded' }))).toEqual([
    415,
    'unsupported_media_type',
  ])
  expect(await refusal(await send({ origin }, '{"name":'))).toEqual([400, 'invalid_request'])

  // A real page at another address, in the same browser.
  await page.goto(`${OIDC_ISSUER}/.well-known/openid-configuration`)
  await page.evaluate(
    async ([url, body]) => {
      // The answer is not for this page, and the browser says so; what counts is what the request has done.
      await fetch(`${url}/api/tokens`, { method: 'POST', mode: 'no-cors', credentials: 'include', body }).catch(
        () => {},
      )
    },
    [BASE_URL, JSON.stringify({ name, token_type: 'gateway' })] as const,
  )
  expect(await keysNamed(name)).toEqual([])

  // The same request from the console itself is a key.
  expect((await send({ origin, 'sec-fetch-site': 'same-origin' })).status()).toBe(201)
  expect(await keysNamed(name)).toHaveLength(1)
})

test('sign-in and sign-out cannot be started from another site', async ({ playwright, page }) => {
  const browser = await playwright.request.newContext({ baseURL: BASE_URL, storageState: NOBODY })
  const { csrfToken } = await (await browser.get('/api/auth/csrf')).json()
  const form = { email: ADMIN.email, password: ADMIN.password, csrfToken, json: 'true' }
  const headers = { 'sec-fetch-site': 'cross-site' }
  expect((await browser.post('/api/auth/callback/password', { form, headers })).status()).toBe(403)
  // And not without the token of this browser either.
  await browser.post('/api/auth/callback/password', {
    form: { ...form, csrfToken: 'made-up' },
    headers: { origin: BASE_URL },
  })
  expect((await browser.get('/api/whoami')).status()).toBe(401)
  await browser.dispose()

  const signOut = await page.request.post('/api/auth/signout', { form: { json: 'true' }, headers })
  expect(signOut.status()).toBe(403)
  expect((await page.request.get('/api/whoami')).status()).toBe(200)
})

test('sign-in answers rubbish in the 400s, and reads no more of it than a form has', async ({ playwright }) => {
  const stranger = await playwright.request.newContext({ baseURL: BASE_URL, storageState: NOBODY, maxRedirects: 0 })
  const statuses = []
  for (const path of ['error?error=%00', 'error?error=%F0%9F%98%80', 'callback/password']) {
    statuses.push((await stranger.get(`/api/auth/${path}`)).status())
  }
  for (const [type, data] of [
    ['application/json', '{'],
    ['application/x-www-form-urlencoded', `email=${'a'.repeat(2_000_000)}`],
  ] as const) {
    const headers = { origin: BASE_URL, 'content-type': type }
    statuses.push((await stranger.post('/api/auth/callback/password', { headers, data })).status())
  }
  expect(statuses).toEqual([400, 400, 404, 415, 413])
  await stranger.dispose()
})

test('headers that steer a proxy or the framework change nothing for a stranger', async ({ playwright }) => {
  const stranger = await playwright.request.newContext({ baseURL: BASE_URL, storageState: NOBODY })
  const steering: Record<string, string>[] = [
    { 'x-middleware-subrequest': 'middleware:middleware:middleware:middleware:middleware' },
    { 'x-middleware-subrequest': 'src/middleware:src/middleware:src/middleware:src/middleware:src/middleware' },
    { 'x-middleware-subrequest': 'proxy:proxy:proxy:proxy:proxy', 'x-middleware-rewrite': '/history' },
    { 'x-matched-path': '/history', 'x-invoke-path': '/history', 'x-now-route-matches': '1' },
    FORGED,
  ]
  for (const headers of steering) {
    expect((await stranger.get('/api/whoami', { headers })).status()).toBe(401)
    const answer = await stranger.get('/history', { headers, maxRedirects: 0 })
    expect(answer.status()).toBe(307)
    expect(answer.headers().location).toBe('/sign-in?returnTo=%2Fhistory')
    expect(await answer.text()).not.toContain('aria-label="Main"')
  }
  await stranger.dispose()
})

test('forged addresses are neither believed nor recorded', async ({ page }) => {
  const name = uniqueName('from-where')
  const made = await page.request.post('/api/tokens', {
    headers: { ...FORGED, origin: BASE_URL },
    data: { name, token_type: 'gateway' },
  })
  expect(made.status()).toBe(201)
  const admin = await asAdministrator()
  const [{ id } = { id: '' }] = await keysNamed(name)
  const { items } = await admin(activity.list, { target_id: id })
  expect(items).toMatchObject([{ action: 'token.created', source: 'console' }])
  expect(items[0]?.ip).toMatch(/^(127\.0\.0\.1|::1)$/)

  const providers = await page.request.get('/api/auth/providers', { headers: FORGED })
  expect(await providers.text()).not.toContain('evil.example')
  // Whoever says that the host is another one is not same-origin for it.
  const strange = { ...FORGED, origin: 'https://evil.example' }
  expect((await page.request.post('/api/tokens', { headers: strange, data: {} })).status()).toBe(403)
})

test('no secret is in anything that the browser is sent, on any page', async ({ browser }) => {
  test.slow()
  expect(createToken('st')).toMatch(SECRET)
  const { session_token } = await (await asAdministrator())(sessions.create, ADMIN)
  expect(session_token).toMatch(SECRET)

  const context = await browser.newContext({ storageState: NOBODY })
  const page = await context.newPage()
  const bodies: Promise<{ url: string; type: string; text: string }>[] = []
  const unchanging = new Set<string>()
  const isKept = (response: Response) => response.headers()['cache-control']?.includes('immutable') === true
  page.on('response', (response) => {
    const type = response.headers()['content-type'] ?? ''
    if (!/html|json|javascript|x-component|css/.test(type)) return
    // The browser keeps it, and is not sent it again by the next page.
    if (unchanging.has(response.url())) return
    // A body that was cut off by the next navigation was not read by the page either.
    bodies.push(
      response
        .text()
        .then((text) => {
          if (isKept(response)) unchanging.add(response.url())
          return { url: response.url(), type, text }
        })
        .catch(() => ({ url: '', type, text: '' })),
    )
  })
  await page.goto('/sign-in')
  await signIn(page, ADMIN)
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  for (const { path, heading } of PAGES) {
    const answer = await page.goto(await path())
    await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible()
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)

    const policy = answer?.headers()['content-security-policy'] ?? ''
    const nonce = /script-src [^;]*'nonce-([^']+)'/.exec(policy)?.[1]
    expect(nonce ?? '', await path()).toMatch(/^[A-Za-z0-9+/]{22}==$/)
    expect(policy).not.toMatch(/script-src [^;]*'unsafe-(inline|eval)'/)
    expect(policy).toContain("frame-ancestors 'none'")
    expect(answer?.headers()).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' })
    const html = (await answer?.text()) ?? ''
    const scripts = html.match(/<script\b[^>]*>/g) ?? []
    expect(scripts.length).toBeGreaterThan(0)
    for (const script of scripts) expect(script).toContain(`nonce="${nonce}"`)
  }
  // Client-side navigation fetches what the server renders in another form.
  await page.goto('/')
  for (const name of ['History', 'Gateways', 'Access keys']) {
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }).click()
    await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
  }

  const received = await Promise.all(bodies)
  for (const { url, text } of received) expect.soft(SECRET.exec(text)?.[0], url).toBeUndefined()
  const kinds = (pattern: RegExp) => received.filter(({ type, text }) => pattern.test(type) && text.length > 0).length
  expect(kinds(/html/)).toBeGreaterThanOrEqual(PAGES.length)
  expect(kinds(/json/)).toBeGreaterThan(10)
  expect(kinds(/x-component/)).toBeGreaterThan(0)
  const chunks = new Set(received.filter(({ type }) => /javascript/.test(type)).map(({ url }) => url))
  expect(chunks.size).toBeGreaterThan(10)
  for (const url of chunks) expect.soft((await context.request.get(`${url}.map`)).status(), `${url}.map`).toBe(404)

  const whoami = await (await context.request.get('/api/auth/session')).json()
  expect(Object.keys(whoami)).toEqual(['expires'])
  await context.close()
})
