import { readFile, writeFile } from 'node:fs/promises'
import { expect, type Page } from '@playwright/test'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { trail } from '@/lib/contract/trail'
import { asDatabaseOwner } from './database-owner'
import { asAdministrator, ask, createGatewayKey, createMember, signedInState, uniqueName } from './installation'
import { NOBODY, test } from './signed-in'

/** Events of a key of their own, the newest first. */
async function recordedEvents(stem: string, count: number): Promise<DecisionEvent[]> {
  const { id, key } = await createGatewayKey(stem)
  for (let i = 0; i < count; i++) await ask(key)
  const admin = await asAdministrator()
  const list = async () => (await admin(events.list, { filter: `token_id=${id}` })).items
  await expect.poll(async () => (await list()).length, { message: 'the calls are recorded' }).toBe(count)
  return list()
}

async function signedEvent(stem: string): Promise<DecisionEvent> {
  const [event] = await recordedEvents(stem, 1)
  if (!event) throw new Error('Nothing is recorded.')
  await (await asAdministrator())(trail.sign, {})
  return event
}

const checkOf = (page: Page, name: string) =>
  page.getByRole('list', { name: 'Checks' }).getByRole('listitem').filter({ hasText: name })

test('an event is verified by the browser itself, and one that the database’s owner changed fails', async ({
  page,
}) => {
  const event = await signedEvent('verified')
  const verify = async () => {
    await page.goto(`/history?open=${event.event_id}`)
    await page.getByRole('button', { name: 'Verify now' }).click()
    await expect(checkOf(page, 'Signing keys')).toContainText('Holds')
  }
  await verify()
  for (const name of ['Leaf hash', 'Place in the tree', 'Signed checkpoint']) {
    await expect(checkOf(page, name)).toContainText('Holds')
  }
  await expect(page.getByRole('link', { name: /^Digest \d+$/ })).toBeVisible()

  const [before, after] = ['"identity":"verified"', '"identity":"asserted"']
  const replace = (from: string, to: string) =>
    asDatabaseOwner(
      (sql) => sql`update events set line = replace(line, ${from}, ${to}) where event_id = ${event.event_id}`,
    )
  await replace(before, after)
  try {
    await verify()
    await expect(checkOf(page, 'Leaf hash')).toContainText('It was changed after it was recorded.')
    await expect(checkOf(page, 'Place in the tree')).toContainText('Fails')
    await expect(checkOf(page, 'Signed checkpoint')).toContainText('Holds')
  } finally {
    await replace(after, before)
  }
})

test('an event can be had as a command, as a call of the Python client and as a link', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const { event_id } = await signedEvent('copied')
  await page.goto(`/history?open=${event_id}`)
  const copied = async (form: string) => {
    await page.getByRole('button', { name: 'Copy as' }).click()
    await page.getByRole('menuitem', { name: form }).click()
    await expect(page.getByText(`Copied as ${form}.`)).toBeVisible()
    return page.evaluate(() => navigator.clipboard.readText())
  }
  expect(await copied('kt')).toBe(`kt events get ${event_id}`)
  expect(JSON.parse(await copied('JSON'))).toMatchObject({ event_id })
  expect(await copied('Python')).toContain(`        "${event_id}",\n        bearer_token=os.environ`)
  await page.goto(await copied('link'))
  await expect(page.getByRole('dialog', { name: 'Decision event' })).toBeVisible()
})

test('a verification is followed to its end, and names the event that was deleted', async ({ page }) => {
  const event = await signedEvent('deleted')
  const verifyDeep = async () => {
    await page.goto('/trail?view=verify')
    // Numbers come with the first answer: the page takes clicks from then on.
    await expect(page.getByRole('region', { name: 'State of the trail' })).toBeVisible()
    const form = page.getByRole('form', { name: 'Verify a range' })
    await form.getByRole('radio', { name: 'Deep' }).click()
    await form.getByRole('button', { name: 'Verify', exact: true }).click()
    await expect(page).toHaveURL(/open=ver_/)
    return page.getByRole('dialog', { name: 'Deep verification' })
  }
  let sheet = await verifyDeep()
  await expect(sheet).toContainText('Nothing is wrong')
  await expect(sheet.getByRole('region', { name: 'Findings' })).toHaveCount(0)

  await asDatabaseOwner(async (sql) => {
    await sql`create table kept_event as select * from events where event_id = ${event.event_id}`
    await sql`delete from events where event_id = ${event.event_id}`
  })
  try {
    sheet = await verifyDeep()
    const finding = sheet.getByRole('row').filter({ hasText: 'EVENT_MISSING' })
    await expect(finding).toContainText(`Record ${event.seq.toLocaleString('en')}`)
    await expect(sheet).toContainText('Invalid')
    const { href } = new URL(page.url())
    await page.goto('/')
    await page.goto(href)
    await expect(finding).toBeVisible()
  } finally {
    await asDatabaseOwner(async (sql) => {
      const columns = await sql`select column_name from information_schema.columns
        where table_name = 'events' and table_schema = 'public' and is_generated = 'NEVER'`
      const names = sql(columns.map(({ column_name }) => String(column_name)))
      await sql`insert into events (${names}) select ${names} from kept_event`
      await sql`drop table kept_event`
    })
  }
})

test('a bundle holds on the public page without an account, and one that was changed is named for what is wrong', async ({
  page,
  browser,
}, testInfo) => {
  const event = await signedEvent('bundled')
  const { fingerprint } = await (await asAdministrator())(trail.publicKey, {})
  await page.goto(`/history?open=${event.event_id}`)
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Build evidence bundle' }).click()
  const good = testInfo.outputPath('bundle.zip')
  await (await download).saveAs(good)

  const stranger = await (await browser.newContext({ storageState: NOBODY })).newPage()
  const asked: string[] = []
  await stranger.goto('/verify')
  stranger.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`))
  const verify = async (file: string, expected: string) => {
    await stranger.getByLabel('Evidence bundle (zip)').setInputFiles(file)
    await stranger.getByLabel('Fingerprint of the signing key').fill(expected)
    await stranger.getByRole('button', { name: 'Verify' }).click()
  }
  await verify(good, fingerprint)
  await expect(stranger.getByRole('heading', { name: 'The evidence holds' })).toBeVisible()
  await expect(stranger.getByRole('main')).toContainText(event.request_id)

  await verify(good, 'f'.repeat(64))
  await expect(stranger.getByRole('heading', { name: 'The evidence does not hold' })).toBeVisible()
  await expect(checkOf(stranger, 'fingerprint')).toContainText('Fails')

  const bytes = await readFile(good)
  // Each occurrence, so that the archive's own checksums are all that is left to notice.
  const changed = Buffer.from(bytes.toString('latin1').replaceAll('"status_code":200', '"status_code":201'), 'latin1')
  expect(changed.equals(bytes)).toBe(false)
  await writeFile(testInfo.outputPath('changed.zip'), changed)
  await verify(testInfo.outputPath('changed.zip'), fingerprint)
  await expect(stranger.getByRole('heading', { name: 'The evidence does not hold' })).toBeVisible()
  await expect(checkOf(stranger, 'archive')).toContainText('Fails')
  const ofThePage = (request: string) => request.startsWith('GET /_next/') || request === 'GET /icon.svg'
  expect(asked.filter((request) => !ofThePage(request))).toEqual([])
  await stranger.context().close()
})

test('what History shows is exported, and the file has the same rows', async ({ page }) => {
  const rows = await recordedEvents('exported', 3)
  const filter = `token_id=${rows[0]?.token_id}`
  await page.goto(`/history?filter=${encodeURIComponent(filter)}`)
  await page.getByRole('link', { name: 'Export these' }).click()
  const form = page.getByRole('dialog', { name: 'Create export' })
  await expect(form.getByLabel('Filter')).toHaveValue(filter)
  await expect(form.getByRole('status')).toContainText('3 rows')
  await form.getByRole('button', { name: 'Create export' }).click()
  const sheet = page.getByRole('dialog', { name: 'Events as JSON Lines' })
  await expect(sheet).toContainText('Ready')
  const download = page.waitForEvent('download')
  await sheet.getByRole('link', { name: 'Download' }).first().click()
  const file = await readFile(await (await download).path(), 'utf8')
  const ids = file
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event_id)
  expect(ids.toSorted()).toEqual(rows.map(({ event_id }) => event_id).toSorted())
})

test('content under a legal hold cannot be erased; released, it is gone for good and the record stays', async ({
  page,
}) => {
  const [event] = await recordedEvents('erased', 1)
  if (!event) throw new Error('Nothing is recorded.')
  const hold = uniqueName('Case')
  await page.goto('/holds')
  await page.getByRole('button', { name: 'Create legal hold' }).first().click()
  const form = page.getByRole('dialog', { name: 'Create legal hold' })
  await form.getByRole('button', { name: 'Create hold' }).click()
  await expect(form.getByRole('textbox', { name: 'Name' })).toBeFocused()
  await form.getByRole('textbox', { name: 'Name' }).fill(hold)
  await form.getByRole('textbox', { name: 'Reason' }).fill('Preservation notice')
  await form.getByRole('button', { name: 'Create hold' }).click()
  const row = page.getByRole('row').filter({ hasText: hold })
  await expect(row).toContainText('Stands')

  const erase = async () => {
    await page.goto(`/history?open=${event.event_id}`)
    await page.getByRole('button', { name: 'Erase content…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Erase the content of this event?' })
    await dialog.getByRole('textbox', { name: 'Why is it erased?' }).fill('Erasure request 12')
    await dialog.getByRole('textbox', { name: /^Type/ }).fill('erase')
    await dialog.getByRole('button', { name: 'Erase content' }).click()
    return dialog
  }
  await expect((await erase()).getByRole('alert').filter({ hasText: hold })).toBeVisible()

  await page.goto('/holds')
  await row.getByRole('button', { name: 'Release…' }).click()
  const release = page.getByRole('dialog', { name: `Release “${hold}”?` })
  await release.getByRole('textbox', { name: /^Type/ }).fill(hold)
  await release.getByRole('button', { name: 'Release hold' }).click()
  await expect(release.getByRole('textbox', { name: 'Why is it released?' })).toBeFocused()
  await release.getByRole('textbox', { name: 'Why is it released?' }).fill('Case closed')
  await release.getByRole('button', { name: 'Release hold' }).click()
  await expect(release).toBeHidden()

  await expect(await erase()).toBeHidden()
  await expect(page.getByText('The content is erased.')).toBeVisible()
  const admin = await asAdministrator()
  const kept = await admin(events.get, { id: event.event_id })
  expect(kept.payload).toEqual(event.payload)
  expect((await admin(events.reveal, { id: event.event_id, reason: 'To see' })).request).toBeNull()
})

test('a sink is asked for what it needs, is told the checkpoint, and is removed', async ({ page }) => {
  await (await asAdministrator())(trail.sign, {})
  await page.goto('/trail?view=sinks')
  await page.getByRole('button', { name: 'Add sink' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add sink' })
  await dialog.getByRole('radio', { name: 'Webhook' }).click()
  await dialog.getByRole('button', { name: 'Add sink' }).click()
  const address = dialog.getByRole('textbox', { name: 'Address' })
  await expect(address).toBeFocused()
  await expect(dialog.getByText('This is needed.')).toBeVisible()
  await address.fill('no address')
  await dialog.getByRole('button', { name: 'Add sink' }).click()
  await expect(dialog.getByRole('alert').filter({ hasText: /./ })).toBeVisible()

  const name = `${uniqueName('checkpoints')}.jsonl`
  await dialog.getByRole('radio', { name: 'File' }).click()
  await dialog.getByRole('textbox', { name: 'File name' }).fill(name)
  await dialog.getByRole('button', { name: 'Add sink' }).click()
  await expect(dialog).toBeHidden()
  const sink = page.getByRole('article', { name: `File ${name}` })
  await sink.getByRole('button', { name: 'Deliver now' }).click()
  await expect(sink).toContainText('Last took the checkpoint over')
  await sink.getByRole('button', { name: 'Remove' }).click()
  await page.getByRole('dialog', { name: 'Remove this sink?' }).getByRole('button', { name: 'Remove sink' }).click()
  await expect(sink).toBeHidden()
})

test('who reads the trail and changes nothing is told who can', async ({ page, playwright }) => {
  const { cookies } = await signedInState(playwright.request, await createMember('role_viewer'))
  await page.context().clearCookies()
  await page.context().addCookies(cookies)
  await page.goto('/trail?view=verify')
  await expect(page.getByRole('main')).toContainText('These roles can: Owner, Admin, Security reviewer, Auditor')
  await expect(page.getByRole('button', { name: 'Sign a digest now' })).toHaveCount(0)
  await page.goto('/trail?view=sinks')
  await expect(page.getByText('Who can add one: Owner, Admin.')).toBeVisible()
  await page.goto('/holds?create=true')
  await expect(page.getByRole('main')).toContainText('Made and released by: Owner, Admin.')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.goto('/exports')
  await expect(page.getByRole('heading', { name: 'Your role does not open this page' })).toBeVisible()
})
