import { expect } from '@playwright/test'
import { budgets } from '@/lib/contract/budgets'
import { asAdministrator, createMember, signedInState, uniqueName } from './installation'
import { registerGateway } from './reporting-gateway'
import { test } from './signed-in'

test('whoever may read spend is told of a threshold, goes from there to the budget, and marks it as read', async ({
  browser,
  playwright,
}) => {
  const { cookies } = await signedInState(playwright.request, await createMember('role_admin'))
  const context = await browser.newContext({ storageState: { cookies, origins: [] } })
  const page = await context.newPage()
  await page.goto('/notifications')
  await expect(page.getByRole('heading', { name: 'Notifications' })).toBeVisible()

  const name = uniqueName('Told')
  const team_id = uniqueName('team')
  const admin = await asAdministrator()
  await admin(budgets.create, { name, limit_usd: '2', thresholds: [50, 100], scope: { team_id } })
  const gateway = await registerGateway('telling')
  await gateway.report('1.50', { team_id })
  await gateway.report('0.50', { team_id })

  await page.reload()
  const bell = page.getByRole('banner').getByRole('link', { name: /^Notifications: \d+ unread$/ })
  await expect(bell).toBeVisible()
  const row = page.getByRole('listitem').filter({ hasText: `${name} has reached 100 % of its limit` })
  await expect(row).toContainText('$2.00 of $2.00 are spent. Requests that it counts are refused.')
  await expect(row).toContainText('Critical')
  await expect(row.getByRole('img', { name: 'Unread' })).toBeVisible()

  await page.getByRole('button', { name: 'Mark all as read' }).click()
  await expect(row.getByRole('img', { name: 'Read', exact: true })).toBeVisible()
  await expect(page.getByRole('banner').getByRole('link', { name: 'Notifications', exact: true })).toBeVisible()

  await row.getByRole('link').click()
  await expect(page.getByRole('dialog', { name })).toBeVisible()
  await context.close()
})
