import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  type ExtraConfigColumn,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { API_SHAPES, VERDICTS } from '@/lib/contract/events'
import { QUARANTINE_STATES } from '@/lib/contract/quarantine'
import { instant } from '../columns'

/**
 * Hash of the organisation and of the dimensions that rollups are kept by: what a rollup says there are rows of is found by
 * it, however rare. Two combinations may share one, so whoever finds by it compares the columns as well.
 */
const combo = bigint('combo', { mode: 'bigint' }).generatedAlwaysAs(
  sql.raw(
    ['org_id', "coalesce(team_id, '')", "coalesce(user_id, '')", "coalesce(agent_id, '')", "coalesce(token_id, '')"]
      .concat("coalesce(token_name, '')", "coalesce(provider, '')", "coalesce(model, '')", 'verdict', 'reason_code')
      .join(" || '|' || ")
      .replace(/^.*$/, 'hashtextextended($&, 0)'),
  ),
)

export const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' })

/**
 * `line` is the record: the canonical bytes that are hashed, exported and verified. The columns only find it.
 *
 * Partitioned by month of `occurred_at` (drizzle/functions.sql), which is a function of the event id alone, so that a
 * unique index within a partition makes an id unique in all of them.
 */
export const events = pgTable(
  'events',
  {
    orgId: text('org_id').notNull(),
    /** Place in the organisation's record, contiguous together with that of `activity`, in order of arrival. */
    seq: bigint('seq', { mode: 'number' }).notNull(),
    eventId: text('event_id').notNull(),
    line: text('line').notNull(),
    /** SHA-256 of 0x00 and the line in UTF-8: the leaf of the Merkle tree (RFC 6962 section 2.1). */
    leafHash: bytea('leaf_hash').notNull(),
    /** The control plane's own time; never before that of the seq before. */
    recordedAt: instant('recorded_at').notNull(),
    /** The milliseconds in the event id (RFC 9562 section 5.7). */
    occurredAt: instant('occurred_at').notNull(),
    requestId: text('request_id').notNull(),
    gatewayId: text('gateway_id').notNull(),
    gatewaySeq: bigint('gateway_seq', { mode: 'number' }).notNull(),
    verdict: text('verdict', { enum: VERDICTS }).notNull(),
    reasonCode: text('reason_code').notNull(),
    identity: text('identity').notNull(),
    tokenId: text('token_id'),
    tokenName: text('token_name'),
    teamId: text('team_id'),
    userId: text('user_id'),
    agentId: text('agent_id'),
    conversationId: text('conversation_id'),
    configName: text('config_name'),
    configVersion: text('config_version'),
    provider: text('provider'),
    targetId: text('target_id'),
    model: text('model'),
    modelRequested: text('model_requested'),
    clientIp: text('client_ip').notNull(),
    apiShape: text('api_shape', { enum: API_SHAPES }).notNull(),
    errorCode: text('error_code'),
    statusCode: integer('status_code').notNull(),
    tokensInput: bigint('tokens_input', { mode: 'number' }),
    tokensOutput: bigint('tokens_output', { mode: 'number' }),
    tokensTotal: bigint('tokens_total', { mode: 'number' }),
    /** Null when the price is unknown: never a silent zero. */
    costNanoUsd: bigint('cost_nano_usd', { mode: 'bigint' }),
    latencyMs: doublePrecision('latency_ms').notNull(),
    stream: boolean('stream').notNull(),
    cacheHit: boolean('cache_hit').notNull(),
    combo,
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.seq, t.occurredAt] }),
    uniqueIndex('events_event_id').on(t.orgId, t.eventId, t.occurredAt),
    // Ascending, and read backwards: what is new goes to the right end, where B-trees grow best.
    index('events_by_time').on(t.orgId, t.occurredAt, t.seq),
    // The organisation is in the hash: in an index that random places are written to, every byte counts.
    index('events_by_combo').on(t.combo, t.occurredAt, t.seq),
    index('events_by_conversation')
      .on(t.orgId, t.conversationId, t.occurredAt, t.seq)
      .where(sql`conversation_id is not null`),
    index('events_by_request').on(t.orgId, t.requestId),
    check(
      'events_occurred_at_of_id',
      sql`${t.occurredAt} = to_timestamp(('x' || substr(${t.eventId}, 5, 12))::bit(48)::bigint / 1000.0)`,
    ),
  ],
)

/** What rollups are kept by; '' where an event has none. Written in the transaction that records the events. */
const rollup = {
  orgId: text('org_id').notNull(),
  /** Start of the hour or day, in UTC, of `occurred_at`. */
  at: instant('at').notNull(),
  teamId: text('team_id').notNull(),
  userId: text('user_id').notNull(),
  agentId: text('agent_id').notNull(),
  tokenId: text('token_id').notNull(),
  /** As it was called then. */
  tokenName: text('token_name').notNull(),
  provider: text('provider').notNull(),
  model: text('model').notNull(),
  verdict: text('verdict', { enum: VERDICTS }).notNull(),
  reasonCode: text('reason_code').notNull(),
  events: bigint('events', { mode: 'number' }).notNull(),
  /** Events with tokens whose price is unknown. */
  unpriced: bigint('unpriced', { mode: 'number' }).notNull(),
  /** Events answered with a status of 400 or more. */
  errors: bigint('errors', { mode: 'number' }).notNull(),
  cacheHits: bigint('cache_hits', { mode: 'number' }).notNull(),
  tokensInput: bigint('tokens_input', { mode: 'number' }).notNull(),
  tokensOutput: bigint('tokens_output', { mode: 'number' }).notNull(),
  tokensTotal: bigint('tokens_total', { mode: 'number' }).notNull(),
  costNanoUsd: bigint('cost_nano_usd', { mode: 'bigint' }).notNull(),
  latencyMsSum: doublePrecision('latency_ms_sum').notNull(),
  combo,
}

type RollupColumns = Record<keyof typeof rollup, ExtraConfigColumn>

const rollupKey = (name: string, t: RollupColumns) =>
  primaryKey({
    name,
    columns: [
      t.orgId,
      t.at,
      t.tokenId,
      t.tokenName,
      t.model,
      t.verdict,
      t.reasonCode,
      t.provider,
      t.agentId,
      t.teamId,
      t.userId,
    ],
  })

export const usageHourly = pgTable('usage_hourly', rollup, (t) => [rollupKey('usage_hourly_pk', t)])

/** Events by hour and verdict alone: what everybody looks at first is counted from few rows. */
export const usageTotals = pgTable(
  'usage_totals',
  { orgId: rollup.orgId, at: rollup.at, verdict: rollup.verdict, events: rollup.events },
  (t) => [primaryKey({ name: 'usage_totals_pk', columns: [t.orgId, t.at, t.verdict] })],
)

/** Found by each dimension: these say on which days and in which combinations there is anything to find. */
export const usageDaily = pgTable('usage_daily', rollup, (t) => [
  rollupKey('usage_daily_pk', t),
  index('usage_daily_by_verdict').on(t.orgId, t.verdict, t.at),
  index('usage_daily_by_reason_code').on(t.orgId, t.reasonCode, t.at),
  index('usage_daily_by_token').on(t.orgId, t.tokenId, t.at),
  index('usage_daily_by_token_name').on(t.orgId, t.tokenName, t.at),
  index('usage_daily_by_team').on(t.orgId, t.teamId, t.at),
  index('usage_daily_by_user').on(t.orgId, t.userId, t.at),
  index('usage_daily_by_agent').on(t.orgId, t.agentId, t.at),
  index('usage_daily_by_provider').on(t.orgId, t.provider, t.at),
  index('usage_daily_by_model').on(t.orgId, t.model, t.at),
])

/**
 * How far the numbers of a gateway have been seen. A gateway has a spool per process, each with numbers of its own: spool s
 * gives out s x 2^40 + 1, 2, 3 and so on.
 */
export const gatewayPositions = pgTable(
  'gateway_positions',
  {
    orgId: text('org_id').notNull(),
    gatewayId: text('gateway_id').notNull(),
    spool: integer('spool').notNull(),
    /** Counts how often the spool began anew, as it does when its directory is lost. */
    run: integer('run').notNull(),
    /** The highest `gateway_seq` of this run. */
    lastSeq: bigint('last_seq', { mode: 'number' }).notNull(),
    /** Numbers in the gaps of all runs. */
    missing: bigint('missing', { mode: 'number' }).notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.gatewayId, t.spool] })],
)

/** Numbers of a gateway that were passed over: events it made and has not delivered, or that were taken out of its spool. */
export const gatewayGaps = pgTable(
  'gateway_gaps',
  {
    orgId: text('org_id').notNull(),
    gatewayId: text('gateway_id').notNull(),
    run: integer('run').notNull(),
    firstSeq: bigint('first_seq', { mode: 'number' }).notNull(),
    lastSeq: bigint('last_seq', { mode: 'number' }).notNull(),
    seenAt: instant('seen_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.gatewayId, t.run, t.firstSeq] })],
)

/** Events that could not be recorded as they came. `sent` is what the gateway sent, for replaying once the cause is gone. */
export const eventQuarantine = pgTable(
  'event_quarantine',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    gatewayId: text('gateway_id').notNull(),
    /** As far as it has one. */
    eventId: text('event_id'),
    sent: bytea('sent').notNull(),
    /** SHA-256 of `sent`: what comes twice is kept once. */
    sentSha256: text('sent_sha256').notNull(),
    reason: text('reason').notNull(),
    state: text('state', { enum: QUARANTINE_STATES }).notNull(),
    attempts: integer('attempts').notNull().default(1),
    receivedAt: instant('received_at').notNull(),
    resolvedAt: instant('resolved_at'),
    resolvedBy: text('resolved_by'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    uniqueIndex('event_quarantine_once').on(t.orgId, t.gatewayId, t.sentSha256),
    index('event_quarantine_by_state').on(t.orgId, t.state, t.id),
  ],
)

/**
 * Where the captured content of an event is: a part of an object that holds that of a batch (control-plane/payloads/pack.ts),
 * under a `key` that is nowhere else. `commitment` is SHA-256 over `salt` and the content. An erasure takes key and salt,
 * after which neither what lies in the object nor the commitment in the event's line says anything about the content.
 */
export const payloads = pgTable(
  'payloads',
  {
    orgId: text('org_id').notNull(),
    eventId: text('event_id').notNull(),
    part: text('part', { enum: ['request', 'response'] }).notNull(),
    capture: text('capture', { enum: ['redacted', 'full'] }).notNull(),
    commitment: text('commitment').notNull(),
    salt: text('salt'),
    key: text('key'),
    /** Of the content itself. */
    bytes: integer('bytes').notNull(),
    /** Of an erased part only while its object has still to be deleted. */
    objectKey: text('object_key'),
    packOffset: integer('pack_offset'),
    packLength: integer('pack_length'),
    storedAt: instant('stored_at').notNull(),
    erasedAt: instant('erased_at'),
    erasedBy: text('erased_by'),
    eraseReason: text('erase_reason'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.eventId, t.part] }),
    index('payloads_by_age').on(t.orgId, t.storedAt).where(sql`erased_at is null`),
    // An erased part must not be looked through for one that is not.
    index('payloads_by_object').on(t.orgId, t.objectKey, t.erasedAt).where(sql`object_key is not null`),
    index('payloads_leaving').on(t.orgId, t.objectKey).where(sql`erased_at is not null and object_key is not null`),
    check('payloads_salt_until_erased', sql`(${t.salt} is null) = (${t.erasedAt} is not null)`),
    check('payloads_key_until_erased', sql`(${t.key} is null) = (${t.erasedAt} is not null or ${t.objectKey} is null)`),
    check(
      'payloads_placed',
      sql`(${t.objectKey} is null) = (${t.packOffset} is null) and (${t.objectKey} is null) = (${t.packLength} is null)`,
    ),
  ],
)

/** While it stands, nothing it covers is dropped or erased. */
export const legalHolds = pgTable(
  'legal_holds',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    reason: text('reason').notNull(),
    /** Bounds of `occurred_at`; null is open. */
    since: instant('since'),
    until: instant('until'),
    createdAt: instant('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    releasedAt: instant('released_at'),
    releasedBy: text('released_by'),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] })],
)

/** Events of a month that were dropped by retention: their places in the record, so that none is taken for missing. */
export const retirements = pgTable(
  'retirements',
  {
    orgId: text('org_id').notNull(),
    /** First day of the month, `YYYY-MM-01`. */
    month: text('month').notNull(),
    events: bigint('events', { mode: 'number' }).notNull(),
    /** `[first, last]` pairs of seq, in order. Their SHA-256 stands in an activity entry. */
    ranges: jsonb('ranges').$type<[number, number][]>().notNull(),
    retiredAt: instant('retired_at').notNull(),
  },
  // What arrives late for a month that is gone makes it anew, and is retired by itself.
  (t) => [primaryKey({ columns: [t.orgId, t.month, t.retiredAt] })],
)
