import { expect, type Page } from '@playwright/test'
import { configurations } from '@/lib/contract/configurations'
import { gateways } from '@/lib/contract/gateways'
import { whoami } from '@/lib/contract/whoami'
import { asAdministrator, ask, connect, createGatewayKey, uniqueName } from './installation'
import { test } from './signed-in'

const GATEWAY = 'local'

const yamlOf = (name: string, version: string, chain = '[]') => `pack:
  name: ${name}
  version: ${version}
  enabled: true

policies:
  chain: ${chain}

providers:
  targets:
    - id: sandbox
      provider: sandbox

gateway:
  anonymous: loopback
`

/** A configuration of its own, with one version. */
async function createConfiguration(stem: string) {
  const name = uniqueName(stem)
  const admin = await asAdministrator()
  const { id } = await admin(configurations.create, { name, yaml: yamlOf(name, '0.1.0') })
  return { id, name }
}

async function writeYaml(page: Page, yaml: string) {
  await page.getByRole('textbox', { name: 'policy-config.yaml' }).click()
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.insertText(yaml)
}

test('a mistake is shown where it is, and a policy kind that this release has not is refused', async ({ page }) => {
  const { id, name } = await createConfiguration('mistakes')
  await page.goto(`/configurations/${id}`)
  await expect(page.getByText('No findings')).toBeVisible()
  const save = page.getByRole('button', { name: /^Save version/ })

  await writeYaml(page, yamlOf(name, '0.2.0').replace('provider: sandbox', 'provder: sandbox'))
  const finding = page.getByRole('status').getByRole('button').filter({ hasText: 'E002' })
  await expect(finding).toContainText('12:7')
  await expect(finding).toContainText('Did you mean provider?')
  await expect(save).toBeDisabled()
  await finding.click()
  await expect(page.locator('.cm-activeLine')).toHaveText(/provder: sandbox/)

  await writeYaml(page, yamlOf(name, '0.2.0', '[mind-reader]'))
  const refused = page.getByRole('status').getByRole('button').filter({ hasText: 'mind-reader' })
  await expect(refused).toContainText('7:')
  await expect(save).toBeDisabled()
  const admin = await asAdministrator()
  const yaml = yamlOf(name, '0.2.0', '[mind-reader]')
  await expect(
    admin(configurations.createVersion, { id, yaml, expected_latest_version: '0.1.0' }),
  ).rejects.toMatchObject({ status: 422 })

  await writeYaml(page, yamlOf(name, '0.2.0'))
  await expect(page.getByText('No findings')).toBeVisible()
  await expect(save).toBeEnabled()
})

test('a saved version is compared with the one before, rolled out, and runs on the gateway', async ({ page }) => {
  const admin = await asAdministrator()
  const before = await admin(gateways.get, { id: GATEWAY })
  const { id, name } = await createConfiguration('rolled-out')
  const { key } = await createGatewayKey('during-rollout')

  await page.goto(`/configurations/${id}`)
  await expect(page.getByText('This is version 0.1.0.')).toBeVisible()
  await writeYaml(page, yamlOf(name, '0.2.0').replace('- id: sandbox', '- id: second-sandbox'))
  await page.getByRole('button', { name: 'Save version 0.2.0' }).click()
  await expect(page.getByText('This is version 0.2.0.')).toBeVisible()

  await page.getByRole('tab', { name: 'Versions' }).click()
  await page.getByRole('row').filter({ hasText: '0.2.0' }).click()
  const sheet = page.getByRole('dialog', { name: 'Version 0.2.0' })
  await expect(sheet.getByRole('heading', { name: 'Changes since 0.1.0' })).toBeVisible()
  await expect(sheet).toContainText('second-sandbox')
  await page.keyboard.press('Escape')
  await expect(sheet).toBeHidden()

  await page.getByRole('button', { name: 'Roll out' }).click()
  const dialog = page.getByRole('dialog', { name: `Roll out ${name}` })
  await dialog.getByRole('checkbox', { name: new RegExp(`^${GATEWAY} `) }).click()
  await dialog.getByRole('button', { name: 'Roll out to 1 gateway' }).click()
  await expect(dialog.getByRole('listitem').filter({ hasText: GATEWAY })).toContainText('Runs 0.2.0')
  await dialog.getByRole('button', { name: 'Done' }).click()

  const answer = await ask(key).withResponse()
  expect(answer.response.headers.get('x-keeptrusts-config-version')).toBe('0.2.0')

  await page.getByRole('link', { name: 'Gateways', exact: true }).click()
  const row = page.getByRole('row').filter({ hasText: 'Local' })
  await expect(row).toContainText('Healthy')
  await expect(row).toContainText(`0.2.0${name}`)
  await row.click()
  await expect(page.getByRole('dialog', { name: 'Local' })).toContainText('Connected')

  // As it was, for the tests that follow.
  await admin(configurations.assign, { id: before.configuration_id ?? '', gateway_ids: [GATEWAY] })
  await admin(configurations.rollout, { gateway_ids: [GATEWAY], version: before.desired_version ?? '' })
  await expect
    .poll(async () => (await admin(gateways.get, { id: GATEWAY })).running_version)
    .toBe(before.running_version)
})

test('a version that a gateway cannot use is refused with its reason, and the next rollout is not blamed for it', async ({
  page,
}) => {
  const admin = await asAdministrator()
  const before = await admin(gateways.get, { id: GATEWAY })
  const { id, name } = await createConfiguration('refused')
  const keyless = '- id: openai\n      provider: openai\n      secret_key_ref:\n        env: NOT_SET_IN_ANY_TEST'
  await admin(configurations.createVersion, {
    id,
    yaml: yamlOf(name, '0.2.0').replace('- id: sandbox\n      provider: sandbox', keyless),
  })
  const dialog = page.getByRole('dialog', { name: `Roll out ${name}` })
  const gateway = dialog.getByRole('listitem').filter({ hasText: GATEWAY })

  await page.goto(`/configurations/${id}?rollout=true`)
  await dialog.getByRole('checkbox', { name: new RegExp(`^${GATEWAY} `) }).click()
  await dialog.getByRole('button', { name: 'Roll out to 1 gateway' }).click()
  await expect(gateway).toContainText('Not applied')
  await expect(gateway).toContainText('NOT_SET_IN_ANY_TEST is not set')
  await expect(gateway).toContainText(`It goes on with version ${before.running_version}`)

  // The report of the refusal is the newest there is when the next rollout begins: it must not be taken for its answer.
  await page.goto(`/configurations/${id}?rollout=true`)
  await page.evaluate(() => {
    const look = () => {
      const text = document.querySelector('[role="dialog"]')?.textContent ?? ''
      if (text.includes('Not applied')) document.documentElement.dataset.blamed = 'yes'
    }
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true })
  })
  await dialog.getByRole('combobox').click()
  await page.getByRole('option', { name: '0.1.0' }).click()
  await dialog.getByRole('button', { name: 'Roll out to 1 gateway' }).click()
  await expect(gateway).toContainText('Runs 0.1.0')
  await expect(page.locator('html[data-blamed]')).toHaveCount(0)

  // As it was, for the tests that follow.
  await admin(configurations.assign, { id: before.configuration_id ?? '', gateway_ids: [GATEWAY] })
  await admin(configurations.rollout, { gateway_ids: [GATEWAY], version: before.desired_version ?? '' })
  await expect
    .poll(async () => (await admin(gateways.get, { id: GATEWAY })).running_version)
    .toBe(before.running_version)
})

test('a registered gateway gets a key of its own, which opens that gateway only', async ({ page }) => {
  const id = uniqueName('proxy')
  await page.goto('/gateways')
  await page.getByRole('button', { name: 'Register gateway' }).click()
  const form = page.getByRole('dialog', { name: 'Register gateway' })
  await form.getByRole('textbox', { name: 'Gateway id' }).fill('not a slug')
  await form.getByRole('button', { name: 'Register gateway' }).click()
  await expect(form.getByRole('alert')).toBeVisible()
  await form.getByRole('textbox', { name: 'Gateway id' }).fill(id)
  await form.getByRole('button', { name: 'Register gateway' }).click()

  const shown = page.getByRole('dialog', { name: `Save the secret of ${id} runtime` })
  await expect(shown).toContainText(`KEEPTRUSTS_GATEWAY_ID=${id}`)
  const key = (await shown.getByLabel('Secret', { exact: true }).textContent()) ?? ''
  const gateway = connect(key)
  expect((await gateway(whoami.get, {})).permissions.toSorted()).toEqual([
    'configurations:read',
    'events:ingest',
    'gateways:report',
  ])
  await expect(gateway(configurations.runtimeState, { id: GATEWAY })).rejects.toMatchObject({ status: 404 })

  await shown.getByRole('button', { name: 'Done' }).click()
  await shown.getByRole('button', { name: 'Close without copying' }).click()
  await expect(page.getByRole('row').filter({ hasText: id })).toContainText('Never seen')
})
