import { expect } from '@playwright/test'
import { events } from '@/lib/contract/events'
import { tokens } from '@/lib/contract/tokens'
import { asAdministrator, ask, createGatewayKey, statusOf, uniqueName, untilServed } from './installation'
import { test } from './signed-in'

test.use({ permissions: ['clipboard-read', 'clipboard-write'] })

/** A key that may use three models and has called one. */
async function createUsedKey(stem: string) {
  const admin = await asAdministrator()
  const name = uniqueName(stem)
  const allowed_models = ['gpt-5.4-mini', 'gpt-5.4', 'o9']
  const { key, token } = await admin(tokens.create, { name, token_type: 'gateway', allowed_models })
  await untilServed(key)
  await ask(key)
  const filter = `token_id=${token.id}`
  await expect
    .poll(async () => (await admin(events.list, { filter })).items.length, { message: 'the call is recorded' })
    .toBe(1)
  return { id: token.id, name, key, admin }
}

test('a key shows what it is used for, and shrinks to it', async ({ page }) => {
  const { id, name, key, admin } = await createUsedKey('oversized')
  await page.goto(`/settings/gateway-keys?open=${id}`)
  const use = page.getByRole('dialog', { name, exact: true }).getByRole('region', { name: /^Calls per/ })
  await expect(use.getByRole('img', { name: 'Calls per hour, last 24 hours: 1 in all, 0 blocked' })).toBeVisible()
  await expect(use.getByRole('listitem').filter({ hasText: 'gpt-5.4-mini' })).toContainText('1 call')
  await expect(use.getByRole('listitem').filter({ hasText: 'o9' })).toContainText('not used')
  await use.getByRole('radio', { name: 'By day' }).click()
  await expect(use.getByRole('img', { name: /^Calls per day, last 30 days: 1 in all/ })).toBeVisible()

  await use.getByRole('button', { name: 'Shrink to what it uses' }).click()
  const dialog = page.getByRole('dialog', { name: `Shrink ${name} to what it uses?` })
  await expect(dialog).toContainText('It loses 2')
  await dialog.getByRole('button', { name: 'Allow 1 model' }).click()
  await expect(dialog).toBeHidden()
  expect((await admin(tokens.get, { id })).allowed_models).toEqual(['gpt-5.4-mini'])
  await expect(use.getByRole('button', { name: 'Shrink to what it uses' })).toBeHidden()
  await expect(ask(key, 'gpt-5.4')).rejects.toMatchObject({ status: 403, code: 'model_not_allowed' })
})

test('a leaked key is revoked and its calls since then are reported', async ({ page }) => {
  const { id, name, key } = await createUsedKey('leaked')
  await page.goto(`/settings/gateway-keys?open=${id}`)
  await page.getByRole('dialog', { name, exact: true }).getByRole('button', { name: 'It leaked' }).click()
  const dialog = page.getByRole('dialog', { name: `${name} leaked` })
  await dialog.getByRole('textbox', { name: /to confirm$/ }).fill(name)
  await dialog.getByRole('button', { name: 'Revoke key' }).click()
  await expect(dialog.getByRole('region', { name: '1. It is revoked' })).toContainText('Confirmed')
  await expect.poll(() => statusOf(key)).toBe(401)

  const findings = dialog.getByRole('region', { name: '2. What it did' })
  await findings.getByRole('radio', { name: '1 hour ago' }).click()
  await expect(findings).toContainText('1, 0 of them blocked')
  await expect(findings).toContainText('gpt-5.4-mini (1)')
  await findings.getByRole('button', { name: 'Copy report' }).click()
  await expect(findings.getByRole('button', { name: 'Copied' })).toBeVisible()
  const report = await page.evaluate(() => navigator.clipboard.readText())
  expect(report).toContain(`Leaked gateway key: ${name}`)
  expect(report).toMatch(/^Revoked: \d{4}-/m)
  expect(report).toContain('Calls: 1, of them 0 blocked')
  expect(report).not.toContain(key)

  await findings.getByRole('link', { name: 'Open the calls in History' }).click()
  await expect(page).toHaveURL(/\/history\?since=.*filter=token_id/)
  await expect(page.getByRole('row').filter({ hasText: name })).toHaveCount(1)
})

test('several keys are revoked at once: said how many and which, and what became of each', async ({ page }) => {
  const stem = uniqueName('batch')
  const keys = [await createGatewayKey(stem), await createGatewayKey(stem), await createGatewayKey(stem)]
  const [first, second, third] = keys
  if (!first || !second || !third) throw new Error('three keys were made')
  await page.goto(`/settings/gateway-keys?q=${stem}`)
  const revoke = page.getByRole('button', { name: 'Revoke', exact: true })
  await expect(page.getByRole('row')).toHaveCount(4)
  await expect(revoke).toBeHidden()
  await page.getByRole('checkbox', { name: 'Choose all gateway keys listed' }).click()
  await expect(page.getByText('3 gateway keys chosen')).toBeVisible()
  // With the keyboard, in the row that has the focus.
  const row = page.getByRole('row').filter({ hasText: third.name })
  await row.focus()
  await page.keyboard.press('x')
  await expect(page.getByText('2 gateway keys chosen')).toBeVisible()

  await revoke.click()
  const dialog = page.getByRole('dialog', { name: 'Revoke 2 gateway keys?' })
  for (const { name } of [first, second]) await expect(dialog).toContainText(name)
  await expect(dialog).not.toContainText(third.name)
  await expect(dialog.getByRole('button', { name: 'Revoke 2 gateway keys' })).toBeDisabled()
  await dialog.getByRole('textbox').fill('revoke 2')
  await dialog.getByRole('textbox').press('Enter')

  const results = page.getByRole('dialog', { name: '2 of 2 gateway keys revoked' })
  await expect(results.getByRole('list', { name: 'What became of each key' }).getByRole('listitem')).toHaveText([
    /Revoked$/,
    /Revoked$/,
  ])
  await expect(results.getByRole('listitem').filter({ hasText: 'Local' })).toContainText('Confirmed')
  await results.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByRole('checkbox', { name: `Choose the key ${first.name}` })).toBeHidden()
  expect(await statusOf(first.key)).toBe(401)
  expect(await statusOf(third.key)).toBe(200)
})
