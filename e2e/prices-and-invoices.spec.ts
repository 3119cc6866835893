import { expect } from '@playwright/test'
import { modelPricing } from '@/lib/contract/model-pricing'
import { usage } from '@/lib/contract/usage'
import { asAdministrator, uniqueName } from './installation'
import { registerGateway } from './reporting-gateway'
import { test } from './signed-in'

test('a list of prices is compared before it is saved, and what cannot be read is said by its line', async ({
  page,
}) => {
  const admin = await asAdministrator()
  const model = uniqueName('imported')
  await page.goto('/settings/model-prices')
  await page.getByRole('button', { name: 'Import' }).click()
  const dialog = page.getByRole('dialog', { name: 'Import own prices' })
  await dialog.getByRole('button', { name: 'Show what changes' }).click()
  await expect(dialog.getByText('Choose a file, or paste its text.')).toBeVisible()
  const content = `provider,model,input,output\nexample,${model},0.50,2.25\nexample,${model}-wrong,much,1\n`
  const chooser = page.waitForEvent('filechooser')
  await dialog.getByRole('button', { name: 'Choose a file' }).click()
  await (await chooser).setFiles({ name: 'prices.csv', mimeType: 'text/csv', buffer: Buffer.from(content) })
  await dialog.getByRole('button', { name: 'Show what changes' }).click()

  const preview = page.getByRole('dialog', { name: 'One price changes, one line could not be read' })
  await expect(preview.getByText(/^Line 3: /)).toBeVisible()
  await expect(preview.getByRole('row').filter({ hasText: model })).toContainText('unknown until now')
  expect((await admin(modelPricing.list, { search: model })).items).toEqual([])
  await preview.getByRole('button', { name: 'Save one price' }).click()
  await expect(preview).toBeHidden()
  expect((await admin(modelPricing.list, { search: model })).items).toHaveLength(1)

  await page.goto(`/settings/model-prices?q=${model}`)
  await page.getByRole('row').filter({ hasText: model }).click()
  const sheet = page.getByRole('dialog', { name: model })
  await expect(sheet.getByRole('row').filter({ hasText: 'Output' })).toContainText('2.25')
  await sheet.getByRole('button', { name: 'Take away…' }).click()
  await page
    .getByRole('dialog', { name: /^Take away/ })
    .getByRole('button', { name: 'Take it away' })
    .click()
  await expect.poll(async () => (await admin(modelPricing.list, { search: model })).items).toEqual([])
})

test('an invoice is compared before it is kept', async ({ page }) => {
  const admin = await asAdministrator()
  const provider = uniqueName('provider')
  const month = new Date().toISOString().slice(0, 7)
  const content = `date,model,key,amount\n${month}-01,gpt-5.4,app,12.34\n`
  await page.goto('/usage?view=invoices')
  await page.getByRole('button', { name: 'Compare an invoice' }).first().click()
  const dialog = page.getByRole('dialog', { name: 'Compare an invoice' })
  await dialog.getByRole('button', { name: 'Compare', exact: true }).click()
  await expect(dialog.getByText('Name the provider')).toBeVisible()
  await dialog.getByLabel('Month', { exact: true }).fill(month)
  await dialog.getByRole('textbox', { name: 'Provider', exact: true }).fill(provider)
  const csv = dialog.getByRole('textbox', { name: 'CSV as the provider exports it' })
  await csv.fill(`${content}${month}-02,gpt-5.4,app,much\n`)
  await dialog.getByRole('button', { name: 'Compare', exact: true }).click()
  const broken = page.getByRole('dialog', { name: /\+\$12\.34 against the ledger/ })
  await expect(broken).toContainText('Line 3: "much" is no amount.')
  await expect(broken.getByRole('button', { name: 'Keep it' })).toBeDisabled()
  await broken.getByRole('button', { name: 'Back' }).click()
  await csv.fill(`${content}2020-01-01,gpt-5.4,app,99\n`)
  await dialog.getByRole('button', { name: 'Compare', exact: true }).click()

  const compared = page.getByRole('dialog', { name: /\+\$12\.34 against the ledger/ })
  await expect(compared.getByRole('row').filter({ hasText: 'gpt-5.4' })).toContainText('+$12.34')
  await expect(compared).toContainText('One row was left out')
  const ofProvider = async () =>
    (await admin(usage.invoices, {})).items.filter((invoice) => invoice.provider === provider)
  expect(await ofProvider()).toEqual([])
  await compared.getByRole('button', { name: 'Keep it' }).click()
  await expect(compared).toBeHidden()
  await expect(page.getByRole('dialog', { name: new RegExp(`^${provider}`) })).toContainText('+$12.34')
  expect(await ofProvider()).toHaveLength(1)
})

test('an invoice in another encoding is not taken for what it says, and one of a hundred thousand lines is read whole', async ({
  page,
}) => {
  const month = new Date().toISOString().slice(0, 7)
  await page.goto('/usage?view=invoices')
  await page.getByRole('button', { name: 'Compare an invoice' }).first().click()
  const dialog = page.getByRole('dialog', { name: 'Compare an invoice' })
  await dialog.getByLabel('Month', { exact: true }).fill(month)
  await dialog.getByRole('textbox', { name: 'Provider', exact: true }).fill(uniqueName('provider'))
  const choose = async (buffer: Buffer) => {
    const chooser = page.waitForEvent('filechooser')
    await dialog.getByRole('button', { name: 'Choose a file' }).click()
    await (await chooser).setFiles({ name: 'invoice.csv', mimeType: 'text/csv', buffer })
  }
  const line = `${month}-01,gpt-5.4,Müller,0.01\n`
  await choose(Buffer.from(`date,model,key,amount\n${line}`, 'latin1'))
  await expect(dialog.getByText('invoice.csv is not UTF-8 text')).toBeVisible()
  await choose(Buffer.from(`date,model,key,amount\n${line.repeat(100_000)}`))
  await expect(dialog.getByText('invoice.csv is not UTF-8 text')).toBeHidden()
  await dialog.getByRole('button', { name: 'Compare', exact: true }).click()
  const compared = page.getByRole('dialog', { name: /\+\$1,000\.00 against the ledger/ })
  await expect(compared).toContainText('100,000 rows read.')
  await expect(compared.getByRole('row').filter({ hasText: 'Müller' })).toContainText('$1,000.00')
})

test('what this month would have cost is told without touching the ledger, and then the ledger is adjusted', async ({
  page,
}) => {
  const admin = await asAdministrator()
  const [provider, model] = [uniqueName('repriced'), uniqueName('model')]
  const tokens = { input: 1_000_000, output: 0, cached: 0, reasoning: 0 }
  const { report } = await registerGateway('repriced')
  const at = new Date().toISOString()
  const { event_id } = await report('1', { provider, model, model_requested: model, tokens, timestamp: at })
  const monthStart = `${new Date().toISOString().slice(0, 7)}-01`
  await admin(modelPricing.createVersion, {
    set: [{ provider, model, prices: { input: '3' }, effective_from: monthStart }],
  })
  const cost = async () =>
    (await admin(usage.read, { since: monthStart, filter: `model=${model}`, interval: 'all' })).total.cost_usd

  await page.goto('/settings/model-prices?view=past')
  await page.getByRole('button', { name: /^Time range/ }).click()
  await page.getByRole('button', { name: 'This month' }).click()
  await page.getByRole('button', { name: 'Calculate' }).click()
  const result = page.getByRole('region', { name: 'What came of it' })
  await expect(result.getByText(/was charged; it would be/)).toBeVisible({ timeout: 20_000 })
  const row = result.getByRole('row').filter({ hasText: model })
  await expect(row).toContainText('+$2.00')
  await expect(page.getByRole('row').filter({ hasText: 'untouched' }).first()).toContainText('Done')
  expect(await cost()).toBe('1.000000000')

  await result.getByRole('button', { name: 'Adjust the ledger…' }).click()
  const dialog = page.getByRole('dialog', { name: /^Adjust .+\?$/ })
  await dialog.getByRole('textbox', { name: 'Note' }).fill('The new contract')
  await dialog.getByRole('button', { name: 'Adjust the ledger' }).click()
  await expect(dialog).toBeHidden()
  await expect(result.getByText(/was charged before; it is/)).toBeVisible({ timeout: 20_000 })
  await expect.poll(cost).toBe('3.000000000')

  // The request itself keeps what was recorded, and leads to what was posted for it.
  await page.goto(`/history?open=${event_id}`)
  const posted = page.getByRole('dialog').getByRole('table', { name: 'In the ledger' })
  await expect(posted.getByRole('row').filter({ hasText: 'Spent' })).toContainText('+$1.00')
  const adjusted = posted.getByRole('row').filter({ hasText: 'Adjusted' })
  await expect(adjusted).toContainText('The new contract')
  await expect(adjusted).toContainText('+$2.00')
  await expect(posted.getByRole('row').filter({ hasText: 'What it cost by now' })).toContainText('$3.00')
})
