import { expect } from '@playwright/test'
import { organization } from '@/lib/contract/organization'
import { settings } from '@/lib/contract/settings'
import { tokens } from '@/lib/contract/tokens'
import { whoami } from '@/lib/contract/whoami'
import { ADMIN } from './environment'
import { asAdministrator, openSession, uniqueName } from './installation'
import { test } from './signed-in'

test('once keys must expire, a key without an end is refused by the form and by the API', async ({ page }) => {
  const admin = await asAdministrator()
  const endless = () => admin(tokens.create, { name: uniqueName('endless'), token_type: 'gateway', expires_at: null })
  await endless()
  try {
    await page.goto('/settings/security')
    await page.getByRole('checkbox', { name: 'New keys must expire' }).click()
    await page.getByRole('button', { name: 'Save changes' }).click()
    await expect(page.getByText('The security settings were changed.')).toBeVisible()
    await expect(endless()).rejects.toMatchObject({ status: 422 })

    await page.goto('/settings/gateway-keys?create=true')
    const expiry = page.getByRole('dialog').getByRole('radiogroup', { name: 'Expiry' })
    await expect(expiry.getByRole('radio', { name: '30 days' })).toBeChecked()
    await expect(expiry.getByRole('radio', { name: 'None' })).toHaveCount(0)
  } finally {
    await admin(settings.updateSecurity, { key_expiry_required: false })
  }
  await endless()
})

test('a value out of bounds is refused beside its field and changes nothing', async ({ page }) => {
  await page.goto('/settings/security')
  const field = page.getByLabel('Ends after this many minutes without use')
  const before = await field.inputValue()
  await field.fill('4')
  await page.getByRole('button', { name: 'Save changes' }).click()
  await expect(field).toHaveAttribute('aria-invalid', 'true')
  await page.reload()
  await expect(field).toHaveValue(before)
})

test('a renamed organization shows its name at once, and the change is in the activity', async ({ page }) => {
  const admin = await asAdministrator()
  const { name: before } = await admin(organization.get, {})
  const name = uniqueName('Ünïted <b>Examples</b>')
  try {
    await page.goto('/settings/organization')
    await page.getByLabel('New name').fill(name)
    await page.getByRole('button', { name: 'Rename' }).click()
    await expect(page.getByRole('banner')).toContainText(name)
    await page.goto('/history?view=activity')
    await expect(page.getByRole('row').filter({ hasText: 'organization' }).first()).toContainText(name)
  } finally {
    await admin(organization.update, { name: before })
  }
})

test('a session is seen in the list and can be ended there', async ({ page }) => {
  const { client } = await openSession(ADMIN)
  await client(whoami.get, {})
  await page.goto('/settings/sessions')
  await expect(page.getByRole('row').filter({ hasText: 'This session' })).toHaveCount(1)
  await expect(page.getByRole('row').nth(1)).toContainText('This session')
  const other = page.getByRole('row').nth(2)
  await expect(other).not.toContainText('This session')
  await other.getByRole('button', { name: 'End' }).click()
  await expect(page.getByText('The session was ended.')).toBeVisible()
  await expect(client(whoami.get, {})).rejects.toMatchObject({ status: 401 })
})
