import { NO_MONEY, nanoUsd } from '@/lib/money'
import type { Target } from '@/lib/policy/compile'
import type { Ask } from './ask'
import { spenderOf } from './caller'
import type { Facts } from './facts'
import { refusalOfLimit } from './limits/exceeded'
import { rateLimitFields, type Taken } from './limits/limiter'
import { limitsOf, tokensEstimated, userOf } from './limits/limits-of'
import type { Plane } from './plane'
import { costSoFar, requestCost, totalOf } from './request-cost'
import { controlPlaneNowMs } from './snapshot'
import { budgetFields } from './spend/budget-fields'
import type { Reserved } from './spend/spend-gate'
import { worstCases } from './spend/worst-case'

/** Takes a request from all limits that it falls under; null when there is none. */
export function takeFromLimits({ limiter }: Plane, facts: Facts, ask: Ask): Taken | null | Promise<Taken> {
  const { key, clientIp, headers, snapshot } = facts
  if (snapshot.config === null) return null
  const { compiled: config } = snapshot.config
  const limits = limitsOf(config.limits, { key, userId: userOf(headers), ip: clientIp })
  if (limits.length === 0) return null
  const tokens = tokensEstimated(ask.bytes.length, ask.outputTokensMax)
  return limiter.take({ config, orgId: snapshot.orgId }, limits, tokens, controlPlaneNowMs(snapshot))
}

/** @throws Refusal `rate_limited` */
export function keepTaken(facts: Facts, taken: Taken | null): void {
  if (taken === null) return
  if (taken.exceeded === null) {
    facts.hold = taken.hold
    return
  }
  facts.exceeded = taken.exceeded
  facts.refusedFor = `rate.${taken.exceeded.limit.name}`
  throw refusalOfLimit(taken.exceeded)
}

/** Takes the worst case from every budget that counts the request and from a wallet that pays. */
export function reserveSpend(
  { spend }: Plane,
  { snapshot, key, headers, startedAtMs }: Facts,
  ask: Ask,
  tiers: readonly (readonly Target[])[],
): Reserved | Promise<Reserved> {
  const { spend: rules } = snapshot
  if (rules === null || rules.isIdle) return { refused: null, reservation: null, tiers }
  const who = spenderOf(key, headers, ask.model)
  return spend.reserve({ rules, who, atMs: startedAtMs, tiers, worstCaseOf: worstCases(ask, snapshot) })
}

/** @returns the targets that can be paid. @throws Refusal of the budget or wallet that has no room */
export function keepReserved(facts: Facts, reserved: Reserved): readonly (readonly Target[])[] {
  if (reserved.refused !== null) {
    facts.refusedFor = reserved.refused.reasonCode
    facts.unspent = reserved.refused.spend
    throw reserved.refused.refusal
  }
  facts.reservation = reserved.reservation
  return reserved.tiers
}

/**
 * Whether a request may ask another target after calls that failed. Of those some may have been billed: then it holds, from
 * here on, what they cost and the most that the next can cost, or it may not.
 */
export function hasRoomForAnother(
  { spend }: Plane,
  facts: Facts,
  ask: Ask,
  target: Target,
): boolean | Promise<boolean> {
  const { reservation, snapshot } = facts
  if (reservation === null) return true
  const spent = costSoFar(facts)
  // The first reservation is for the dearest of all targets. With a call whose price nobody knows the whole has none.
  const next = spent === NO_MONEY ? null : worstCases(ask, snapshot)(target)
  return next === null || spend.extend(reservation, nanoUsd(spent + next), target.provider)
}

/**
 * Gives back what a request held: of its limits what it did not take, of its budgets all but what its event will say that
 * it cost, whatever became of it.
 */
export function giveBack({ limiter }: Plane, facts: Facts): void {
  const { hold, usage, made, reservation } = facts
  const unsaid = made.length === 0 ? 0 : null // nobody was asked, so it cost nothing
  if (hold !== null) limiter.release(hold, usage === null ? unsaid : usage.input + usage.output)
  if (reservation === null || facts.settled !== null) return
  const cost = requestCost(facts)
  const provider = made.at(-1)?.target.provider ?? null
  facts.settled = { cost, spend: reservation.settle(totalOf(cost.attribution), provider) }
}

/** What an answer says of limits and budgets: flat `[name, value, ...]`. */
export function fieldsOfHoldings(
  { limiter, spend }: Plane,
  { exceeded, hold, reservation, snapshot }: Facts,
): string[] {
  const fields: string[] = []
  if (exceeded !== null) fields.push(...rateLimitFields([exceeded]))
  else if (hold !== null) fields.push(...rateLimitFields(limiter.statusesOf(hold, controlPlaneNowMs(snapshot))))
  if (reservation !== null) fields.push(...budgetFields(reservation.tightest(spend.nowMs())))
  return fields
}
