import { afterAll, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { budgets } from '@/lib/contract/budgets'
import { GATEWAY_WALLETS_MAX } from '@/lib/contract/spend-shapes'
import { teams } from '@/lib/contract/teams'
import { wallets } from '@/lib/contract/wallets'
import { newId } from '@/lib/ids'
import { nanoUsdOf } from '@/lib/money'
import { moveHeld } from '../ledger/commands'
import { inTenant } from '../tenant'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

async function start() {
  const organization = await plane.organization('Acme')
  const finance = await organization.as('role_finance')
  const owner = await organization.as('role_owner')
  const team = await owner(teams.create, { name: 'Finance' })
  const balanceOf = async (id: string) => (await finance(wallets.get, { id })).balance_usd
  const hold = (id: string, usd: string, kind: 'reserve' | 'release' = 'reserve') =>
    inTenant(plane.services.db, organization.orgId, (tx) =>
      moveHeld(tx, organization.orgId, {
        walletAccount: `wallet:${id}`,
        amount: nanoUsdOf(usd),
        kind,
        leaseId: newId('lse'),
        reference: newId('lse'),
      }),
    )
  return { organization, orgId: organization.orgId, finance, owner, team, balanceOf, hold }
}

const refusal = (code: string, detail: string | RegExp) => ({
  code,
  message: typeof detail === 'string' ? detail : expect.stringMatching(detail),
})

describe('money', () => {
  test('goes from a credit to the organisation, to a team, to its user and back, and each says both sides', async () => {
    const { finance, team, balanceOf } = await start()
    const credit = await finance(wallets.credit, { amount_usd: '2000', note: 'Invoice 2026-031' })
    expect(credit).toMatchObject({
      kind: 'credit',
      amount_usd: '2000.000000000',
      from: null,
      to: { wallet_id: 'organization', balance_before_usd: '0.000000000', balance_after_usd: '2000.000000000' },
    })
    const id = `team:${team.id}`
    const allocation = await finance(wallets.allocate, { team_id: team.id, amount_usd: '500.000000001' })
    expect(allocation).toMatchObject({
      kind: 'allocate',
      from: {
        wallet_id: 'organization',
        balance_before_usd: '2000.000000000',
        balance_after_usd: '1499.999999999',
      },
      to: { wallet_id: id, balance_before_usd: '0.000000000', balance_after_usd: '500.000000001' },
    })
    await finance(wallets.allocate, { user_id: 'ada', amount_usd: '20', from: id })
    const back = await finance(wallets.reclaim, { user_id: 'ada', amount_usd: '5', to: id })
    expect(back).toMatchObject({
      kind: 'reclaim',
      from: { wallet_id: 'user:ada', balance_after_usd: '15.000000000' },
      to: { wallet_id: id, balance_after_usd: '485.000000001' },
    })
    await finance(wallets.reclaim, { user_id: 'ada', amount_usd: '15' })
    expect(await balanceOf('organization')).toBe('1514.999999999')
    expect(await finance(wallets.check, {})).toMatchObject({ balanced: true, sum_usd: '0.000000000' })
  })

  test('belongs to nobody whom no request can name', async () => {
    const { finance } = await start()
    const refused = { code: 'invalid_request', message: expect.stringContaining('printable ASCII') }
    await expect(finance(wallets.allocate, { user_id: 'josé', amount_usd: '1' })).rejects.toMatchObject(refused)
    await expect(
      finance(budgets.create, { name: 'j', limit_usd: '1', window: 'month', scope: { user_id: 'josé' } }),
    ).rejects.toMatchObject(refused)
  })

  test('is moved by nobody without org:billing', async () => {
    const { organization, team } = await start()
    for (const role of ['role_admin', 'role_viewer', 'role_auditor'] as const) {
      const client = await organization.as(role)
      await expect(client(wallets.allocate, { team_id: team.id, amount_usd: '1' })).rejects.toMatchObject({
        code: 'forbidden',
      })
    }
    const ofTeam = await organization.as(['org:billing', 'spend:read'], { teamId: team.id })
    await expect(ofTeam(wallets.credit, { amount_usd: '1' })).rejects.toMatchObject({ code: 'forbidden' })
    // Differences name every account.
    await expect(ofTeam(wallets.check, {})).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('is moved with an entry that says who, how much and between what', async () => {
    const { finance, owner, team } = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    const { transaction_id } = await finance(wallets.allocate, { team_id: team.id, amount_usd: '4', note: 'First' })
    await expect(finance(wallets.allocate, { team_id: team.id, amount_usd: '40' })).rejects.toMatchObject({
      code: 'conflict',
    })
    const { items } = await owner(activity.list, { limit: 2 })
    expect(
      items.map(({ actor, action, target, after }) => [actor.name, action, target.id, target.name, after]),
    ).toEqual([
      [
        'finance',
        'wallet.allocated',
        `team:${team.id}`,
        'Finance',
        {
          transaction_id,
          kind: 'allocate',
          amount_usd: '4.000000000',
          from: {
            wallet_id: 'organization',
            balance_before_usd: '10.000000000',
            balance_after_usd: '6.000000000',
          },
          to: { wallet_id: `team:${team.id}`, balance_before_usd: '0.000000000', balance_after_usd: '4.000000000' },
          note: 'First',
        },
      ],
      ['finance', 'wallet.credited', 'organization', expect.any(String), expect.anything()],
    ])
  })

  test('is taken out of the organisation again as far as nobody has or holds it, and not a nano-dollar more', async () => {
    const { finance, owner, team, balanceOf, hold } = await start()
    await expect(finance(wallets.debit, { amount_usd: '1' })).rejects.toMatchObject({ code: 'conflict' })
    await finance(wallets.credit, { amount_usd: '10' })
    await finance(wallets.allocate, { team_id: team.id, amount_usd: '4' })
    await hold('organization', '1')
    for (const dry_run of [true, false]) {
      const tooMuch = finance(wallets.debit, { amount_usd: '5.000000001', dry_run })
      await expect(tooMuch).rejects.toMatchObject({ code: 'conflict' })
    }
    const sides = {
      kind: 'debit',
      amount_usd: '5.000000000',
      from: { wallet_id: 'organization', balance_before_usd: '5.000000000', balance_after_usd: '0.000000000' },
      to: null,
    }
    const said = await finance(wallets.debit, { amount_usd: '5', dry_run: true })
    expect(said).toMatchObject({ ...sides, transaction_id: null })
    expect(await balanceOf('organization')).toBe('5.000000000')
    expect(await finance(wallets.debit, { amount_usd: '5', note: 'Entered twice' })).toMatchObject(sides)
    expect(await finance(wallets.get, { id: 'organization' })).toMatchObject({
      balance_usd: '0.000000000',
      held_usd: '1.000000000',
      received_usd: '1.000000000',
      spent_usd: '0.000000000',
    })
    const { items } = await finance(wallets.transactions, { id: 'organization', kind: 'debit' })
    expect(items).toMatchObject([{ amount_usd: '-5.000000000', counterpart: 'funding', note: 'Entered twice' }])
    expect(await finance(wallets.check, {})).toMatchObject({ balanced: true })
    const [entry] = (await owner(activity.list, { limit: 1 })).items
    expect([entry?.action, entry?.target.id]).toEqual(['wallet.debited', 'organization'])
  })

  test('is not moved by asking what it would do, which says both sides', async () => {
    const { finance, team, balanceOf } = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    const asked = { team_id: team.id, amount_usd: '4', dry_run: true }
    const preview = await finance(wallets.allocate, asked)
    expect(preview).toMatchObject({
      transaction_id: null,
      from: { balance_before_usd: '10.000000000', balance_after_usd: '6.000000000' },
      to: { wallet_id: `team:${team.id}`, balance_before_usd: '0.000000000', balance_after_usd: '4.000000000' },
    })
    expect(await balanceOf('organization')).toBe('10.000000000')
    expect((await finance(wallets.list, {})).items.map(({ id }) => id)).toEqual(['organization'])
    await expect(finance(wallets.allocate, { ...asked, amount_usd: '11' })).rejects.toMatchObject({ code: 'conflict' })
    await expect(finance(wallets.reclaim, asked)).rejects.toMatchObject(
      refusal('not_found', `There is no wallet team:${team.id}.`),
    )
    await finance(wallets.allocate, { ...asked, dry_run: false })
    expect(await finance(wallets.reclaim, asked)).toMatchObject({
      transaction_id: null,
      from: { balance_before_usd: '4.000000000', balance_after_usd: '0.000000000' },
    })
  })
})

describe('what cannot be', () => {
  const WRONG = [
    '-1',
    '0',
    '0.000000000',
    'NaN',
    'Infinity',
    '1e3',
    '',
    ' 1',
    '0x10',
    '1.0000000001',
    '1000000001',
    '1,5',
  ]

  test.each(WRONG)('an amount of "%s" is refused', async (amount_usd) => {
    const { finance, team } = await start()
    const calls = [
      () => finance(wallets.credit, { amount_usd }),
      () => finance(wallets.allocate, { team_id: team.id, amount_usd }),
      () => finance(wallets.reclaim, { team_id: team.id, amount_usd }),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject(refusal('invalid_request', /^amount_usd: must be /))
    }
  })

  test('numbers are no amounts, since they are not exact', async () => {
    const { finance } = await start()
    for (const amount of ['0.1', '1e999', '10']) {
      const answer = await plane.send('POST', '/v1/wallets/credit', {
        token: finance.token,
        body: `{"amount_usd":${amount}}`,
      })
      expect(answer.status).toBe(400)
    }
  })

  test('to allocate more than there is, says how much there is', async () => {
    const { finance, team, hold } = await start()
    const ask = { team_id: team.id, amount_usd: '10.000000001' }
    await expect(finance(wallets.allocate, ask)).rejects.toMatchObject(
      refusal('conflict', 'amount_usd: wallet organization has 0 US dollars to give.'),
    )
    await finance(wallets.credit, { amount_usd: '10' })
    await expect(finance(wallets.allocate, ask)).rejects.toMatchObject(
      refusal('conflict', 'amount_usd: wallet organization has 10 US dollars to give.'),
    )
    await expect(finance(wallets.allocate, ask)).rejects.toMatchObject({
      errors: [{ path: 'amount_usd', message: 'must be at most 10 US dollars.' }],
    })
    await hold('organization', '7.5')
    await expect(finance(wallets.allocate, { ...ask, amount_usd: '3' })).rejects.toMatchObject(
      refusal(
        'conflict',
        'amount_usd: wallet organization has 2.5 US dollars to give. Gateways hold 7.5 more, which comes back when it is not used.',
      ),
    )
  })

  test('to reclaim what gateways hold, says so, and what is not held can be', async () => {
    const { finance, team, hold } = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    await finance(wallets.allocate, { team_id: team.id, amount_usd: '10' })
    await hold(`team:${team.id}`, '6')
    await expect(finance(wallets.reclaim, { team_id: team.id, amount_usd: '4.01' })).rejects.toMatchObject(
      refusal('conflict', /has 4 US dollars to give\. Gateways hold 6 more/),
    )
    expect(await finance(wallets.reclaim, { team_id: team.id, amount_usd: '4' })).toMatchObject({ kind: 'reclaim' })
  })

  test('a wallet of nobody, of two, of a team that is none, or of a way that money does not go', async () => {
    const { finance, team, owner } = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    const ask = { amount_usd: '1' }
    await expect(finance(wallets.allocate, ask)).rejects.toMatchObject(refusal('invalid_request', /team_id or user_id/))
    await expect(finance(wallets.allocate, { ...ask, team_id: team.id, user_id: 'ada' })).rejects.toMatchObject(
      refusal('invalid_request', /one of them/),
    )
    await expect(finance(wallets.allocate, { ...ask, team_id: 'team_finance' })).rejects.toMatchObject(
      refusal('not_found', 'There is no team team_finance.'),
    )
    const other = await owner(teams.create, { name: 'Other' })
    await expect(
      finance(wallets.allocate, { ...ask, team_id: team.id, from: `team:${other.id}` }),
    ).rejects.toMatchObject(refusal('unprocessable', /^from: must be organization/))
    await expect(
      finance(wallets.allocate, { ...ask, team_id: team.id, from: `team:${team.id}` }),
    ).rejects.toMatchObject(refusal('unprocessable', /^from: must be organization/))
    await expect(finance(wallets.reclaim, { ...ask, team_id: team.id, to: 'user:ada' })).rejects.toMatchObject(
      refusal('unprocessable', /^to: must be organization/),
    )
    await expect(finance(wallets.allocate, { ...ask, user_id: 'ada', from: `team:${other.id}` })).rejects.toMatchObject(
      refusal('not_found', `There is no wallet team:${other.id}.`),
    )
    await expect(finance(wallets.get, { id: 'team:none' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(finance(wallets.transactions, { id: 'funding' })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a user is not given to by the team of others', async () => {
    const { finance, team, owner, orgId } = await start()
    const other = await owner(teams.create, { name: 'Other' })
    await plane.owner`insert into users (org_id, id, email, name, role_id, team_id)
      values (${orgId}, 'usr_bob', 'bob@example.com', 'Bob', 'role_viewer', ${other.id})`
    await finance(wallets.credit, { amount_usd: '10' })
    await finance(wallets.allocate, { team_id: team.id, amount_usd: '5' })
    await expect(
      finance(wallets.allocate, { user_id: 'usr_bob', amount_usd: '1', from: `team:${team.id}` }),
    ).rejects.toMatchObject(refusal('unprocessable', 'from: usr_bob is a member of another team.'))
  })

  test('more than four billion dollars in all wallets together', async () => {
    const { finance } = await start()
    for (let n = 0; n < 4; n++) await finance(wallets.credit, { amount_usd: '1000000000' })
    await expect(finance(wallets.credit, { amount_usd: '0.000000001' })).rejects.toMatchObject(
      refusal('unprocessable', /four billion dollars/),
    )
  })

  test('more wallets than gateways know, whose money nobody would ask for', async () => {
    const { finance, orgId } = await start()
    await finance(wallets.credit, { amount_usd: '10' })
    await plane.owner`insert into ledger_accounts (org_id, id, kind, scope, scope_id)
      select ${orgId}, kind || ':user:' || n, kind, 'user', n::text
      from generate_series(1, ${GATEWAY_WALLETS_MAX - 2}) as n, unnest(array['wallet', 'held']) as kind`
    const give = (user_id: string, dry_run = false) => finance(wallets.allocate, { user_id, amount_usd: '1', dry_run })
    await give('the last')
    const refused = refusal('unprocessable', 'An organisation may have 10000 wallets.')
    await expect(give('one more')).rejects.toMatchObject(refused)
    await expect(give('one more', true)).rejects.toMatchObject(refused)
    await give('the last')
    expect((await finance(wallets.get, { id: 'user:the last' })).balance_usd).toBe('2.000000000')
  })
})

describe('an Idempotency-Key', () => {
  test('lets a hundred who ask the same at once have one effect and one answer', async () => {
    const { finance, team, balanceOf } = await start()
    await finance(wallets.credit, { amount_usd: '1000' })
    const ask = () =>
      plane.send('POST', '/v1/wallets/allocate', {
        token: finance.token,
        body: JSON.stringify({ team_id: team.id, amount_usd: '1' }),
        headers: { 'idempotency-key': 'approval-17' },
      })
    const answers = await Promise.all(Array.from({ length: 100 }, ask))
    const done = answers.filter(({ status }) => status === 201)
    expect(answers.filter(({ status }) => status !== 201).map(({ json }) => json.code)).toEqual(
      answers.filter(({ status }) => status !== 201).map(() => 'idempotency_key_in_use'),
    )
    const last = await ask()
    expect(last.headers.get('idempotent-replayed')).toBe('true')
    expect(new Set([...done, last].map(({ text }) => text)).size).toBe(1)
    expect(done.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1)
    expect(await balanceOf(`team:${team.id}`)).toBe('1.000000000')
    const { items } = await finance(wallets.transactions, { id: `team:${team.id}` })
    expect(items).toHaveLength(1)
  })

  test('is refused for another amount', async () => {
    const { finance, team } = await start()
    await finance(wallets.credit, { amount_usd: '1000' })
    const ask = (amount_usd: string) =>
      plane.send('POST', '/v1/wallets/allocate', {
        token: finance.token,
        body: JSON.stringify({ team_id: team.id, amount_usd }),
        headers: { 'idempotency-key': 'approval-18' },
      })
    expect((await ask('1')).status).toBe(201)
    expect(await ask('2')).toMatchObject({ status: 422, json: { code: 'idempotency_key_reused' } })
  })
})

describe('at once', () => {
  test('many who allocate more than there is never overdraw, and get all that there is', async () => {
    const { finance, owner, balanceOf, organization } = await start()
    const second = await organization.as('role_owner')
    const others = await Promise.all(['A', 'B', 'C'].map((name) => owner(teams.create, { name })))
    await finance(wallets.credit, { amount_usd: '10' })
    const asks = Array.from({ length: 40 }, (_, n) => {
      const admin = n % 2 === 0 ? finance : second
      return admin(wallets.allocate, { team_id: others[n % 3]?.id ?? '', amount_usd: '0.7' }).then(
        () => true,
        (thrown) => {
          expect(thrown).toMatchObject({ code: 'conflict' })
          return false
        },
      )
    })
    const done = (await Promise.all(asks)).filter(Boolean)
    expect(done).toHaveLength(14) // of 0.7 each, 9.8 of 10
    expect(await balanceOf('organization')).toBe('0.200000000')
    expect(await finance(wallets.check, {})).toMatchObject({ balanced: true })
  })

  test('allocating, reclaiming and holding in any order leaves every balance the sum of its entries', async () => {
    const { finance, team, hold, orgId, balanceOf } = await start()
    await finance(wallets.credit, { amount_usd: '50' })
    const wallet = `team:${team.id}`
    const work = Array.from({ length: 90 }, (_, n) => {
      const amount_usd = `${1 + ((n * 13) % 7)}.${String((n * 7919) % 1_000_000_000).padStart(9, '0')}`
      const ofUser = n % 4 === 3 ? { user_id: `u${n % 3}` } : { team_id: team.id }
      if (n % 5 === 4)
        return hold(n % 2 === 0 ? wallet : 'organization', amount_usd, n % 3 === 0 ? 'release' : 'reserve')
      if (n % 3 === 2) return finance(wallets.reclaim, { ...ofUser, amount_usd })
      return finance(wallets.allocate, { ...ofUser, amount_usd })
    })
    const results = await Promise.allSettled(work)
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    expect(failed.filter((code) => code !== 'conflict' && code !== 'not_found')).toEqual([])
    expect(results.length - failed.length).toBeGreaterThan(10)
    expect(await finance(wallets.check, {})).toMatchObject({ balanced: true, sum_usd: '0.000000000' })
    const totals = await plane.owner<{ id: string; received: string; entries: string }[]>`
      select a.id, a.received_nano_usd as received, coalesce((
        select sum(e.amount_nano_usd) from ledger_entries e join ledger_transactions t on t.org_id = e.org_id
          and t.id = e.transaction_id where e.org_id = a.org_id and e.account_id = a.id
          and t.kind in ('credit', 'allocate', 'reclaim')), 0) as entries
      from ledger_accounts a where a.org_id = ${orgId} and a.kind = 'wallet'`
    for (const { id, received, entries } of totals) expect([id, received]).toEqual([id, entries])
    // Each row follows from the one before it.
    const rows = (await finance(wallets.transactions, { id: wallet, limit: 200 })).items.toReversed()
    let balance = 0n
    for (const row of rows) {
      balance += nanoUsdOf(row.amount_usd)
      expect(nanoUsdOf(row.balance_usd)).toBe(balance)
    }
    expect(nanoUsdOf(await balanceOf(wallet))).toBe(balance)
  })
})

describe('wallets are shown', () => {
  test('that of the organisation first, also when nothing was ever put into it, then teams, then users', async () => {
    const { finance, team, organization } = await start()
    const empty = await finance(wallets.list, {})
    expect(empty.items).toMatchObject([
      { id: 'organization', scope: 'organization', scope_id: null, name: 'Acme', status: 'depleted' },
    ])
    await finance(wallets.credit, { amount_usd: '100' })
    for (const user_id of ['zoe', 'ada', 'bob:1']) await finance(wallets.allocate, { user_id, amount_usd: '1' })
    await finance(wallets.allocate, { team_id: team.id, amount_usd: '10' })
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await finance(wallets.list, { limit: 2, cursor })
      ids.push(...page.items.map(({ id }) => id))
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(ids).toEqual(['organization', `team:${team.id}`, 'user:ada', 'user:bob:1', 'user:zoe'])
    const { items } = await finance(wallets.list, { scope: 'team' })
    expect(items).toMatchObject([{ id: `team:${team.id}`, name: 'Finance', received_usd: '10.000000000' }])
    const stranger = await (await plane.organization()).as('role_owner')
    expect((await stranger(wallets.list, {})).items).toMatchObject([{ id: 'organization', balance_usd: '0.000000000' }])
    await expect(stranger(wallets.get, { id: `team:${team.id}` })).rejects.toMatchObject({ code: 'not_found' })
    const ofTeam = await organization.as(['spend:read'], { teamId: team.id })
    expect((await ofTeam(wallets.list, {})).items.map(({ id }) => id)).toEqual([`team:${team.id}`])
    await expect(ofTeam(wallets.get, { id: 'organization' })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('with what is held of them, and as low or depleted by what can still be spent', async () => {
    const { finance, team, hold } = await start()
    const id = `team:${team.id}`
    await finance(wallets.credit, { amount_usd: '100' })
    await finance(wallets.allocate, { team_id: team.id, amount_usd: '100' })
    expect(await hold(id, '60')).toBe(true)
    expect(await hold(id, '40.000000001')).toBe(false)
    expect(await finance(wallets.get, { id })).toMatchObject({
      balance_usd: '40.000000000',
      held_usd: '60.000000000',
      received_usd: '100.000000000',
      spent_usd: '0.000000000',
      status: 'healthy',
      held: [],
    })
    expect(await finance(wallets.get, { id: 'organization' })).toMatchObject({
      status: 'depleted',
      received_usd: '0.000000000',
    })
    expect(await finance(wallets.balance, { team_id: team.id, user_id: 'ada' })).toMatchObject({
      cascade: [{ id }, { id: 'organization' }],
      available_usd: '40.000000000',
    })
  })

  test('with what moved on them, newest first, by page, kind and time', async () => {
    const { finance, team, hold } = await start()
    await finance(wallets.credit, { amount_usd: '100' })
    for (let n = 1; n <= 5; n++)
      await finance(wallets.allocate, { team_id: team.id, amount_usd: `${n}`, note: `No ${n}` })
    const id = `team:${team.id}`
    await hold(id, '4')
    await hold(id, '1', 'release')
    const rows = []
    let cursor: string | undefined
    do {
      const page = await finance(wallets.transactions, { id, limit: 2, cursor })
      rows.push(...page.items)
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    const brief = rows.map(({ kind, amount_usd, held_change_usd, balance_usd, counterpart, note, actor }) =>
      [kind, Number(amount_usd), Number(held_change_usd), Number(balance_usd), counterpart, note, actor?.name].join(
        ' ',
      ),
    )
    expect(brief).toEqual([
      'release 1 -1 12 held  ',
      'reserve -4 4 11 held  ',
      'allocate 5 0 15 organization No 5 finance',
      'allocate 4 0 10 organization No 4 finance',
      'allocate 3 0 6 organization No 3 finance',
      'allocate 2 0 3 organization No 2 finance',
      'allocate 1 0 1 organization No 1 finance',
    ])
    const ofOrganization = await finance(wallets.transactions, { id: 'organization', limit: 1 })
    expect(ofOrganization.items).toMatchObject([{ kind: 'allocate', amount_usd: '-5.000000000', counterpart: id }])
    expect((await finance(wallets.transactions, { id, kind: 'release' })).items).toHaveLength(1)
    expect((await finance(wallets.transactions, { id, since: '1h' })).items).toHaveLength(7)
    expect((await finance(wallets.transactions, { id, until: '1h' })).items).toHaveLength(0)
    const [, second] = rows
    expect((await finance(wallets.transactions, { id, since: second?.posted_at })).items).toHaveLength(2)
  })
})

describe('how spend is governed', () => {
  test('is by defaults until somebody decides otherwise, and each change says what it was', async () => {
    const { finance, owner } = await start()
    expect(await finance(wallets.settings, {})).toMatchObject({
      wallets_required: false,
      unknown_price: 'flag',
      unknown_price_usd: '0.050000000',
      time_zone: 'UTC',
    })
    const changes = { wallets_required: true, unknown_price_usd: '0.1', time_zone: 'Europe/Vienna' }
    const wanted = { ...changes, unknown_price: 'flag', unknown_price_usd: '0.100000000' }
    expect(await finance(wallets.updateSettings, changes)).toMatchObject(wanted)
    expect(await finance(wallets.updateSettings, { unknown_price: 'deny' })).toMatchObject({
      ...wanted,
      unknown_price: 'deny',
    })
    await finance(wallets.updateSettings, { unknown_price_usd: '0.10' })
    const { items } = await owner(activity.list, { limit: 2 })
    expect(items.map(({ action, before, after }) => [action, before, after])).toEqual([
      ['settings.spend_updated', { unknown_price: 'flag' }, { unknown_price: 'deny' }],
      [
        'settings.spend_updated',
        { wallets_required: false, unknown_price_usd: '0.050000000', time_zone: 'UTC' },
        { wallets_required: true, unknown_price_usd: '0.100000000', time_zone: 'Europe/Vienna' },
      ],
    ])
  })

  test('takes no unknown price for nothing', async () => {
    const { finance } = await start()
    const free = { unknown_price: 'hold_default' as const, unknown_price_usd: '0' }
    const refused = refusal('unprocessable', /^unknown_price_usd: must be more than zero/)
    await expect(finance(wallets.updateSettings, free)).rejects.toMatchObject(refused)
    await finance(wallets.updateSettings, { unknown_price_usd: '0' })
    await expect(finance(wallets.updateSettings, { unknown_price: 'hold_default' })).rejects.toMatchObject(refused)
    for (const unknown_price_usd of ['-1', 'NaN', '1000000001', '0.0000000001']) {
      await expect(finance(wallets.updateSettings, { unknown_price_usd })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    }
  })

  test('is changed by two at once as if one had come after the other', async () => {
    const { finance, owner } = await start()
    await Promise.all([
      finance(wallets.updateSettings, { unknown_price: 'deny' }),
      owner(wallets.updateSettings, { wallets_required: true }),
    ])
    expect(await finance(wallets.settings, {})).toMatchObject({ unknown_price: 'deny', wallets_required: true })
  })

  test.each(['CET', '+01:00', 'Mars/Olympus', 'Europe/../etc', ''])('has no time zone "%s"', async (time_zone) => {
    const { finance } = await start()
    await expect(finance(wallets.updateSettings, { time_zone })).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('is told to gateways at once, and so is a wallet that is new', async () => {
    const { finance, orgId, team } = await start()
    const heard: string[] = []
    const stop = plane.services.hub.subscribe(orgId, ({ kind }) => heard.push(kind))
    await finance(wallets.updateSettings, { wallets_required: true })
    await expect.poll(() => heard).toEqual(['settings'])
    await finance(wallets.credit, { amount_usd: '10' })
    await finance(wallets.allocate, { team_id: team.id, amount_usd: '1' })
    await expect.poll(() => heard).toHaveLength(3)
    await finance(wallets.allocate, { team_id: team.id, amount_usd: '1' })
    await finance(wallets.updateSettings, { wallets_required: false })
    await expect.poll(() => heard).toHaveLength(4)
    stop()
  })
})
