import type { GatewayEvent } from '@/lib/contract/events'
import type { PriceUnit } from '@/lib/contract/price-shapes'
import { type NanoUsd, NO_MONEY, nanoUsd, nanoUsdOf, usdOfNano } from '@/lib/money'
import type { Target } from '@/lib/policy/compile-target'
import { type Cost, costOf, isTakenForText } from '@/lib/prices/cost'
import type { Price, ServedPrice } from '@/lib/prices/price'
import { type Charged, chargedAt } from '@/lib/prices/service-tier'
import { sumOfUsage, type TokenUsage } from '@/lib/token-usage'
import type { Made } from './attempts'
import { estimatesOf, wasAnswered } from './estimated-usage'
import type { Facts } from './facts'
import { type Priced, priceFor } from './known-price'
import type { McpRecord } from './mcp/mcp-record'
import type { Snapshot } from './snapshot'
import { mostUsed } from './spend/worst-case'
import type { WatchedCall } from './upstream-call'

export type Attribution = GatewayEvent['event_cost_attribution']

/** What was used of what, and by which names its price may be found. */
type Billed = { target: Priced; usage: TokenUsage; model: string | null; serviceTier: string | null }

/** What a request cost, over all of its calls that were billed, and what an answer that was there already saved. */
export type RequestCost = { attribution: Attribution; avoidedUsd: string | null }

export function requestCost(it: Facts): RequestCost {
  if (it.cacheHit !== null) return { attribution: free(it.snapshot), avoidedUsd: avoidedCost(it, it.cacheHit) }
  const attribution = named(attributionOf(it), it.eventId, it.snapshot)
  return { attribution, avoidedUsd: null }
}

/** The total as money; null when it is not known. */
export const totalOf = ({ total_cost_usd }: Attribution): NanoUsd | null =>
  total_cost_usd === null ? null : nanoUsdOf(total_cost_usd)

/** With the transaction of the ledger that a control plane makes of it: there is one for every cost. */
function named(attribution: Attribution, eventId: string | null, { orgId }: Snapshot): Attribution {
  const { total_cost_usd: total } = attribution
  if (eventId === null || orgId === null || total === null || total === NO_COST) return attribution
  return { ...attribution, source_spend_log_id: `ltx_${eventId.slice(4)}` }
}

const NO_COST = usdOfNano(NO_MONEY)

/** What the calls that are over have cost; nothing where that is not known, for then the whole is charged otherwise. */
export const costSoFar = (it: Facts): NanoUsd => {
  const cost = knownCostOf(it)
  return (cost && totalOf(cost)) ?? NO_MONEY
}

/** What all calls together took in tokens; null when none took any, or what it took is not counted in tokens. */
export function billedUsage(it: Facts): TokenUsage | null {
  if (it.cacheHit !== null) return it.usage
  let sum: TokenUsage | null = null
  for (const { usage, isSaid } of billedCalls(it)) {
    if (isSaid || usage.input > 0) sum = sum === null ? usage : sumOfUsage(sum, usage)
  }
  return sum
}

/** What the answer took, as its provider counted it to its end; null when it did not. */
export function wholeUsage(it: Facts): TokenUsage | null {
  const last = billedCalls(it).at(-1)
  return last === undefined || last.isEstimated ? null : last.usage
}

/** Tools cost what the organisation says, by the call. A server that failed, or answered with an error, is not paid. */
export function costOfToolCall(
  it: Pick<McpRecord, 'snapshot' | 'target' | 'tool' | 'call' | 'errorCode' | 'eventId'>,
): Attribution {
  const { snapshot, target, tool, call, errorCode, eventId } = it
  if (call === null || call.error !== null || errorCode === 'upstream_rejected') return free(snapshot)
  const price = toolPrice(target, tool, snapshot)
  const cost = price && costOf(price, NOTHING)
  return price && cost ? named(stated(cost, price.version, 'priced', NOTHING), eventId, snapshot) : UNKNOWN
}

/** Tools have no tokens: without a price by the call nobody has said what they cost. */
export function toolPrice(target: Target, tool: string | null, snapshot: Snapshot): Price | null {
  const price = tool === null ? null : priceFor({ target, model: tool }, null, snapshot)
  return price?.tiers[0]?.rates.request == null ? null : price
}

function attributionOf(it: Facts): Attribution {
  const cost = knownCostOf(it)
  if (cost !== null) return cost
  const rules = it.snapshot.spend
  if (rules?.unknownPrice !== 'hold_default') return UNKNOWN
  return {
    ...UNKNOWN,
    total_cost_usd: usdOfNano(rules.unknownPriceUsd),
    price_book_version: 'default',
    price_status: 'estimated',
  }
}

/** A part that is not known makes the whole unknown: half a cost would be a wrong one. */
function knownCostOf(it: Facts): Attribution | null {
  const all = billedCalls(it)
  let sum: Cost = { total: NO_MONEY, input: NO_MONEY, output: NO_MONEY }
  let version: string | null = null
  let isEstimated = it.isUsagePartial
  for (const billed of all) {
    const known = priceFor(billed, it.model, it.snapshot)
    const charged = known && chargedAt(known, billed.serviceTier, it.ask?.body.service_tier)
    const dearest = charged && dearestOf(charged, billed.usage)
    if (dearest === null) return null
    const { price, cost } = dearest
    sum = {
      total: nanoUsd(sum.total + cost.total),
      input: nanoUsd(sum.input + cost.input),
      output: nanoUsd(sum.output + cost.output),
    }
    version ??= price.version
    isEstimated ||= billed.isEstimated || charged?.isGuess === true || isTakenForText(price, billed.usage)
  }
  const [only] = all
  if (only === undefined) return free(it.snapshot)
  const usage = all.length === 1 ? only.usage : all.map((one) => one.usage).reduce(sumOfUsage)
  return stated(sum, version, isEstimated ? 'estimated' : 'priced', usage)
}

/** Null when it has no price for what was used. */
function dearestOf({ prices }: Charged, usage: TokenUsage): { price: ServedPrice; cost: Cost } | null {
  let dearest: { price: ServedPrice; cost: Cost } | null = null
  for (const price of prices) {
    const cost = costOf(price, usage)
    if (cost === null) return null
    if (dearest === null || cost.total > dearest.cost.total) dearest = { price, cost }
  }
  return dearest
}

/** A call that was billed. `isSaid`: its provider counted, so that its tokens are known. */
type BilledCall = Billed & { isSaid: boolean; isEstimated: boolean }

/** Nothing for calls that failed before they had taken anything, be they the last or followed by others. */
function billedCalls(it: Facts): BilledCall[] {
  const last = it.made.at(-1)
  const billed: BilledCall[] = []
  for (const made of it.made) {
    const one = billedCall(it, made, made === last)
    if (one !== null) billed.push(one)
  }
  return billed
}

function billedCall(it: Facts, { target, call }: Made, isLast: boolean): BilledCall | null {
  const answered = isLast ? it.usage : null
  const stated = answered ?? call.usage
  const said = stated !== null && isCount(stated) ? stated : null
  const of = {
    target,
    model: (isLast ? it.modelAnswered : null) ?? call.model,
    serviceTier: (isLast ? it.serviceTier : null) ?? call.serviceTier,
  }
  if (said !== null) {
    // Of an answer that broke off only its beginning may have been counted.
    const isPartial = answered === null || it.isUsagePartial
    const usage = isPartial || isOutputUncounted(said) ? withOutput(said, outputOf(it, call, target)) : said
    return { ...of, usage, isSaid: true, isEstimated: isPartial || usage !== said }
  }
  if (!wasAnswered(call)) return null
  const usage = unsaidUsage(it, call, of)
  return { ...of, usage, isSaid: false, isEstimated: usage.inputCharacters === undefined }
}

/** Some fill in zeros where they have not counted. */
const isCount = (usage: TokenUsage): boolean => Object.values(usage).some((count) => count > 0)

/** No text takes nothing: where there is some, its provider has left it out of its counts. Sound may be billed by its length. */
const isOutputUncounted = ({ output, inputAudioMs }: TokenUsage): boolean => output === 0 && inputAudioMs === undefined

const withOutput = (usage: TokenUsage, output: number): TokenUsage =>
  output > usage.output ? { ...usage, output } : usage

const outputOf = ({ ask }: Facts, call: WatchedCall, target: Priced): number =>
  ask === null || !call.hasAnswerText ? 0 : (estimatesOf(ask, call, target).at(-1)?.output ?? 0)

/** Text that is spoken needs no estimate where the characters have a price. */
function unsaidUsage(it: Facts, call: WatchedCall, of: Omit<Billed, 'usage'>): TokenUsage {
  if (call.isAnsweredLater && it.ask !== null) return mostUsed(it.ask, of.target, it.snapshot)
  const estimates = it.ask === null ? [NOTHING] : estimatesOf(it.ask, call, of.target)
  if (it.characters !== null) estimates[0] = { ...NOTHING, inputCharacters: it.characters }
  const price = priceFor(of, it.model, it.snapshot)
  const priced = estimates.find((usage) => price !== null && costOf(price, usage) !== null)
  return priced ?? estimates.at(-1) ?? NOTHING
}

function avoidedCost(it: Facts, { provider, targetId, model, tokens }: NonNullable<Facts['cacheHit']>): string | null {
  if (tokens === null) return null
  const target = it.snapshot.config?.compiled.targets.find(({ id }) => id === targetId)
  const of = { provider, pricing: target?.pricing ?? null, modelMap: target?.modelMap ?? NO_NAMES }
  const price = priceFor({ target: of, model }, it.model, it.snapshot)
  const cost = price && costOf(price, tokens)
  return cost ? usdOfNano(cost.total) : null
}

const NO_NAMES: Target['modelMap'] = new Map()
const NOTHING: TokenUsage = { input: 0, output: 0, cached: 0, reasoning: 0 }

/** Nobody was asked, or nobody who was asked did anything: that costs nothing, and this much is known. */
const free = ({ prices }: Snapshot): Attribution => ({
  ...stated({ total: NO_MONEY, input: NO_MONEY, output: NO_MONEY }, prices?.version ?? null, 'priced', NOTHING),
})

const stated = (
  { total, input, output }: Cost,
  version: string | null,
  price_status: Attribution['price_status'],
  usage: TokenUsage,
): Attribution => ({
  total_cost_usd: usdOfNano(total),
  input_cost_usd: usdOfNano(input),
  output_cost_usd: usdOfNano(output),
  currency: 'USD',
  price_book_version: version,
  price_status,
  source_spend_log_id: null,
  units: unitsOf(usage),
})

/** A cost that nobody knows is null, never zero. */
const UNKNOWN: Attribution = {
  total_cost_usd: null,
  input_cost_usd: null,
  output_cost_usd: null,
  currency: 'USD',
  price_book_version: null,
  price_status: 'unknown',
  source_spend_log_id: null,
  units: [],
}

/** What is charged beyond the four counts that every event has. */
const UNITS: readonly [keyof TokenUsage, PriceUnit][] = [
  ['cacheWritten', 'cache_write'],
  ['cacheWrittenHour', 'cache_write_1h'],
  ['inputAudio', 'input_audio'],
  ['inputImage', 'input_image'],
  ['outputAudio', 'output_audio'],
  ['outputImage', 'output_image'],
  ['inputAudioMs', 'input_audio_hour'],
  ['inputCharacters', 'input_characters'],
  ['webSearches', 'web_search'],
]

function unitsOf(usage: TokenUsage): Attribution['units'] {
  const units: Attribution['units'] = []
  for (const [name, unit] of UNITS) {
    const quantity = usage[name]
    if (quantity !== undefined && quantity > 0) units.push({ unit, quantity })
  }
  return units
}
