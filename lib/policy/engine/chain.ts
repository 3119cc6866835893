import type { CompileContext, Policy, PolicyKind, Term } from './policy'
import { buildScanner, type Scanner } from './scanner'
import type { Phase } from './subject'

/** Policies of one configuration, ready to decide. Immutable; one per snapshot. */
export type Chain = {
  /** In the order of `policies.chain`. */
  policies: readonly Policy[]
  /** Those that take part in a phase, as indexes into `policies`, in the same order. */
  phases: Readonly<Record<Phase, readonly number[]>>
  /** Whether somebody else must be asked in a phase, so that its decision takes `decidePhaseAsync`. */
  asks: Readonly<Record<Phase, boolean>>
  scanner: Scanner
  /** For each term of the scanner, the policy it belongs to and its place among that policy's terms. */
  owners: readonly { policy: number; term: number }[]
  options: ChainOptions
}

export type ChainOptions = {
  /** Milliseconds that only grow, for latencies and the time budget; without it both are nothing. */
  clock: () => number
  /** A policy that took longer counts as failed. */
  policyMsMax: number
}

/** One entry of `policies.chain` with its settings as the kind's schema left them. */
export type ChainEntry = { kind: PolicyKind<unknown>; settings: unknown }

const POLICY_MS_MAX = 2_000

/**
 * Compiles the policies of a configuration and builds the one scanner for the terms of all of them.
 *
 * @throws what a kind throws on settings it cannot use, such as PatternError
 */
export function compileChain(
  entries: readonly ChainEntry[],
  context: CompileContext,
  options: Partial<ChainOptions> = {},
): Chain {
  return chainOf(
    entries.map(({ kind, settings }) => kind.compile(settings, context)),
    options,
  )
}

/** A chain of policies that are compiled already. */
export function chainOf(policies: readonly Policy[], options: Partial<ChainOptions> = {}): Chain {
  const terms: Term[] = []
  const owners: { policy: number; term: number }[] = []
  for (const [policy, { terms: own }] of policies.entries()) {
    for (const [term, value] of own.entries()) {
      terms.push(value)
      owners.push({ policy, term })
    }
  }
  const inPhase = (phase: Phase) => policies.flatMap((policy, index) => (policy.phases.includes(phase) ? [index] : []))
  const phases = { input: inPhase('input'), tool: inPhase('tool'), output: inPhase('output') }
  const asksIn = (phase: Phase) => phases[phase].some((index) => policies[index]?.ask !== undefined)
  return {
    policies,
    phases,
    asks: { input: asksIn('input'), tool: asksIn('tool'), output: asksIn('output') },
    scanner: buildScanner(terms),
    owners,
    options: { clock: options.clock ?? (() => 0), policyMsMax: options.policyMsMax ?? POLICY_MS_MAX },
  }
}

/** The same chain, with those policies alone in the input phase that also read what tools answer. */
export function chainForResults(chain: Chain): Chain {
  const input = chain.phases.input.filter((index) => chain.policies[index]?.readsResults === true)
  return { ...chain, phases: { ...chain.phases, input } }
}
