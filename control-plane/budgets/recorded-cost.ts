import { SCOPE_PARTS, type SpendScope } from '@/lib/contract/spend-shapes'
import type { Window } from '@/lib/spend/windows'
import { connectionOf, type Transaction } from '../database'
import { isoOf } from './period'

/** What the record said of a window before its counters were locked. */
export type CostSoFar = { seq: number; cost: bigint }

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** Nothing is recorded of a later time. */
const LATEST_MS = Date.UTC(9999, 11, 31)

/** The columns of events. */
const EVENT_COLUMNS: Record<keyof SpendScope, string> = {
  team_id: 'team_id',
  user_id: 'user_id',
  agent_id: 'agent_id',
  token_id: 'token_id',
  model: 'model_requested',
  provider: 'provider',
}

/**
 * Reads in advance what takes long: what has to be read event by event, because rollups do not know which model was asked
 * for. The caller locks the organisation's counters after this and asks `recordedCost` for all of it.
 *
 * @returns null when rollups know
 */
export async function costSoFar(
  tx: Transaction,
  orgId: string,
  scope: SpendScope,
  window: Window,
): Promise<CostSoFar | null> {
  if (scope.model === undefined) return null
  const seq = await lastSeq(tx, orgId)
  return { seq, cost: await costOfEvents(tx, orgId, scope, [[window.startsMs, window.endsMs ?? LATEST_MS]], 0, seq) }
}

/**
 * What the record says that a window has cost, exactly: no event is left out or counted twice, since the organisation's
 * counters are locked by then. What retention has dropped is known to rollups; of a scope with a model it is not.
 */
export async function recordedCost(
  tx: Transaction,
  orgId: string,
  scope: SpendScope,
  { startsMs, endsMs }: Window,
  before: CostSoFar | null,
): Promise<bigint> {
  const endMs = endsMs ?? LATEST_MS
  if (before !== null) {
    const whole: Ranges = [[startsMs, endMs]]
    const since = await costOfEvents(tx, orgId, scope, whole, before.seq, Number.MAX_SAFE_INTEGER)
    return before.cost + since + (await corrections(tx, orgId, scope, whole))
  }
  const [firstHour, lastHour] = [ceiled(startsMs, HOUR_MS), floored(endMs, HOUR_MS)]
  const [firstDay, lastDay] = [ceiled(firstHour, DAY_MS), floored(lastHour, DAY_MS)]
  const rest: [number, number][] = [
    [startsMs, firstHour],
    [lastHour, endMs],
  ]
  const [days, hours, events, corrected] = [
    await costOfRollup(tx, orgId, scope, 'usage_daily', [[firstDay, lastDay]]),
    await costOfRollup(tx, orgId, scope, 'usage_hourly', [
      [firstHour, firstDay],
      [lastDay, lastHour],
    ]),
    await costOfEvents(tx, orgId, scope, rest, 0, Number.MAX_SAFE_INTEGER),
    await corrections(tx, orgId, scope, rest),
  ]
  return days + hours + events + corrected
}

const floored = (ms: number, unitMs: number) => ms - (ms % unitMs)
const ceiled = (ms: number, unitMs: number) => floored(ms + unitMs - 1, unitMs)

async function lastSeq(tx: Transaction, orgId: string): Promise<number> {
  const { rows } = await connectionOf(tx).query<{ seq: string }>('select seq from org_counters where org_id = $1', [
    orgId,
  ])
  return Number(rows[0]?.seq ?? 0)
}

type Ranges = readonly (readonly [number, number])[]

async function costOfRollup(
  tx: Transaction,
  orgId: string,
  scope: SpendScope,
  table: 'usage_hourly' | 'usage_daily',
  ranges: Ranges,
): Promise<bigint> {
  let cost = 0n
  for (const [fromMs, untilMs] of ranges) {
    if (fromMs >= untilMs) continue
    const values: unknown[] = [orgId, isoOf(fromMs), isoOf(untilMs)]
    const conditions = conditionsOf(scope, values, (part) => part)
    const { rows } = await connectionOf(tx).query<{ cost: string }>(
      `select coalesce(sum(cost_nano_usd), 0)::text as cost from ${table}
       where org_id = $1 and at >= $2 and at < $3${conditions}`,
      values,
    )
    cost += BigInt(rows[0]?.cost ?? 0)
  }
  return cost
}

async function costOfEvents(
  tx: Transaction,
  orgId: string,
  scope: SpendScope,
  ranges: Ranges,
  afterSeq: number,
  untilSeq: number,
): Promise<bigint> {
  let cost = 0n
  for (const [fromMs, untilMs] of ranges) {
    if (fromMs >= untilMs) continue
    const values: unknown[] = [orgId, isoOf(fromMs), isoOf(untilMs), afterSeq, untilSeq]
    const conditions = conditionsOf(scope, values, (part) => EVENT_COLUMNS[part])
    const { rows } = await connectionOf(tx).query<{ cost: string }>(
      `select coalesce(sum(cost_nano_usd), 0)::text as cost from events
       where org_id = $1 and occurred_at >= $2 and occurred_at < $3 and seq > $4 and seq <= $5${conditions}`,
      values,
    )
    cost += BigInt(rows[0]?.cost ?? 0)
  }
  return cost
}

/** What events turned out to cost more or less than was recorded (control-plane/model-pricing/repricing). Rollups know of it. */
async function corrections(tx: Transaction, orgId: string, scope: SpendScope, ranges: Ranges): Promise<bigint> {
  let cost = 0n
  for (const [fromMs, untilMs] of ranges) {
    if (fromMs >= untilMs) continue
    const values: unknown[] = [orgId, isoOf(fromMs), isoOf(untilMs)]
    const conditions = conditionsOf(scope, values, (part) => `e.${EVENT_COLUMNS[part]}`)
    const { rows } = await connectionOf(tx).query<{ cost: string }>(
      `select coalesce(sum(l.amount_nano_usd), 0)::text as cost from ledger_transactions t
       join ledger_entries l on l.org_id = $1 and l.transaction_id = t.id and l.account_id = 'spend'
       join events e on e.org_id = $1 and e.event_id = t.event_id and e.occurred_at = t.occurred_at
       where t.org_id = $1 and t.kind = 'adjust' and t.occurred_at >= $2 and t.occurred_at < $3${conditions}`,
      values,
    )
    cost += BigInt(rows[0]?.cost ?? 0)
  }
  return cost
}

function conditionsOf(scope: SpendScope, values: unknown[], columnOf: (part: keyof SpendScope) => string): string {
  return SCOPE_PARTS.flatMap((part) => {
    const wanted = scope[part]
    if (wanted === undefined) return []
    values.push(wanted)
    return ` and ${columnOf(part)} = $${values.length}`
  }).join('')
}
