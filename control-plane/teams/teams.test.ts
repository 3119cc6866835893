import { afterAll, describe, expect, test } from 'vitest'
import { teams } from '@/lib/contract/teams'
import { tokens } from '@/lib/contract/tokens'
import { wallets } from '@/lib/contract/wallets'
import { newId } from '@/lib/ids'
import { nanoUsdOf } from '@/lib/money'
import { moveHeld } from '../ledger/commands'
import { inTenant } from '../tenant'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

async function start() {
  const organization = await plane.organization()
  const owner = await organization.as('role_owner')
  return { organization, orgId: organization.orgId, owner }
}

describe('teams', () => {
  test('may all be deleted; a key of a team then asks for one to be made', async () => {
    const { owner } = await start()
    const { items } = await owner(teams.list, {})
    for (const { id } of items) await owner(teams.delete, { id })
    await expect(owner(tokens.create, { name: 'ours', token_type: 'gateway', scope: 'team' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'team_id: there is no team; make one first',
    })
  })

  test('are made, renamed and listed by name, each with an entry', async () => {
    const { owner, organization } = await start()
    const finance = await owner(teams.create, { name: 'Finance' })
    await owner(teams.create, { name: 'Sales' })
    expect(await owner(teams.rename, { id: finance.id, name: 'Controlling' })).toMatchObject({ id: finance.id })
    await owner(teams.rename, { id: finance.id, name: 'Controlling' })
    const names: string[] = []
    let cursor: string | undefined
    do {
      const page = await owner(teams.list, { limit: 1, cursor })
      names.push(...page.items.map(({ name }) => name))
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(names).toEqual(['Controlling', 'Default', 'Sales'])
    expect(await organization.recorded()).toEqual(['owner team.created', 'owner team.created', 'owner team.renamed'])
  })

  test('have names of their own, also when two ask at once', async () => {
    const { owner } = await start()
    const made = await Promise.allSettled(Array.from({ length: 6 }, () => owner(teams.create, { name: 'Finance' })))
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const sales = await owner(teams.create, { name: 'Sales' })
    await expect(owner(teams.rename, { id: sales.id, name: 'Finance' })).rejects.toMatchObject({ code: 'name_taken' })
  })

  test.each(['', '   ', 'a\nb', 'x'.repeat(81)])('have no name such as "%s"', async (name) => {
    const { owner } = await start()
    await expect(owner(teams.create, { name })).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('of others are not there', async () => {
    const { owner } = await start()
    const other = await start()
    const { id } = await owner(teams.create, { name: 'Finance' })
    await expect(other.owner(teams.rename, { id, name: 'Mine' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(other.owner(teams.delete, { id })).rejects.toMatchObject({ code: 'not_found' })
    expect((await other.owner(teams.list, {})).items.map(({ name }) => name)).toEqual(['Default'])
  })
})

describe('a key that is made for a team while the team is deleted', () => {
  /** Whoever comes first waits first: both wait for what somebody else holds. */
  async function inOrder(orgId: string, ...all: (() => Promise<unknown>)[]): Promise<string[]> {
    const ends: Promise<string>[] = []
    await plane.owner.begin(async (sql) => {
      await sql`select from org_counters where org_id = ${orgId} for update`
      for (const one of all) {
        ends.push(
          one().then(
            () => 'done',
            ({ message }: Error) => message,
          ),
        )
        await expect.poll(waiting, { interval: 5, timeout: 5_000 }).toBe(ends.length)
      }
    })
    return Promise.all(ends)
  }
  async function waiting(): Promise<number> {
    const [row] = await plane.owner<{ n: number }[]>`
      select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    return row?.n ?? 0
  }
  const keyFor = (owner: Awaited<ReturnType<typeof start>>['owner'], team_id: string) => () =>
    owner(tokens.create, { name: 'ours', token_type: 'gateway', scope: 'team', team_id })

  test('is refused when the team was faster', async () => {
    const { owner, orgId } = await start()
    const { id } = await owner(teams.create, { name: 'Finance' })
    const ends = await inOrder(orgId, () => owner(teams.delete, { id }), keyFor(owner, id))
    expect(ends).toEqual(['done', expect.stringMatching(/there is no such team/)])
  })

  test('keeps the team when it was faster', async () => {
    const { owner, orgId } = await start()
    const { id } = await owner(teams.create, { name: 'Finance' })
    const ends = await inOrder(orgId, keyFor(owner, id), () => owner(teams.delete, { id }))
    expect(ends).toEqual(['done', expect.stringMatching(/1 live key/)])
  })

  test('is refused to a key of that team, too', async () => {
    const { owner, orgId, organization } = await start()
    const { id } = await owner(teams.create, { name: 'Finance' })
    const own = await organization.as('role_admin', { teamId: id })
    let making: Promise<unknown> = Promise.resolve()
    await plane.owner.begin(async (sql) => {
      await sql`select from org_counters where org_id = ${orgId} for update`
      making = own(tokens.create, { name: 'ours', token_type: 'gateway', scope: 'team' })
      making.catch(() => undefined)
      await expect.poll(waiting, { interval: 5, timeout: 5_000 }).toBe(1)
      await sql`delete from teams where org_id = ${orgId} and id = ${id}`
    })
    await expect(making).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('a team is deleted', () => {
  test('when nothing is left that belongs to it, and the refusal says what is', async () => {
    const { owner, orgId, organization } = await start()
    const { id } = await owner(teams.create, { name: 'Finance' })
    const refused = (detail: RegExp) =>
      expect(owner(teams.delete, { id })).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(detail),
      })
    await plane.owner`insert into users (org_id, id, email, name, role_id, team_id)
      values (${orgId}, 'usr_bob', 'bob@example.com', 'Bob', 'role_viewer', ${id})`
    await refused(/^Team Finance cannot be deleted: it has 1 member\.$/)
    await plane.owner`update users set team_id = null where org_id = ${orgId}`
    const { token } = await owner(tokens.create, { name: 'ci', token_type: 'gateway', scope: 'team', team_id: id })
    await refused(/it has 1 live key, to be revoked first/)
    await owner(tokens.revoke, { id: token.id })
    await owner(wallets.credit, { amount_usd: '10' })
    await owner(wallets.allocate, { team_id: id, amount_usd: '5' })
    await refused(/its wallet has 5 US dollars, to be reclaimed first/)
    const move = (kind: 'reserve' | 'release') =>
      inTenant(plane.services.db, orgId, (tx) =>
        moveHeld(tx, orgId, {
          walletAccount: `wallet:team:${id}`,
          amount: nanoUsdOf('2'),
          kind,
          leaseId: 'lse_1',
          reference: newId('lse'),
        }),
      )
    await move('reserve')
    await owner(wallets.reclaim, { team_id: id, amount_usd: '3' })
    await refused(/gateways hold 2 US dollars of its wallet/)
    await move('release')
    await owner(wallets.reclaim, { team_id: id, amount_usd: '2' })
    expect(await owner(teams.delete, { id })).toEqual({ id })
    await expect(owner(teams.delete, { id })).rejects.toMatchObject({ code: 'not_found' })
    expect((await organization.recorded()).at(-1)).toBe('owner team.deleted')
    // Its ledger stays.
    expect((await owner(wallets.transactions, { id: `team:${id}` })).items).toHaveLength(5)
    await expect(owner(wallets.allocate, { team_id: id, amount_usd: '1' })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('or given money, not both, when both are asked for at once', async () => {
    const { owner } = await start()
    await owner(wallets.credit, { amount_usd: '10' })
    for (let round = 0; round < 5; round++) {
      const { id } = await owner(teams.create, { name: `Team ${round}` })
      const both = await Promise.allSettled([
        owner(teams.delete, { id }),
        owner(wallets.allocate, { team_id: id, amount_usd: '1' }),
      ])
      expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
  })
})
