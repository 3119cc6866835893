import { randomBytes } from 'node:crypto'

const DAY_MS = 86_400_000
const EVENTS_PER_BATCH = 1_000
/** Of the days before today. */
const CALLS_PER_DAY = 300

/** Nano-dollars of one token; the price of a million of them is thousand times as many dollars. */
const NANO_USD = {
  'gpt-5.4': { input: 2_500n, output: 15_000n },
  'gpt-5.4-mini': { input: 750n, output: 4_500n },
  'llama-4-maverick': { input: 300n, output: 900n },
}
const perMillion = (nano) => String(Number(nano) / 1_000)

/** Teams, and what the provider of the examples costs: before the first call, so that none is without a price. */
export async function prepareSpend(api) {
  const teams = {}
  for (const [slug, name] of [
    ['support', 'Customer support'],
    ['finance', 'Finance'],
    ['research', 'Research'],
  ]) {
    teams[slug] = (await api('/teams', { name })).id
  }
  await api('/model-pricing/versions', {
    note: 'Contract of this year',
    set: Object.entries(NANO_USD).map(([model, { input, output }]) => ({
      provider: 'vllm',
      model,
      prices: { input: perMillion(input), output: perMillion(output) },
      effective_from: new Date(Date.now() - 400 * DAY_MS).toISOString(),
    })),
  })
  return teams
}

/**
 * What was spent in the days before, under budgets and out of wallets. These calls were not made: copies of calls that were,
 * with other times and sizes, are reported by a gateway that was cut off for as long.
 */
export async function reportPastDays({ api, consoleUrl, gatewayId, teams, days = 45 }) {
  const { key } = await api('/tokens', {
    name: gatewayId,
    token_type: 'access',
    purpose: 'gateway_runtime',
    gateway_id: gatewayId,
  })
  const made = await madeCalls(api, teams)
  const events = []
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS
  for (let day = days; day > 0; day -= 1) {
    const startsAt = today - day * DAY_MS
    const isWeekend = [0, 6].includes(new Date(startsAt).getUTCDay())
    const calls = Math.round((isWeekend ? 0.3 : 1) * CALLS_PER_DAY * (0.8 + 0.4 * Math.random()))
    for (let call = 0; call < calls; call += 1) {
      // By day more than by night.
      const at = startsAt + ((Math.random() + Math.random()) / 2) * DAY_MS
      events.push(copied(made[Math.floor(Math.random() * made.length)], at))
    }
  }
  events.sort((a, b) => a.timestamp.localeCompare(b.timestamp))
  const numbered = events.map((event, at) => ({ ...event, gateway_id: gatewayId, gateway_seq: at + 1 }))
  for (let from = 0; from < numbered.length; from += EVENTS_PER_BATCH) {
    const batch = numbered.slice(from, from + EVENTS_PER_BATCH)
    const response = await fetch(`${consoleUrl}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ events: batch }),
    })
    const answer = await response.json()
    if (answer.accepted !== batch.length) throw new Error(`Past calls were not taken: ${JSON.stringify(answer)}`)
  }
}

/** Budgets and wallets as an organisation of this size has them. Answers the budget to look at: most of it is used. */
export async function setBudgets(api, teams) {
  const monthStart = `${new Date().toISOString().slice(0, 7)}-01`
  const { total, groups } = await api(`/usage?since=${monthStart}&interval=all&group_by=team_id`)
  const spentBy = (team) => Number(groups.find(({ by }) => by.team_id === team)?.sums.cost_usd ?? 0)
  const month = (name, spent, share, scope, more) => {
    const limit_usd = String(Math.max(10, Math.ceil(spent / share / 10) * 10))
    return api('/billing/budgets', { name, limit_usd, scope, thresholds: [50, 80, 100], ...more })
  }
  await month('All of the organization', Number(total.cost_usd), 0.6, {}, { hard: false })
  await month('Customer support, monthly', spentBy(teams.support), 0.4, { team_id: teams.support })
  const finance = await month('Finance, monthly', spentBy(teams.finance), 0.97, { team_id: teams.finance })
  await month('Research, monthly', spentBy(teams.research), 0.7, { team_id: teams.research })
  await month('Support bot, each day', 0, 1, { agent_id: 'support-bot' }, { window: 'day' })
  await month('Notebooks, each week', 0, 1, { model: 'llama-4-maverick' }, { window: 'week', hard: false })
  await api(`/billing/budgets/${finance.id}/raises`, {
    amount_usd: '10',
    reason: 'Books of the quarter',
    approved_by: 'Head of Finance',
    expires_at: new Date(Date.now() + 7 * DAY_MS).toISOString(),
  })
  await api('/wallets/credit', { amount_usd: '5000', note: 'Invoice 2026-031' })
  for (const [slug, amount] of [
    ['support', '1250.50'],
    ['finance', '500'],
    ['research', '750'],
  ]) {
    await api('/wallets/allocate', { team_id: teams[slug], amount_usd: amount, note: 'First quarter' })
  }
  return finance.id
}

/** Calls of teams that were answered. */
async function madeCalls(api, teams) {
  const known = Object.values(teams)
  const found = []
  let cursor
  do {
    const page = await api(`/events?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)
    found.push(...page.items.filter((event) => known.includes(event.team_id)))
    cursor = page.next_cursor
  } while (cursor)
  if (found.length === 0) throw new Error('No call of a team was recorded.')
  return found
}

function copied({ org_id: _org, seq: _seq, recorded_at: _at, ...event }, atMs) {
  const timestamp = new Date(atMs).toISOString()
  const ids = { event_id: idAt('evt', atMs), request_id: idAt('req', atMs) }
  const given = { ...event, ...ids, timestamp, spend: null, payload: { ...event.payload, ...NOTHING_KEPT } }
  const price = NANO_USD[event.model]
  if (event.verdict !== 'allow' || event.status_code !== 200 || !price) return given
  const input = Math.round(2_000 + 14_000 * Math.random() ** 2)
  const output = Math.round(200 + 2_400 * Math.random() ** 2)
  const [inputCost, outputCost] = [BigInt(input) * price.input, BigInt(output) * price.output]
  return {
    ...given,
    tokens: { ...event.tokens, input, output },
    event_cost_attribution: {
      ...event.event_cost_attribution,
      input_cost_usd: dollarsOf(inputCost),
      output_cost_usd: dollarsOf(outputCost),
      total_cost_usd: dollarsOf(inputCost + outputCost),
    },
  }
}

/** No content was kept of calls that were not made: a record that says otherwise would not pass verification. */
const NOTHING_KEPT = {
  capture: 'none',
  commitment: 'plain',
  request_captured_sha256: null,
  response_captured_sha256: null,
}

const dollarsOf = (nano) => `${nano / 1_000_000_000n}.${String(nano % 1_000_000_000n).padStart(9, '0')}`

/** As old as the call: the first 48 bits are its time. */
const idAt = (prefix, atMs) => {
  const time = Math.floor(atMs).toString(16).padStart(12, '0')
  return `${prefix}_${time}7${randomBytes(2).toString('hex').slice(1)}8${randomBytes(8).toString('hex').slice(1)}`
}
