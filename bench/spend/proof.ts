import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { budgets } from '../../lib/contract/budgets'
import { LEASE_SECONDS } from '../../lib/contract/spend-leases'
import { tokens } from '../../lib/contract/tokens'
import { usage } from '../../lib/contract/usage'
import { wallets } from '../../lib/contract/wallets'
import { nanoUsdOf, usdOfNano } from '../../lib/money'
import { Random } from '../faults/random'
import { resetReport, runsAcrossReset } from './resets'
import { call, type Faults, makeTrouble, settled } from './trouble'
import { CALL_NANO, HOLD_SECONDS, startWorld, type World } from './world'

const GATEWAYS = 5
/** Requests under way at once, over all gateways. */
const CONCURRENT = 40

/** `faults`: cut, killed, misled. `calm`: none of it. `checked`: nothing holds a lease, and clients look before they call. */
const KINDS = ['calm', 'faults', 'checked'] as const
type Kind = (typeof KINDS)[number]

type Run = {
  seed: number
  allowed: number
  answered: number
  refused: number
  unavailable: number
  broken: number
  /** Calls that were recorded, by what they cost. */
  charged: number
  called: number
  faults: Faults
  failures: string[]
}

/**
 * Five gateways spend one budget while their links are cut, their answers lost, their batches repeated, their processes
 * killed and their clocks moved; then without any of it; then as systems do that look before they charge; then across the
 * end of windows, for which it waits until the next full hour. `BENCH_RUNS` says how often (100), `BENCH_SEED` repeats them, `BENCH_SPEND` chooses from
 * `calm,faults,checked,resets`.
 */
export async function benchSpendProof(): Promise<string> {
  const count = Number(process.env.BENCH_RUNS ?? 100)
  const seed = Number(process.env.BENCH_SEED ?? randomInt(2 ** 31))
  const few = Math.max(1, Math.ceil(count / 5))
  const world = await startWorld(GATEWAYS, new Random(seed))
  let holds = false
  try {
    const all = new Map<Kind, Run[]>()
    const held: string[] = []
    const wanted = (process.env.BENCH_SPEND ?? 'calm,faults,checked,resets').split(',')
    for (const kind of KINDS.filter((one) => wanted.includes(one))) {
      const runs = kind === 'faults' ? count : few
      const done: Run[] = []
      all.set(kind, done)
      for (let at = 0; at < runs; at++) done.push(await run(world, kind, seed + at, held))
    }
    const resets = wanted.includes('resets') ? await runsAcrossReset(world, few, seed, held) : []
    const stuck = await stuckAfterHold(world, held)
    const failures = [...[...all.values()].flat(), ...resets].flatMap((one) => one.failures)
    holds = stuck.length === 0 && failures.length === 0
    // What was measured is worth reading, above all then.
    if (!holds) process.exitCode = 1
    return [...report(seed, world, all, stuck), ...resetReport(resets)].join('\n')
  } finally {
    if (!holds) console.error(`Spools and logs are in ${world.directory}.`)
    await world.stop({ keep: !holds })
  }
}

async function run(world: World, kind: Kind, seed: number, held: string[]): Promise<Run> {
  const random = new Random(seed)
  const name = `${kind}-${seed}`
  const allowed = 40 + random.below(80)
  const { admin, provider } = world
  const hard = kind !== 'checked'
  const agent = await admin(budgets.create, {
    name: `${name} agent`,
    scope: { agent_id: name },
    limit_usd: usdOfNano(CALL_NANO * BigInt(allowed + random.below(20))),
    window: 'lifetime',
    hard,
  })
  const { key, token } = await admin(tokens.create, { name, token_type: 'gateway', agent_id: name })
  const budget = await admin(budgets.create, {
    name,
    scope: { token_id: token.id },
    limit_usd: usdOfNano(CALL_NANO * BigInt(allowed)),
    window: 'lifetime',
    hard,
  })
  held.push(budget.id, agent.id)
  await delay(1_200) // until every gateway has heard
  const result: Run = {
    seed,
    allowed,
    answered: 0,
    refused: 0,
    unavailable: 0,
    broken: 0,
    charged: 0,
    called: 0,
    faults: { cuts: 0, kills: 0, jumps: 0 },
    failures: [],
  }
  const callsBefore = provider.calls
  const over = new AbortController()
  const trouble = kind === 'faults' ? makeTrouble(world, random.fork(), result, over.signal) : Promise.resolve()
  await load(world, random.fork(), key, Math.round(allowed * 2.5), kind === 'checked' ? budget.id : null, result)
  over.abort()
  await trouble
  const stuck = await settled(world, () => chargedTo(admin, token.id), seed)
  if (stuck !== null) result.failures.push(stuck)
  result.called = provider.calls - callsBefore
  await check(world, kind, token.id, [budget.id, agent.id], result)
  return result
}

/** Each client sends its next request when it has the answer to the last. */
async function load(
  { gateways, admin }: World,
  random: Random,
  key: string,
  requests: number,
  looksAt: string | null,
  result: Run,
): Promise<void> {
  let left = requests
  const client = async () => {
    while (left > 0) {
      left -= 1
      const gateway = gateways[random.below(gateways.length)]
      if (gateway === undefined) return
      if (looksAt !== null) {
        const { current } = await admin(budgets.get, { id: looksAt })
        if (nanoUsdOf(current.committed_usd) + CALL_NANO > nanoUsdOf(current.limit_usd)) {
          result.refused += 1
          continue
        }
      }
      const status = await call(gateway.url, key)
      if (status === 200) result.answered += 1
      else if (status === 402) result.refused += 1
      else if (status === 503) result.unavailable += 1
      else result.broken += 1
      if (status !== 200 && status !== 402) await delay(20)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, client))
}

/** Calls of a key that were recorded with a cost. */
async function chargedTo(admin: World['admin'], keyId: string): Promise<number> {
  const { total } = await admin(usage.read, { since: '1d', interval: 'all', filter: `token_id=${keyId}` })
  return Number(nanoUsdOf(total.cost_usd) / CALL_NANO)
}

async function check({ admin }: World, kind: Kind, keyId: string, ids: string[], result: Run): Promise<void> {
  const { failures, allowed } = result
  result.charged = await chargedTo(admin, keyId)
  for (const id of ids) {
    const { current, name } = await admin(budgets.get, { id })
    const committed = Number(nanoUsdOf(current.committed_usd) / CALL_NANO)
    if (committed !== result.charged) failures.push(`${name}: ${committed} committed, ${result.charged} in usage`)
    if (kind !== 'checked' && nanoUsdOf(current.excess_usd) > 0n) failures.push(`${name}: excess ${current.excess_usd}`)
  }
  if (kind !== 'checked' && result.charged > allowed) failures.push(`${result.charged} charged of ${allowed}`)
  if (kind === 'calm' && result.charged !== allowed) failures.push(`${result.charged} admitted of exactly ${allowed}`)
  if (result.answered > result.charged) failures.push(`${result.answered} answered, ${result.charged} charged`)
  const { balanced, sum_usd } = await admin(wallets.check, {})
  if (!balanced) failures.push(`the ledger sums up to ${sum_usd}`)
}

/** Budgets and wallets of which gateways still hold something when the time that they may is over. */
async function stuckAfterHold({ admin }: World, ids: readonly string[]): Promise<string[]> {
  const untilMs = performance.now() + (LEASE_SECONDS + HOLD_SECONDS + 90) * 1_000
  for (let held = [...ids]; ; await delay(2_000)) {
    const still: string[] = []
    for (const id of held) {
      const { current } = await admin(budgets.get, { id })
      if (nanoUsdOf(current.held_usd) > 0n) still.push(id)
    }
    held = still
    const { held_usd } = await admin(wallets.get, { id: 'organization' })
    const stuck = nanoUsdOf(held_usd) > 0n ? [...held, `wallet of the organisation: ${held_usd}`] : held
    if (stuck.length === 0 || performance.now() >= untilMs) return stuck
  }
}

function report(seed: number, { hasClock }: World, all: ReadonlyMap<Kind, Run[]>, stuck: readonly string[]): string[] {
  const rows = [...all].map(([kind, runs]) => {
    const sum = (of: (run: Run) => number) => runs.reduce((total, one) => total + of(one), 0)
    const over = runs.filter(({ charged, allowed }) => charged > allowed)
    const most = Math.max(0, ...runs.map(({ charged, allowed }) => (charged - allowed) / allowed))
    const exact = runs.filter(({ charged, allowed }) => charged === allowed).length
    const cells = [
      NAMES[kind],
      runs.length,
      sum(({ answered, refused, unavailable, broken }) => answered + refused + unavailable + broken),
      `${sum(({ faults }) => faults.cuts)} / ${sum(({ faults }) => faults.kills)} / ${sum(({ faults }) => faults.jumps)}`,
      `${over.length}`,
      `${(most * 100).toFixed(0)} %`,
      `${exact}`,
      `${((sum(({ charged }) => charged) / sum(({ allowed }) => allowed)) * 100).toFixed(1)} %`,
      sum(({ called, charged }) => called - charged),
    ]
    return `| ${cells.join(' | ')} |`
  })
  const failed = [...all.values()].flat().filter(({ failures }) => failures.length > 0)
  return [
    '## Spend under faults',
    '',
    `${GATEWAYS} gateway processes, ${CONCURRENT} callers, every call ${usdOfNano(CALL_NANO)} dollars, three sources for each (budget of the key, budget of the agent, wallet of the organisation), two and a half times as many calls as the budget allows. Seed ${seed}.${hasClock ? '' : ' Clocks were not moved: libfaketime is not installed.'}`,
    '',
    '| | runs | calls | cuts / kills / clock jumps | runs over the limit | worst | exactly the limit | of the limit charged | called and not recorded |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...rows,
    '',
    `Held after the time for which it may be: ${stuck.length === 0 ? 'nothing' : stuck.join(', ')}.`,
    '',
    failed.length === 0
      ? 'In every run, budgets, usage and ledger agreed to the nano-dollar, and the entries of the ledger summed up to zero.'
      : `**Failures**: ${failed.map((one) => `seed ${one.seed}: ${one.failures.join('; ')}`).join(' | ')}`,
  ]
}

const NAMES: Record<Kind, string> = {
  calm: 'leases, no faults',
  faults: 'leases, faults',
  checked: 'looked before each call instead',
}
