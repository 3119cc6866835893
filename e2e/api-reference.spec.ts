import { expect, test } from '@playwright/test'
import { axeFindings } from './axe'

test('the API reference is open to everybody and a problem leads to its row', async ({ page, request }) => {
  const problem = await (await request.get('/v1/tokens')).json()
  expect(problem).toMatchObject({ status: 401, type: '/docs/api#token_invalid' })

  await page.goto(problem.type)

  await expect(page).toHaveURL(/\/docs\/api#token_invalid$/)
  await expect(page.locator('[id="token_invalid"]')).toBeInViewport()
  await expect(page.getByRole('heading', { level: 1, name: 'API reference' })).toBeAttached()
})

test('the reference needs no script to be read', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto('/docs/api')
  await page.getByRole('navigation', { name: 'Reference' }).getByRole('link', { name: 'POST create' }).first().click()
  await expect(page.getByRole('region', { name: /^Create a key/ })).toBeInViewport()
  await context.close()
})

for (const [colorScheme, width] of [
  ['light', 1280],
  ['dark', 375],
] as const) {
  test(`the reference loses nothing at ${width} px and axe finds nothing, ${colorScheme}`, async ({ page }) => {
    test.slow() // axe looks at every element of a long page
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 800 })
    await page.goto('/docs/api')

    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    expect(await axeFindings(page)).toEqual([])
  })
}
