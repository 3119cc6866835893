import { LEASE_SECONDS, type LeaseAsk, type LeaseSource } from '@/lib/contract/spend-leases'
import { newId } from '@/lib/ids'
import { smallestOf } from '@/lib/spend/extremes'
import { isWindowStart, windowAt } from '@/lib/spend/windows'
import { ensurePeriods, ruleOf } from '../budgets/ensure-periods'
import { windowsFrom } from '../budgets/gateway-spend'
import { heldOfReplaced, mayHaveReplaced, type ReplacedHeld, withReplaced } from '../budgets/held-of-replaced'
import {
  keyOfPeriod,
  limitOf,
  lockCarryingBudgets,
  lockPeriods,
  type Period,
  type PeriodKey,
  remainingOf,
} from '../budgets/period'
import { type BudgetRow, budgetsById } from '../budgets/queries'
import { connectionOf, type Transaction } from '../database'
import { accountOfWallet, isWallet, ORGANIZATION_WALLET } from '../ledger/accounts'
import { lockWallets } from '../ledger/commands'
import { spendSettingsOf } from '../wallets/queries'
import { LEASE_COLUMNS, type Lease, type LeaseRow, leaseOf, leftOf, periodText } from './lease'
import { type DueLease, releaseDue } from './release'
import { keyOfWanted, replacedWindows } from './replaced-windows'
import { lockNext, Room, roomsOf } from './room'

/** Gateways whose clocks differ by less than this see the same windows. */
const CLOCK_SKEW_MS = 600_000

/** What is drawn on, as it stands and as it becomes while asks are answered. In nano-dollars. */
export type Source = {
  source: LeaseSource
  /** A budget's id, or a wallet's account. */
  sourceId: string
  periodMs: number | null
  /** Whether requests have to be reserved from it at all. */
  exists: boolean
  /** Its window is over, or was changed: nothing more is given. */
  isClosed: boolean
  /** The windows that its budget has now, of which this one is none that is open; else null. */
  windowsMs: number[] | null
  limit: bigint
  committed: bigint
  /** By all gateways, also of windows that it has replaced. */
  held: bigint
  replaced: readonly ReplacedHeld[]
  room: Room
  resetsMs: number | null
  lease: Lease
  /** Whether there is a row for the lease. */
  isStored: boolean
  perMinute: bigint | null
  /** Was given before, and the answer that said so has not been seen. */
  unseen: bigint
  returnedNow: bigint
  grantedNow: bigint
}

type Asker = { orgId: string; gatewayId: string; instance: string; nowMs: number }

export const keyOfSource = (source: LeaseSource): string =>
  source.kind === 'budget' ? `${source.budget_id} ${source.window_start_ms}` : `wallet ${source.wallet_id}`

export const keyOfAsk = ({ source, lease_id }: LeaseAsk): string => `${keyOfSource(source)} ${lease_id ?? ''}`

/**
 * Finds what is asked for and locks it until the transaction ends, in the order of everybody (control-plane/budgets/period.ts).
 * What nobody came for until its time is taken back on the way.
 */
export async function openSources(
  tx: Transaction,
  asker: Asker,
  asks: readonly LeaseAsk[],
  due: readonly DueLease[],
): Promise<Sources> {
  const { orgId, nowMs } = asker
  const sources = new Map(asks.map(({ source }) => [keyOfSource(source), source]))
  const budgetIds = [...sources.values()].flatMap((source) => (source.kind === 'budget' ? [source.budget_id] : []))
  const budgets = await budgetsById(tx, orgId, [...new Set(budgetIds)])
  const windows = [...sources.values()].flatMap((source) => {
    if (source.kind !== 'budget') return []
    const budget = budgets.get(source.budget_id)
    return [{ budgetId: source.budget_id, startsMs: source.window_start_ms, budget: isAsked(budget) ? budget : null }]
  })
  let open = windows.flatMap(({ budget, startsMs }) =>
    budget !== null && isOpenNow(budget, startsMs, nowMs) ? [{ budget, atMs: startsMs }] : [],
  )
  const taken = due.flatMap(({ sourceId, periodMs }) =>
    periodMs === null ? [] : [{ budgetId: sourceId, startsMs: periodMs }],
  )
  await lockCarryingBudgets(
    tx,
    orgId,
    [...windows, ...taken].map(({ budgetId }) => budgetId),
  )
  const replaced = await replacedWindows(tx, orgId, open, nowMs)
  open = open.filter((one) => !replaced.has(keyOfWanted(one)))
  await ensurePeriods(tx, orgId, open)
  let periods = await lockPeriods(tx, orgId, [...windows, ...taken])
  let leases = await lockLeases(tx, asker, [...sources.values()], due)
  if (due.length > 0) {
    await lockWallets(tx, orgId, walletsOf([...sources.values()], due))
    await releaseDue(tx, orgId, due, nowMs)
    periods = await lockPeriods(tx, orgId, windows)
    leases = await lockLeases(tx, asker, [...sources.values()], [])
  }
  const isOpen = new Set(open.map(keyOfWanted))
  const openPeriods = new Map([...periods].filter(([key]) => isOpen.has(key)))
  const next = await lockNext(tx, orgId, openPeriods)
  const replacing = [...next.values()].filter(({ budgetId }) => {
    const budget = budgets.get(budgetId)
    return budget !== undefined && mayHaveReplaced(budget)
  })
  const heldBefore = await heldOfReplaced(tx, orgId, replacing)
  const rooms = roomsOf(new Map([...next].map(([key, period]) => [key, withReplaced(period, heldBefore.get(key))])))

  const parts = [
    ...windows.map((window): Part => {
      const key = keyOfPeriod(window)
      const replacedBy = replacing.flatMap((by) => {
        const isHeldThere = heldBefore.get(keyOfPeriod(by))?.some((each) => isHeldOf(each, window))
        return by.budgetId === window.budgetId && isHeldThere ? (rooms.get(keyOfPeriod(by)) ?? []) : []
      })
      return {
        ...budgetPart(periods.get(key), window.budget, rooms.get(key), heldBefore.get(key), replacedBy),
        source: { kind: 'budget', budget_id: window.budgetId, window_start_ms: window.startsMs },
        sourceId: window.budgetId,
        periodMs: window.startsMs,
        isClosed: !isOpen.has(key),
        windowsMs: window.budget === null || isOpen.has(key) ? null : windowsFrom(ruleOf(window.budget), nowMs),
      }
    }),
    ...(await walletParts(tx, orgId, [...sources.values()])),
  ]
  return new Sources(asker, parts, leases, asks)
}

/** Sources by lease. What one process holds of one source is one lease, but for old ones that it has still to settle. */
export class Sources {
  readonly #asker: Asker
  readonly #parts: ReadonlyMap<string, Part>
  readonly #leases: readonly Lease[]
  readonly #byAsk = new Map<string, Source>()
  readonly #byLease = new Map<string, Source>()

  constructor(asker: Asker, parts: readonly Part[], leases: readonly Lease[], asks: readonly LeaseAsk[]) {
    this.#asker = asker
    this.#parts = new Map(parts.map((part) => [keyOfSource(part.source), part]))
    this.#leases = leases
    for (const ask of asks) noteCounters(this.#open(ask), ask, asker.nowMs)
  }

  get all(): Source[] {
    return [...this.#byLease.values()]
  }

  of(ask: LeaseAsk): Source {
    const source = this.#byAsk.get(keyOfAsk(ask))
    if (source === undefined) throw new Error('a source was not opened')
    return source
  }

  #open(ask: LeaseAsk): Source {
    const key = keyOfAsk(ask)
    const part = this.#parts.get(keyOfSource(ask.source))
    if (part === undefined) throw new Error('a source was not looked for')
    const known = this.#byAsk.get(key)
    if (known !== undefined) return known
    const made = this.#leaseFor(part, ask)
    const source = this.#byLease.get(made.lease.id) ?? { ...part, ...NOTHING_YET, ...made }
    this.#byAsk.set(key, source)
    this.#byLease.set(source.lease.id, source)
    return source
  }

  /**
   * One from which something was taken back is over: the gateway must not take what was taken back for its own. It gets
   * another one once it has forgotten this. Who says that it knows of none is told again of one that it has not seen yet, and
   * of no other: what it gave back and used of that is not its own either.
   */
  #leaseFor(part: Part, { lease_id: id, known }: LeaseAsk): Pick<Source, 'lease' | 'isStored' | 'isClosed'> {
    const own = this.#leases.filter(
      ({ sourceId, periodMs }) => sourceId === part.sourceId && periodMs === part.periodMs,
    )
    const named = own.find((lease) => lease.id === id)
    const isUnseen = ({ returned, settled, used }: Lease) => returned + settled + used === 0n
    const standing = own.find((lease) => lease.released === 0n && (known !== '0' || isUnseen(lease)))
    const over = known === '0' ? undefined : own.at(-1)
    const lease = id === undefined ? (standing ?? over) : named
    // Who knows of no lease, and asks for a window that is over, is not told of an older one that it has to settle.
    if (lease !== undefined && (id !== undefined || known !== '0' || !part.isClosed)) {
      return { lease, isStored: true, isClosed: part.isClosed || lease.released > 0n }
    }
    // Of what it has counters, nothing is known here: whatever it thinks that it has, it is to forget.
    const isUnknown = id !== undefined || known !== '0'
    return { lease: newLease(part, this.#asker, id), isStored: false, isClosed: part.isClosed || isUnknown }
  }
}

const NOTHING_YET = { perMinute: null, unseen: 0n, returnedNow: 0n, grantedNow: 0n }

const isAsked = (budget: BudgetRow | undefined): budget is BudgetRow =>
  budget !== undefined && budget.deletedAt === null && budget.hard

function isOpenNow(budget: BudgetRow, startsMs: number, nowMs: number): boolean {
  const rule = ruleOf(budget)
  if (startsMs > nowMs + CLOCK_SKEW_MS || !isWindowStart(rule, startsMs)) return false
  const { endsMs } = windowAt(rule, startsMs)
  return endsMs === null || endsMs > nowMs - CLOCK_SKEW_MS
}

type Part = Omit<Source, 'lease' | 'isStored' | 'perMinute' | 'unseen' | 'returnedNow' | 'grantedNow'>

/** What comes back of it is there for the window that has replaced it; for those after that from the next ask on. */
const isHeldOf = ({ startsMs, isCarried }: ReplacedHeld, window: PeriodKey): boolean =>
  !isCarried && startsMs === window.startsMs

function budgetPart(
  period: Period | undefined,
  budget: BudgetRow | null,
  room: Room | undefined,
  replaced: readonly ReplacedHeld[] = [],
  replacedBy: readonly Room[] = [],
) {
  const exists = budget !== null
  if (period === undefined) {
    const limit = budget?.limit ?? 0n
    return { exists, limit, committed: 0n, held: 0n, replaced, room: new Room(limit), resetsMs: null }
  }
  return {
    exists,
    limit: limitOf(period),
    committed: period.spent,
    held: withReplaced(period, replaced).leased,
    replaced,
    room: room ?? new Room(remainingOf(period), null, replacedBy),
    resetsMs: period.endsMs,
  }
}

/** What a wallet allows is what is in it, held or not: what was paid from it before is gone. */
async function walletParts(tx: Transaction, orgId: string, sources: readonly LeaseSource[]): Promise<Part[]> {
  const wallets = sources.flatMap((source) => (source.kind === 'wallet' ? [source] : []))
  if (wallets.length === 0) return []
  const { wallets_required: required } = await spendSettingsOf(tx, orgId)
  const states = await lockWallets(
    tx,
    orgId,
    wallets.map(({ wallet_id }) => accountOfWallet(wallet_id)),
  )
  return wallets.map((source) => {
    const sourceId = accountOfWallet(source.wallet_id)
    const state = states.get(sourceId)
    const { balance, held } = state ?? { balance: 0n, held: 0n }
    return {
      source,
      sourceId,
      periodMs: null,
      // The organisation's is there before anything is in it.
      exists: required && (state !== undefined || sourceId === ORGANIZATION_WALLET),
      isClosed: false,
      windowsMs: null,
      limit: balance + held,
      committed: 0n,
      held,
      replaced: [],
      room: new Room(balance),
      resetsMs: null,
    }
  })
}

const walletsOf = (sources: readonly LeaseSource[], due: readonly DueLease[]): string[] => [
  ...sources.flatMap((source) => (source.kind === 'wallet' ? [accountOfWallet(source.wallet_id)] : [])),
  ...due.flatMap(({ sourceId }) => (isWallet(sourceId) ? [sourceId] : [])),
]

/** @returns leases of the one that asks: of each source one, and those that are over. Those that are due are locked with them */
async function lockLeases(
  tx: Transaction,
  { orgId, gatewayId, instance }: Asker,
  sources: readonly LeaseSource[],
  due: readonly DueLease[],
): Promise<Lease[]> {
  const { rows } = await connectionOf(tx).query<LeaseRow & { is_own: boolean }>({
    name: 'lock_own_leases',
    text: `with own as (
        select id from spend_leases
        where org_id = $1 and gateway_id = $2 and instance = $3 and (source_id, period_starts_at) in (
          select * from unnest($4::text[], $5::timestamptz[]))
      )
      select ${LEASE_COLUMNS}, l.id in (select id from own) as is_own from spend_leases l
      where l.org_id = $1 and l.id in (select id from own union select unnest($6::text[])) order by l.id for update of l`,
    values: [
      orgId,
      gatewayId,
      instance,
      sources.map((source) => (source.kind === 'budget' ? source.budget_id : accountOfWallet(source.wallet_id))),
      sources.map((source) => periodText(source.kind === 'budget' ? source.window_start_ms : null)),
      due.map(({ id }) => id),
    ],
  })
  return rows.filter(({ is_own }) => is_own).map(leaseOf)
}

const newLease = ({ sourceId, periodMs }: Part, { gatewayId, instance, nowMs }: Asker, id?: string): Lease => ({
  id: id ?? newId('lse'),
  gatewayId,
  instance,
  sourceId,
  periodMs,
  granted: 0n,
  returned: 0n,
  settled: 0n,
  released: 0n,
  used: 0n,
  expiresMs: nowMs,
  heldUntilMs: nowMs,
})

/** Takes in what a gateway says of its lease. Counters that are behind say nothing new. */
function noteCounters(source: Source, ask: LeaseAsk, nowMs: number): void {
  const { lease } = source
  const used = smallestOf(BigInt(ask.used), lease.granted)
  if (used > lease.used) {
    const sinceMs = Math.max(nowMs - (lease.expiresMs - LEASE_SECONDS * 1_000), 1_000)
    source.perMinute = ((used - lease.used) * 60_000n) / BigInt(Math.floor(sinceMs))
    lease.used = used
  } else if (lease.granted > 0n) source.perMinute ??= 0n
  const more = smallestOf(BigInt(ask.returned) - lease.returned, leftOf(lease))
  if (more > 0n) {
    lease.returned += more
    source.returnedNow += more
    source.held -= more
    source.room.give(-more)
  }
  const unseen = lease.granted - BigInt(ask.known)
  source.unseen = unseen > 0n ? unseen : 0n
}
