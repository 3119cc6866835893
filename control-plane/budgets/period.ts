import { largestOf, smallestOf } from '@/lib/spend/extremes'
import { connectionOf, type Transaction } from '../database'

/** One window of a budget as it stands, in nano-dollars. */
export type Period = {
  budgetId: string
  startsMs: number
  /** Null: never. */
  endsMs: number | null
  base: bigint
  carried: bigint
  raised: bigint
  spent: bigint
  leased: bigint
  excess: bigint
  /** Once the next window was begun with what is left of this one: the most that is handed on, by the rollover of then. */
  handsOnMax: bigint
  /** Of several windows that cover an instant, which is so once a budget's windows were changed, the newest counts. */
  createdMs: number
}

export type PeriodKey = Pick<Period, 'budgetId' | 'startsMs'>

/** A billion dollars: sums of all parts of a window have to fit into 63 bits. */
export const AMOUNT_MAX = 1_000_000_000_000_000_000n

export const keyOfPeriod = ({ budgetId, startsMs }: PeriodKey): string => `${budgetId} ${startsMs}`

export const limitOf = ({ base, carried, raised }: Pick<Period, 'base' | 'carried' | 'raised'>): bigint =>
  base + carried + raised

/** What may still be reserved; less than nothing when more is spent and held than the limit allows. */
export const remainingOf = ({
  spent,
  leased,
  ...limit
}: Pick<Period, 'base' | 'carried' | 'raised' | 'spent' | 'leased'>): bigint => limitOf(limit) - spent - leased

/** What is left of a window for the next one. A raise ends with its window. */
export const leftToCarry = ({ base, carried, spent, leased }: Period): bigint => base + carried - spent - leased

/** What a window has handed on to the next: that one's `carried`, at any time. */
export const carriedFrom = (period: Period): bigint => largestOf(0n, smallestOf(leftToCarry(period), period.handsOnMax))

export type PeriodRow = {
  budget_id: string
  starts_at: Date
  ends_at: Date | null
  base: string
  carried: string
  raised: string
  spent: string
  leased: string
  excess: string
  hands_on_max: string
  created_at: Date
}

/** Of `budget_periods p`. */
export const PERIOD_COLUMNS = `p.budget_id, p.starts_at, p.ends_at, p.base_nano_usd as base, p.carried_nano_usd as carried,
  p.raised_nano_usd as raised, p.spent_nano_usd as spent, p.leased_nano_usd as leased, p.excess_nano_usd as excess,
  p.hands_on_max_nano_usd as hands_on_max, p.created_at`

export const periodOf = (row: PeriodRow): Period => ({
  budgetId: row.budget_id,
  startsMs: row.starts_at.getTime(),
  endsMs: row.ends_at?.getTime() ?? null,
  base: BigInt(row.base),
  carried: BigInt(row.carried),
  raised: BigInt(row.raised),
  spent: BigInt(row.spent),
  leased: BigInt(row.leased),
  excess: BigInt(row.excess),
  handsOnMax: BigInt(row.hands_on_max),
  createdMs: row.created_at.getTime(),
})

export function byBudget(periods: readonly Period[]): Map<string, Period[]> {
  const found = new Map<string, Period[]>()
  for (const period of periods) found.set(period.budgetId, [...(found.get(period.budgetId) ?? []), period])
  return found
}

/** Of the windows of one budget that cover an instant, the one that counts. */
export function coveringPeriod(periods: Iterable<Period>, atMs: number): Period | undefined {
  let found: Period | undefined
  for (const each of periods) {
    if (each.startsMs > atMs || (each.endsMs !== null && each.endsMs <= atMs)) continue
    if (found === undefined || isNewer(each, found)) found = each
  }
  return found
}

export const isNewer = (one: Period, other: Period): boolean =>
  one.createdMs === other.createdMs ? one.startsMs > other.startsMs : one.createdMs > other.createdMs

/**
 * Until the transaction ends, what its organisation's budgets say is what this transaction reads of them from now on: a window
 * is begun with the limit and the rule of its budget, and nobody looks at them again while it lasts. Whoever holds the
 * organisation's counters need not ask for it.
 */
export async function holdBudgets(tx: Transaction, orgId: string): Promise<void> {
  await connectionOf(tx).query({
    name: 'hold_budgets',
    text: 'select pg_advisory_xact_lock_shared(hashtextextended($1, 0))',
    values: [budgetsLock(orgId)],
  })
}

/** For whoever changes one of them: waits until nobody relies on what they said. */
export async function lockBudgets(tx: Transaction, orgId: string): Promise<void> {
  await connectionOf(tx).query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [budgetsLock(orgId)])
}

const budgetsLock = (orgId: string) => `budgets ${orgId}`

/**
 * Locks budgets of which one window carries into the next: whoever has such a budget may lock and begin its windows in any
 * order, and nobody else touches them meanwhile. One that was changed may have carried over before. Whoever locks windows of
 * several budgets in several steps locks all of the budgets before the first (LOCKS, below).
 */
export async function lockCarryingBudgets(tx: Transaction, orgId: string, budgetIds: Iterable<string>): Promise<void> {
  const ids = [...new Set(budgetIds)]
  if (ids.length === 0) return
  await connectionOf(tx).query({
    name: 'lock_carrying_budgets',
    text: `select from budgets b where b.org_id = $1 and b.id = any($2::text[])
        and (b.rollover <> 'none' or b.version > 1)
      order by b.id for no key update`,
    values: [orgId, ids],
  })
}

/**
 * Locks windows until the transaction ends.
 *
 * LOCKS. What moves money locks in this order, and leaves out what it does not need, so that nobody waits in a circle:
 * 1. the organisation's counters (`org_counters`), which everybody holds who records or changes something;
 * 2. that budgets stay as they are (`holdBudgets`, `lockBudgets`);
 * 3. budgets that carry over, by id (`lockCarryingBudgets`);
 * 4. windows that are not there yet, by budget and start: they are made before others are locked (`ensurePeriods`);
 * 5. windows, by budget and start;
 * 6. leases, by id;
 * 7. wallets and what is held of them, by account (`lockWallets`);
 * 8. `funding`, `spend`, `unfunded`, by the statement that posts.
 *
 * @returns how they stand, by `keyOfPeriod`; those that do not exist are not among them
 */
export async function lockPeriods(
  tx: Transaction,
  orgId: string,
  keys: Iterable<PeriodKey>,
): Promise<Map<string, Period>> {
  const wanted = [...keys]
  if (wanted.length === 0) return new Map()
  await lockCarryingBudgets(
    tx,
    orgId,
    wanted.map(({ budgetId }) => budgetId),
  )
  const { rows } = await connectionOf(tx).query<PeriodRow>({
    name: 'lock_budget_periods',
    text: `select ${PERIOD_COLUMNS} from budget_periods p
      where p.org_id = $1 and (p.budget_id, p.starts_at) in (select * from unnest($2::text[], $3::timestamptz[]))
      order by p.budget_id, p.starts_at for update`,
    values: [orgId, wanted.map(({ budgetId }) => budgetId), wanted.map(({ startsMs }) => isoOf(startsMs))],
  })
  return new Map(rows.map(periodOf).map((period) => [keyOfPeriod(period), period]))
}

export const isoOf = (ms: number): string => new Date(ms).toISOString()
