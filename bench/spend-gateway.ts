import { readAsk } from '../gateway/ask'
import { emptySnapshot } from '../gateway/snapshot'
import type { LeaseAnswers } from '../gateway/spend/ask-for-leases'
import { SpendGate } from '../gateway/spend/spend-gate'
import { SpendRules } from '../gateway/spend/spend-rules'
import { worstCases } from '../gateway/spend/worst-case'
import { SURFACES } from '../gateway/surfaces/all'
import { httpTarget } from '../gateway/testing'
import type { LeaseAsk } from '../lib/contract/spend-leases'
import type { GatewayBudget } from '../lib/contract/spend-shapes'
import { type NanoUsd, nanoUsdOf } from '../lib/money'
import { PriceBook } from '../lib/prices/price-book'

const CALLS = 200_000
const ROUNDS = 7

/** What budgets and wallets cost a request in the gateway, in memory and without any call, by the number of its scopes. */
export async function benchSpendGateway(): Promise<string> {
  const rows: string[] = []
  for (const scopes of [0, 1, 4, 8]) {
    const reserved = await measured(scopes, false)
    const whole = await measured(scopes, true)
    rows.push(`| ${scopes} | ${reserved.toFixed(2)} | ${whole.toFixed(2)} |`)
  }
  return [
    '# Budgets in the gateway',
    'Microseconds of processor time for each request, the median of seven rounds of 200,000. 2,000 other budgets are there.',
    '| scopes | reserve and settle | with finding the price and the worst case of a chat of 4 KB |\n|---|---|---|\n' +
      rows.join('\n'),
  ].join('\n\n')
}

async function measured(scopes: number, isWhole: boolean): Promise<number> {
  const gate = new SpendGate({ ask: grantAll, wallMs: Date.now, failed: () => {} })
  const rules = new SpendRules({
    unknown_price: 'flag',
    unknown_price_usd: '0.000000000',
    wallets: null,
    budgets: [...Array.from({ length: scopes }, (_, at) => budget(`bud_${at}`, SCOPES[at % 4] ?? {})), ...OTHERS],
  })
  const snapshot = { ...emptySnapshot(), prices: PRICES }
  const known = () => WORST
  const worst = nanoUsdOf('0.01')
  const run = () => {
    const result = gate.reserve({
      rules,
      who: WHO,
      atMs: 1_800_000_000_000,
      tiers: TIERS,
      worstCaseOf: isWhole ? worstCases(ASK, snapshot) : known,
    })
    if (result instanceof Promise) return result
    if (result.refused === null) result.reservation?.settle(worst, 'openai')
    return null
  }
  await run()
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    let asked = 0
    for (let n = 0; n < CALLS; n++) if (run() !== null) asked += 1
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / CALLS)
    if (asked > 0) throw new Error(`${asked} requests had to ask the control plane.`)
  }
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0
}

const budget = (id: string, scope: GatewayBudget['scope']): GatewayBudget => ({
  id,
  name: id,
  scope,
  limit_usd: '1000000.000000000',
  on_unavailable: 'deny',
  windows_ms: [0, 9_000_000_000_000],
})
const WHO = { teamId: 'team_a', userId: 'ada', agentId: null, tokenId: 'tok_a', model: 'gpt-test' }
const SCOPES = [{}, { team_id: 'team_a' }, { user_id: 'ada' }, { model: 'gpt-test' }]
const OTHERS = Array.from({ length: 1_990 }, (_, at) => budget(`bud_other_${at}`, { user_id: `user_${at}` }))
const WORST = nanoUsdOf('0.02') as NanoUsd
const TIERS = [[httpTarget('https://api.openai.com/v1')]]
const PRICES = new PriceBook({
  version: 'bench',
  rows: [
    {
      provider: 'openai',
      model: 'gpt-test',
      source: 'catalogue',
      match: { names: ['gpt-test'] },
      terms: [{ effective_from: null, between: null, prices: { input: '2.5', output: '10' }, tiers: [] }],
    },
  ],
})
const SURFACE = SURFACES.find(({ shape }) => shape === 'openai_chat')
if (SURFACE === undefined) throw new Error('There is no chat.')
const ASK = readAsk(
  Buffer.from(
    JSON.stringify({
      model: 'gpt-test',
      max_tokens: 500,
      messages: Array.from({ length: 8 }, (_, at) => ({
        role: at % 2 ? 'assistant' : 'user',
        content: 'word '.repeat(100),
      })),
    }),
  ),
  SURFACE,
  'application/json',
)

/** So much that nobody has to ask again. */
const grantAll = async (_: string, groups: LeaseAsk[][]): Promise<LeaseAnswers> => ({
  server_time: new Date().toISOString(),
  groups: groups.map((group) => ({
    leases: group.map((_, at) => ({
      lease_id: `lse_${String(at).padStart(32, '0')}`,
      granted: '900000000000000000',
      expires_in_ms: 3_600_000,
      is_closed: false,
    })),
    short: [],
    is_recalled: false,
  })),
})
