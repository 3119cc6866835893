import { LEASE_GROUPS_MAX, LEASES_ASKED_MAX, LEASES_PER_GROUP_MAX } from '@/lib/contract/spend-leases'
import type { Lease } from './lease'

/** What a request would reserve of one source. */
export type Need = { lease: Lease; amount: bigint }

/** What became of a wait. `more`: something was given, so that it pays to try again. */
export type Told =
  | { kind: 'more' }
  /** So much is not there; `isRecalled`: it may be in a moment. */
  | { kind: 'short'; lease: Lease; isRecalled: boolean }
  /** Nobody answers; or, when `leases` are named, of these and no others nothing can be had, however long one asks. */
  | { kind: 'away'; leases?: ReadonlySet<Lease> }

export type Waiting = {
  /** All that it lacks some of, at most LEASES_PER_GROUP_MAX. */
  needs: readonly Need[]
  /** Of `performance.now()`: then it has given up. */
  untilMs: number
  tell: (told: Told) => void
}

/** Requests that lack the same, so that one answer serves them all. The first of them says how little is worth it. */
export type WaitingGroup = { waiting: Waiting[] }

/**
 * Puts requests that wait together by what they lack, oldest first. No source is in two groups: what it has left can only be
 * said once.
 *
 * @returns the groups, and those that have to wait for the next time
 */
export function groupsOf(waiting: readonly Waiting[]): { groups: WaitingGroup[]; later: Waiting[] } {
  const groups: WaitingGroup[] = []
  const later: Waiting[] = []
  const groupOf = new Map<Lease, WaitingGroup>()
  const hasRoom = (needs: readonly Need[]) =>
    groups.length < LEASE_GROUPS_MAX && groupOf.size + needs.length <= LEASES_ASKED_MAX
  for (const one of waiting) {
    const [first] = one.needs
    const joined = first === undefined ? undefined : groupOf.get(first.lease)
    if (joined !== undefined && isSame(joined, one)) joined.waiting.push(one)
    else if (hasRoom(one.needs) && one.needs.every(({ lease }) => !groupOf.has(lease))) {
      const group = { waiting: [one] }
      for (const { lease } of one.needs) groupOf.set(lease, group)
      groups.push(group)
    } else later.push(one)
  }
  return { groups, later }
}

function isSame({ waiting: [head] }: WaitingGroup, { needs }: Waiting): boolean {
  return (
    head !== undefined &&
    head.needs.length === needs.length &&
    head.needs.every(({ lease }, at) => needs[at]?.lease === lease)
  )
}

export const NEEDS_MAX = LEASES_PER_GROUP_MAX

/** How many of them, oldest first, there is room for: all while there is plenty, and one when nothing is known. */
export function served(waiting: readonly Waiting[], nowMs: number): number {
  const needs = waiting[0]?.needs ?? []
  let count = waiting.length
  for (const [at, { lease }] of needs.entries()) {
    if (lease.mayRefill(nowMs)) continue
    const room = lease.free(nowMs) + (lease.leftAt(nowMs) ?? 0n)
    let sum = 0n
    let fitting = 0
    for (const one of waiting.slice(0, count)) {
      sum += one.needs[at]?.amount ?? 0n
      if (sum > room) break
      fitting += 1
    }
    count = Math.max(1, fitting)
  }
  return count
}

/** What the first so many of them lack together of one source. */
export function lackOf(waiting: readonly Waiting[], count: number, at: number, free: bigint): bigint {
  let sum = -free
  for (const one of waiting.slice(0, count)) sum += one.needs[at]?.amount ?? 0n
  return sum > 0n ? sum : 0n
}
