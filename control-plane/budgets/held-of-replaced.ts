import { largestOf, smallestOf } from '@/lib/spend/extremes'
import { connectionOf, type Transaction } from '../database'
import {
  byBudget,
  carriedFrom,
  isNewer,
  isoOf,
  keyOfPeriod,
  PERIOD_COLUMNS,
  type Period,
  type PeriodKey,
  type PeriodRow,
  periodOf,
  remainingOf,
} from './period'

/**
 * What gateways hold of a window that a change of its budget has replaced by another, in nano-dollars. `isCarried`: by one
 * before, and so much of it has been handed on.
 */
export type ReplacedHeld = { startsMs: number; leased: bigint; isCarried: boolean }

/**
 * What gateways hold of windows in whose place a change has put others (open-window.ts). What is spent of it is charged to the
 * window that covers its time now (`coveringPeriod`), so it is held of that one as well until it is settled or given back, and
 * of those to which that one has handed it on.
 *
 * @param windows locked, by whoever gives of them: what is settled moves from what is held to what is spent under their lock
 * @returns by `keyOfPeriod`
 */
export async function heldOfReplaced(
  tx: Transaction,
  orgId: string,
  windows: readonly PeriodKey[],
): Promise<Map<string, ReplacedHeld[]>> {
  const found = new Map<string, ReplacedHeld[]>()
  const drawnOn = await periodsDrawnOn(tx, orgId, new Set(windows.map(({ budgetId }) => budgetId)))
  const latest = new Map<string, number>()
  for (const { budgetId, startsMs } of windows) latest.set(budgetId, Math.max(startsMs, latest.get(budgetId) ?? 0))
  // What is held of the window itself, as usual, is held of none that it has replaced.
  const related = byBudget(
    await periodsAfter(
      tx,
      orgId,
      drawnOn.filter(({ budgetId, startsMs }) => startsMs !== latest.get(budgetId)),
    ),
  )
  for (const window of windows) {
    const held = drawnOn.filter(({ budgetId }) => budgetId === window.budgetId)
    const replaced = new Held(related.get(window.budgetId) ?? [], held).of(window.startsMs)
    if (replaced.length > 0) found.set(keyOfPeriod(window), replaced)
  }
  return found
}

/** Of one budget. */
class Held {
  readonly #windows: ReadonlyMap<number, Period>
  readonly #before: ReadonlyMap<number | null, Period>
  readonly #drawnOn: readonly Period[]

  constructor(windows: readonly Period[], drawnOn: readonly Period[]) {
    this.#windows = new Map(windows.map((window) => [window.startsMs, window]))
    this.#before = new Map(windows.filter(({ handsOnMax }) => handsOnMax > 0n).map((window) => [window.endsMs, window]))
    this.#drawnOn = drawnOn
  }

  of(startsMs: number): ReplacedHeld[] {
    const window = this.#windows.get(startsMs)
    if (window === undefined) return []
    const own = this.#drawnOn.flatMap((each): ReplacedHeld[] =>
      isReplacedBy(each, window) ? [{ startsMs: each.startsMs, leased: each.leased, isCarried: false }] : [],
    )
    const before = this.#before.get(startsMs)
    if (before === undefined || before.startsMs >= startsMs) return own
    const inBefore = this.of(before.startsMs)
    let handedOn = carriedFrom(before) - carriedFrom(withReplaced(before, inBefore))
    const carried = inBefore.flatMap((each): ReplacedHeld[] => {
      const leased = smallestOf(each.leased, handedOn)
      handedOn -= leased
      return leased > 0n ? [{ ...each, leased, isCarried: true }] : []
    })
    return [...own, ...carried]
  }
}

const isReplacedBy = (old: Period, by: Period): boolean =>
  isNewer(by, old) &&
  (by.endsMs === null || old.startsMs < by.endsMs) &&
  (old.startsMs >= by.startsMs || old.endsMs === null || old.endsMs > by.startsMs)

/** Windows of which something is held. A lease of which something is left is not closed. */
async function periodsDrawnOn(tx: Transaction, orgId: string, budgetIds: ReadonlySet<string>): Promise<Period[]> {
  if (budgetIds.size === 0) return []
  const { rows } = await connectionOf(tx).query<PeriodRow>({
    name: 'periods_drawn_on',
    text: `select ${PERIOD_COLUMNS} from (select distinct l.source_id, l.period_starts_at from spend_leases l
        where l.org_id = $1 and l.source_id = any($2::text[]) and l.closed_at is null) as l
      join budget_periods p on p.org_id = $1 and p.budget_id = l.source_id and p.starts_at = l.period_starts_at
      where p.leased_nano_usd > 0`,
    values: [orgId, [...budgetIds]],
  })
  return rows.map(periodOf)
}

/** Windows of their budgets that are not over before the first of these begins. */
async function periodsAfter(tx: Transaction, orgId: string, firsts: readonly Period[]): Promise<Period[]> {
  if (firsts.length === 0) return []
  const { rows } = await connectionOf(tx).query<PeriodRow>({
    name: 'periods_after',
    // One budget after another, by the primary key: `offset 0` keeps the planner from reading the windows of all.
    text: `select p.* from (select budget_id, min(starts_at) as first
        from unnest($2::text[], $3::timestamptz[]) as of (budget_id, starts_at) group by budget_id) as f
      cross join lateral (select ${PERIOD_COLUMNS} from budget_periods p
        where p.org_id = $1 and p.budget_id = f.budget_id and (p.ends_at is null or p.ends_at > f.first) offset 0) as p`,
    values: [orgId, firsts.map(({ budgetId }) => budgetId), firsts.map(({ startsMs }) => isoOf(startsMs))],
  })
  return rows.map(periodOf)
}

type Amounts = Pick<Period, 'base' | 'carried' | 'raised' | 'spent' | 'leased' | 'excess'>

/** A window that is held by so much more. */
export function withReplaced<P extends Amounts>(period: P, replaced: readonly ReplacedHeld[] = []): P {
  const leased = replaced.reduce((sum, each) => sum + each.leased, period.leased)
  return { ...period, leased, excess: largestOf(0n, -remainingOf({ ...period, leased })) }
}

/** Of a budget that was never changed no window was replaced. */
export const mayHaveReplaced = ({ version }: { version: number }): boolean => version > 1
