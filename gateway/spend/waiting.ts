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
  /**
   * All that it would reserve together, at most LEASES_PER_GROUP_MAX, though it may lack only some of it. Of what it needs
   * nothing of it wants to know how it stands.
   */
  needs: readonly Need[]
  /** Of `performance.now()`: then it has given up. */
  untilMs: number
  tell: (told: Told) => void
}

/** Requests that need the same, so that one answer serves them all. The first of them says how little is worth it. */
export type WaitingGroup = {
  waiting: Waiting[]
  /** Which of its needs are asked for, by their place. */
  lacking: number[]
}

/**
 * Puts requests that wait together by what they need, oldest first. No source is asked for by two groups: what it has left can
 * only be said once. A group that lacks nothing any more asks for nothing.
 *
 * @returns the groups, and those that have to wait for the next time
 */
export function groupsOf(waiting: readonly Waiting[], nowMs: number): { groups: WaitingGroup[]; later: Waiting[] } {
  const same = new Map<Lease | undefined, Waiting[][]>()
  const all: Waiting[][] = []
  for (const one of waiting) {
    const first = one.needs[0]?.lease
    const alike = same.get(first) ?? []
    const joined = alike.find(([head]) => head !== undefined && isSame(head, one))
    if (joined !== undefined) joined.push(one)
    else {
      const begun = [one]
      same.set(first, [...alike, begun])
      all.push(begun)
    }
  }
  const groups: WaitingGroup[] = []
  const later: Waiting[] = []
  const asked = new Set<Lease>()
  for (const group of all) {
    const lacking = lackingOf(group, nowMs)
    const leases = lacking.flatMap((at) => group[0]?.needs[at]?.lease ?? [])
    const hasRoom = groups.length < LEASE_GROUPS_MAX && asked.size + leases.length <= LEASES_ASKED_MAX
    if (hasRoom && leases.every((lease) => !asked.has(lease))) {
      for (const lease of leases) asked.add(lease)
      groups.push({ waiting: group, lacking })
    } else later.push(...group)
  }
  return { groups, later }
}

/**
 * What some of them cannot have, or not all of them where little is left: who takes of the others for more than can go on
 * keeps it from those who could.
 */
function lackingOf(waiting: readonly Waiting[], nowMs: number): number[] {
  const [head] = waiting
  return (head?.needs ?? []).flatMap(({ lease }, at) => {
    const amounts = waiting.map(({ needs }) => needs[at]?.amount ?? 0n)
    const isLacking =
      amounts.some((amount) => amount === 0n || !lease.canReserve(amount, nowMs)) ||
      (!lease.mayRefill(nowMs) && lackOf(waiting, waiting.length, at, lease.free(nowMs)) > 0n)
    return isLacking ? [at] : []
  })
}

function isSame(head: Waiting, { needs }: Waiting): boolean {
  return head.needs.length === needs.length && head.needs.every(({ lease }, at) => needs[at]?.lease === lease)
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
