import { largestOf, smallestOf } from '@/lib/spend/extremes'
import { carriedFrom, keyOfPeriod, leftToCarry, lockPeriods, type Period, remainingOf } from '../budgets/period'
import type { Transaction } from '../database'

/**
 * What may still be given of a source while asks are answered. A window that has handed something on shares that with the
 * next: what is given of the one is taken from the other, so whoever asks for both is given no nano-dollar twice.
 */
export class Room {
  #remaining: bigint
  readonly #handedOn: { period: Period; next: Room } | null
  readonly #replacedBy: readonly Room[]

  /** @param replacedBy in which what is held here is held as well (control-plane/budgets/held-of-replaced.ts) */
  constructor(
    remaining: bigint,
    handedOn: { period: Period; next: Room } | null = null,
    replacedBy: readonly Room[] = [],
  ) {
    this.#remaining = remaining
    this.#replacedBy = replacedBy
    this.#handedOn = handedOn === null ? null : { ...handedOn, period: { ...handedOn.period } }
  }

  /** Less than nothing when its limit was passed. */
  get remaining(): bigint {
    if (this.#handedOn === null) return this.#remaining
    const { period, next } = this.#handedOn
    const carried = carriedFrom(period)
    const spare = largestOf(0n, next.remaining)
    return carried <= spare ? this.#remaining : smallestOf(this.#remaining, leftToCarry(period) - carried + spare)
  }

  /** @param amount less than nothing is given back */
  give(amount: bigint): void {
    this.#remaining -= amount
    for (const room of this.#replacedBy) room.give(amount)
    if (this.#handedOn === null) return
    const { period, next } = this.#handedOn
    const before = carriedFrom(period)
    period.leased += amount
    next.give(before - carriedFrom(period))
  }
}

/**
 * Windows into which something was carried from those that are asked for, and on from there: some gateways are there already.
 *
 * @param periods locked by then
 * @returns all of them, by `keyOfPeriod`
 */
export async function lockNext(
  tx: Transaction,
  orgId: string,
  periods: ReadonlyMap<string, Period>,
): Promise<Map<string, Period>> {
  const all = new Map(periods)
  for (let due = [...periods.values()]; due.length > 0; ) {
    const next = due.flatMap(({ budgetId, endsMs, handsOnMax }) =>
      endsMs === null || handsOnMax === 0n ? [] : [{ budgetId, startsMs: endsMs }],
    )
    const unseen = next.filter((key) => !all.has(keyOfPeriod(key)))
    const found = await lockPeriods(tx, orgId, unseen)
    for (const [key, period] of found) all.set(key, period)
    due = [...found.values()]
  }
  return all
}

/** Of windows, by `keyOfPeriod`. */
export function roomsOf(periods: ReadonlyMap<string, Period>): Map<string, Room> {
  const rooms = new Map<string, Room>()
  const latestFirst = [...periods.values()].toSorted((a, b) => b.startsMs - a.startsMs)
  for (const period of latestFirst) {
    const { budgetId, endsMs, handsOnMax } = period
    const key = endsMs === null || handsOnMax === 0n ? null : keyOfPeriod({ budgetId, startsMs: endsMs })
    const next = key === null ? undefined : rooms.get(key)
    rooms.set(keyOfPeriod(period), new Room(remainingOf(period), next === undefined ? null : { period, next }))
  }
  return rooms
}
