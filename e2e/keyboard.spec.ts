import { expect, type Locator, type Page, test } from '@playwright/test'
import { tokens } from '@/lib/contract/tokens'
import { ADMIN } from './environment'
import { asAdministrator, ask, signIn, uniqueName, untilServed } from './installation'

const TABS_MAX = 60

/** Presses Tab until the focus is there: what cannot be reached that way fails the test. */
async function tabTo(page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab') {
  await expect(target).toBeVisible()
  for (let tabs = 0; tabs < TABS_MAX; tabs++) {
    if (await target.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press(key)
  }
  throw new Error(`${target} was not reached in ${TABS_MAX} presses of ${key}.`)
}

/** Its figures come from the browser's own calls: once they are there, keys are heard. */
async function overviewIsThere(page: Page) {
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  await expect(page.locator('.animate-pulse')).toHaveCount(0)
}

async function run(page: Page, words: string) {
  const menu = page.getByRole('dialog', { name: 'Search and commands' })
  await page.keyboard.press('ControlOrMeta+K')
  await expect(menu.getByRole('combobox')).toBeFocused()
  await page.keyboard.type(words)
  await expect(menu.getByRole('option', { name: words, exact: true })).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('Enter')
  await expect(menu).toBeHidden()
}

test('everything from sign-in to a key and an event is reached by keyboard alone', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto('/sign-in')
  await tabTo(page, page.getByLabel('E-mail address'))
  await page.keyboard.type(ADMIN.email)
  await page.keyboard.press('Tab')
  await page.keyboard.type(ADMIN.password)
  await page.keyboard.press('Enter')
  await overviewIsThere(page)

  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('main')).toBeFocused()

  const name = uniqueName('by-keyboard')
  await run(page, 'Create gateway key')
  const form = page.getByRole('dialog', { name: 'Create gateway key' })
  await expect(form.getByRole('textbox', { name: 'Name' })).toBeFocused()
  await page.keyboard.type(name)
  await tabTo(page, form.getByRole('radiogroup', { name: 'Expiry' }).getByRole('radio', { name: '30 days' }))
  await page.keyboard.press('ArrowLeft')
  await expect(form.getByRole('radio', { name: '7 days' })).toBeFocused()
  await page.keyboard.press('Space')
  await expect(form.getByRole('radio', { name: '7 days' })).toBeChecked()
  await tabTo(page, form.getByRole('button', { name: 'Create key' }))
  await page.keyboard.press('Enter')

  const shown = page.getByRole('dialog', { name: `Save the secret of ${name}` })
  await tabTo(page, shown.getByRole('button', { name: 'Copy secret' }))
  await page.keyboard.press('Enter')
  await tabTo(page, shown.getByRole('button', { name: 'Done' }))
  await page.keyboard.press('Enter')
  await expect(shown).toBeHidden()
  const secret = await page.evaluate(() => navigator.clipboard.readText())

  await untilServed(secret)
  await ask(secret)
  await ask(secret, 'sandbox')
  await run(page, 'History')
  const rows = page.getByRole('row').filter({ hasText: name })
  await expect(rows).toHaveCount(2)
  await tabTo(page, rows.first())
  await page.keyboard.press('Enter')
  const sheet = page.getByRole('dialog', { name: 'Decision event' })
  await expect(sheet).toContainText(`The key ${name} asked for sandbox and was allowed.`)
  await page.keyboard.press('j')
  await expect(sheet).toContainText(`The key ${name} asked for gpt-5.4-mini and was allowed.`)
  await page.keyboard.press('Escape')
  await expect(sheet).toBeHidden()
  await expect(rows.last()).toBeFocused()
})

test('a menu and a dialog give the focus back to what opened them', async ({ page }) => {
  await page.goto('/sign-in')
  await signIn(page, ADMIN)
  const theme = page.getByRole('button', { name: /^Theme:/ })
  await tabTo(page, theme)
  await page.keyboard.press('Enter')
  await page.keyboard.press('Escape')
  await expect(theme).toBeFocused()
  const search = page.getByRole('button', { name: 'Search and commands' })
  await tabTo(page, search, 'Shift+Tab')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('combobox')).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(search).toBeFocused()
})

test('what is typed before the command menu has come is in its field', async ({ page }) => {
  await page.goto('/sign-in')
  await signIn(page, ADMIN)
  await overviewIsThere(page)
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  await page.route('**/_next/static/chunks/**', async (route) => {
    await released
    await route.continue()
  })
  await page.keyboard.press('ControlOrMeta+K')
  await page.keyboard.type('gate')
  release()
  const field = page.getByRole('dialog', { name: 'Search and commands' }).getByRole('combobox')
  await expect(field).toBeFocused()
  await expect(field).toHaveValue('gate')
  await page.keyboard.type('ways')
  await expect(field).toHaveValue('gateways')
})

test('the command menu finds words, not letters strewn over a name, and Enter takes what stands first', async ({
  page,
}) => {
  const name = uniqueName('fin')
  const { token } = await (await asAdministrator())(tokens.create, { name, token_type: 'gateway' })
  await page.goto('/sign-in')
  await signIn(page, ADMIN)
  await overviewIsThere(page)
  await page.keyboard.press('ControlOrMeta+K')
  const menu = page.getByRole('dialog', { name: 'Search and commands' })
  await expect(menu.getByRole('combobox')).toBeFocused()
  await page.keyboard.type('fin')
  await expect(menu.getByRole('option', { name })).toBeVisible()
  await expect(menu.getByRole('option', { name: 'Configurations' })).toHaveCount(0)
  await page.keyboard.type(name.slice(3))
  await expect(menu.getByRole('option', { name })).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(`/settings/gateway-keys?open=${token.id}`)
})
