import { expect } from '@playwright/test'
import { budgets } from '@/lib/contract/budgets'
import { wallets } from '@/lib/contract/wallets'
import { asAdministrator, uniqueName } from './installation'
import { test } from './signed-in'

const PHONE = { width: 375, height: 700 }

test('on a phone the page scrolls the rows of a list, and the last of them comes into view', async ({ page }) => {
  await page.setViewportSize(PHONE)
  await page.goto('/settings/model-prices?q=gemini')
  const table = page.getByRole('region', { name: 'Model prices' }).getByRole('table')
  await expect(table).toHaveAttribute('aria-rowcount', /^\d\d+$/)
  const last = String(Number(await table.getAttribute('aria-rowcount')))
  const hidden = () => table.evaluate(({ parentElement: box }) => (box ? box.scrollHeight - box.clientHeight : -1))
  expect(await hidden()).toBe(0)
  await expect(table.locator(`[aria-rowindex="${last}"]`)).toHaveCount(0)
  // Rows are measured as they come into view, so the end of the page is known only once it is near.
  await expect(async () => {
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight))
    await expect(table.locator(`[aria-rowindex="${last}"]`)).toBeInViewport({ timeout: 200 })
  }).toPass()
})

test('on a phone all of a long name is on its card', async ({ page }) => {
  const name = uniqueName(`A budget whose name ${'goes on and '.repeat(3)}on`)
  const admin = await asAdministrator()
  const { id } = await admin(budgets.create, { name, limit_usd: '1', scope: { agent_id: uniqueName('nobody') } })
  try {
    await page.setViewportSize(PHONE)
    await page.goto('/budgets')
    const text = page.getByRole('region', { name: 'Budgets' }).getByText(name, { exact: true })
    await expect(text).toBeVisible()
    expect(await text.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
  } finally {
    await admin(budgets.delete, { id })
  }
})

test('an amount of millions is whole in the list of budgets', async ({ page }) => {
  const admin = await asAdministrator()
  const { id } = await admin(budgets.create, {
    name: uniqueName('millions'),
    limit_usd: '12345678.9',
    scope: { agent_id: uniqueName('nobody') },
  })
  try {
    await page.setViewportSize({ width: 1280, height: 720 })
    await page.goto('/budgets')
    const cell = page.getByRole('cell', { name: '$12,345,678.90' }).first()
    await expect(cell).toBeVisible()
    expect(await cell.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
  } finally {
    await admin(budgets.delete, { id })
  }
})

test('the overview says of what it does not know whether it needs a person', async ({ page }) => {
  await page.route(
    (url) => url.pathname === '/api/trail',
    (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        json: { type: 'about:blank', title: 'Unavailable', status: 503, detail: 'Away.', code: 'unavailable' },
      }),
  )
  await page.goto('/')
  const needs = page.getByRole('region', { name: 'Needs a person now' })
  await expect(needs.getByRole('alert')).toContainText('Not known of trail: it could not be loaded.')
  await page.unrouteAll({ behavior: 'wait' })
  await needs.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByText('Not known of trail')).toHaveCount(0)
})

test('a click beside a form does not throw away what was typed into it', async ({ page }) => {
  await page.goto('/budgets?create=true')
  const form = page.getByRole('dialog', { name: 'Create budget' })
  await form.getByRole('textbox', { name: 'Name' }).fill('Half of it')
  await page.mouse.click(5, 5)
  await expect(form.getByRole('textbox', { name: 'Name' })).toHaveValue('Half of it')
  await page.keyboard.press('Escape')
  await expect(form).toBeHidden()
})

test('on a phone the ledger of a wallet has its amounts in view', async ({ page }) => {
  await (await asAdministrator())(wallets.credit, { amount_usd: '1234567.12', note: `${'Invoice'.repeat(8)}` })
  await page.setViewportSize(PHONE)
  await page.goto('/wallets?open=organization')
  const ledger = page.getByRole('region', { name: 'Ledger of this wallet' })
  await expect(ledger.getByText('+$1,234,567.12').first()).toBeVisible()
  expect(await ledger.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
})

test('a page that waits long for its rows says that the server is slow, until they come', async ({ page }) => {
  let answer = () => {}
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  await page.route(
    (url) => url.pathname === '/api/gateways',
    async (route) => {
      await answered
      await route.continue()
    },
  )
  await page.goto('/gateways')
  const notice = page.getByText('The server takes longer than usual')
  await expect(notice).toBeVisible()
  answer()
  await expect(page.getByRole('row').filter({ hasText: 'Local' })).toBeVisible()
  await expect(notice).toHaveCount(0)
})

test('a link to what does not exist says so, and does not offer to try again', async ({ page }) => {
  for (const path of [
    '/budgets?open=bud_019a6f0e1c2d7000a1b2c3d4e5f60718',
    '/exports?open=exp_019a6f0e1c2d7000a1b2c3d4e5f60718',
    '/gateways?open=nowhere',
  ]) {
    await page.goto(path)
    const sheet = page.getByRole('dialog')
    await expect(sheet.getByRole('alert')).toContainText('There is nothing here')
    await expect(sheet.getByRole('button', { name: 'Try again' })).toHaveCount(0)
  }
})

test('an organisation without any money is told where it begins', async ({ page }) => {
  const nothing = '0.000000000'
  const wallet = {
    id: 'organization',
    scope: 'organization',
    scope_id: null,
    name: 'Nobody',
    balance_usd: nothing,
    held_usd: nothing,
    received_usd: nothing,
    spent_usd: nothing,
    status: 'depleted',
    created_at: '2026-03-01T09:00:00.000Z',
  }
  await page.route(
    (url) => url.pathname === '/api/wallets',
    (route) => route.fulfill({ json: { items: [wallet], next_cursor: null } }),
  )
  await page.goto('/wallets')
  await expect(page.getByText('No money was put in yet. Credit the organization first')).toBeVisible()
})
