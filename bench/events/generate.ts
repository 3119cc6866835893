import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { type DecisionEvent, events, type Verdict } from '../../lib/contract/events'
import { canonicalJson } from '../../lib/trail/canonical'

export type GenerateOptions = {
  orgId: string
  count: number
  /** Events lie in so many days before `endMs`. */
  days: number
  endMs: number
  seed: number
}

/** What was generated, for asking questions whose answers are known to exist. */
export type Generated = { keys: Key[]; firstSeq: number; lastSeq: number }
type Key = {
  id: string
  name: string
  team: string
  agents: (string | null)[]
  users: (string | null)[]
  models: Model[]
  blocked: number
}
type Model = { provider: string; model: string; usd: number }
type Rollup = { at: number; key: string; sums: number[]; nano: bigint }

const MODELS: Model[] = [
  ['openai', 'gpt-5.4-mini', 0.4],
  ['openai', 'gpt-5.4', 4],
  ['openai', 'gpt-4o', 5],
  ['anthropic', 'claude-sonnet-5', 6],
  ['anthropic', 'claude-haiku-5', 1],
  ['google', 'gemini-3-flash', 0.3],
  ['google', 'gemini-3-pro', 3],
  ['mistral', 'mistral-large-3', 2],
  ['openai', 'text-embedding-4-small', 0.02],
  ['sandbox', 'sandbox-1', 0],
].map(([provider, model, usd]) => ({ provider, model, usd }) as Model)

const BLOCKS = [
  'pii.detected',
  'prompt.injection',
  'model.not_allowed',
  'dlp.secret',
  'safety.violence',
  'tool.not_allowed',
]
const ROWS_PER_CHUNK = 2_000
const HOUR_MS = 3_600_000
/** From so many events on, indexes are made after the rows. */
const REBUILD_FROM = 500_000

/**
 * Fills an organisation with events as they come: 200 keys of 12 teams of which few do most, each with its models, agents
 * and users; more by day than by night and on weekdays, bursts, refusals that come in series; recorded up to seconds
 * after they happened. The same seed gives the same events.
 *
 * Written by COPY as the owner, with lines, leaf hashes and rollups as if they had been ingested. No trail is made.
 */
export async function generateEvents(client: pg.Client, options: GenerateOptions): Promise<Generated> {
  const random = seeded(options.seed)
  const keys = keysOf(random)
  const pickKey = zipf(keys, 1.1, random)
  const line = lineWriter(options.orgId)
  const { rows } = await client.query<{ seq: string }>('select seq from org_counters where org_id = $1', [
    options.orgId,
  ])
  const firstSeq = Number(rows[0]?.seq ?? 0) + 1
  const hours = hourlyShares(options, random)
  const rollups = new Map<string, Rollup>()
  let seq = firstSeq - 1
  let recordedMs = 0

  await client.query('begin')
  await client.query("set local synchronous_commit = off; set local timezone = 'UTC'")
  const rebuild = options.count >= REBUILD_FROM ? await dropIndexes(client) : []
  const copy = client.query(copyFrom(`copy events (${COLUMNS.join(', ')}) from stdin`))
  let chunk: string[] = []
  for (const { startMs, share } of hours) {
    const burst = random() < 0.05 ? pickKey() : null
    const refusing = random() < 0.1 ? pickKey() : null
    for (let index = 0; index < share; index++) {
      const key = burst && random() < 0.5 ? burst : pickKey()
      const agent = key.agents[Math.floor(random() ** 2 * key.agents.length)] ?? null
      const user = key.users[Math.floor(random() ** 2 * key.users.length)] ?? null
      const model = key.models[Math.floor(random() ** 3 * key.models.length)] ?? MODELS[0]
      if (!model) throw new Error('There are no models.')
      const [verdict, reason] = outcome(random, key === refusing ? 0.4 : key.blocked)
      const occurredMs = startMs + Math.floor(((index + random()) / share) * HOUR_MS)
      recordedMs = Math.max(recordedMs, occurredMs + Math.floor(random() * 50))
      seq += 1
      const id = `${occurredMs.toString(16).padStart(12, '0')}7${hex(random, 3)}8${hex(random, 15)}`
      const refused = verdict === 'block'
      const input = refused ? 0 : Math.floor(20 + random() ** 3 * 8_000)
      const output = refused ? 0 : Math.floor(random() ** 2 * 1_500)
      const nano = refused || model.usd === 0 ? null : BigInt(Math.round((input + 4 * output) * model.usd * 1_000))
      const failed = !refused && random() < 0.01
      const values: Values = {
        seq,
        id,
        occurredMs,
        recordedMs,
        gateway: `gw_${1 + (seq % 3)}`,
        key,
        agent,
        user,
        model,
        verdict,
        reason,
        status: refused ? 403 : failed ? 502 : 200,
        input,
        output,
        nano,
        latencyMs: refused ? 2 + Math.floor(random() * 5) : 200 + Math.floor(random() ** 4 * 30_000),
        stream: random() < 0.5,
        cacheHit: !refused && random() < 0.03,
        conversation: random() < 0.2 ? `conv-${key.id.slice(-4)}-${Math.floor(occurredMs / 900_000)}` : null,
        request: hex(random, 32),
      }
      chunk.push(line(values))
      countIn(rollups, values)
      if (chunk.length === ROWS_PER_CHUNK) {
        if (!copy.write(chunk.join(''))) await once(copy, 'drain')
        chunk = []
      }
    }
  }
  copy.end(chunk.join(''))
  await once(copy, 'finish')
  for (const statement of rebuild) await client.query(statement)
  await copyRollups(client, options.orgId, rollups)
  await client.query(TOTALS, [options.orgId])
  await client.query(
    'update org_counters set seq = $2, recorded_at = greatest(recorded_at, to_timestamp($3::bigint / 1000.0)) where org_id = $1',
    [options.orgId, seq, recordedMs],
  )
  await client.query('commit')
  await client.query('analyze events, usage_hourly, usage_daily, usage_totals')
  return { keys, firstSeq, lastSeq: seq }
}

/** Takes the indexes of events away but for the primary key. @returns the statements that make them again */
async function dropIndexes(client: pg.Client): Promise<string[]> {
  await client.query("set local maintenance_work_mem = '512MB'")
  const { rows } = await client.query<{ name: string; statement: string }>(
    `select indexname as name, indexdef as statement from pg_indexes
     where schemaname = 'public' and tablename = 'events' and indexname not like '%\\_pk'`,
  )
  for (const { name } of rows) await client.query(`drop index ${name}`)
  return rows.map(({ statement }) => statement.replace(' ON ONLY ', ' ON '))
}

type Values = {
  seq: number
  id: string
  occurredMs: number
  recordedMs: number
  gateway: string
  key: Key
  agent: string | null
  user: string | null
  model: Model
  verdict: Verdict
  reason: string
  status: number
  input: number
  output: number
  nano: bigint | null
  latencyMs: number
  stream: boolean
  cacheHit: boolean
  conversation: string | null
  request: string
}

const COLUMNS = [
  ['org_id', 'seq', 'event_id', 'line', 'leaf_hash', 'recorded_at', 'occurred_at', 'request_id', 'gateway_id'],
  ['gateway_seq', 'verdict', 'reason_code', 'identity', 'token_id', 'token_name', 'team_id', 'user_id', 'agent_id'],
  [
    'conversation_id',
    'config_name',
    'config_version',
    'provider',
    'target_id',
    'model',
    'model_requested',
    'client_ip',
  ],
  ['api_shape', 'error_code', 'status_code', 'tokens_input', 'tokens_output', 'tokens_total', 'cost_nano_usd'],
  ['latency_ms', 'stream', 'cache_hit'],
].flat()

/** A row of COPY's text format. Lines are made from one canonical line by filling in what differs. */
function lineWriter(orgId: string): (values: Values) => string {
  const example = events.get.example.output as DecisionEvent
  const shape = {
    ...example,
    org_id: orgId,
    policy_results: [],
    ...Object.fromEntries(HOLES.map((hole) => [hole, `<${hole}>`])),
    tokens: { ...example.tokens, input: '<input>', output: '<output>' },
    latency: { ...example.latency, total_ms: '<latency_ms>' },
    event_cost_attribution: {
      ...example.event_cost_attribution,
      total_cost_usd: '<usd>',
      price_status: '<price_status>',
    },
    cache: { ...example.cache, hit: '<cache_hit>' },
  }
  const parts = canonicalJson(shape).split(/"<(\w+)>"/)
  return (values) => {
    const { key, model, nano } = values
    const occurredAt = new Date(values.occurredMs).toISOString()
    const recordedAt = `${new Date(values.recordedMs).toISOString().slice(0, -1)}000Z`
    const refused = values.verdict === 'block'
    const json: Record<string, string> = {
      event_id: `"evt_${values.id}"`,
      seq: String(values.seq),
      recorded_at: `"${recordedAt}"`,
      timestamp: `"${occurredAt}"`,
      request_id: `"req_${values.request}"`,
      gateway_id: `"${values.gateway}"`,
      gateway_seq: String(values.seq),
      verdict: `"${values.verdict}"`,
      reason_code: `"${values.reason}"`,
      token_id: `"${key.id}"`,
      token_name: `"${key.name}"`,
      team_id: `"${key.team}"`,
      user_id: quoted(values.user),
      agent_id: quoted(values.agent),
      conversation_id: quoted(values.conversation),
      provider: `"${model.provider}"`,
      target_id: `"${model.provider}"`,
      model: `"${model.model}"`,
      model_requested: `"${model.model}"`,
      status_code: String(values.status),
      error_code: values.status === 502 ? '"provider_unavailable"' : 'null',
      stream: String(values.stream),
      input: String(values.input),
      output: String(values.output),
      latency_ms: String(values.latencyMs),
      usd: nano === null ? 'null' : `"${nano / 1_000_000_000n}.${String(nano % 1_000_000_000n).padStart(9, '0')}"`,
      price_status: nano === null ? '"unknown"' : '"priced"',
      cache_hit: String(values.cacheHit),
    }
    let line = ''
    for (const [index, part] of parts.entries()) line += index % 2 === 0 ? part : (json[part] ?? 'null')
    const leaf = createHash('sha256').update('\0').update(line).digest('hex')
    const tokens = [values.input, values.output, values.input + values.output]
    return `${[
      ...[orgId, values.seq, `evt_${values.id}`, line, `\\\\x${leaf}`, recordedAt, occurredAt, `req_${values.request}`],
      ...[values.gateway, values.seq, values.verdict, values.reason, 'verified', key.id, key.name, key.team],
      ...[values.user ?? '\\N', values.agent ?? '\\N', values.conversation ?? '\\N', 'starter', '0.1.0'],
      ...[model.provider, model.provider, model.model, model.model, '127.0.0.1', 'openai_chat'],
      ...[values.status === 502 ? 'provider_unavailable' : '\\N', values.status, ...tokens, nano ?? '\\N'],
      ...[values.latencyMs, values.stream, values.cacheHit && !refused],
    ].join('\t')}\n`
  }
}

const HOLES = [
  ['event_id', 'seq', 'recorded_at', 'timestamp', 'request_id', 'gateway_id', 'gateway_seq', 'verdict', 'reason_code'],
  ['token_id', 'token_name', 'team_id', 'user_id', 'agent_id', 'conversation_id', 'provider', 'target_id', 'model'],
  ['model_requested', 'status_code', 'error_code', 'stream'],
].flat()

const quoted = (text: string | null) => (text === null ? 'null' : `"${text}"`)

/** Adds an event to its hour and its day. */
function countIn(rollups: Map<string, Rollup>, values: Values): void {
  const { key, model } = values
  const dimensions = [values.verdict, values.reason, key.id, key.name, key.team, values.user ?? '', values.agent ?? '']
  const text = [...dimensions, model.provider, model.model].join('\t')
  for (const width of [HOUR_MS, 24 * HOUR_MS]) {
    const at = Math.floor(values.occurredMs / width) * width
    const place = `${width}\t${at}\t${text}`
    let rollup = rollups.get(place)
    if (!rollup) {
      rollup = { at, key: text, sums: [0, 0, 0, 0, 0, 0, 0, 0], nano: 0n }
      rollups.set(place, rollup)
    }
    const added = [1, values.nano === null, values.status >= 400, values.cacheHit, values.input, values.output]
    for (const [index, value] of [...added, values.input + values.output, values.latencyMs].entries()) {
      rollup.sums[index] = (rollup.sums[index] ?? 0) + Number(value)
    }
    rollup.nano += values.nano ?? 0n
  }
}

async function copyRollups(client: pg.Client, orgId: string, rollups: Map<string, Rollup>): Promise<void> {
  for (const [table, width] of [
    ['usage_hourly', HOUR_MS],
    ['usage_daily', 24 * HOUR_MS],
  ] as const) {
    const copy = client.query(
      copyFrom(`copy ${table} (org_id, at, verdict, reason_code, token_id, token_name, team_id, user_id, agent_id, provider, model,
        events, unpriced, errors, cache_hits, tokens_input, tokens_output, tokens_total, latency_ms_sum, cost_nano_usd) from stdin`),
    )
    for (const [place, { at, key, sums, nano }] of rollups) {
      if (!place.startsWith(`${width}\t`)) continue
      if (!copy.write(`${orgId}\t${new Date(at).toISOString()}\t${key}\t${sums.join('\t')}\t${nano}\n`))
        await once(copy, 'drain')
    }
    copy.end()
    await once(copy, 'finish')
  }
}

/** From what was counted by the hour, as the migration does. */
const TOTALS = `insert into usage_totals select org_id, at, verdict, sum(events) from usage_hourly where org_id = $1 group by 1, 2, 3
  on conflict (org_id, at, verdict) do update set events = excluded.events`

/** How many events fall into each hour: by day more than by night, less at weekends, now and then three times as many. */
function hourlyShares({ count, days, endMs }: GenerateOptions, random: () => number) {
  const hours = Array.from({ length: days * 24 }, (_, index) => {
    const startMs = endMs - (days * 24 - index) * HOUR_MS
    const at = new Date(startMs)
    const daily = 1 + 0.8 * Math.sin(((at.getUTCHours() - 8) / 24) * 2 * Math.PI)
    const weekly = at.getUTCDay() % 6 === 0 ? 0.4 : 1
    return { startMs, weight: daily * weekly * (random() < 0.05 ? 3 : 0.8 + 0.4 * random()) }
  })
  const total = hours.reduce((sum, { weight }) => sum + weight, 0)
  let given = 0
  let wanted = 0
  return hours.map(({ startMs, weight }) => {
    wanted += (weight / total) * count
    const share = Math.round(wanted) - given
    given += share
    return { startMs, share }
  })
}

function keysOf(random: () => number): Key[] {
  const some = <T>(make: () => T, most: number) => Array.from({ length: 1 + Math.floor(random() * most) }, make)
  return Array.from({ length: 200 }, (_, index) => ({
    id: `tok_${hex(random, 32)}`,
    name: `${['app', 'batch', 'chat', 'search'][index % 4]}-${['production', 'staging', 'development'][index % 3]}-${index}`,
    team: `team_${1 + Math.floor(random() ** 2 * 12)}`,
    agents: random() < 0.3 ? [null] : some(() => `agent-${Math.floor(random() * 60)}`, 2),
    users: random() < 0.8 ? [null] : some(() => `usr_${Math.floor(random() * 400)}`, 8),
    models: some(() => MODELS[Math.floor(random() * MODELS.length)], 3).flatMap((model) => model ?? []),
    blocked: random() ** 4 * 0.2,
  }))
}

function outcome(random: () => number, blocked: number): [Verdict, string] {
  const one = random()
  if (one < blocked) return ['block', BLOCKS[Math.floor(random() ** 2 * BLOCKS.length)] ?? 'pii.detected']
  if (one < blocked + 0.04) return ['redact', 'pii.redacted']
  if (one < blocked + 0.0405) return ['escalate', 'review.needed']
  return ['allow', 'ok']
}

/** One of the items, the first ones far more often than the last. */
function zipf<T>(items: readonly T[], exponent: number, random: () => number): () => T {
  const sums: number[] = []
  let total = 0
  for (const index of items.keys()) {
    total += 1 / (index + 1) ** exponent
    sums.push(total)
  }
  return () => {
    const wanted = random() * total
    let [low, high] = [0, sums.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? total) < wanted) low = middle + 1
      else high = middle
    }
    const item = items[low]
    if (item === undefined) throw new Error('There is nothing to pick from.')
    return item
  }
}

/** Mulberry32: 32 bits of state are enough to be repeatable. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function hex(random: () => number, digits: number): string {
  let text = ''
  while (text.length < digits)
    text += Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')
  return text.slice(0, digits)
}
