import { setTimeout as delay } from 'node:timers/promises'
import { budgets } from '../../lib/contract/budgets'
import { events } from '../../lib/contract/events'
import { tokens } from '../../lib/contract/tokens'
import { wallets } from '../../lib/contract/wallets'
import { nanoUsdOf, usdOfNano } from '../../lib/money'

import { Random } from '../faults/random'
import { call, type Faults, makeTrouble, settled } from './trouble'
import { CALL_NANO, type World } from './world'

const HOUR_MS = 3_600_000
const DAY_HOURS = 24
/** The furthest that a zone is ahead of UTC. */
const AHEAD_HOURS_MAX = 14
/** Gateways hear of the time when they ask for their state, every five seconds. */
const LEAD_MS = 12_000
const BEFORE_MS = 3_000
/** So long that every gateway is told of the new windows meanwhile. */
const BEHIND_MS = 14_000
const CALLERS = 60
const PAUSE_MS = 250
const SKEW_MS_MAX = 540_000

const ROLLOVERS = ['none', 'carry', 'cap'] as const
type Rollover = (typeof ROLLOVERS)[number]

/** Calls by what was answered, those before the reset and those behind it. */
type Answers = { answered: [number, number]; refused: [number, number]; neither: [number, number] }

export type ResetRun = {
  seed: number
  rollover: Rollover
  calls: Answers
  /** Calls that were charged to a window, and what it had room for. */
  before: number
  after: number
  limits: { before: number; after: number }
  faults: Faults
  failures: string[]
}

type Spender = {
  seed: number
  key: string
  tokenId: string
  budgetId: string
  limit: number
  cap: number
  rollover: Rollover
}

/**
 * Five gateways spend budgets while the windows of all of them end, under the faults of the other runs and with wrong ideas of
 * what time the control plane has. Windows are days of a zone in which it is midnight at the next full hour. What each window
 * was charged is summed up from the events, by their times.
 */
export async function runsAcrossReset(world: World, count: number, seed: number, held: string[]): Promise<ResetRun[]> {
  const { gateways } = world
  const random = new Random(seed)
  const { resetMs, timeZone } = midnightSoon()
  await delay(resetMs - LEAD_MS - Date.now() - count * 200)
  const spenders: Spender[] = []
  for (let at = 0; at < count; at++) spenders.push(await spender(world, seed + at, timeZone))
  held.push(...spenders.map(({ budgetId }) => budgetId))
  for (const { link } of gateways) link.skewMs = random.below(2) * (random.below(2 * SKEW_MS_MAX) - SKEW_MS_MAX)
  const faults = { cuts: 0, kills: 0, jumps: 0 }
  await delay(resetMs - BEFORE_MS - Date.now())
  const over = new AbortController()
  const trouble = makeTrouble(world, random.fork(), { faults }, over.signal)
  const calls = await load(world, random.fork(), spenders, resetMs)
  over.abort()
  await trouble
  const countAll = async () => {
    const all = await Promise.all(spenders.map(({ tokenId }) => chargedTo(world, tokenId)))
    return all.flat().length
  }
  const stuck = await settled(world, countAll, seed)
  for (const { link } of gateways) link.skewMs = 0
  const runs: ResetRun[] = []
  for (const one of spenders) {
    const run = await outcome(world, one, resetMs)
    runs.push({
      ...run,
      calls: calls.get(one.seed) ?? noAnswers(),
      faults,
      failures: stuck === null ? run.failures : [stuck, ...run.failures],
    })
  }
  return runs
}

/** A key with a budget of its own. */
async function spender({ admin }: World, seed: number, timeZone: string): Promise<Spender> {
  const random = new Random(seed)
  const name = `resets-${seed}`
  const limit = 5 + random.below(60)
  const cap = random.below(limit)
  const rollover = random.pick(ROLLOVERS)
  const { key, token } = await admin(tokens.create, { name, token_type: 'gateway' })
  const { id } = await admin(budgets.create, {
    name,
    scope: { token_id: token.id },
    limit_usd: usdOfNano(CALL_NANO * BigInt(limit)),
    window: 'day',
    time_zone: timeZone,
    rollover,
    ...(rollover === 'cap' ? { rollover_cap_usd: usdOfNano(CALL_NANO * BigInt(cap)) } : {}),
  })
  return { seed, key, tokenId: token.id, budgetId: id, limit, cap, rollover }
}

/** The next full hour that leaves time to prepare, and a zone in which a day ends then. */
function midnightSoon(): { resetMs: number; timeZone: string } {
  const resetMs = Math.ceil((Date.now() + 2 * LEAD_MS) / HOUR_MS) * HOUR_MS
  const ahead = (DAY_HOURS - (new Date(resetMs).getUTCHours() % DAY_HOURS)) % DAY_HOURS
  // The signs of these names are turned round: Etc/GMT-5 is five hours ahead.
  const timeZone = ahead > AHEAD_HOURS_MAX ? `Etc/GMT+${DAY_HOURS - ahead}` : ahead === 0 ? 'UTC' : `Etc/GMT-${ahead}`
  return { resetMs, timeZone }
}

const noAnswers = (): Answers => ({ answered: [0, 0], refused: [0, 0], neither: [0, 0] })

/** @returns what came of the calls, by seed */
async function load(
  { gateways }: World,
  random: Random,
  spenders: readonly Spender[],
  resetMs: number,
): Promise<ReadonlyMap<number, Answers>> {
  const calls = new Map(spenders.map(({ seed }) => [seed, noAnswers()]))
  const caller = async () => {
    while (Date.now() < resetMs + BEHIND_MS) {
      await delay(random.below(PAUSE_MS))
      const gateway = gateways[random.below(gateways.length)]
      const spender = spenders[random.below(spenders.length)]
      if (gateway === undefined || spender === undefined) return
      const when = Date.now() < resetMs ? 0 : 1
      const status = await call(gateway.url, spender.key)
      const kind = status === 200 ? 'answered' : status === 402 ? 'refused' : 'neither'
      const answers = calls.get(spender.seed)
      if (answers !== undefined) answers[kind][when] += 1
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return calls
}

async function outcome(
  world: World,
  { seed, tokenId, budgetId, limit, cap, rollover }: Spender,
  resetMs: number,
): Promise<Omit<ResetRun, 'calls' | 'faults'>> {
  const charged = await chargedTo(world, tokenId)
  const before = charged.filter((atMs) => atMs < resetMs).length
  const after = charged.length - before
  const left = Math.max(0, limit - before)
  const carried = rollover === 'none' ? 0 : rollover === 'carry' ? left : Math.min(left, cap)
  const run = {
    seed,
    rollover,
    before,
    after,
    limits: { before: limit, after: limit + carried },
    failures: [] as string[],
  }
  await check(world, budgetId, resetMs, run)
  return run
}

/** When each call began that was charged to a key. */
async function chargedTo({ admin }: World, tokenId: string): Promise<number[]> {
  const times: number[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await admin(events.list, { since: '1d', filter: `token_id=${tokenId}`, limit: 200, cursor })
    for (const { timestamp, event_cost_attribution: cost } of page.items)
      if (cost.total_cost_usd !== null && nanoUsdOf(cost.total_cost_usd) > 0n) times.push(Date.parse(timestamp))
    if (page.next_cursor === null) return times
    cursor = page.next_cursor
  }
}

async function check(
  { admin }: World,
  budgetId: string,
  resetMs: number,
  run: Pick<ResetRun, 'before' | 'after' | 'limits' | 'failures'>,
): Promise<void> {
  const { before, after, limits, failures } = run
  if (before > limits.before) failures.push(`${before} charged before the reset, of ${limits.before}`)
  if (after > limits.after) failures.push(`${after} charged after the reset, of ${limits.after}`)
  const { items } = await admin(budgets.windows, { id: budgetId })
  for (const { starts_at, committed_usd, excess_usd } of items) {
    const counted = Date.parse(starts_at) < resetMs ? before : after
    const committed = Number(nanoUsdOf(committed_usd) / CALL_NANO)
    if (committed !== counted) failures.push(`window of ${starts_at}: ${committed} committed, ${counted} in events`)
    if (nanoUsdOf(excess_usd) > 0n) failures.push(`window of ${starts_at}: excess ${excess_usd}`)
  }
  const { balanced, sum_usd } = await admin(wallets.check, {})
  if (!balanced) failures.push(`the ledger sums up to ${sum_usd}`)
}

export function resetReport(all: readonly ResetRun[]): string[] {
  const faults = all[0]?.faults
  if (faults === undefined) return []
  const rows = ROLLOVERS.map((rollover) => {
    const runs = all.filter((one) => one.rollover === rollover)
    const sum = (of: (run: ResetRun) => number) => runs.reduce((total, one) => total + of(one), 0)
    const over = runs.filter(({ before, after, limits }) => before > limits.before || after > limits.after)
    const full = runs.filter(({ before, after, limits }) => before === limits.before || after === limits.after)
    const cells = [
      rollover,
      runs.length,
      ...(['answered', 'refused', 'neither'] as const).map((kind) =>
        [0, 1].map((when) => sum(({ calls }) => calls[kind][when] ?? 0)).join(' / '),
      ),
      sum(({ before }) => before),
      sum(({ after }) => after),
      full.length,
      over.length,
    ]
    return `| ${cells.join(' | ')} |`
  })
  const failed = all.filter(({ failures }) => failures.length > 0)
  return [
    '',
    '### Across the end of a window',
    '',
    `The same gateways, with ${faults.cuts} cuts, ${faults.kills} kills and ${faults.jumps} clock jumps; of some the control plane's time is off by up to nine minutes; all windows end in the middle.`,
    '',
    '| rollover | budgets | answered, before / behind | refused | neither | charged to the old window | to the new one | with a window used up | over a limit |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...rows,
    '',
    failed.length === 0
      ? 'No window was charged more than its limit and what was carried into it, by the times of the events, and windows say the same.'
      : `**Failures**: ${failed.map((one) => `seed ${one.seed}: ${one.failures.join('; ')}`).join(' | ')}`,
  ]
}
