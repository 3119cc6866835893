import { afterAll, describe, expect, test } from 'vitest'
import { type DecisionEvent, events, type GatewayEvent } from '@/lib/contract/events'
import { LEDGER_COLUMNS, ledger } from '@/lib/contract/ledger'
import { usage } from '@/lib/contract/usage'
import { wallets } from '@/lib/contract/wallets'
import { newId } from '@/lib/ids'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { gatewayOf } from '../events/testing'
import { inTenant } from '../tenant'
import { startControlPlane } from '../testing'
import { post } from './commands'

const plane = await startControlPlane()
afterAll(() => plane.stop())

const EXAMPLE = events.get.example.output as DecisionEvent

async function start() {
  const organization = await plane.organization()
  const { gateway, event } = await gatewayOf(organization)
  const finance = await organization.as('role_finance')
  const costing = (usd: string, given: Partial<GatewayEvent> = {}) =>
    event({ ...given, event_cost_attribution: { ...EXAMPLE.event_cost_attribution, total_cost_usd: usd } })
  const send = (...batch: GatewayEvent[]) => gateway(events.ingest, { events: batch })
  const csv = async (query = '') => {
    const { text } = await plane.send('GET', `/v1/ledger/entries.csv${query}`, { token: finance.token })
    const [header, ...lines] = text.split('\r\n')
    expect(header).toBe(LEDGER_COLUMNS.join(','))
    expect(lines.pop()).toBe('')
    return lines.map((line) => Object.fromEntries(line.split(',').map((cell, at) => [LEDGER_COLUMNS[at], cell])))
  }
  return { organization, orgId: organization.orgId, finance, costing, send, csv }
}

describe('the ledger as a file', () => {
  test('has every entry, comes to zero and, by account, to every balance', async () => {
    const { finance, costing, send, csv } = await start()
    await finance(wallets.credit, { amount_usd: '100', note: '=1+1' })
    await finance(wallets.allocate, { user_id: 'ada', amount_usd: '0.000000001' })
    const costs = Array.from({ length: 1_200 }, (_, n) => `0.${String(n + 1).padStart(9, '0')}`)
    await send(...costs.slice(0, 1_000).map((usd) => costing(usd)))
    await send(...costs.slice(1_000).map((usd) => costing(usd)))
    const rows = await csv()
    // A credit, an allocation and what each request cost have two sides each.
    expect(rows).toHaveLength(2 * (2 + costs.length))
    const sums = new Map<string, bigint>()
    for (const { account = '', amount_usd = '' } of rows) {
      sums.set(account, (sums.get(account) ?? 0n) + nanoUsdOf(amount_usd))
    }
    expect([...sums.values()].reduce((sum, each) => sum + each, 0n)).toBe(0n)
    const { items } = await finance(ledger.accounts, {})
    const balances = items.filter(({ balance_usd }) => nanoUsdOf(balance_usd) !== 0n)
    expect(Object.fromEntries([...sums].map(([id, sum]) => [id, usdOfNano(sum)]))).toEqual(
      Object.fromEntries(balances.map(({ id, balance_usd }) => [id, balance_usd])),
    )
    // What begins like a formula is a text.
    expect(rows.find(({ kind }) => kind === 'credit')).toMatchObject({ note: "'=1+1", actor_name: 'finance' })
  })

  test('has of a month what is reported under it', async () => {
    const { costing, send, csv, finance } = await start()
    await finance(wallets.credit, { amount_usd: '5' })
    const at = (timestamp: string) => costing('1', { timestamp })
    await send(at('2026-03-31T23:59:59.000Z'), at('2026-04-01T00:00:00.000Z'), at('2026-04-30T12:00:00.000Z'))
    expect(await csv('?month=2026-03')).toHaveLength(2)
    const april = await csv('?month=2026-04')
    expect(april.map(({ kind, account, amount_usd }) => [kind, account, amount_usd])).toEqual([
      ['spend', 'spend', '1.000000000'],
      ['spend', 'unfunded', '-1.000000000'],
      ['spend', 'spend', '1.000000000'],
      ['spend', 'unfunded', '-1.000000000'],
    ])
    expect(await csv('?month=2026-05')).toEqual([])
    for (const month of ['2026-13', '2026', "2026-01'"]) {
      const { status } = await plane.send('GET', `/v1/ledger/entries.csv?month=${month}`, { token: finance.token })
      expect(status).toBe(400)
    }
  })

  test('has all of a month once, in pages, wherever its days begin, and what came late for another', async () => {
    const { organization, costing, send, csv, finance } = await start()
    const owner = await organization.as('role_owner')
    await finance(wallets.credit, { amount_usd: '5', note: 'another month' })
    const at = (timestamp: string) => costing('1', { timestamp })
    await owner(wallets.updateSettings, { time_zone: 'Pacific/Kiritimati' })
    const first = [at('2026-02-28T10:00:00.000Z'), at('2026-03-31T09:59:59.999Z')]
    await send(at('2026-02-28T09:59:59.999Z'), ...first, at('2026-03-31T10:00:00.000Z'))
    await owner(wallets.updateSettings, { time_zone: 'Pacific/Pago_Pago' })
    const many = Array.from({ length: 999 }, () => at('2026-03-12T00:00:00.000Z'))
    const last = [at('2026-03-01T11:00:00.000Z'), at('2026-04-01T10:59:59.999Z')]
    await send(...many.slice(0, 500), at('2026-03-01T10:59:59.999Z'), ...last, at('2026-04-01T11:00:00.000Z'))
    await send(...many.slice(500))
    await owner(usage.closeMonth, { month: '2026-02' })
    const late = [at('2026-02-10T00:00:00.000Z'), at('2026-02-11T00:00:00.000Z')]
    await send(...late)

    const rows = await csv('?month=2026-03')
    const expected = [...first, ...many, ...last, ...late].map(({ event_id }) => event_id)
    expect(rows.map(({ event_id }) => event_id).toSorted()).toEqual([...expected, ...expected].toSorted())
  })

  test('is for those who see the whole organisation', async () => {
    const { organization } = await start()
    const ofTeam = await organization.as(['spend:read'], { teamId: 'team_1' })
    for (const path of ['accounts', 'entries.csv', `transactions/${newId('ltx')}`, `events/${newId('evt')}`]) {
      expect(await plane.send('GET', `/v1/ledger/${path}`, { token: ofTeam.token })).toMatchObject({ status: 403 })
    }
  })
})

describe('a transaction', () => {
  test('is found by its id and by its event, with what was corrected since', async () => {
    const { orgId, finance, costing, send } = await start()
    const one = costing('0.5')
    await send(one, costing('7'))
    const id = `ltx_${one.event_id.slice(4)}`
    const transaction = await finance(ledger.transaction, { id })
    expect(transaction).toMatchObject({
      id,
      kind: 'spend',
      event_id: one.event_id,
      entries: [
        { account: 'spend', amount_usd: '0.500000000' },
        { account: 'unfunded', amount_usd: '-0.500000000' },
      ],
    })
    expect(await finance(ledger.ofEvent, { id: one.event_id })).toEqual({
      cost_usd: '0.500000000',
      items: [transaction],
    })
    const amount = nanoUsdOf('0.2')
    await inTenant(plane.services.db, orgId, (tx) =>
      post(tx, orgId, [
        {
          id: newId('ltx'),
          kind: 'adjust',
          reference: `rpr_1 ${one.event_id}`,
          occurredAt: one.timestamp,
          eventId: one.event_id,
          legs: [
            { account: 'spend', amount: nanoUsdOf('-0.2') },
            { account: 'unfunded', amount },
          ],
        },
      ]),
    )
    const { cost_usd, items } = await finance(ledger.ofEvent, { id: one.event_id })
    expect([cost_usd, items.map(({ kind }) => kind)]).toEqual(['0.300000000', ['spend', 'adjust']])
    for (const missing of [newId('ltx'), 'x', one.event_id]) {
      await expect(finance(ledger.transaction, { id: missing })).rejects.toMatchObject({ code: 'not_found' })
    }
    for (const missing of [newId('evt'), id, 'evt_']) {
      await expect(finance(ledger.ofEvent, { id: missing })).rejects.toMatchObject({ code: 'not_found' })
    }
  })

  test('of another organisation is none', async () => {
    const { finance } = await start()
    const other = await start()
    const { transaction_id } = await finance(wallets.credit, { amount_usd: '5' })
    const asked = other.finance(ledger.transaction, { id: transaction_id ?? '' })
    await expect(asked).rejects.toMatchObject({ code: 'not_found' })
    expect(await other.csv()).toEqual([])
    expect((await other.finance(ledger.accounts, {})).items).toEqual([])
  })
})

test('accounts are listed page by page', async () => {
  const { finance, costing, send } = await start()
  await finance(wallets.credit, { amount_usd: '5' })
  await send(costing('1'))
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await finance(ledger.accounts, { limit: 2, cursor })
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  expect(ids).toEqual(['funding', 'held:organization', 'spend', 'unfunded', 'wallet:organization'])
})
