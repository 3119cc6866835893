import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { teams } from '@/lib/contract/teams'
import { usage } from '@/lib/contract/usage'
import { wallets } from '@/lib/contract/wallets'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { canonicalJson } from '@/lib/trail/canonical'
import { gatewayOf } from '../../events/testing'
import { startControlPlane, type TestOrganization } from '../../testing'

const plane = await startControlPlane()
afterAll(plane.stop)

/** An organisation whose gateway has calls recorded that cost something. */
async function spending() {
  const organization = await plane.organization()
  const { gateway, admin, event } = await gatewayOf(organization)
  const billing = await organization.as('role_owner')
  const spend = async (at: string, usd: string, given: Partial<GatewayEvent> = {}) => {
    const one = event({
      timestamp: new Date(at).toISOString(),
      event_cost_attribution: {
        total_cost_usd: usd,
        input_cost_usd: null,
        output_cost_usd: null,
        currency: 'USD',
        price_book_version: null,
        price_status: 'priced',
        source_spend_log_id: null,
        units: [],
      },
      ...given,
    })
    const { accepted } = await gateway(events.ingest, { events: [one] })
    expect(accepted).toBe(1)
  }
  return { organization, billing, admin, spend }
}

/** What the ledger itself holds under each month. */
async function ledgerOf({ orgId }: TestOrganization): Promise<Record<string, string>> {
  const rows = await plane.owner<{ month: string; cost: string }[]>`
    select t.month, sum(e.amount_nano_usd) as cost from ledger_transactions t
    join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id and e.account_id = 'spend'
    where t.org_id = ${orgId} group by 1 order by 1`
  return Object.fromEntries(rows.map(({ month, cost }) => [month, usdOfNano(BigInt(cost))]))
}

const sum = (parts: { cost_usd: string }[]) =>
  usdOfNano(parts.reduce((total, one) => total + nanoUsdOf(one.cost_usd), 0n))

describe('a month that is closed', () => {
  test('keeps its figures for ever; what comes late is posted to the next, and says where it is from', async () => {
    const { organization, billing, spend } = await spending()
    await spend('2026-03-05T10:00:00Z', '1.5', { team_id: 'team_a', model: 'm1', token_id: 't1', token_name: 'one' })
    await spend('2026-03-31T23:59:59Z', '0.000000001', {
      team_id: null,
      model: 'm2',
      token_id: 't1',
      token_name: 'two',
    })
    await spend('2026-04-01T00:00:00Z', '7', { team_id: 'team_a', model: 'm1' })
    const closed = await billing(usage.closeMonth, { month: '2026-03', note: 'Books of March' })
    expect(closed).toMatchObject({ state: 'closed', cost_usd: '1.500000001', transactions: 2, late_usd: '0.000000000' })
    const before = await billing(usage.month, { month: '2026-03' })

    await spend('2026-03-20T10:00:00Z', '0.25', { team_id: 'team_b', model: 'm9', token_id: 't9', token_name: 'nine' })
    const after = await billing(usage.month, { month: '2026-03' })
    expect(after).toEqual({ ...before, posted_later_usd: '0.250000000' })
    expect(after.by_model).toEqual([
      { provider: 'sandbox', model: 'm1', cost_usd: '1.500000000', requests: 1, unpriced: 0 },
      { provider: 'sandbox', model: 'm2', cost_usd: '0.000000001', requests: 1, unpriced: 0 },
    ])
    const april = await billing(usage.month, { month: '2026-04' })
    expect(april).toMatchObject({
      state: 'open',
      cost_usd: '7.250000000',
      transactions: 2,
      late_usd: '0.250000000',
      late_transactions: 1,
      late: [{ month: '2026-03', cost_usd: '0.250000000', transactions: 1 }],
    })
    expect(april.by_team).toEqual([
      { team_id: 'team_a', name: null, cost_usd: '7.000000000', requests: 1, unpriced: 0 },
      { team_id: 'team_b', name: null, cost_usd: '0.250000000', requests: 1, unpriced: 0 },
    ])
    expect(april.by_key.map(({ token_id, token_name }) => `${token_id} ${token_name}`)).toContain('t9 nine')
    expect(await ledgerOf(organization)).toEqual({ '2026-03': '1.500000001', '2026-04': '7.250000000' })
    // Usage has it where it happened.
    const { total } = await billing(usage.read, { since: '2026-03-01', until: '2026-04-01' })
    expect(total.cost_usd).toBe('1.750000001')
  })

  test('takes no more, also when it was the last to be posted to', async () => {
    const { organization, billing, spend } = await spending()
    await spend('2026-03-05T10:00:00Z', '1')
    await billing(usage.closeMonth, { month: '2026-03' })
    await spend('2026-03-06T10:00:00Z', '2')
    await billing(usage.closeMonth, { month: '2026-04' })
    await spend('2026-03-07T10:00:00Z', '4')
    await spend('2026-04-07T10:00:00Z', '8')
    expect(await ledgerOf(organization)).toEqual({
      '2026-03': '1.000000000',
      '2026-04': '2.000000000',
      '2026-05': '12.000000000',
    })
    const { late, late_usd } = await billing(usage.month, { month: '2026-05' })
    expect([late_usd, ...late.map(({ month, cost_usd }) => `${month} ${cost_usd}`)]).toEqual([
      '12.000000000',
      '2026-04 8.000000000',
      '2026-03 4.000000000',
    ])
    const { posted_later_usd } = await billing(usage.month, { month: '2026-03' })
    expect(posted_later_usd).toBe('6.000000000')
  })

  test('says how many requests of whom have no known price, which cost nothing in it', async () => {
    const { billing, spend } = await spending()
    const unknown = {
      total_cost_usd: null,
      input_cost_usd: null,
      output_cost_usd: null,
      price_status: 'unknown' as const,
    }
    const cost = { currency: 'USD' as const, price_book_version: null, source_spend_log_id: null, units: [] }
    const unpriced = { event_cost_attribution: { ...cost, ...unknown } }
    await spend('2026-03-05T10:00:00Z', '1', { model: 'known', team_id: 'team_a' })
    await spend('2026-03-06T10:00:00Z', '0', { model: 'new', team_id: 'team_a', ...unpriced })
    await spend('2026-03-07T10:00:00Z', '0', { model: 'new', team_id: 'team_a', ...unpriced })
    await billing(usage.closeMonth, { month: '2026-03' })
    expect(await billing(usage.month, { month: '2026-03' })).toMatchObject({
      cost_usd: '1.000000000',
      by_model: [
        { model: 'known', cost_usd: '1.000000000', requests: 1, unpriced: 0 },
        { model: 'new', cost_usd: '0.000000000', requests: 2, unpriced: 2 },
      ],
      by_team: [{ team_id: 'team_a', requests: 3, unpriced: 2 }],
    })
  })

  test('shuts the books of all that is before it, also of months that the ledger held nothing of then', async () => {
    const { organization, billing, spend } = await spending()
    await spend('2026-03-05T10:00:00Z', '1')
    await billing(usage.closeMonth, { month: '2026-03' })
    await spend('2026-02-20T10:00:00Z', '2')
    expect(await ledgerOf(organization)).toEqual({ '2026-03': '1.000000000', '2026-04': '2.000000000' })
    const { late } = await billing(usage.month, { month: '2026-04' })
    expect(late).toEqual([{ month: '2026-02', cost_usd: '2.000000000', transactions: 1 }])
    // Nobody closed it, and it is not open either: the ledger holds nothing under it, and says what went elsewhere.
    expect(await billing(usage.month, { month: '2026-02' })).toMatchObject({
      state: 'closed',
      closed_at: null,
      closed_by: null,
      cost_usd: '0.000000000',
      transactions: 0,
      posted_later_usd: '2.000000000',
      by_model: [],
      by_team: [],
      by_key: [],
      late: [],
    })
    const { total } = await billing(usage.read, { since: '2026-02-01', until: '2026-03-01' })
    expect(total.cost_usd).toBe('2.000000000')
    await expect(billing(usage.closeMonth, { month: '2026-02' })).rejects.toMatchObject({
      code: 'conflict',
      message:
        'The books up to 2026-03 are shut: what is recorded of 2026-02 is posted under the first month that is open.',
    })
    // It opens nothing that would have to be closed before the next.
    expect(await billing(usage.closeMonth, { month: '2026-04' })).toMatchObject({ late_usd: '2.000000000' })
  })

  test('leaves its figures in the activity, with a checksum of its report', async () => {
    const { billing, admin, spend } = await spending()
    const { id } = await admin(teams.create, { name: 'Finance' })
    await spend('2026-03-05T10:00:00Z', '1.5', { team_id: id, model: 'm1' })
    await billing(usage.closeMonth, { month: '2026-03', note: 'Books' })
    const { items } = await admin(activity.list, { filter: 'action=usage.month_closed' })
    const { by_model, by_team, by_key, late } = await billing(usage.month, { month: '2026-03' })
    expect(by_team).toMatchObject([{ team_id: id, name: 'Finance' }])
    const report = { by_model, by_team: by_team.map((one) => ({ ...one, name: null })), by_key, late }
    expect(items).toMatchObject([
      {
        target: { type: 'month', id: '2026-03', name: 'Books' },
        after: {
          cost_usd: '1.500000000',
          transactions: 1,
          time_zone: 'UTC',
          by_model,
          report_sha256: createHash('sha256').update(canonicalJson(report)).digest('hex'),
        },
      },
    ])
  })

  test('is closed once, in order, when it is over, and only if there is anything to close', async () => {
    const { billing, spend } = await spending()
    const close = (month: string) =>
      billing(usage.closeMonth, { month }).then(
        ({ state }) => state,
        ({ code, message }) => `${code}: ${message}`,
      )
    const next = async (...months: string[]) => {
      const { items } = await billing(usage.months, { limit: 24 })
      const listed = items.filter((each) => each.is_next_to_close).map(({ month }) => month)
      const read = await Promise.all(months.map((month) => billing(usage.month, { month })))
      return { listed, read: read.filter((each) => each.is_next_to_close).map(({ month }) => month) }
    }
    expect(await close('2026-03')).toContain('unprocessable: The ledger holds nothing up to 2026-03')
    expect(await next('2020-01', '2026-03')).toEqual({ listed: [], read: [] })
    await spend('2026-03-05T10:00:00Z', '1')
    await spend('2026-05-05T10:00:00Z', '1')
    expect(await close('2026-02')).toContain('nothing to close')
    expect(await close('2026-05')).toBe('conflict: Months are closed in order: 2026-03 is first.')
    expect(await next('2020-01', '2026-02', '2026-03', '2026-05')).toEqual({ listed: ['2026-03'], read: ['2026-03'] })
    expect(await close('2026-03')).toBe('closed')
    expect(await next('2026-02', '2026-03', '2026-04', '2026-05')).toEqual({ listed: ['2026-04'], read: ['2026-04'] })
    expect(await close('2026-03')).toContain('conflict: 2026-03 was closed by owner at 20')
    expect(await close('2026-05')).toBe('conflict: Months are closed in order: 2026-04 is first.')
    expect(await close('2026-04')).toBe('closed')
    expect(await close('2026-05')).toBe('closed')
    const now = new Date().toISOString().slice(0, 7)
    expect(await close(now)).toContain(`unprocessable: ${now} is not over before `)
  })

  test('is not closed a second time by a repeated request', async () => {
    const { billing, spend, organization } = await spending()
    await spend('2026-03-05T10:00:00Z', '1')
    const again = () => billing(usage.closeMonth, { month: '2026-03' }, { idempotencyKey: 'march' })
    const first = await again()
    await spend('2026-03-06T10:00:00Z', '1')
    expect(await again()).toEqual(first)
    expect((await organization.recorded()).filter((entry) => entry.includes('month_closed'))).toHaveLength(1)
  })
})

describe('months', () => {
  test('begin by the clocks that reports are made by', async () => {
    const { organization, billing, spend } = await spending()
    await billing(wallets.updateSettings, { time_zone: 'Europe/Vienna' })
    await spend('2026-03-31T21:59:59.999Z', '1')
    await spend('2026-03-31T22:00:00Z', '2')
    expect(await ledgerOf(organization)).toEqual({ '2026-03': '1.000000000', '2026-04': '2.000000000' })
    const { starts_at, ends_at, by_model } = await billing(usage.month, { month: '2026-03' })
    expect([starts_at, ends_at]).toEqual(['2026-02-28T23:00:00.000Z', '2026-03-31T22:00:00.000Z'])
    expect(sum(by_model)).toBe('1.000000000')
    // What was posted by other clocks stays where it is, and is told apart.
    await billing(wallets.updateSettings, { time_zone: 'Asia/Kolkata' })
    const april = await billing(usage.month, { month: '2026-04' })
    expect(april.cost_usd).toBe('2.000000000')
    expect(april.by_model).toEqual([
      expect.objectContaining({ model: 'gpt-5.4-mini', cost_usd: '3.000000000' }),
      { provider: '*', model: '*', cost_usd: '-1.000000000', requests: 0, unpriced: 0 },
    ])
  })

  // Editions of the database of time zones differ on what clocks show in the first two: that of Node is the one that counts.
  test.each(['Africa/Casablanca', 'America/Edmonton', 'Europe/Vienna'])(
    'hold what usage has of the same time, whatever the clocks of the database say (%s)',
    async (time_zone) => {
      const { billing, spend } = await spending()
      await billing(wallets.updateSettings, { time_zone })
      const names = ['2026-08', '2026-09', '2026-10']
      const bounds = new Set<number>()
      for (const month of names) {
        const { starts_at, ends_at } = await billing(usage.month, { month })
        for (const bound of [starts_at, ends_at]) bounds.add(Date.parse(bound))
      }
      let cost = 1
      for (const bound of bounds) {
        for (const minutes of [-90, -30, 30, 90]) {
          await spend(new Date(bound + minutes * 60_000).toISOString(), String(cost))
          cost *= 2
        }
      }
      for (const month of names) {
        const { starts_at, ends_at, cost_usd } = await billing(usage.month, { month })
        const { total } = await billing(usage.read, { since: starts_at, until: ends_at, interval: 'all' })
        expect(cost_usd, month).toBe(total.cost_usd)
      }
    },
  )

  test('keep their clocks once one of them was closed; whatever else is settled can still be changed', async () => {
    const { billing, spend } = await spending()
    await billing(wallets.updateSettings, { time_zone: 'Europe/Vienna' })
    await spend('2026-03-05T10:00:00Z', '1')
    await billing(usage.closeMonth, { month: '2026-03' })
    await expect(billing(wallets.updateSettings, { time_zone: 'UTC', wallets_required: true })).rejects.toMatchObject({
      code: 'conflict',
      message: 'Months were closed in Europe/Vienna: their bounds cannot move any more.',
    })
    expect(await billing(wallets.settings, {})).toMatchObject({ time_zone: 'Europe/Vienna', wallets_required: false })
    const changed = await billing(wallets.updateSettings, { time_zone: 'Europe/Vienna', wallets_required: true })
    expect(changed).toMatchObject({ time_zone: 'Europe/Vienna', wallets_required: true })
  })

  test('are listed from that of now to the first, those without anything too', async () => {
    const { billing, spend } = await spending()
    const empty = await billing(usage.months, {})
    expect(empty.items).toMatchObject([{ month: new Date().toISOString().slice(0, 7), transactions: 0, state: 'open' }])
    expect(empty.items.map(({ is_over }) => is_over)).toEqual([false])
    expect(await billing(usage.month, { month: '2026-03' })).toMatchObject({ is_over: true })
    await spend('2026-03-05T10:00:00Z', '1')
    await spend('2026-05-05T10:00:00Z', '2')
    await billing(usage.closeMonth, { month: '2026-03' })
    const months: string[] = []
    let cursor: string | undefined
    do {
      const page = await billing(usage.months, { limit: 2, cursor })
      months.push(...page.items.map(({ month, state, cost_usd }) => `${month} ${state} ${cost_usd}`))
      cursor = page.next_cursor ?? undefined
    } while (cursor)
    expect(months.slice(-3)).toEqual([
      '2026-05 open 2.000000000',
      '2026-04 open 0.000000000',
      '2026-03 closed 1.000000000',
    ])
    expect(months).toEqual([...months].sort().reverse())
    expect(new Set(months).size).toBe(months.length)
  })

  test('are of years that have a month after each of theirs; others are refused as input, not by a failure', async () => {
    const { billing } = await spending()
    for (const month of ['9999-12', '3000-01', '1969-12', '2026-13']) {
      await expect(billing(usage.month, { month }), month).rejects.toMatchObject({ code: 'invalid_request' })
      await expect(billing(usage.closeMonth, { month }), month).rejects.toMatchObject({ code: 'invalid_request' })
    }
    expect(await billing(usage.month, { month: '2999-12' })).toMatchObject({ ends_at: '3000-01-01T00:00:00.000Z' })
  })

  test('come to the ledger, and each list of their reports to them, however months are closed in between', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          day: fc.integer({ min: 0, max: 119 }),
          nano: fc.integer({ min: 1, max: 2_000_000_000 }),
        }),
      },
      { weight: 1, arbitrary: fc.constant('close' as const) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const { organization, billing, spend } = await spending()
        let due: string | null = null
        for (const one of steps) {
          if (one === 'close') {
            const [first] = Object.keys(await ledgerOf(organization))
            due ??= first ?? null
            if (due === null || due > '2026-06') continue
            await billing(usage.closeMonth, { month: due }).catch(({ code }) => expect(code).toBe('conflict'))
            due = null
            for (const { month, state } of (await billing(usage.months, { limit: 200 })).items)
              if (state === 'open') due = month
            continue
          }
          const at = Date.parse('2026-02-10T00:00:00Z') + one.day * 86_400_000
          const given = { team_id: `team_${one.day % 3}`, model: `m${one.day % 4}` }
          await spend(new Date(at).toISOString(), usdOfNano(BigInt(one.nano)), given)
        }
        const ledger = await ledgerOf(organization)
        const { items } = await billing(usage.months, { limit: 200 })
        expect(
          Object.fromEntries(
            items
              .filter((one) => one.transactions > 0)
              .map((one) => [one.month, one.cost_usd])
              .reverse(),
          ),
        ).toEqual(ledger)
        for (const { month } of items.filter((one) => one.transactions > 0)) {
          const report = await billing(usage.month, { month })
          for (const parts of [report.by_model, report.by_team, report.by_key]) expect(sum(parts)).toBe(report.cost_usd)
          expect(sum(report.late)).toBe(report.late_usd)
        }
        const { total } = await billing(usage.read, { since: '2026-01-01', interval: 'all' })
        expect(total.cost_usd).toBe(sum(items))
      }),
      { numRuns: 6 },
    )
  }, 60_000)

  test('are not shown to somebody who sees one team, nor closed by somebody who may only read', async () => {
    const { organization } = await spending()
    const member = await organization.as(['spend:read', 'org:billing'], { teamId: 'team_a' })
    const viewer = await organization.as(['spend:read'])
    const asked = [
      () => member(usage.months, {}),
      () => member(usage.month, { month: '2026-03' }),
      () => member(usage.closeMonth, { month: '2026-03' }),
      () => viewer(usage.closeMonth, { month: '2026-03' }),
    ]
    for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: 'forbidden' })
    const stranger = await (await plane.organization()).as(['spend:read'])
    expect((await stranger(usage.month, { month: '2026-03' })).transactions).toBe(0)
  })
})
