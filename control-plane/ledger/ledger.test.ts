import { afterAll, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { wallets } from '@/lib/contract/wallets'
import { newId } from '@/lib/ids'
import { type NanoUsd, nanoUsd, nanoUsdOf } from '@/lib/money'
import { inTenant } from '../tenant'
import { startControlPlane } from '../testing'
import { checkLedgers } from './checks/commands'
import { type Leg, moveHeld, type Posting, post } from './commands'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const { db } = plane.services

async function start() {
  const { orgId, as } = await plane.organization()
  const finance = await as('role_finance')
  const auditor = await as('role_auditor')
  return { orgId, finance, auditor }
}

const posting = (legs: Leg[], given: Partial<Posting> = {}): Posting => {
  const id = newId('ltx')
  return { id, kind: 'adjust', reference: id, occurredAt: new Date().toISOString(), legs, ...given }
}
const leg = (account: string, amount: bigint): Leg => ({ account, amount: nanoUsd(amount) })
const usd = (text: string): NanoUsd => nanoUsdOf(text)

describe('the database', () => {
  test('refuses what does not come to zero, whoever inserts it', async () => {
    const { orgId } = await start()
    const unbalanced = inTenant(db, orgId, (tx) => post(tx, orgId, [posting([leg('spend', 5n), leg('unfunded', -4n)])]))
    await expect(unbalanced).rejects.toMatchObject({ code: '23514' })
    // One that is balanced does not carry another.
    const carried = inTenant(db, orgId, (tx) =>
      post(tx, orgId, [posting([leg('spend', 5n), leg('unfunded', -4n)]), posting([leg('spend', -1n)])]),
    )
    await expect(carried).rejects.toMatchObject({ code: '23514' })
    const byOwner = plane.owner`insert into ledger_entries (org_id, transaction_id, account_id, amount_nano_usd)
      values (${orgId}, 'ltx_1', 'spend', 1)`
    await expect(byOwner).rejects.toMatchObject({ code: '23514' })
    const [left] = await plane.owner`select count(*)::int as rows from ledger_transactions where org_id = ${orgId}`
    expect(left?.rows).toBe(0)
  })

  test('refuses entries of a transaction that is none', async () => {
    const { orgId } = await start()
    const stray = plane.owner`insert into ledger_entries (org_id, transaction_id, account_id, amount_nano_usd)
      values (${orgId}, 'ltx_none', 'spend', 1), (${orgId}, 'ltx_none', 'unfunded', -1)`
    await expect(stray).rejects.toMatchObject({ code: '23503' })
  })

  test('reads what is posted to check it, however much was posted before', async () => {
    const { orgId } = await start()
    // On one connection, which keeps the plans that it made when there was nothing to read.
    const posted = await plane.database.sql.reserve()
    const rowsRead = async () => {
      const [read] = await posted`
        select seq_tup_read + coalesce(idx_tup_fetch, 0) as rows from pg_stat_xact_user_tables where relname = 'ledger_transactions'`
      return Number(read?.rows)
    }
    /** @returns how many transactions were read meanwhile */
    const transaction = async (first: number, last: number) => {
      await posted`begin`
      const before = await rowsRead()
      await posted`select set_config('app.org_id', ${orgId}, true)`
      await posted`insert into ledger_transactions (org_id, id, kind, reference, occurred_at, posted_at, month)
        select ${orgId}, 'ltx_' || n, 'spend', 'r' || n, now(), now(), '2026-01' from generate_series(${first}::int, ${last}::int) n`
      await posted`insert into ledger_entries (org_id, transaction_id, account_id, amount_nano_usd)
        select ${orgId}, 'ltx_' || n, account, amount from generate_series(${first}::int, ${last}::int) n,
          (values ('spend', 1), ('unfunded', -1)) as leg (account, amount)`
      const after = await rowsRead()
      await posted`commit`
      return after - before
    }
    try {
      await transaction(1, 1)
      await transaction(2, 3_000)
      expect(await transaction(3_001, 3_100)).toBeLessThan(500)
    } finally {
      posted.release()
    }
  })

  test('lets nobody change or delete what was posted, the application least of all', async () => {
    const { orgId, finance } = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    const changes = [
      'update ledger_entries set amount_nano_usd = amount_nano_usd * 2',
      'delete from ledger_entries',
      "update ledger_transactions set note = 'another'",
      'delete from ledger_transactions',
      'truncate ledger_entries',
    ]
    for (const change of changes) {
      const byApplication = plane.database.sql.begin(async (sql) => {
        await sql`select set_config('app.org_id', ${orgId}, true)`
        await sql.unsafe(change)
      })
      await expect(byApplication, change).rejects.toMatchObject({ code: '42501' })
    }
    for (const change of changes.slice(0, 4)) {
      await expect(plane.owner.unsafe(change), change).rejects.toMatchObject({ code: '42501' })
    }
    expect(await finance(wallets.check, {})).toMatchObject({ balanced: true })
  })

  test('refuses a wallet that owes', async () => {
    const { orgId, finance } = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    for (const id of ['wallet:organization', 'held:organization']) {
      const forced = plane.owner`update ledger_accounts set balance_nano_usd = -1 where org_id = ${orgId} and id = ${id}`
      await expect(forced).rejects.toMatchObject({ code: '23514' })
    }
    const overdrawn = inTenant(db, orgId, (tx) =>
      post(tx, orgId, [posting([leg('wallet:organization', -usd('11')), leg('spend', usd('11'))])]),
    )
    await expect(overdrawn).rejects.toMatchObject({ code: 'conflict' })
  })

  test('posts a reference once', async () => {
    const { orgId } = await start()
    const twice = () =>
      inTenant(db, orgId, (tx) =>
        post(tx, orgId, [posting([leg('spend', 1n), leg('unfunded', -1n)], { reference: 'repricing 1' })]),
      )
    await twice()
    await expect(twice()).rejects.toMatchObject({ code: '23505' })
  })

  test('shows and takes what is of the organisation that asks', async () => {
    const { finance } = await start()
    const stranger = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    const seen = await plane.database.sql.begin(async (sql) => {
      await sql`select set_config('app.org_id', ${stranger.orgId}, true)`
      return sql`select 1 from ledger_entries union all select 1 from ledger_transactions union all select 1 from ledger_accounts`
    })
    expect(seen).toEqual([])
    const foreign = inTenant(db, stranger.orgId, (tx) =>
      post(tx, 'org_other', [posting([leg('spend', 1n), leg('unfunded', -1n)])]),
    )
    await expect(foreign).rejects.toMatchObject({ code: '42501' })
  })
})

describe('what gateways hold', () => {
  const move = (orgId: string, kind: 'reserve' | 'release' | 'expire', amount: string, reference = newId('lse')) =>
    inTenant(db, orgId, (tx) =>
      moveHeld(tx, orgId, {
        walletAccount: 'wallet:organization',
        amount: usd(amount),
        kind,
        leaseId: 'lse_1',
        reference,
      }),
    )

  test('is never more than there was, however many ask at once', async () => {
    const { orgId, finance } = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    const taken = await Promise.all(Array.from({ length: 30 }, () => move(orgId, 'reserve', '0.7')))
    expect(taken.filter(Boolean)).toHaveLength(14)
    expect(await move(orgId, 'release', '9.9')).toBe(false)
    expect(await move(orgId, 'expire', '9.8')).toBe(true)
    expect(await finance(wallets.get, { id: 'organization' })).toMatchObject({
      balance_usd: '10.000000000',
      held_usd: '0.000000000',
    })
    expect(await finance(wallets.check, {})).toMatchObject({ balanced: true })
  })

  test('is nothing of a wallet that is not there', async () => {
    const { orgId } = await start()
    expect(await move(orgId, 'reserve', '0.000000001')).toBe(false)
  })
})

test('whoever makes a wallet waits for others that make it before it has locked one that they need', async () => {
  const { orgId, finance } = await start()
  await finance(wallets.credit, { amount_usd: '10' })
  let posted: Promise<void> | undefined
  await plane.owner.begin(async (sql) => {
    for (const id of ['held:user:new', 'wallet:user:new']) {
      const kind = id.slice(0, id.indexOf(':'))
      await sql`insert into ledger_accounts (org_id, id, kind, scope, scope_id) values (${orgId}, ${id}, ${kind}, 'user', 'new')`
    }
    const legs = [leg('wallet:organization', -1n), leg('wallet:user:new', 1n)]
    posted = inTenant(db, orgId, (tx) => post(tx, orgId, [posting(legs)]))
    const waiting = () => plane.owner`
      select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await expect.poll(async () => (await waiting()).length, { timeout: 10_000 }).toBe(1)
    const mine = sql`select 1 from ledger_accounts where org_id = ${orgId} and id = 'wallet:organization' for update nowait`
    expect(await mine).toHaveLength(1)
  })
  await posted
  expect(await finance(wallets.get, { id: 'user:new' })).toMatchObject({ balance_usd: '0.000000001' })
})

test('whatever is posted in whatever order, entries come to zero and every balance is the sum of its own', async () => {
  const { orgId, finance } = await start()
  await finance(wallets.credit, { amount_usd: '1000' })
  const accounts = [
    'wallet:organization',
    'held:organization',
    'wallet:team:a',
    'held:team:a',
    'wallet:user:b',
    'spend',
    'unfunded',
  ]
  const batchOf = (n: number) =>
    Array.from({ length: 1 + (n % 5) }, (_, m) => {
      const [from, to] = [accounts[(n * 3 + m) % accounts.length], accounts[(n * 5 + m + 1) % accounts.length]]
      if (from === undefined || to === undefined || from === to) return posting([])
      const amount = BigInt(1 + ((n * 7919 + m * 104_729) % 3_000_000_000))
      return posting([leg(from, -amount), leg(to, amount)])
    }).filter(({ legs }) => legs.length > 0)
  const results = await Promise.allSettled(
    Array.from({ length: 120 }, (_, n) => inTenant(db, orgId, (tx) => post(tx, orgId, batchOf(n)))),
  )
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
  expect(new Set(failures)).toEqual(new Set(['conflict']))
  expect(results.length - failures.length).toBeGreaterThan(30)
  expect(await finance(wallets.check, {})).toMatchObject({ balanced: true, sum_usd: '0.000000000' })
  const wrong = await plane.owner`
    select transaction_id from ledger_entries where org_id = ${orgId}
    group by transaction_id having sum(amount_nano_usd) <> 0`
  expect(wrong).toEqual([])
})

describe('a ledger that does not add up', () => {
  const told = async (auditor: Awaited<ReturnType<typeof start>>['auditor']) =>
    (await auditor(activity.list, {})).items.filter(({ action }) => action.startsWith('ledger.')).toReversed()
  const checked = () => checkLedgers(plane.services, new AbortController().signal)

  test('is told once, again when it is another difference, and when it adds up again', async () => {
    const { orgId, finance, auditor } = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    await checked()
    expect(await told(auditor)).toEqual([])
    const off = (by: number) => plane.owner`
      update ledger_accounts set balance_nano_usd = balance_nano_usd + ${by} where org_id = ${orgId} and id = 'wallet:organization'`
    await off(3)
    expect(await finance(wallets.check, {})).toEqual({
      balanced: false,
      checked_at: expect.any(String),
      sum_usd: '0.000000000',
      differences: [{ account: 'wallet:organization', balance_usd: '10.000000003', entries_usd: '10.000000000' }],
    })
    await checked()
    // The ledger goes on meanwhile.
    await finance(wallets.credit, { amount_usd: '1' })
    await checked()
    expect((await told(auditor)).map(({ action, actor, after }) => [action, actor.name, after])).toEqual([
      [
        'ledger.imbalance',
        'Keeptrusts',
        { sum_usd: '0.000000000', differences: [{ account: 'wallet:organization', difference_usd: '0.000000003' }] },
      ],
    ])
    await off(1)
    await checked()
    await off(-4)
    await checked()
    await checked()
    expect((await told(auditor)).map(({ action }) => action)).toEqual([
      'ledger.imbalance',
      'ledger.imbalance',
      'ledger.balanced',
    ])
  })

  test('is found by entries that are gone, too', async () => {
    const { orgId, finance, auditor } = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    await plane.owner.begin(async (sql) => {
      await sql`alter table ledger_entries disable trigger ledger_is_a_record`
      await sql`delete from ledger_entries where org_id = ${orgId} and account_id = 'funding'`
      await sql`alter table ledger_entries enable trigger ledger_is_a_record`
    })
    expect(await finance(wallets.check, {})).toMatchObject({
      balanced: false,
      sum_usd: '10.000000000',
      differences: [{ account: 'funding', balance_usd: '-10.000000000', entries_usd: '0.000000000' }],
    })
    await checked()
    expect(await told(auditor)).toHaveLength(1)
  })

  test('is found also when that of another organisation cannot be read', async () => {
    const first = await start()
    const second = await start()
    for (const { finance, orgId } of [first, second]) {
      await finance(wallets.credit, { amount_usd: '10' })
      await plane.owner`
        update ledger_accounts set balance_nano_usd = balance_nano_usd + 1 where org_id = ${orgId} and id = 'wallet:organization'`
    }
    // Nothing can be said to an organisation whose record has no place for it.
    const [counters] = await plane.owner`delete from org_counters where org_id = ${first.orgId} returning *`
    await expect(checked()).rejects.toThrow('1 ledgers could not be checked.')
    expect(await told(second.auditor)).toHaveLength(1)
    await plane.owner`insert into org_counters ${plane.owner(counters ?? {})}`
    await checked()
    expect(await told(first.auditor)).toHaveLength(1)
  })
})
