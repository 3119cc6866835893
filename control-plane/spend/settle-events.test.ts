import { afterAll, describe, expect, test } from 'vitest'
import { type DecisionEvent, events, type GatewayEvent } from '@/lib/contract/events'
import { quarantine } from '@/lib/contract/quarantine'
import { wallets } from '@/lib/contract/wallets'
import { newId, newIdAt } from '@/lib/ids'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { gatewayOf } from '../events/testing'
import { moveHeld } from '../ledger/commands'
import { inTenant } from '../tenant'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

const EXAMPLE = events.get.example.output as DecisionEvent
const priced = (usd: string | null): Pick<GatewayEvent, 'event_cost_attribution'> => ({
  event_cost_attribution: {
    ...EXAMPLE.event_cost_attribution,
    total_cost_usd: usd,
    price_status: usd === null ? 'unknown' : 'priced',
  },
})

async function start() {
  const organization = await plane.organization()
  const { gateway, event, admin } = await gatewayOf(organization)
  const { orgId } = organization
  const spent = () => plane.owner<
    { id: string; event_id: string; month: string; late_from: string | null; account: string; amount: string }[]
  >`
    select t.id, t.event_id, t.month, t.late_from, e.account_id as account, e.amount_nano_usd as amount
    from ledger_transactions t join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id
    where t.org_id = ${orgId} and t.kind = 'spend' order by t.id, e.account_id`
  const send = (batch: GatewayEvent[]) => gateway(events.ingest, { events: batch })
  return { organization, orgId, gateway, event, admin, spent, send }
}

describe('what an event cost', () => {
  test('is posted once, under an id that follows from that of the event, and stands against what was spent', async () => {
    const { organization, orgId, event, send, spent } = await start()
    const one = event(priced('0.012345678'))
    await send([one])
    const id = `ltx_${one.event_id.slice(4)}`
    const month = one.timestamp.slice(0, 7)
    expect(await spent()).toEqual([
      { id, event_id: one.event_id, month, late_from: null, account: 'spend', amount: '12345678' },
      { id, event_id: one.event_id, month, late_from: null, account: 'unfunded', amount: '-12345678' },
    ])
    const viewer = await organization.as('role_viewer')
    expect(await viewer(wallets.check, {})).toMatchObject({ balanced: true, sum_usd: '0.000000000', differences: [] })
    const balances =
      await plane.owner`select id, balance_nano_usd as balance from ledger_accounts where org_id = ${orgId} order by id`
    expect(balances).toEqual([
      { id: 'spend', balance: '12345678' },
      { id: 'unfunded', balance: '-12345678' },
    ])
  })

  test('is posted once, in whatever order, however often and in whatever batches it comes', async () => {
    const { event, send, spent, organization } = await start()
    const all = Array.from({ length: 30 }, (_, n) => event(priced(usdOfNano(BigInt(n * n)))))
    const copies = all.flatMap((each, n) => Array.from({ length: 1 + ((n * 7) % 20) }, () => each))
    const shuffled = copies.map((each) => ({ each, at: Math.random() })).toSorted((a, b) => a.at - b.at)
    const batches: GatewayEvent[][] = []
    while (shuffled.length > 0)
      batches.push(shuffled.splice(0, 1 + Math.floor(Math.random() * 40)).map(({ each }) => each))
    await Promise.all(batches.map(send))
    const amounts = (await spent()).filter(({ account }) => account === 'spend').map(({ id, amount }) => [id, amount])
    // The first cost nothing, and of that there is no transaction.
    expect(amounts).toEqual(all.slice(1).map(({ event_id }, n) => [`ltx_${event_id.slice(4)}`, String((n + 1) ** 2)]))
    const viewer = await organization.as('role_viewer')
    expect(await viewer(wallets.check, {})).toMatchObject({ balanced: true, differences: [] })
  })

  test('of nothing, or of nobody knows how much, is posted not at all', async () => {
    const { event, send, orgId } = await start()
    await send([event(priced('0')), event(priced(null)), event(priced('0.000000000'))])
    expect(await plane.owner`select id from ledger_transactions where org_id = ${orgId}`).toEqual([])
  })

  test('never keeps an event from being recorded, whatever the sum comes to', async () => {
    const { event, send, organization, orgId } = await start()
    // As if there had been nine thousand events of a million dollars: eight bytes hold 9223 of them.
    const before = nanoUsdOf('9000000000')
    await plane.owner.begin(async (sql) => {
      await sql`insert into ledger_transactions values
        (${orgId}, 'ltx_0', 'adjust', 'before', now(), now(), '2026-01', null, null, null, null, null, null)`
      await sql`insert into ledger_entries (org_id, transaction_id, account_id, amount_nano_usd) values
        (${orgId}, 'ltx_0', 'spend', ${String(before)}), (${orgId}, 'ltx_0', 'unfunded', ${String(-before)})`
      await sql`insert into ledger_accounts (org_id, id, kind, balance_nano_usd) values
        (${orgId}, 'spend', 'spend', ${String(before)}), (${orgId}, 'unfunded', 'unfunded', ${String(-before)})`
    })
    const { accepted } = await send(Array.from({ length: 300 }, () => event(priced('1000000'))))
    expect(accepted).toBe(300)
    const [spend] = await plane.owner`
      select balance_nano_usd as balance from ledger_accounts where org_id = ${orgId} and id = 'spend'`
    expect(spend?.balance).toBe(String(before + 300n * nanoUsdOf('1000000')))
    const viewer = await organization.as('role_viewer')
    expect(await viewer(wallets.check, {})).toMatchObject({ balanced: true })
  })

  test('of an event that waited in the quarantine is posted when it is replayed', async () => {
    const { event, send, spent, admin } = await start()
    const early = event({ ...priced('0.25'), timestamp: '1999-06-01T12:00:00.000Z' })
    expect((await send([early])).rejected).toHaveLength(1)
    expect(await spent()).toEqual([])
    const { items } = await admin(quarantine.list, {})
    const ids = items.map(({ id }) => id)
    await admin(quarantine.replay, { ids, accept_time: true })
    await admin(quarantine.replay, { ids, accept_time: true })
    expect((await spent()).map(({ month, amount }) => [month, amount])).toEqual([
      ['1999-06', '250000000'],
      ['1999-06', '-250000000'],
    ])
  })

  test('is not posted again when its record was dropped and comes once more', async () => {
    const { event, send, spent, orgId } = await start()
    const old = event({ ...priced('0.25'), timestamp: new Date(Date.now() - 3 * 86_400_000).toISOString() })
    await send([old])
    await plane.owner`delete from events where org_id = ${orgId}`
    expect(await send([old, event(priced('0.5'))])).toMatchObject({ accepted: 2 })
    expect((await spent()).map(({ amount }) => amount).toSorted()).toEqual([
      '-250000000',
      '-500000000',
      '250000000',
      '500000000',
    ])
  })

  test('is reported under its month by the clock of the organisation, and under the next open one when that is closed', async () => {
    const { event, send, spent, organization, orgId } = await start()
    const finance = await organization.as('role_finance')
    await finance(wallets.updateSettings, { time_zone: 'Pacific/Auckland' })
    const at = (timestamp: string) => event({ ...priced('1'), timestamp })
    // In Auckland it is July by then.
    await send([at('2026-06-30T12:30:00.000Z'), at('2026-06-30T11:30:00.000Z')])
    for (const month of ['2026-05', '2026-06', '2026-07']) {
      await plane.owner`insert into ledger_months (org_id, month, starts_at, ends_at, closed_at, closed_by_id, closed_by_name,
        cost_nano_usd, transactions, report) values (${orgId}, ${month}, now(), now(), now(), 'usr_1', 'Ada', 0, 0, '{}')`
    }
    await send([at('2026-06-30T12:30:01.000Z'), at('2026-05-15T12:00:00.000Z'), at('2026-08-15T12:00:00.000Z')])
    const months = (await spent())
      .filter(({ account }) => account === 'spend')
      .map(({ month, late_from }) => [month, late_from])
    expect(months).toEqual([
      ['2026-08', '2026-05'],
      ['2026-06', null],
      ['2026-07', null],
      ['2026-08', '2026-07'],
      ['2026-08', null],
    ])
  })

  test('holds texts that no column can', async () => {
    const { event, send, spent } = await start()
    await send([event({ ...priced('1'), user_id: 'a\u0000b', model_requested: 'm\ud800' })])
    expect(await spent()).toHaveLength(2)
  })
})

describe('what an event cost that was reserved from a wallet', () => {
  /** A wallet of 10 dollars, of which a gateway holds `held`. */
  async function withLease(held: string) {
    const started = await start()
    const { organization, orgId } = started
    const finance = await organization.as('role_finance')
    await finance(wallets.credit, { amount_usd: '10' })
    const leaseId = newId('lse')
    await inTenant(plane.services.db, orgId, (tx) =>
      moveHeld(tx, orgId, {
        walletAccount: 'wallet:organization',
        amount: nanoUsdOf(held),
        kind: 'reserve',
        leaseId,
        reference: `${leaseId} granted`,
      }),
    )
    await plane.owner`insert into spend_leases (org_id, id, gateway_id, instance, source_id, period_starts_at,
        granted_nano_usd, granted_at, expires_at, held_until) values (${orgId}, ${leaseId}, 'gw_one', 'instance',
        'wallet:organization', '-infinity', ${String(nanoUsdOf(held))}, now(), now() + interval '1 minute', now() + interval '1 day')`
    const reserved = (usd: string) =>
      started.event({ ...priced(usd), spend: { reserved_usd: usd, leases: [leaseId, leaseId] } })
    const legs = async () => (await started.spent()).map(({ account, amount }) => [account, usdOfNano(BigInt(amount))])
    return { ...started, finance, reserved, legs }
  }

  test('is paid from what is held for it, then from the wallet as far as it lasts, and the rest by nobody', async () => {
    const { finance, reserved, legs, send } = await withLease('4')
    await send([reserved('3')])
    expect(await legs()).toEqual([
      ['held:organization', '-3.000000000'],
      ['spend', '3.000000000'],
    ])
    await send([reserved('5'), reserved('4'), reserved('0.25')])
    expect((await legs()).slice(2)).toEqual([
      ['held:organization', '-1.000000000'],
      ['spend', '5.000000000'],
      ['wallet:organization', '-4.000000000'],
      ['spend', '4.000000000'],
      ['unfunded', '-2.000000000'],
      ['wallet:organization', '-2.000000000'],
      ['spend', '0.250000000'],
      ['unfunded', '-0.250000000'],
    ])
    expect(await finance(wallets.get, { id: 'organization' })).toMatchObject({
      balance_usd: '0.000000000',
      held_usd: '0.000000000',
      spent_usd: '10.000000000',
      status: 'depleted',
    })
    expect(await finance(wallets.check, {})).toMatchObject({ balanced: true })
    const { items } = await finance(wallets.transactions, { id: 'organization', kind: 'spend' })
    expect(
      items.map(({ amount_usd, held_change_usd, balance_usd }) =>
        [amount_usd, held_change_usd, balance_usd].map(Number),
      ),
    ).toEqual([
      [-2, 0, 0],
      [-4, -1, 2],
      [0, -3, 6],
    ])
  })

  test('is paid once, in whatever order and however often its event comes', async () => {
    const { finance, reserved, send } = await withLease('2')
    const all = Array.from({ length: 40 }, (_, n) => reserved(`0.0${n + 10}`))
    const copies = [...all, ...all, ...all].map((each) => ({ each, at: Math.random() })).toSorted((a, b) => a.at - b.at)
    const batches: GatewayEvent[][] = []
    while (copies.length > 0) batches.push(copies.splice(0, 7).map(({ each }) => each))
    await Promise.all(batches.map(send))
    // 40 requests of 1.0 to 4.9 cents.
    expect(await finance(wallets.get, { id: 'organization' })).toMatchObject({
      balance_usd: '8.000000000',
      held_usd: '0.820000000',
      spent_usd: '1.180000000',
    })
    expect(await finance(wallets.check, {})).toMatchObject({ balanced: true })
  })
})

test('events that hold a time far away are posted under it', async () => {
  const { event, send, spent, admin } = await start()
  const far = event({ ...priced('1'), event_id: newIdAt('evt', Date.UTC(9999, 11, 30)) })
  await send([far])
  const { items } = await admin(quarantine.list, {})
  await admin(quarantine.replay, { ids: items.map(({ id }) => id), accept_time: true })
  expect((await spent())[0]).toMatchObject({ month: '9999-12' })
})
