import { type Browser, expect, type Page } from '@playwright/test'
import { budgets } from '@/lib/contract/budgets'
import { events } from '@/lib/contract/events'
import { trail } from '@/lib/contract/trail'
import { wallets } from '@/lib/contract/wallets'
import { axeFindings } from './axe'
import { BASE_URL } from './environment'
import { asAdministrator, ask, createGatewayKey, uniqueName } from './installation'
import { PAGES } from './pages'
import { NOBODY, test as signedIn } from './signed-in'

let key: Awaited<ReturnType<typeof createGatewayKey>>
let eventId: string

/**
 * One page that the tests of a worker load one address after the other into, as a person does. It keeps what it has made
 * of the console's scripts, which is most of what a first page costs. Each test begins in the light and in a wide window.
 */
const test = signedIn.extend<{ lasting: Page }, { lastingPage: Page }>({
  lastingPage: [
    async ({ browser, administratorState }, use) => {
      const context = await browser.newContext({
        baseURL: BASE_URL,
        storageState: administratorState,
        reducedMotion: 'reduce',
      })
      await use(await context.newPage())
      await context.close()
    },
    { scope: 'worker' },
  ],
  lasting: async ({ lastingPage }, use) => {
    await lastingPage.emulateMedia({ colorScheme: 'light' })
    await lastingPage.setViewportSize({ width: 1280, height: 720 })
    await use(lastingPage)
    for (const event of ['console', 'pageerror']) await lastingPage.removeAllListeners(event)
  },
})

test.use({ contextOptions: { reducedMotion: 'reduce' } })

test.beforeAll(async () => {
  key = await createGatewayKey('accessible')
  await ask(key.key)
  const admin = await asAdministrator()
  const filter = `token_id=${key.id}`
  await expect
    .poll(async () => (await admin(events.list, { filter })).items.length, { message: 'the call is recorded' })
    .toBe(1)
  eventId = (await admin(events.list, { filter })).items[0]?.event_id ?? ''
})

/** Nothing that axe knows of is wrong in the light theme, and in the dark one nothing that a theme can change. */
async function expectNoFindings(page: Page, within?: string) {
  await withoutTransitions(page)
  await page.emulateMedia({ colorScheme: 'light' })
  await atRest(page)
  expect(await axeFindings(page, { within })).toEqual([])
  await page.emulateMedia({ colorScheme: 'dark' })
  await atRest(page)
  expect(await axeFindings(page, { within, rules: ['color-contrast', 'link-in-text-block'] })).toEqual([])
}

/** With transitions, be they as short as they like, what is inherited arrives one frame later at each level of a page. */
const withoutTransitions = (page: Page) =>
  page.evaluate(() => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync('*, ::before, ::after { transition-property: none !important }')
    document.adoptedStyleSheets.push(sheet)
  })

/** Colours that are on their way are neither of the two themes: those of the new one are drawn, and at rest. */
const atRest = (page: Page) =>
  page.evaluate(async () => {
    for (let still = 0; still < 2; ) {
      await new Promise((drawn) => requestAnimationFrame(drawn))
      const moving = document.getAnimations()
      await Promise.allSettled(moving.map(({ finished }) => finished))
      still = moving.length === 0 ? still + 1 : 0
    }
  })

async function expectNoSidewaysScroll(page: Page) {
  await page.setViewportSize({ width: 375, height: 700 })
  const excess = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  // Charts are measured and drawn again, a moment after the window became narrow.
  await expect.poll(excess, { message: 'how much the page is wider than the window' }).toBeLessThanOrEqual(0)
}

/** What the browser complains of: errors, and what the content security policy keeps out. */
function collectComplaints(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return complaints
}

/** Everything that the page asked for has come; a tail stays open and is not waited for. */
async function settled(page: Page) {
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
  await expect(page.locator('.animate-pulse')).toHaveCount(0)
}

// The API reference has a test of its own.
for (const { name, path, heading } of PAGES.filter((page) => page.name !== 'the API reference')) {
  test(`${name}: no accessibility finding in either theme, no complaint, no sideways scroll at 375 px`, async ({
    lasting: page,
  }) => {
    const complaints = collectComplaints(page)
    const answer = await page.goto(await path())
    await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible()
    await settled(page)
    await expectNoFindings(page)
    await expectNoSidewaysScroll(page)
    const isMissing = answer?.status() === 404
    expect(complaints.filter((text) => !(isMissing && text.includes('404')))).toEqual([])
  })
}

test('the sign-in page: no accessibility finding in either theme, also when it refuses', async ({ browser }) => {
  const page = await strangerOf(browser)
  const complaints = collectComplaints(page)
  await page.goto('/sign-in?error=sign_in_failed')
  await expect(page.getByRole('main').getByRole('alert')).toBeVisible()
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByText('Enter your password.')).toBeVisible()
  await expectNoFindings(page)
  await expectNoSidewaysScroll(page)
  expect(complaints).toEqual([])
  await page.context().close()
})

const strangerOf = async (browser: Browser) =>
  (await browser.newContext({ storageState: NOBODY, reducedMotion: 'reduce' })).newPage()

let budget: Promise<{ id: string }> | undefined
const aBudget = () => {
  budget ??= asAdministrator().then((admin) =>
    admin(budgets.create, {
      name: uniqueName('looked-at'),
      limit_usd: '1000000',
      scope: { agent_id: uniqueName('nobody') },
    }),
  )
  return budget
}

const OVERLAYS: { name: string; open: (page: Page) => Promise<unknown> }[] = [
  { name: 'the sheet of an event', open: (page) => page.goto(`/history?open=${eventId}`) },
  {
    name: 'an event that was verified',
    open: async (page) => {
      await (await asAdministrator())(trail.sign, {})
      await page.goto(`/history?open=${eventId}`)
      await page.getByRole('button', { name: 'Verify now' }).click()
      await expect(page.getByRole('list', { name: 'Checks' })).toBeVisible()
    },
  },
  {
    name: 'a digest',
    open: async (page) => {
      const { digest_id } = await (await asAdministrator())(trail.sign, {})
      await page.goto(`/trail?open=${digest_id}`)
    },
  },
  {
    name: 'a verification',
    open: async (page) => {
      const { id } = await (await asAdministrator())(trail.verify, { start_time: '1h', deep_verify: true, wait: true })
      await page.goto(`/trail?view=verify&open=${id}`)
    },
  },
  {
    name: 'the question before a signing key is replaced',
    open: async (page) => {
      await page.goto('/trail?view=keys')
      await page.getByRole('button', { name: 'Rotate key…' }).click()
    },
  },
  {
    name: 'a new sink',
    open: async (page) => {
      await page.goto('/trail?view=sinks')
      await page.getByRole('button', { name: 'Add sink' }).click()
    },
  },
  { name: 'a new budget', open: (page) => page.goto('/budgets?create=true') },
  {
    name: 'the sheet of a budget',
    open: async (page) => page.goto(`/budgets?open=${(await aBudget()).id}`),
  },
  {
    name: 'the raise of a budget',
    open: async (page) => {
      await page.goto(`/budgets?open=${(await aBudget()).id}`)
      await page.getByRole('button', { name: 'Raise', exact: true }).click()
    },
  },
  {
    name: 'the change of a budget',
    open: async (page) => {
      await page.goto(`/budgets?open=${(await aBudget()).id}`)
      await page.getByRole('button', { name: 'Change', exact: true }).click()
    },
  },
  {
    name: 'the sheet of a wallet',
    open: async (page) => {
      await (await asAdministrator())(wallets.credit, { amount_usd: '1' })
      await page.goto('/wallets?open=organization')
    },
  },
  { name: 'money that is allocated', open: (page) => page.goto('/wallets?move=allocate') },
  {
    name: 'a credit before it is done',
    open: async (page) => {
      await page.goto('/wallets?move=credit')
      await page.getByRole('textbox', { name: 'Amount in US dollars' }).fill('5')
      await page.getByRole('button', { name: 'Preview' }).click()
      await expect(page.getByRole('list', { name: 'Both sides' })).toBeVisible()
    },
  },
  { name: 'an invoice that is compared', open: (page) => page.goto('/usage?view=invoices&import=true') },
  { name: 'a price that is set', open: (page) => page.goto('/settings/model-prices?set=true') },
  { name: 'an import of prices', open: (page) => page.goto('/settings/model-prices?import=true') },
  {
    name: 'the sheet of a price',
    open: async (page) => {
      await page.goto('/settings/model-prices?q=gpt-5.4')
      await settled(page)
      await page.getByRole('row').nth(1).click()
    },
  },
  { name: 'a new team', open: (page) => page.goto('/settings/teams?create=true') },
  { name: 'a new export', open: (page) => page.goto('/exports?create=true') },
  { name: 'a new legal hold', open: (page) => page.goto('/holds?create=true') },
  { name: 'the sheet of a key', open: (page) => page.goto(`/settings/gateway-keys?open=${key.id}`) },
  { name: 'the sheet of a gateway', open: (page) => page.goto('/gateways?open=local') },
  { name: 'the form of a new gateway key', open: (page) => page.goto('/settings/gateway-keys?create=true') },
  { name: 'the form of a new access key', open: (page) => page.goto('/settings/access-keys?create=true') },
  { name: 'the registration of a gateway', open: (page) => page.goto('/gateways?register=true') },
  { name: 'a new configuration', open: (page) => page.goto('/configurations?create=true') },
  {
    name: 'the rollout of a configuration',
    open: async (page) => {
      const configuration = PAGES.find(({ name }) => name === 'a configuration')
      await page.goto(`${await configuration?.path()}?rollout=true`)
    },
  },
  {
    name: 'a secret that is shown',
    open: async (page) => {
      await page.goto('/settings/gateway-keys?create=true')
      const form = page.getByRole('dialog', { name: 'Create gateway key' })
      await form.getByRole('textbox', { name: 'Name' }).fill(uniqueName('shown'))
      await form.getByRole('button', { name: 'Create key' }).click()
      await expect(page.getByLabel('Secret', { exact: true })).toBeVisible()
    },
  },
  {
    name: 'the question before a key is revoked',
    open: async (page) => {
      await page.goto(`/settings/gateway-keys?open=${key.id}`)
      await page.getByRole('button', { name: 'Revoke key' }).click()
    },
  },
  {
    name: 'what a leaked key asks and tells',
    open: async (page) => {
      await page.goto(`/settings/gateway-keys?open=${key.id}`)
      await page.getByRole('button', { name: 'It leaked' }).click()
      await expect(page.getByRole('button', { name: 'Copy report' })).toBeVisible()
    },
  },
  {
    name: 'the question before several keys are revoked',
    open: async (page) => {
      await page.goto('/settings/gateway-keys?status=live')
      await page.getByRole('checkbox', { name: 'Choose all gateway keys listed' }).click()
      await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    },
  },
  {
    name: 'the name of a view',
    open: async (page) => {
      await page.goto('/history')
      await page.getByRole('button', { name: 'Views' }).click()
      await page.getByRole('menuitem', { name: 'Save this view…' }).click()
    },
  },
  {
    name: 'search and commands',
    open: async (page) => {
      await page.goto('/')
      await page.getByRole('button', { name: 'Search and commands' }).click()
    },
  },
  {
    name: 'an entry of the activity',
    open: async (page) => {
      await page.goto('/history?view=activity')
      await settled(page)
      await page.getByRole('row').nth(1).click()
    },
  },
]

for (const { name, open } of OVERLAYS) {
  test(`${name}: no accessibility finding in either theme, and it fits 375 px`, async ({ lasting: page }) => {
    await open(page)
    await expect(page.getByRole('dialog').first()).toBeVisible()
    await settled(page)
    // What lies behind is looked at above.
    await expectNoFindings(page, '[role="dialog"]')
    await expectNoSidewaysScroll(page)
    for (const dialog of await page.getByRole('dialog').all()) {
      const box = await dialog.boundingBox()
      expect(box?.x).toBeGreaterThanOrEqual(0)
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(375)
    }
  })
}

test('the theme that was chosen is drawn by the server the next time, whatever the system says', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' })
  await page.goto('/')
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  const light = await background()
  await page.getByRole('button', { name: 'Theme: System' }).click()
  await page.getByRole('menuitemradio', { name: 'Dark' }).click()
  await expect(page.getByRole('button', { name: 'Theme: Dark' })).toBeVisible()
  const dark = await background()
  expect(dark).not.toBe(light)
  const answer = await page.reload()
  expect(await answer?.text()).toContain('data-theme="dark"')
  expect(await background()).toBe(dark)
})

test('on a phone every page is reached through the navigation', async ({ page }) => {
  await page.setViewportSize({ width: 375, height: 700 })
  await page.goto('/')
  await page.getByRole('button', { name: 'Open the navigation' }).click()
  const navigation = page.getByRole('dialog', { name: 'Navigation' })
  await expect(navigation.getByRole('link', { name: 'Gateway keys' })).toBeVisible()
  await expectNoFindings(page)
  await navigation.getByRole('link', { name: 'Gateways', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Gateways' })).toBeVisible()
  await expect(navigation).toBeHidden()
})

test('on a phone the rows of a list are cards: nothing scrolls sideways, no column is lost, and keys work', async ({
  page,
}) => {
  await page.setViewportSize({ width: 375, height: 700 })
  await page.goto('/settings/gateway-keys')
  const list = page.getByRole('region', { name: 'Gateway keys' })
  const card = list.getByRole('row').filter({ hasText: key.name })
  for (const column of ['Status', 'Created', 'Expires', 'Last used']) await expect(card).toContainText(column)
  const excess = () =>
    list.getByRole('table').evaluate(({ parentElement: box }) => (box ? box.scrollWidth - box.clientWidth : -1))
  expect(await excess()).toBe(0)
  await expectNoFindings(page)
  await card.focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog', { name: key.name })).toBeVisible()
})
