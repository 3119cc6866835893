import { expect, type Page } from '@playwright/test'
import { tokens } from '@/lib/contract/tokens'
import { whoami } from '@/lib/contract/whoami'
import {
  asAdministrator,
  ask,
  connect,
  createGatewayKey,
  openai,
  statusOf,
  uniqueName,
  untilServed,
} from './installation'
import { test } from './signed-in'

/** Uses of keys are written every 15 s. */
const USES_WRITTEN_WITHIN_MS = 30_000

test.use({ permissions: ['clipboard-read', 'clipboard-write'] })

/** Copies the secret that is shown and leaves. */
async function takeSecret(page: Page, name: string): Promise<string> {
  const dialog = page.getByRole('dialog', { name: `Save the secret of ${name}` })
  await dialog.getByRole('button', { name: 'Copy secret' }).click()
  await expect(dialog.getByRole('button', { name: 'Copied' })).toBeVisible()
  await dialog.getByRole('button', { name: 'Done' }).click()
  await expect(dialog).toBeHidden()
  return page.evaluate(() => navigator.clipboard.readText())
}

test('the secret of a new access key is shown once, and leaving without it asks first', async ({ page }) => {
  const name = uniqueName('ci-pipeline')
  await page.goto('/settings/access-keys')
  await page.getByRole('button', { name: 'Create access key' }).click()
  const form = page.getByRole('dialog', { name: 'Create access key' })
  await form.getByRole('textbox', { name: 'Name' }).fill(name)
  await form.getByRole('button', { name: 'Create key' }).click()

  const shown = page.getByRole('dialog', { name: `Save the secret of ${name}` })
  const secret = (await shown.getByLabel('Secret', { exact: true }).textContent()) ?? ''
  expect(secret).toMatch(/^kt_ak_[0-9A-Za-z]{49}$/)
  await page.keyboard.press('Escape')
  await expect(shown.getByRole('alert')).toHaveText('You have not copied it. Close anyway?')
  await shown.getByRole('button', { name: 'Keep open' }).click()
  await expect(shown.getByLabel('Secret', { exact: true })).toHaveText(secret)
  expect(await takeSecret(page, name)).toBe(secret)

  await expect(page.getByRole('row').filter({ hasText: name })).toContainText(secret.slice(-4))
  expect(await page.content()).not.toContain(secret)
  await page.reload()
  await expect(page.getByRole('row').filter({ hasText: name })).toBeVisible()
  expect(await page.content()).not.toContain(secret)

  expect(await connect(secret)(whoami.get, {})).toMatchObject({ role_id: 'role_viewer' })
})

test('a key limited to one model serves it, is seen live in History, and is refused another', async ({
  page,
  context,
}) => {
  const name = uniqueName('app-production')
  await page.goto('/settings/gateway-keys')
  await page.getByRole('button', { name: 'Create gateway key' }).click()
  const form = page.getByRole('dialog', { name: 'Create gateway key' })
  await form.getByRole('textbox', { name: 'Name' }).fill(name)
  await form.getByRole('radiogroup', { name: 'Models' }).getByRole('radio', { name: 'Only these' }).click()
  await form.getByRole('textbox', { name: 'Models' }).fill('gpt-5.4-mini')
  await form.getByRole('textbox', { name: 'Models' }).press('Enter')
  await form.getByRole('button', { name: 'Create key' }).click()
  const secret = await takeSecret(page, name)
  expect(secret).toMatch(/^kt_gk_/)
  await expect(page.getByRole('row').filter({ hasText: name })).toContainText('gpt-5.4-mini')

  const history = await context.newPage()
  await history.goto('/history')
  await expect(history.getByRole('status').filter({ hasText: /^Live$/ })).toBeVisible()
  await untilServed(secret)

  const answer = await ask(secret)
  expect(answer.choices[0]?.message.content).toContain('sandbox of your gateway')
  expect(answer.usage?.total_tokens).toBeGreaterThan(0)
  const row = history.getByRole('row').filter({ hasText: name })
  await expect(row).toHaveCount(1)

  const stream = await openai(secret).chat.completions.create({
    model: 'gpt-5.4-mini',
    messages: [{ role: 'user', content: 'Hello' }],
    stream: true,
  })
  const deltas: string[] = []
  for await (const chunk of stream) deltas.push(chunk.choices[0]?.delta.content ?? '')
  expect(deltas.length).toBeGreaterThan(2)
  expect(deltas.join('')).toBe(answer.choices[0]?.message.content)
  await expect(row).toHaveCount(2)

  await expect(ask(secret, 'another-model')).rejects.toMatchObject({ status: 403, code: 'model_not_allowed' })
  const refused = row.filter({ hasText: 'model.not_allowed' })
  await expect(refused).toBeVisible()

  await refused.click()
  const sheet = history.getByRole('dialog', { name: 'Decision event' })
  await expect(sheet).toContainText(`The key ${name} asked for another-model and was blocked`)
  await expect(sheet).toContainText('Nothing was sent to a provider.')
  await expect(sheet.getByRole('region', { name: 'Raw JSON' })).toContainText('"verdict": "block"')
  await expect(history).toHaveURL(/evt_/)
  await history.reload()
  await expect(sheet).toContainText(`The key ${name} asked for another-model and was blocked`)
})

test('while a key rotates both secrets work and the old one is seen in use, until it is ended', async ({ page }) => {
  test.slow()
  const { id, name, key: old } = await createGatewayKey('rotating')
  await page.goto(`/settings/gateway-keys?open=${id}`)
  const sheet = page.getByRole('dialog', { name, exact: true })
  await sheet.getByRole('button', { name: 'Rotate secret' }).click()
  await page
    .getByRole('dialog', { name: `Rotate ${name}` })
    .getByRole('button', { name: 'Rotate secret' })
    .click()
  const fresh = await takeSecret(page, name)
  expect(fresh).not.toBe(old)

  await untilServed(fresh)
  expect((await ask(fresh)).choices).toHaveLength(1)
  expect((await ask(old)).choices).toHaveLength(1)
  const rotation = sheet.getByRole('region', { name: 'Rotation' })
  await expect(rotation).toContainText(`…${old.slice(-4)}`)

  const admin = await asAdministrator()
  const uses = async () => (await admin(tokens.get, { id })).previous_secret?.use_count ?? 0
  await expect.poll(uses, { timeout: USES_WRITTEN_WITHIN_MS, intervals: [500] }).toBeGreaterThan(0)
  await page.reload()
  await expect(rotation).toContainText(/Used(once|[1-9]\d* times) since the rotation/)
  await expect(rotation).toContainText('127.0.0.1')

  await rotation.getByRole('button', { name: 'Finish now' }).click()
  await page
    .getByRole('dialog', { name: 'End the old secret now?' })
    .getByRole('button', { name: 'End old secret' })
    .click()
  await expect(rotation.getByRole('button', { name: 'Rotate secret' })).toBeVisible()
  await expect.poll(() => statusOf(old)).toBe(401)
  await expect(ask(old)).rejects.toMatchObject({ status: 401, code: 'token_rotated_out' })
  expect((await ask(fresh)).choices).toHaveLength(1)
})

test('a revoked key is refused at the next call, while the stream that it began finishes', async ({ page }) => {
  const { id, name, key } = await createGatewayKey('leaked')
  await page.goto(`/settings/gateway-keys?open=${id}`)
  await page.getByRole('dialog', { name, exact: true }).getByRole('button', { name: 'Revoke key' }).click()
  const confirm = page.getByRole('dialog', { name: `Revoke ${name}?` })
  await expect(confirm).toContainText(/gateways? serves? this key/)
  const button = confirm.getByRole('button', { name: 'Revoke key' })
  await confirm.getByRole('textbox').fill(name.slice(0, -1))
  await expect(button).toBeDisabled()
  await confirm.getByRole('textbox').fill(name)

  const stream = await openai(key).chat.completions.create({
    model: 'sandbox-slow',
    messages: [{ role: 'user', content: `Say this slowly: ${'word '.repeat(60)}` }],
    stream: true,
  })
  const chunks = stream[Symbol.asyncIterator]()
  await chunks.next()

  await button.click()
  const revoked = page.getByRole('dialog', { name: `${name} is revoked` })
  await expect(revoked.getByRole('listitem').filter({ hasText: 'Local' })).toContainText('Confirmed')
  await expect(ask(key)).rejects.toMatchObject({ status: 401, code: 'token_revoked' })

  let later = 0
  let finish: string | null | undefined
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    later += 1
    finish = next.value.choices[0]?.finish_reason ?? finish
  }
  expect(later).toBeGreaterThan(2)
  expect(finish).toBe('stop')

  await revoked.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByRole('dialog', { name, exact: true })).toContainText('Revoked')
})

test('a revoked access key is refused by the control plane at its next call', async ({ page }) => {
  const admin = await asAdministrator()
  const name = uniqueName('automation')
  const { key, token } = await admin(tokens.create, { name, token_type: 'access', role_id: 'role_viewer' })
  await connect(key)(whoami.get, {})
  await page.goto(`/settings/access-keys?open=${token.id}`)
  await page.getByRole('dialog', { name, exact: true }).getByRole('button', { name: 'Revoke key' }).click()
  const confirm = page.getByRole('dialog', { name: `Revoke ${name}?` })
  await confirm.getByRole('textbox').fill(name)
  await confirm.getByRole('textbox').press('Enter')
  await expect(page.getByRole('dialog', { name: `${name} is revoked` })).toBeVisible()
  await expect(connect(key)(whoami.get, {})).rejects.toMatchObject({ status: 401, code: 'token_revoked' })
})
