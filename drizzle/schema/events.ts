import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { VERDICTS } from '@/lib/contract/events'
import { instant } from '../columns'

const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' })

/** `line` is the record: the canonical bytes that are hashed, exported and verified. The columns only find it. */
export const events = pgTable(
  'events',
  {
    orgId: text('org_id').notNull(),
    /** Contiguous per organisation, in order of arrival. */
    seq: bigint('seq', { mode: 'number' }).notNull(),
    eventId: text('event_id').notNull(),
    line: text('line').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    /** When the gateway says it happened. */
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
    errorCode: text('error_code'),
    statusCode: integer('status_code').notNull(),
    tokensTotal: bigint('tokens_total', { mode: 'number' }),
    latencyMs: doublePrecision('latency_ms').notNull(),
    stream: boolean('stream').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.seq] }),
    uniqueIndex('events_event_id').on(t.orgId, t.eventId),
    index('events_by_time').on(t.orgId, t.occurredAt.desc(), t.seq.desc()),
    index('events_by_token').on(t.orgId, t.tokenId, t.occurredAt.desc()),
    index('events_by_request').on(t.orgId, t.requestId),
  ],
)

/** Captured bytes, verbatim; present only where the organisation captures payloads. */
export const payloads = pgTable(
  'payloads',
  {
    orgId: text('org_id').notNull(),
    eventId: text('event_id').notNull(),
    part: text('part', { enum: ['request', 'response'] }).notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.eventId, t.part] })],
)
