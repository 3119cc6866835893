import { expect, type Locator, type Page, type Route } from '@playwright/test'
import { moneyText } from '@/components/ui/money'
import { monthText } from '@/components/usage/month-words'
import { budgets } from '@/lib/contract/budgets'
import { events } from '@/lib/contract/events'
import { modelPricing } from '@/lib/contract/model-pricing'
import { LEASE_SECONDS, spendLeases } from '@/lib/contract/spend-leases'
import { teams } from '@/lib/contract/teams'
import { tokens } from '@/lib/contract/tokens'
import { usage } from '@/lib/contract/usage'
import { wallets } from '@/lib/contract/wallets'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { asAdministrator, ask, createMember, signedInState, uniqueName, untilServed } from './installation'
import { registerGateway } from './reporting-gateway'
import { test } from './signed-in'

const MODEL = 'gpt-5.4-mini'

let leased: Awaited<ReturnType<typeof leaseAndVanish>>
// First of all: its lease has run out by the time at which it is looked at.
test.beforeAll(async () => {
  leased = await leaseAndVanish()
})

/** A budget, and a gateway that holds five dollars of it and does not come back. */
async function leaseAndVanish() {
  const admin = await asAdministrator()
  const gateway = await registerGateway('vanished')
  const scope = { agent_id: uniqueName('nobody') }
  const budget = await admin(budgets.create, { name: uniqueName('Held'), limit_usd: '20', scope })
  const source = {
    kind: 'budget' as const,
    budget_id: budget.id,
    window_start_ms: Date.parse(budget.current.starts_at),
  }
  const five = '5000000000'
  const ask = { source, known: '0', returned: '0', used: '0', want: five, least: five }
  const instance = 'one-life-of-one-process'
  const answer = await gateway.client(spendLeases.take, { id: gateway.id, instance, groups: [[ask]] })
  expect(answer.groups[0]?.leases[0]?.granted).toBe(five)
  return { budget, gatewayId: gateway.id }
}

/** A team with a key of its own, so that no other test spends in its name. */
async function createTeam(stem: string) {
  const admin = await asAdministrator()
  const name = uniqueName(stem)
  const team = await admin(teams.create, { name })
  const { key } = await admin(tokens.create, {
    name: uniqueName(`${stem}-key`),
    token_type: 'gateway',
    scope: 'team',
    team_id: team.id,
  })
  await untilServed(key)
  return { id: team.id, name, key }
}

/** What the record says that a team has cost, in nano-dollars, and how many requests that took. */
async function recorded(teamId: string) {
  const { items } = await (await asAdministrator())(events.list, { filter: `team_id=${teamId}`, limit: 200 })
  const costs = items.map((event) => nanoUsdOf(event.event_cost_attribution.total_cost_usd ?? '0'))
  return { requests: items.length, cost: costs.reduce((sum, cost) => sum + cost, 0n) }
}

/** A price for the sandbox, which is free otherwise; taken away again, because other tests know it so. */
async function withPrice(work: () => Promise<void>) {
  const admin = await asAdministrator()
  try {
    await work()
  } finally {
    const { items } = await admin(modelPricing.list, { provider: 'sandbox', source: 'override' })
    const remove = items.flatMap(({ provider, model, effective_from }) =>
      effective_from ? [{ provider, model, effective_from }] : [],
    )
    if (remove.length > 0) await admin(modelPricing.createVersion, { remove })
  }
}

async function setPrice(page: Page) {
  await page.goto('/settings/model-prices')
  await page.getByRole('button', { name: 'Set a price' }).click()
  const dialog = page.getByRole('dialog', { name: 'Set a price' })
  await dialog.getByRole('button', { name: 'Set price' }).click()
  await expect(dialog.getByRole('alert').filter({ hasText: /./ }).first()).toBeVisible()
  await dialog.getByRole('combobox', { name: 'Provider' }).fill('sandbox')
  await dialog.getByRole('combobox', { name: 'Model' }).fill(MODEL)
  await dialog.getByRole('textbox', { name: 'Input', exact: true }).fill('1,000')
  await dialog.getByRole('textbox', { name: 'Output', exact: true }).fill('2000')
  await dialog.getByRole('textbox', { name: 'Note' }).fill('For a test')
  await dialog.getByRole('button', { name: 'Set price' }).click()
  await expect(dialog).toBeHidden()
}

/** Prices reach the gateway by push, a moment after they were set. Answers what all calls until then are recorded with. */
async function untilPriced({ id, key }: { id: string; key: string }) {
  let asked = 0
  const costs = async () => {
    await ask(key, MODEL)
    asked += 1
    return (await recorded(id)).cost > 0n
  }
  await expect.poll(costs, { message: 'calls cost something' }).toBe(true)
  return untilRecorded(id, asked)
}

async function untilRecorded(teamId: string, requests: number) {
  await expect.poll(async () => (await recorded(teamId)).requests, { message: 'every call is recorded' }).toBe(requests)
  return recorded(teamId)
}

const stat = (page: Page, label: string) => page.getByRole('link').filter({ hasText: label })

test('a price that is set is what calls cost, and usage is to the nano-dollar what History shows', async ({ page }) => {
  await withPrice(async () => {
    const team = await createTeam('priced')
    await setPrice(page)
    await page.goto(`/settings/model-prices?q=${MODEL}&source=override`)
    await expect(page.getByRole('row').filter({ hasText: 'sandbox' })).toContainText('1,000.00')
    const priced = await untilPriced(team)
    await ask(team.key, 'gpt-5.4')
    const { requests, cost } = await untilRecorded(team.id, priced.requests + 1)

    await page.goto(`/usage?filter=team_id%3D${team.id}&group=model`)
    await expect(stat(page, 'Cost in US dollars')).toContainText(moneyText(usdOfNano(cost)))
    await expect(stat(page, 'Requests').first()).toContainText(String(requests))
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: MODEL, exact: true }) })
    await expect(row).toContainText('100 %')

    const csv = await page.getByRole('link', { name: 'Export as CSV' }).getAttribute('href')
    const text = await page.evaluate(async (href) => (await fetch(href ?? '')).text(), csv)
    const [head = '', ...lines] = text.trim().split('\r\n')
    const column = head.split(',').indexOf('cost_usd')
    const sum = lines.reduce((all, line) => all + nanoUsdOf(line.split(',')[column] ?? ''), 0n)
    expect(sum).toBe(cost)

    await page.getByRole('radiogroup', { name: 'Group by' }).getByRole('radio', { name: 'Team' }).click()
    await page.getByRole('link', { name: team.name }).click()
    await expect(page).toHaveURL(/\/history\?.*team_id/)
    // The head of the table is a row, too.
    await expect(page.getByRole('region', { name: 'Events', exact: true }).getByRole('row')).toHaveCount(requests + 1)

    await page.goto('/')
    const teamsSpend = page.getByRole('region', { name: 'Spend by team, last 30 days' })
    await expect(teamsSpend.getByRole('link').filter({ hasText: team.name })).toContainText(moneyText(usdOfNano(cost)))
    await teamsSpend.getByRole('link').filter({ hasText: team.name }).click()
    await expect(stat(page, 'Cost in US dollars')).toContainText(moneyText(usdOfNano(cost)))
  })
})

test('a chart of usage is read and chosen from by keyboard, and leads to the requests of that time', async ({
  page,
}) => {
  const team = await createTeam('charted')
  await ask(team.key)
  await untilRecorded(team.id, 1)
  await page.goto(`/usage?filter=team_id%3D${team.id}&measure=requests&since=7d`)
  const chart = page.getByRole('region', { name: 'Requests by team, last 7 days' })
  await chart.getByRole('slider').focus()
  await page.keyboard.press('End')
  await expect(chart.getByRole('slider')).toHaveAttribute('aria-valuetext', /1 requests \(charted-\S+ 1\)/)
  await page.keyboard.press('Enter')
  await chart.getByRole('link', { name: 'Show requests' }).click()
  await expect(page).toHaveURL(/\/history\?/)
  await expect(page.getByRole('region', { name: 'Events', exact: true }).getByRole('row')).toHaveCount(2)
})

const money = (dialog: Locator, term: string) =>
  dialog.locator('dl').first().locator('div').filter({ hasText: term }).locator('dd').first()

test('a budget is made, holds at the gateway, shows what is held, and is raised', async ({ page }) => {
  await withPrice(async () => {
    const team = await createTeam('budgeted')
    await setPrice(page)
    const { cost } = await untilPriced(team)
    const name = uniqueName('Budget of a test')
    await page.goto('/budgets')
    await page.getByRole('button', { name: 'Create budget' }).click()
    const form = page.getByRole('dialog', { name: 'Create budget' })
    await form.getByRole('button', { name: 'Create budget' }).click()
    await expect(form.getByText('Must not be empty.')).toBeVisible()
    await form.getByRole('textbox', { name: 'Name' }).fill(name)
    await form.getByRole('textbox', { name: /^Limit of each window/ }).fill('nothing')
    await form.getByRole('button', { name: 'Create budget' }).click()
    await expect(form.getByText('Must be US dollars')).toBeVisible()
    await form.getByRole('textbox', { name: /^Limit of each window/ }).fill('0.000001')
    await form.getByRole('combobox', { name: 'Team' }).click()
    await page.getByRole('option', { name: team.name }).click()
    await expect(form.getByRole('status').filter({ hasText: /^Begins anew / })).toBeVisible()
    await form.getByRole('button', { name: 'Create budget' }).click()

    const sheet = page.getByRole('dialog', { name, exact: true })
    await expect(money(sheet, 'Committed')).toContainText(moneyText(usdOfNano(cost)))
    await expect.poll(() => ask(team.key, MODEL).catch(({ status }) => status)).toBe(402)

    await sheet.getByRole('button', { name: 'Raise', exact: true }).click()
    const raise = page.getByRole('dialog', { name: `Raise ${name}` })
    await raise.getByRole('button', { name: 'Raise budget' }).click()
    await expect(raise.getByText('Say why.')).toBeVisible()
    await raise.getByRole('textbox', { name: /^By how much/ }).fill('100')
    await raise.getByRole('textbox', { name: 'Why' }).fill('The test goes on')
    await raise.getByRole('button', { name: 'Raise budget' }).click()
    await expect(raise).toBeHidden()
    await expect(sheet.getByRole('list', { name: 'Raises' })).toContainText('The test goes on')
    await expect(sheet.getByText('$100.00 raised')).toBeVisible()

    await expect
      .poll(() =>
        ask(team.key, MODEL).then(
          ({ object }) => object,
          ({ status }) => status,
        ),
      )
      .toBe('chat.completion')
    await expect(sheet.getByRole('list', { name: 'Held by gateways' })).toContainText('held by local')

    await sheet.getByRole('list', { name: 'Raises' }).getByRole('button', { name: 'End…' }).click()
    await page
      .getByRole('dialog', { name: 'End the raise of $100.00?' })
      .getByRole('button', { name: 'End raise' })
      .click()
    await expect(sheet.getByRole('list', { name: 'Raises' })).toContainText('Ended')
    await expect(sheet.getByText('$100.00 raised')).toBeHidden()
    await expect.poll(() => ask(team.key, MODEL).catch(({ status }) => status)).toBe(402)
  })
})

test('who changes a budget that somebody else changed meanwhile sees both, and decides', async ({ page }) => {
  const admin = await asAdministrator()
  const scope = { agent_id: uniqueName('nobody') }
  const budget = await admin(budgets.create, { name: uniqueName('Shared'), limit_usd: '10', scope })
  await page.goto(`/budgets?open=${budget.id}`)
  await page.getByRole('dialog', { name: budget.name }).getByRole('button', { name: 'Change', exact: true }).click()
  const form = page.getByRole('dialog', { name: `Change ${budget.name}` })
  await form.getByRole('textbox', { name: /^Limit of each window/ }).fill('30')
  await admin(budgets.update, { id: budget.id, version: budget.version, limit_usd: '20' })
  await form.getByRole('button', { name: 'Save changes' }).click()

  const both = page.getByRole('dialog', { name: `Somebody else changed ${budget.name}` })
  await expect(both.getByRole('row').filter({ hasText: 'Limit' })).toContainText('$20.00')
  await expect(both.getByRole('row').filter({ hasText: 'Limit' })).toContainText('$30.00')
  expect((await admin(budgets.get, { id: budget.id })).limit_usd).toBe('20.000000000')
  await both.getByRole('button', { name: 'Save mine over it' }).click()
  await expect(both).toBeHidden()
  expect((await admin(budgets.get, { id: budget.id })).limit_usd).toBe('30.000000000')
  await admin(budgets.delete, { id: budget.id })
})

test('money is allocated only once both balances were shown, and the ledger says so', async ({ page }) => {
  const admin = await asAdministrator()
  const team = await createTeam('funded')
  await admin(wallets.credit, { amount_usd: '750.25', note: 'Invoice of a test' })
  const [organization] = (await admin(wallets.list, { scope: 'organization' })).items
  if (!organization) throw new Error('The organisation has a wallet once it was credited.')
  const after = (usd: bigint) => moneyText(usdOfNano(nanoUsdOf(organization.balance_usd) - usd))

  await page.goto('/wallets')
  await page.getByRole('button', { name: 'Allocate' }).click()
  const dialog = page.getByRole('dialog', { name: 'Allocate' })
  await dialog.getByRole('combobox', { name: 'Team' }).click()
  await page.getByRole('option', { name: team.name }).click()
  await dialog.getByRole('textbox', { name: /^Amount/ }).fill('999,999,999')
  await dialog.getByRole('button', { name: 'Preview' }).click()
  await expect(dialog.getByRole('textbox', { name: /^Amount/ })).toHaveAttribute('aria-invalid', 'true')
  await dialog.getByRole('textbox', { name: /^Amount/ }).fill('500.10')
  await dialog.getByRole('textbox', { name: 'Note' }).fill('First quarter')
  await dialog.getByRole('button', { name: 'Preview' }).click()

  const preview = page.getByRole('dialog', { name: 'Allocate $500.10?' })
  const sides = preview.getByRole('list', { name: 'Both sides' }).getByRole('listitem')
  await expect(sides.first()).toContainText(after(500_100_000_000n))
  await expect(sides.nth(1)).toContainText(team.name)
  await expect(sides.nth(1)).toContainText('$500.10')
  expect((await admin(wallets.list, { scope: 'team' })).items.some(({ scope_id }) => scope_id === team.id)).toBe(false)
  await preview.getByRole('button', { name: 'Allocate $500.10' }).click()
  await expect(preview).toBeHidden()

  const row = page.getByRole('row').filter({ hasText: team.name })
  await expect(row).toContainText('$500.10')
  await expect(page.getByRole('row').filter({ hasText: organization.name }).first()).toContainText(
    after(500_100_000_000n),
  )
  await row.click()
  const sheet = page.getByRole('dialog', { name: team.name })
  await expect(sheet.getByRole('region', { name: 'Ledger of this wallet' })).toContainText('+$500.10')
  await expect(sheet.getByRole('region', { name: 'Ledger of this wallet' })).toContainText('First quarter')
  await sheet.getByRole('button', { name: 'Close' }).click()

  await page.getByRole('button', { name: 'Check the ledger' }).click()
  await expect(page.getByText('The ledger is balanced')).toBeVisible()
})

test('money that was credited by mistake is taken out again, as far as it is there', async ({ page }) => {
  const admin = await asAdministrator()
  await admin(wallets.credit, { amount_usd: '12.34', note: 'Entered twice' })
  const { balance_usd } = await admin(wallets.get, { id: 'organization' })
  const after = moneyText(usdOfNano(nanoUsdOf(balance_usd) - nanoUsdOf('12.34')))

  await page.goto('/wallets?open=organization')
  await page.getByRole('button', { name: 'Debit' }).click()
  const dialog = page.getByRole('dialog', { name: 'Debit the organization' })
  await dialog.getByRole('textbox', { name: /^Amount/ }).fill('999,999,999')
  await dialog.getByRole('button', { name: 'Preview' }).click()
  await expect(dialog.getByRole('textbox', { name: /^Amount/ })).toHaveAttribute('aria-invalid', 'true')
  await dialog.getByRole('textbox', { name: /^Amount/ }).fill('12.34')
  await dialog.getByRole('button', { name: 'Preview' }).click()
  const preview = page.getByRole('dialog', { name: 'Debit $12.34?' })
  await expect(preview.getByRole('list', { name: 'Both sides' })).toContainText(after)
  expect((await admin(wallets.get, { id: 'organization' })).balance_usd).toBe(balance_usd)
  await preview.getByRole('button', { name: 'Debit $12.34' }).click()
  await expect(preview).toBeHidden()
  await expect(page.getByRole('region', { name: 'Ledger of this wallet' })).toContainText('-$12.34')
})

test('a month that is closed keeps its figure; what comes late stands under the next, and says where it is from', async ({
  page,
}) => {
  const admin = await asAdministrator()
  const { report } = await registerGateway('late')
  const month = (offset: number) => {
    const now = new Date()
    return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 15))
  }
  const [older, newer] = [month(-2).toISOString().slice(0, 7), month(-1).toISOString().slice(0, 7)]
  await report('1.25', { timestamp: month(-2).toISOString() })
  await report('4', { timestamp: month(-1).toISOString() })

  await page.goto('/usage?view=months')
  const row = (of: string) =>
    page.getByRole('row').filter({ has: page.getByRole('link', { name: monthText(of), exact: true }) })
  await expect(row(older)).toContainText('Can be closed')
  await expect(row(newer)).toContainText(`after ${monthText(older)}`)
  await row(older).getByRole('button', { name: 'Close…' }).click()
  const dialog = page.getByRole('dialog', { name: `Close ${monthText(older)}?` })
  await expect(dialog).toContainText('This freezes $1.25 in one transaction.')
  await expect(dialog.getByRole('button', { name: 'Close month' })).toBeDisabled()
  await dialog.getByRole('textbox', { name: /^Type/ }).fill(older)
  await dialog.getByRole('textbox', { name: 'Note' }).fill('Agreed with the invoice')
  // Its answer is lost; pressed again it is the same attempt, and not another one at a month that is closed by now.
  const loseAnswer = async (route: Route) => {
    await route.fetch()
    await route.abort()
  }
  await page.route(/\/api\/usage\/months\/.+\/close$/, loseAnswer, { times: 1 })
  await dialog.getByRole('button', { name: 'Close month' }).click()
  await expect(dialog.getByRole('alert')).toBeVisible()
  await dialog.getByRole('button', { name: 'Close month' }).click()
  await expect(dialog).toBeHidden()
  await expect(row(older)).toContainText('Closed')

  await report('0.75', { timestamp: month(-2).toISOString() })
  await page.goto(`/usage/months/${older}`)
  const posted = (words: string) => page.getByRole('row').filter({ hasText: words })
  await expect(posted('Posted under this month')).toContainText('$1.25')
  await expect(posted('posted to a later one')).toContainText('$0.75')
  await expect(page.getByText('what is posted under it does not change any more')).toBeVisible()
  await page.goto(`/usage/months/${newer}`)
  await expect(posted('Posted under this month')).toContainText('$4.75')
  await expect(posted('belonging to earlier months')).toContainText('$0.75')
  await expect(page.getByRole('region', { name: /^What came late/ })).toContainText(monthText(older))
  expect(await admin(usage.month, { month: older })).toMatchObject({ state: 'closed', cost_usd: '1.250000000' })

  const models = page.getByRole('region', { name: 'Cost by provider and model' })
  await models.getByRole('link').first().click()
  await expect(page).toHaveURL(/\/history\?.*filter=provider/)
  await expect(page.getByRole('grid').or(page.getByRole('table')).first()).toContainText('$4')
})

test('the report of a month is printed without the shell', async ({ page }) => {
  await page.goto(`/usage/months/${new Date().toISOString().slice(0, 7)}`)
  await expect(page.getByRole('heading', { name: 'What the ledger holds' })).toBeVisible()
  await expect(page.getByRole('banner')).toBeVisible()
  await page.emulateMedia({ media: 'print' })
  await expect(page.getByRole('banner')).toBeHidden()
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeHidden()
  await expect(page.getByRole('button', { name: 'Print' })).toBeHidden()
  await expect(page.getByRole('heading', { name: 'What the ledger holds' })).toBeVisible()
})

test('who may only read spend is told who can change it, is offered no way to, and is refused by the server', async ({
  page,
  playwright,
}) => {
  const member = await createMember('role_viewer')
  const { cookies } = await signedInState(playwright.request, member)
  await page.context().addCookies(cookies)
  for (const [path, words] of [
    ['/budgets?create=true', 'Made, raised and changed by: Owner, Finance.'],
    ['/wallets?move=allocate', 'Credited, allocated and reclaimed by: Owner, Finance.'],
    ['/settings/model-prices?set=true', 'Set and imported by: Owner, Finance.'],
    ['/usage?view=months', 'Closed by: Owner, Finance.'],
  ] as const) {
    await page.goto(path)
    await expect(page.getByText(words)).toBeVisible()
    await expect(page.getByRole('dialog')).toHaveCount(0)
  }
  const answers = await page.evaluate(() =>
    Promise.all(
      [
        ['/api/billing/budgets', { name: 'mine', limit_usd: '1' }],
        ['/api/wallets/credit', { amount_usd: '1' }],
        ['/api/wallets/allocate', { user_id: 'me', amount_usd: '1' }],
        ['/api/model-pricing/versions', {}],
        ['/api/usage/months/2020-01/close', {}],
        ['/api/teams', { name: 'mine' }],
      ].map(async ([path, body]) => {
        const headers = { 'content-type': 'application/json' }
        const { status } = await fetch(String(path), { method: 'POST', headers, body: JSON.stringify(body) })
        return [path, status]
      }),
    ),
  )
  for (const [path, status] of answers) expect.soft([path, status]).toEqual([path, 403])
})

test('what a gateway holds that is gone is taken back early, with a reason', async ({ page }) => {
  test.setTimeout(60_000 + LEASE_SECONDS * 1_000)
  const { budget, gatewayId } = leased
  const admin = await asAdministrator()
  const states = async () => (await admin(budgets.get, { id: budget.id })).held.map(({ state }) => state)
  // Nobody asks for it again: it runs out by itself, while the tests above go on.
  await expect.poll(states, { timeout: LEASE_SECONDS * 1_000 + 10_000 }).toEqual(['expired'])

  await page.goto(`/budgets?open=${budget.id}`)
  const sheet = page.getByRole('dialog', { name: budget.name, exact: true })
  const held = sheet.getByRole('list', { name: 'Held by gateways' })
  await expect(held).toContainText(`held by ${gatewayId}`)
  await expect(held).toContainText('Not renewed')
  await held.getByRole('button', { name: 'Take back…' }).click()
  const dialog = page.getByRole('dialog', { name: `Take back $5.00 from ${gatewayId}?` })
  await dialog.getByRole('button', { name: 'Take it back' }).click()
  await expect(dialog.getByRole('textbox', { name: 'Why is it taken back?' })).toBeFocused()
  await expect(dialog.getByText('Say why in one line')).toBeVisible()
  await dialog.getByRole('textbox', { name: 'Why is it taken back?' }).fill('The machine is gone')
  await dialog.getByRole('button', { name: 'Take it back' }).click()
  await expect(dialog).toBeHidden()
  await expect(sheet.getByText('No gateway holds any of it.')).toBeVisible()
  expect((await admin(budgets.get, { id: budget.id })).current.remaining_usd).toBe('20.000000000')
  await admin(budgets.delete, { id: budget.id })
})
