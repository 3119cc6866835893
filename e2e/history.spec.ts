import { expect } from '@playwright/test'
import { GATEWAY_URL } from './environment'
import { ask, createGatewayKey, createMember, signedInState, uniqueName } from './installation'
import { test } from './signed-in'

test('a view of History is kept under a name for whoever saved it, on any device, and for others once it is shared', async ({
  page,
  browser,
  playwright,
}) => {
  const name = uniqueName('Blocked this week')
  await page.goto('/history?filter=verdict%3Dblock&since=7d')
  await page.getByRole('button', { name: 'Views' }).click()
  await page.getByRole('menuitem', { name: 'Save this view…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Save this view' })
  await dialog.getByRole('button', { name: 'Save view' }).click()
  await expect(dialog.getByRole('alert')).toHaveText('Give the view a name.')
  await dialog.getByRole('textbox', { name: 'Name' }).fill(name)
  await dialog.getByRole('checkbox', { name: 'Share it' }).click()
  await dialog.getByRole('button', { name: 'Save view' }).click()
  await expect(page.getByText(`Saved ${name}.`)).toBeVisible()

  const { cookies } = await signedInState(playwright.request, await createMember('role_viewer'))
  const elsewhere = await browser.newContext({ storageState: { cookies, origins: [] } })
  const other = await elsewhere.newPage()
  await other.goto('/history')
  await other.getByRole('button', { name: 'Views' }).click()
  await other.getByRole('menuitem', { name: `${name} By Administrator` }).click()
  await expect(other).toHaveURL('/history?filter=verdict%3Dblock&since=7d')
  await expect(other.getByRole('searchbox', { name: 'Filter events' })).toHaveValue('verdict=block')
  await elsewhere.close()

  await page.getByRole('button', { name: 'Views' }).click()
  await page.getByRole('menuitem', { name: 'Remove views…' }).click()
  await page.getByRole('button', { name: `Remove ${name}` }).click()
  await expect(page.getByRole('dialog', { name: 'Remove views' })).not.toContainText(name)
})

test('usage and keys keep views of their own, each offered on its page alone', async ({ page }) => {
  const save = async (path: string, name: string) => {
    await page.goto(path)
    await page.getByRole('button', { name: 'Views' }).click()
    await page.getByRole('menuitem', { name: 'Save this view…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Save this view' })
    await dialog.getByRole('textbox', { name: 'Name' }).fill(name)
    await dialog.getByRole('button', { name: 'Save view' }).click()
    await expect(dialog).toBeHidden()
  }
  const [models, lasting] = [uniqueName('By model'), uniqueName('Without an end')]
  await save('/usage?group=model&since=7d', models)
  await save('/settings/gateway-keys?facet=no_expiry', lasting)

  await page.goto('/usage')
  await page.getByRole('button', { name: 'Views' }).click()
  await expect(page.getByRole('menuitem', { name: lasting })).toHaveCount(0)
  await page.getByRole('menuitem', { name: models }).click()
  await expect(page).toHaveURL('/usage?group=model&since=7d')
  await expect(page.getByRole('radio', { name: 'Model' })).toBeChecked()

  await page.goto('/settings/gateway-keys')
  await page.getByRole('button', { name: 'Views' }).click()
  await page.getByRole('menuitem', { name: lasting }).click()
  await expect(page).toHaveURL('/settings/gateway-keys?facet=no_expiry')
  await expect(page.getByRole('button', { name: /^Look at/ })).toContainText('No expiry')
})

test('the sessions view lists where the viewer is signed in', async ({ page }) => {
  await page.goto('/history')
  await page.getByRole('navigation', { name: 'History views' }).getByRole('link', { name: 'Sessions' }).click()
  await expect(page).toHaveURL('/history?view=sessions')
  await expect(page.getByRole('row').filter({ hasText: 'This session' })).toHaveCount(1)
})

test('the overview draws traffic by verdict, and its example names the gateway that runs', async ({
  page,
  context,
}) => {
  const { key } = await createGatewayKey('drawn')
  await ask(key)
  await page.goto('/')
  const chart = page.getByRole('region', { name: 'Requests by verdict, last 24 hours' })
  await expect(chart.getByRole('slider')).toBeVisible()
  await chart.getByRole('button', { name: 'Table' }).click()
  await expect(chart.getByRole('row').nth(1)).toBeVisible()

  const empty = await context.newPage()
  await empty.goto('/history?since=2020-01-01&until=2020-01-02')
  await expect(empty.getByText(`${GATEWAY_URL}/v1/chat/completions`)).toBeVisible()
})
