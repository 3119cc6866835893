import { hash } from 'node:crypto'
import type { TargetHealth } from './target-health'

export const ROUTING_STRATEGIES = [
  'ordered',
  'weighted',
  'round_robin',
  'lowest_latency',
  'lowest_cost',
  'least_busy',
] as const
export type RoutingStrategy = (typeof ROUTING_STRATEGIES)[number]

/** A target as a strategy sees it. */
export type Candidate<T> = {
  target: T
  id: string
  weight: number
  /** Nano-dollars for a million tokens in and a million out; null when nobody stated a price. */
  nanosPerMillion: bigint | null
  health: TargetHealth
}

export type Choice = {
  strategy: RoutingStrategy
  nowMs: number
  /** In [0, 1). */
  random: () => number
  /** Counts the requests of the group, for `round_robin`. */
  turn: number
  /** Requests with the same one go to the same target while it is there; null for none. */
  stickyKey: string | null
}

/**
 * In which order targets are tried. Declared order breaks ties.
 *
 * A sticky key wins over the strategy: rendezvous hashing, so that no table of conversations is kept and the loss of one
 * target moves only its own conversations.
 */
export function ordered<T>(candidates: readonly Candidate<T>[], choice: Choice): readonly Candidate<T>[] {
  if (candidates.length < 2) return candidates
  if (choice.stickyKey !== null) return by(candidates, rendezvous(choice.stickyKey))
  switch (choice.strategy) {
    case 'ordered':
      return candidates
    case 'round_robin': {
      const first = choice.turn % candidates.length
      return [...candidates.slice(first), ...candidates.slice(0, first)]
    }
    case 'weighted':
      // Efraimidis and Spirakis (2006): one draw per target gives a weighted order without replacement.
      return by(candidates, ({ weight }) => (weight <= 0 ? Infinity : -Math.log(1 - choice.random()) / weight))
    case 'lowest_latency':
      return by(candidates, ({ health }) => health.latencyAt(choice.nowMs) ?? UNMEASURED_FIRST)
    case 'lowest_cost':
      return by(candidates, ({ nanosPerMillion }) => (nanosPerMillion === null ? Infinity : Number(nanosPerMillion)))
    case 'least_busy':
      return by(candidates, ({ health, weight }) => health.inFlight / Math.max(weight, 0.001))
  }
}

/** What was never measured is tried first, or it would never be. */
const UNMEASURED_FIRST = -1

const rendezvous =
  (stickyKey: string) =>
  <T>({ id, weight }: Candidate<T>): number => {
    const draw = Number.parseInt(hash('sha256', `${stickyKey}\n${id}`, 'hex').slice(0, 12), 16) / 2 ** 48
    return weight <= 0 ? Infinity : -Math.log(1 - draw) / weight
  }

function by<T>(candidates: readonly Candidate<T>[], rank: (candidate: Candidate<T>) => number): Candidate<T>[] {
  const ranked = candidates.map((candidate) => ({ candidate, rank: rank(candidate) }))
  ranked.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank))
  return ranked.map(({ candidate }) => candidate)
}
