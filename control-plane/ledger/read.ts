import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { LEDGER_COLUMNS, type LedgerTransaction, type ledger } from '@/lib/contract/ledger'
import { toPage } from '@/lib/contract/page'
import { AppError } from '@/lib/errors'
import { usdOfNano } from '@/lib/money'
import type { Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Transaction } from '../database'
import { textField } from '../exports/formats/csv'
import type { FileAnswer } from '../file-answer'
import { toInstant } from '../instant'
import type { Input } from '../routes'
import { inTenant } from '../tenant'
import { SPEND } from './accounts'

const Position = z.string().max(300)

/** In the order of bytes. */
export async function listAccounts(ctx: Context, input: Input<typeof ledger.accounts>) {
  assertSeesAll(ctx)
  const cursors = cursorsOf(ctx, 'ledger.accounts', input)
  const after = cursors.decode(Position) ?? ''
  const { rows } = await ctx.tx.execute<{ id: string; balance: string }>(sql`
    select id, balance_nano_usd as balance from ledger_accounts
    where org_id = ${ctx.actor.orgId} and id collate "C" > ${after} order by id collate "C" limit ${input.limit + 1}`)
  const items = rows.map(({ id, balance }) => ({ id, balance_usd: usdOfNano(BigInt(balance)) }))
  return toPage(items, input.limit, ({ id }) => cursors.encode(id))
}

export async function getTransaction(ctx: Context, { id }: Input<typeof ledger.transaction>) {
  assertSeesAll(ctx)
  const [found] = transactionsOf(await entriesOf(ctx.tx, ctx.actor.orgId, [id]))
  if (!found) throw new AppError('not_found', `There is no transaction ${id} in the ledger.`)
  return found
}

/** An event is repriced at most as often as somebody asks for it: by far more than anybody does. */
const CORRECTIONS_MAX = 1_000

export async function ledgerOfEvent(ctx: Context, { id }: Input<typeof ledger.ofEvent>) {
  assertSeesAll(ctx)
  const { orgId } = ctx.actor
  const { rows } = await ctx.tx.execute<{ id: string }>(sql`
    select id from ledger_transactions
    where org_id = ${orgId} and event_id = ${id} and kind = 'adjust' order by id limit ${CORRECTIONS_MAX}`)
  const ids = [`ltx_${id.slice(4)}`, ...rows.map((row) => row.id)]
  const entries = (await entriesOf(ctx.tx, orgId, ids)).filter(({ event_id }) => event_id === id)
  if (entries.length === 0) throw new AppError('not_found', `There is nothing of event ${id} in the ledger.`)
  const cost = entries.reduce((sum, { account, amount }) => (account === SPEND ? sum + BigInt(amount) : sum), 0n)
  return { cost_usd: usdOfNano(cost), items: transactionsOf(entries) }
}

/** Transactions that are read at once. A slow reader holds no connection between them. */
const TRANSACTIONS_AT_ONCE = 1_000

/** What was posted until now, in pages of whole transactions, so that what is sent always comes to zero. */
export async function ledgerEntries(
  { tx, actor, request, services }: Context,
  { month }: Input<typeof ledger.entries>,
) {
  assertSeesAll({ actor })
  const { orgId } = actor
  const { rows } = await tx.execute<{ now: string }>(sql`select to_json(clock_timestamp()) #>> '{}' as now`)
  const until = rows[0]?.now ?? toInstant(request.now)
  async function* read(_range: unknown, signal: AbortSignal) {
    yield Buffer.from(`${LEDGER_COLUMNS.join(',')}\r\n`)
    let after: Place = { is_timely: false, kind: '', id: '' }
    for (;;) {
      signal.throwIfAborted()
      const page = await inTenant(services.db, orgId, async (inner) => {
        const places = await placesAfter(inner, { orgId, month, until, after })
        return {
          places,
          entries: await entriesOf(
            inner,
            orgId,
            places.map(({ id }) => id),
          ),
        }
      })
      if (page.entries.length > 0) yield Buffer.from(page.entries.map(csvLine).join(''))
      const last = page.places.at(-1)
      if (last === undefined || page.places.length < TRANSACTIONS_AT_ONCE) return
      after = last
    }
  }
  const answer: FileAnswer = {
    fileName: `ledger-${month ?? 'all'}.csv`,
    mediaType: 'text/csv; charset=utf-8',
    size: null,
    sha256: null,
    read,
  }
  return answer
}

/** `is_timely`: what a request of the month itself cost. */
type Place = { is_timely: boolean; kind: string; id: string }
type Asked = { orgId: string; month: string | undefined; until: string; after: Place }

/** Of a month first what is in its index, then what its requests cost; else all in the order of ids. */
async function placesAfter(tx: Transaction, { orgId, month, until, after }: Asked): Promise<Place[]> {
  const page = (isTimely: boolean, condition: SQL, order: SQL) => sql`
    select ${isTimely}::boolean as is_timely, kind, id from ledger_transactions
    where org_id = ${orgId} and posted_at < ${until}::timestamptz and ${condition}
    order by ${order} limit ${TRANSACTIONS_AT_ONCE}`
  if (month === undefined) {
    return (await tx.execute<Place>(page(false, sql`id > ${after.id}`, sql`id`))).rows
  }
  const { first, last } = idsOf(month)
  const indexed = sql`(kind <> 'spend' or late_from is not null) and month = ${month}
    and (kind, id) > (${after.kind}, ${after.id}) and not ${after.is_timely}::boolean`
  const timely = sql`kind = 'spend' and late_from is null and month = ${month}
    and id > ${after.is_timely ? after.id : first} and id < ${last}`
  const { rows } = await tx.execute<Place>(sql`
    select * from ((${page(false, indexed, sql`kind, id`)}) union all (${page(true, timely, sql`id`)})) as places
    order by is_timely, kind, id limit ${TRANSACTIONS_AT_ONCE}`)
  return rows
}

const DAY_MS = 86_400_000

/** Between which ids is what requests of a month cost, wherever on Earth that month is counted. */
function idsOf(month: string): { first: string; last: string } {
  const [year = 0, number = 0] = month.split('-').map(Number)
  const id = (ms: number) => `ltx_${Math.max(ms, 0).toString(16).padStart(12, '0')}`
  return { first: id(Date.UTC(year, number - 1) - DAY_MS), last: id(Date.UTC(year, number) + DAY_MS) }
}

type EntryRow = {
  transaction_id: string
  kind: LedgerTransaction['kind']
  occurred_at: string
  posted_at: string
  month: string
  late_from: string | null
  event_id: string | null
  lease_id: string | null
  reference: string
  note: string | null
  actor_id: string | null
  actor_name: string | null
  account: string
  amount: string
}

/** Entries of transactions, in the order in which those are named. */
async function entriesOf(tx: Transaction, orgId: string, ids: readonly string[]): Promise<EntryRow[]> {
  if (ids.length === 0) return []
  const { rows } = await tx.execute<EntryRow>(sql`
    select t.id as transaction_id, t.kind, to_json(t.occurred_at) #>> '{}' as occurred_at,
      to_json(t.posted_at) #>> '{}' as posted_at, t.month, t.late_from, t.event_id, t.lease_id, t.reference, t.note,
      t.actor_id, t.actor_name, e.account_id as account, e.amount_nano_usd as amount
    from unnest(${sql.param([...ids])}::text[]) with ordinality as wanted (id, place)
    join ledger_transactions as t on t.org_id = ${orgId} and t.id = wanted.id
    join ledger_entries as e on e.org_id = t.org_id and e.transaction_id = t.id
    order by wanted.place, e.account_id`)
  return rows
}

function transactionsOf(rows: readonly EntryRow[]): LedgerTransaction[] {
  const found = new Map<string, LedgerTransaction>()
  for (const row of rows) {
    const entry = { account: row.account, amount_usd: usdOfNano(BigInt(row.amount)) }
    const known = found.get(row.transaction_id)
    if (known) known.entries.push(entry)
    else found.set(row.transaction_id, { ...headOf(row), entries: [entry] })
  }
  return [...found.values()]
}

const headOf = (row: EntryRow): Omit<LedgerTransaction, 'entries'> => ({
  id: row.transaction_id,
  kind: row.kind,
  occurred_at: utc(row.occurred_at),
  posted_at: utc(row.posted_at),
  month: row.month,
  late_from: row.late_from,
  event_id: row.event_id,
  lease_id: row.lease_id,
  reference: row.reference,
  note: row.note,
  actor: row.actor_id === null ? null : { id: row.actor_id, name: row.actor_name ?? row.actor_id },
})

/** `2026-03-20T12:05:00.5+00:00`, as JSON of the database has it, in UTC with a Z. */
const utc = (text: string): string => text.replace('+00:00', 'Z')

function csvLine(row: EntryRow): string {
  const values = {
    ...row,
    occurred_at: utc(row.occurred_at),
    posted_at: utc(row.posted_at),
    amount_usd: usdOfNano(BigInt(row.amount)),
  }
  const cells = LEDGER_COLUMNS.map((name) => {
    const value = values[name]
    // A minus is no formula here.
    return value === null ? '' : name === 'amount_usd' ? value : textField(value)
  })
  return `${cells.join(',')}\r\n`
}

function assertSeesAll({ actor }: Pick<Context, 'actor'>): void {
  if (actor.scope === 'org') return
  throw new AppError('forbidden', 'The ledger is shown to those who see the whole organisation.')
}
