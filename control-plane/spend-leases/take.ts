import { LEASE_SECONDS, type LeaseAsk, type spendLeases } from '@/lib/contract/spend-leases'
import { AppError } from '@/lib/errors'
import { nanoUsd } from '@/lib/money'
import { applyChanges, carryOn } from '../budgets/apply-changes'
import { spendRevisionOf } from '../budgets/gateway-spend'
import { holdBudgets, isoOf, PERIOD_COLUMNS, type PeriodRow, periodOf } from '../budgets/period'
import { endDueRaises } from '../budgets/raises/end-due'
import type { Context } from '../context'
import { connectionOf, type Transaction } from '../database'
import { assertSpeaksFor } from '../gateways/commands'
import { noSuchGateway } from '../gateways/queries'
import { moveHeld } from '../ledger/commands'
import type { Input } from '../routes'
import { freedOf } from './freed'
import { grantGroup } from './grant'
import { leftOf, periodText } from './lease'
import { recall } from './recall'
import { dueLeases } from './release'
import { keyOfSource, openSources, type Source } from './sources'

/** What is left of a lease after its time is held for so long, for events that are still on their way. */
export const LEASE_HOLD_SECONDS = 86_400
/** A gateway that has reported within this time counts when slices are cut. */
const KNOWN_MS = 600_000
/** Leases that are over, closed on the way by one request. */
const DUE_MAX = 50

/**
 * Hands out slices of budgets and wallets and takes back what gateways do not use.
 *
 * Whoever asks at the same time, what is spent and held of a source never comes to more than its limit: its row is locked,
 * the slice is added under the condition that it fits, and a CHECK stands behind that. Counters are sums since a lease began,
 * so an ask that comes twice, late or after a newer one changes nothing that was not so already.
 */
export async function takeLeases(ctx: Context, { id, instance, groups }: Input<typeof spendLeases.take>) {
  const { tx, actor, request, services } = ctx
  const { orgId } = actor
  assertSpeaksFor(actor, id)
  for (const group of groups) assertDistinct(group)
  const nowMs = request.now.getTime()
  const gateways = await gatewaysKnown(tx, orgId, id, nowMs)
  await endDueRaises(ctx)
  // One after another for one process, so that none of them makes a lease twice.
  await connectionOf(tx).query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `spend-leases ${orgId} ${id} ${instance}`,
  ])
  await holdBudgets(tx, orgId)
  const asker = { orgId, gatewayId: id, instance, nowMs }
  const due = await dueLeases(tx, orgId, nowMs, DUE_MAX)
  const sources = await openSources(tx, asker, groups.flat(), due)
  const outcomes = groups.map((group) => grantGroup(group, sources, gateways))
  await store(tx, asker, sources.all, services.leaseHoldSeconds ?? LEASE_HOLD_SECONDS)
  const held = await recall(tx, services, asker, [
    ...new Set(outcomes.flatMap(({ short }) => short.filter(({ isClosed }) => !isClosed))),
  ])
  return {
    server_time: request.now.toISOString(),
    spend_revision: await spendRevisionOf(tx, orgId),
    groups: groups.map((group, at) => ({
      leases: group.map((ask) => answerOf(sources.of(ask))),
      short: outcomes[at]?.states ?? [],
      is_recalled: (outcomes[at]?.short ?? []).some(({ sourceId }) => held.has(sourceId)),
    })),
  }
}

function assertDistinct(group: readonly LeaseAsk[]): void {
  if (new Set(group.map(({ source }) => keyOfSource(source))).size < group.length) {
    throw new AppError('invalid_request', 'A source occurs twice in a group.')
  }
}

async function gatewaysKnown(tx: Transaction, orgId: string, id: string, nowMs: number): Promise<number> {
  const { rows } = await connectionOf(tx).query<{ total: number; own: number }>({
    name: 'gateways_known',
    text: `select count(*)::int as total, count(*) filter (where id = $2)::int as own from gateways
      where org_id = $1 and (id = $2 or last_seen_at > $3)`,
    values: [orgId, id, isoOf(nowMs - KNOWN_MS)],
  })
  const [row] = rows
  if (!row || row.own === 0) throw noSuchGateway(id)
  return row.total
}

/** What exists no longer is answered for as long as something of it is to be given back. */
const answerOf = (source: Source) =>
  source.exists || (source.isStored && leftOf(source.lease) > 0n)
    ? {
        lease_id: source.lease.id,
        granted: String(source.lease.granted),
        expires_in_ms: LEASE_SECONDS * 1_000,
        is_closed: source.isClosed || !source.exists,
        ...(source.exists ? {} : { is_gone: true }),
        ...(source.exists && source.windowsMs !== null ? { windows_ms: source.windowsMs } : {}),
      }
    : null

type Asker = { orgId: string; gatewayId: string; instance: string; nowMs: number }

async function store(tx: Transaction, asker: Asker, sources: readonly Source[], holdSeconds: number): Promise<void> {
  const { orgId } = asker
  const returned = sources.filter(({ returnedNow }) => returnedNow > 0n)
  await applyChanges(tx, orgId, freedOf(new Map(returned.map(({ lease, returnedNow }) => [lease, returnedNow]))))
  await grant(
    tx,
    orgId,
    sources.filter(({ periodMs, grantedNow }) => periodMs !== null && grantedNow > 0n),
  )
  await storeLeases(tx, asker, sources, holdSeconds)
  for (const source of sources) {
    if (source.source.kind === 'wallet') await moveWallet(tx, orgId, source)
  }
}

/**
 * All or nothing: should a slice not fit, which the locks rule out, nothing of this request happens. What is given of a window
 * that has handed it on already is taken from the next one.
 */
async function grant(tx: Transaction, orgId: string, sources: readonly Source[]): Promise<void> {
  if (sources.length === 0) return
  const given = grantsOf(sources)
  const { rows } = await connectionOf(tx).query<PeriodRow & { granted: string }>({
    name: 'grant_budget_slices',
    text: `update budget_periods p set leased_nano_usd = p.leased_nano_usd + g.amount
      from unnest($2::text[], $3::timestamptz[], $4::bigint[]) as g (budget_id, starts_at, amount)
      where p.org_id = $1 and p.budget_id = g.budget_id and p.starts_at = g.starts_at
        and p.spent_nano_usd + p.leased_nano_usd + g.amount <= p.base_nano_usd + p.carried_nano_usd + p.raised_nano_usd
      returning ${PERIOD_COLUMNS}, g.amount as granted`,
    values: [
      orgId,
      given.map(({ sourceId }) => sourceId),
      given.map(({ periodMs }) => periodText(periodMs)),
      given.map(({ amount }) => String(amount)),
    ],
  })
  if (rows.length !== given.length) throw new Error('A slice does not fit into what is left of a budget.')
  const changed = rows.map((row) => {
    const after = periodOf(row)
    return { before: { ...after, leased: after.leased - BigInt(row.granted) }, after }
  })
  await carryOn(tx, orgId, changed)
}

/** One for each window: a process that has two leases of it may ask for both. */
function grantsOf(sources: readonly Source[]) {
  const grants = new Map<string, Pick<Source, 'sourceId' | 'periodMs'> & { amount: bigint }>()
  for (const { source, sourceId, periodMs, grantedNow } of sources) {
    const amount = (grants.get(keyOfSource(source))?.amount ?? 0n) + grantedNow
    grants.set(keyOfSource(source), { sourceId, periodMs, amount })
  }
  return [...grants.values()]
}

/** Asking keeps a lease alive. One of which nothing is left, and to which nothing more is given, is over. */
async function storeLeases(
  tx: Transaction,
  { orgId, gatewayId, instance, nowMs }: Asker,
  sources: readonly Source[],
  holdSeconds: number,
): Promise<void> {
  const stored = sources.filter(({ exists, isClosed, isStored }) => isStored || (exists && !isClosed))
  if (stored.length === 0) return
  const expiresMs = nowMs + LEASE_SECONDS * 1_000
  const isOver = (source: Source) => (source.isClosed || !source.exists) && leftOf(source.lease) === 0n
  await connectionOf(tx).query({
    name: 'store_leases',
    text: `insert into spend_leases as l (org_id, id, gateway_id, instance, source_id, period_starts_at, granted_nano_usd,
        returned_nano_usd, used_nano_usd, granted_at, expires_at, held_until, closed_at)
      select $1, d.id, $2, $3, d.source_id, d.period_starts_at, d.granted, d.returned, d.used, $4, $5, $6,
        case when d.is_over then $4::timestamptz end
      from unnest($7::text[], $8::text[], $9::timestamptz[], $10::bigint[], $11::bigint[], $12::bigint[], $13::boolean[])
        as d (id, source_id, period_starts_at, granted, returned, used, is_over)
      on conflict (org_id, id) do update set granted_nano_usd = excluded.granted_nano_usd,
        returned_nano_usd = excluded.returned_nano_usd, used_nano_usd = excluded.used_nano_usd,
        expires_at = excluded.expires_at, held_until = excluded.held_until, closed_at = excluded.closed_at`,
    values: [
      orgId,
      gatewayId,
      instance,
      isoOf(nowMs),
      isoOf(expiresMs),
      isoOf(expiresMs + holdSeconds * 1_000),
      stored.map(({ lease }) => lease.id),
      stored.map(({ sourceId }) => sourceId),
      stored.map(({ periodMs }) => periodText(periodMs)),
      stored.map(({ lease }) => String(lease.granted)),
      stored.map(({ lease }) => String(lease.returned)),
      stored.map(({ lease }) => String(lease.used)),
      stored.map(isOver),
    ],
  })
}

async function moveWallet(tx: Transaction, orgId: string, source: Source): Promise<void> {
  const { sourceId, lease, returnedNow, grantedNow } = source
  const move = { walletAccount: sourceId, leaseId: lease.id }
  if (returnedNow > 0n) {
    const reference = `${lease.id} returned ${lease.returned}`
    const amount = nanoUsd(returnedNow)
    if (!(await moveHeld(tx, orgId, { ...move, amount, kind: 'release', reference }))) throw unlikeLedger(sourceId)
  }
  if (grantedNow > 0n) {
    const reference = `${lease.id} granted ${lease.granted}`
    const amount = nanoUsd(grantedNow)
    if (!(await moveHeld(tx, orgId, { ...move, amount, kind: 'reserve', reference }))) throw unlikeLedger(sourceId)
  }
}

const unlikeLedger = (account: string) => new Error(`Leases of ${account} and the ledger say different things.`)
