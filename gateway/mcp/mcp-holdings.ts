import { costOf } from '@/lib/prices/cost'
import { spenderOf } from '../caller'
import { refusalOfLimit } from '../limits/exceeded'
import { limitsOf, userOf } from '../limits/limits-of'
import { toolPrice } from '../request-cost'
import { controlPlaneNowMs } from '../snapshot'
import type { McpDoorState } from './mcp-door'
import { admittedOf, type McpFacts } from './mcp-facts'
import type { McpGovernor } from './mcp-governor'

/** Tokens are of models: tools are counted by their requests. @throws Refusal `rate_limited` */
export async function takeFromLimits(door: McpDoorState, facts: McpFacts, governor: McpGovernor): Promise<void> {
  const { config, orgId } = facts.snapshot
  const { key } = admittedOf(facts)
  if (config === null) return
  const limits = limitsOf(config.compiled.limits, { key, userId: userOf(facts.headers), ip: facts.clientIp })
  if (limits.length === 0) return
  const from = { config: config.compiled, orgId }
  const taken = await door.options.limiter.take(from, limits, 0, controlPlaneNowMs(facts.snapshot))
  if (taken.exceeded === null) {
    facts.hold = taken.hold
    return
  }
  governor.verdict = 'block'
  governor.reasonCode = `rate.${taken.exceeded.limit.name}`
  throw refusalOfLimit(taken.exceeded)
}

/** A tool without a price by the call costs what nobody knows: nothing is reserved for it. @throws Refusal */
export async function reserveSpend(door: McpDoorState, facts: McpFacts, governor: McpGovernor): Promise<void> {
  const { spend: rules } = facts.snapshot
  const { key, target } = admittedOf(facts)
  if (rules === null || governor.tool === null || facts.eventId === null) return
  const price = toolPrice(target, governor.tool, facts.snapshot)
  const cost = price && costOf(price, { input: 0, output: 0, cached: 0, reasoning: 0 })
  if (!cost) return
  const reserved = await door.options.spend.reserve({
    rules,
    who: spenderOf(key, facts.headers, governor.tool),
    atMs: facts.startedAtMs,
    tiers: [[target]],
    worstCaseOf: () => cost.total,
  })
  if (reserved.refused === null) {
    facts.reservation = reserved.reservation
    return
  }
  governor.verdict = 'block'
  governor.reasonCode = reserved.refused.reasonCode
  facts.unspent = reserved.refused.spend
  throw reserved.refused.refusal
}

/** What its record did not settle costs nothing. */
export function giveBack({ options }: McpDoorState, { hold, reservation }: McpFacts): void {
  if (hold !== null) options.limiter.release(hold, 0)
  reservation?.settle(null, null)
}
