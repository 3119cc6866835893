import { connectionOf, type Transaction } from '../database'
import { isoOf, keyOfPeriod, type Period, type PeriodKey } from './period'

/** What gateways hold of a window that a change of its budget has replaced by another, in nano-dollars. */
export type ReplacedHeld = { startsMs: number; leased: bigint }

/**
 * What gateways hold of windows in whose place a change has put others (open-window.ts). What is spent of it is charged to the
 * window that covers its time now (`coveringPeriod`), so it is held of that one as well until it is settled or given back.
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
  if (windows.length === 0) return found
  const { rows } = await connectionOf(tx).query<{ budget_id: string; starts_at: Date; held_of: Date; leased: string }>({
    name: 'held_of_replaced_windows',
    text: `select w.budget_id, w.starts_at, p.starts_at as held_of, p.leased_nano_usd as leased
      from unnest($2::text[], $3::timestamptz[]) as k (budget_id, starts_at)
      join budget_periods w on w.org_id = $1 and w.budget_id = k.budget_id and w.starts_at = k.starts_at
      join budget_periods p on p.org_id = $1 and p.budget_id = k.budget_id and p.leased_nano_usd > 0
        and (p.created_at, p.starts_at) < (w.created_at, w.starts_at)
        and (w.ends_at is null or p.starts_at < w.ends_at) and (p.ends_at > w.starts_at or p.starts_at >= w.starts_at)`,
    values: [orgId, windows.map(({ budgetId }) => budgetId), windows.map(({ startsMs }) => isoOf(startsMs))],
  })
  for (const { budget_id: budgetId, starts_at: startsAt, held_of: heldOf, leased } of rows) {
    const key = keyOfPeriod({ budgetId, startsMs: startsAt.getTime() })
    const own = { startsMs: heldOf.getTime(), leased: BigInt(leased) }
    found.set(key, [...(found.get(key) ?? []), own])
  }
  return found
}

/** A window that is held by so much more. */
export const withReplaced = (period: Period, replaced: readonly ReplacedHeld[] = []): Period => ({
  ...period,
  leased: replaced.reduce((sum, { leased }) => sum + leased, period.leased),
})

/** Of a budget that was never changed no window was replaced. */
export const mayHaveReplaced = ({ version }: { version: number }): boolean => version > 1
