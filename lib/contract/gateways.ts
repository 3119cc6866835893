import { z } from 'zod'
import { endpoint } from './endpoint'
import { CAPTURES } from './events'
import { displayName, instant, slug } from './fields'
import { pageInput, pageOf } from './page'

/**
 * `pending`: registered, never seen. `healthy`: reports in time, runs what it should, ready. `degraded`: reports a
 * problem, or runs another version than it should. `offline`: three polls missed.
 */
export const GATEWAY_STATUSES = ['pending', 'healthy', 'degraded', 'offline'] as const

export const Gateway = z.object({
  id: slug,
  name: z.string(),
  status: z.enum(GATEWAY_STATUSES),
  created_at: instant,
  last_seen_at: instant.nullable(),
  configuration_id: z.string().nullable(),
  configuration_name: z.string().nullable(),
  desired_version: z.string().nullable(),
  desired_generation: z.number().int(),
  running_version: z.string().nullable(),
  running_generation: z.number().int(),
  config_source: z.enum(['live', 'cached']).nullable(),
  software_version: z.string().nullable(),
  keys_revision: z.number().int(),
  /** Events waiting on the gateway's disk. */
  spool_depth: z.number().int(),
  spool_bytes: z.number().int(),
  requests_processed: z.number().int(),
  overhead_p50_us: z.number().nullable(),
  overhead_p99_us: z.number().nullable(),
  /** The gateway's clock minus the control plane's, in milliseconds. */
  clock_offset_ms: z.number().nullable(),
  stream_connected: z.boolean(),
  /** `generation` is that of the bundle that was not applied; absent for an error about something else. */
  last_error: z
    .object({ code: z.string(), message: z.string(), at: instant, generation: z.number().int().optional() })
    .nullable(),
  /** Models that its running configuration serves. */
  models: z.array(z.string()),
  providers: z.array(z.string()),
  /** Events that it made and that have not arrived: see `gateways.gaps`. */
  missing_events: z.number().int(),
})
export type Gateway = z.infer<typeof Gateway>

/** Numbers from `first_seq` to `last_seq`, of which no event has arrived. */
export const GatewayGap = z.object({
  first_seq: z.number().int(),
  last_seq: z.number().int(),
  /** When a later number arrived before them. */
  seen_at: instant,
})

export const Heartbeat = z.strictObject({
  id: slug,
  ready: z.boolean(),
  software_version: z.string().max(40),
  running_version: z.string().max(64).nullable(),
  running_generation: z.number().int().min(0).max(2_147_483_647),
  config_source: z.enum(['live', 'cached']).nullable(),
  keys_revision: z.number().int().min(0),
  spool_depth: z.number().int().min(0),
  spool_bytes: z.number().int().min(0),
  requests_processed: z.number().int().min(0),
  overhead_p50_us: z.number().min(0).max(1e9).nullable(),
  overhead_p99_us: z.number().min(0).max(1e9).nullable(),
  sent_at: instant,
  poll_interval_seconds: z.number().int().min(1).max(3_600),
  stream_connected: z.boolean(),
  /** Why the newest bundle was not applied (NACK), or what else is wrong; null when all is well. */
  last_error: z
    .strictObject({
      code: z.string().max(60),
      message: z.string().max(500),
      at: instant,
      generation: z.number().int().min(0).max(2_147_483_647).optional(),
    })
    .nullable(),
  models: z.array(z.string().max(200)).max(500),
  providers: z.array(z.string().max(200)).max(100),
})
export type Heartbeat = z.infer<typeof Heartbeat>

/** A gateway key as a gateway knows it: its hash and what it may do, never the secret. */
export const GatewayKey = z.object({
  /** SHA-256 of the whole token, hex. */
  hash: z.string(),
  token_id: z.string(),
  token_secret_id: z.string(),
  token_name: z.string(),
  purpose: z.string(),
  team_id: z.string().nullable(),
  agent_id: z.string().nullable(),
  allowed_models: z.array(z.string()).nullable(),
  allowed_providers: z.array(z.string()).nullable(),
  /** When the key expires, in milliseconds since the epoch; null never. */
  expires_at_ms: z.number().nullable(),
  /** When this secret ends because a newer one has replaced it, likewise; null while it is the current one. */
  ends_at_ms: z.number().nullable(),
  /** Why the secret is dead, so that its holder gets the right code; null while it lives. Dead ones are kept for a while. */
  dead: z.enum(['token_revoked', 'token_expired', 'token_rotated_out']).nullable(),
})
export type GatewayKey = z.infer<typeof GatewayKey>

export const GatewaySettings = z.object({
  payload_capture: z.enum(CAPTURES),
  /** How long keys work without word from the control plane, in seconds; 0 refuses at once. */
  max_offline_key_age_seconds: z.number().int(),
})
export type GatewaySettings = z.infer<typeof GatewaySettings>

/** What a gateway is told over its stream. `resync` asks it to fetch its runtime state again. */
export const GatewayPush = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('keys'),
    token_id: z.string(),
    keys: z.array(GatewayKey),
    keys_revision: z.number().int(),
  }),
  z.object({ kind: z.literal('resync') }),
  /** Others need what this gateway holds and does not use: budgets and wallets by id. */
  z.object({ kind: z.literal('recall'), sources: z.array(z.string()).max(100) }),
  z.object({ kind: z.literal('ping'), server_time: instant }),
])
export type GatewayPush = z.infer<typeof GatewayPush>

const EXAMPLE: Gateway = {
  id: 'proxy_production_01',
  name: 'Production 1',
  status: 'healthy',
  created_at: '2026-03-01T09:00:00.000Z',
  last_seen_at: '2026-03-20T12:05:00.000Z',
  configuration_id: 'cfg_019a6f0e1c2d7000a1b2c3d4e5f60718',
  configuration_name: 'production',
  desired_version: '0.3.0',
  desired_generation: 4,
  running_version: '0.3.0',
  running_generation: 4,
  config_source: 'live',
  software_version: '0.1.0',
  keys_revision: 17,
  spool_depth: 0,
  spool_bytes: 0,
  requests_processed: 120_000,
  overhead_p50_us: 90,
  overhead_p99_us: 400,
  clock_offset_ms: 2,
  stream_connected: true,
  last_error: null,
  models: ['gpt-4o', 'gpt-4o-mini'],
  providers: ['openai'],
  missing_events: 0,
}

export const gateways = {
  list: endpoint({
    name: 'gateways.list',
    method: 'GET',
    path: '/v1/gateways',
    access: 'gateways:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(Gateway),
    summary: 'List gateways with what they run and how they are',
    example: { input: {}, output: { items: [EXAMPLE], next_cursor: null } },
  }),
  register: endpoint({
    name: 'gateways.register',
    method: 'POST',
    path: '/v1/gateways',
    access: 'gateways:write',
    status: 201,
    idempotent: true,
    input: z.strictObject({ id: slug, name: displayName.optional(), configuration_id: z.string().max(64).optional() }),
    output: Gateway,
    summary: 'Register a gateway; then create a key with purpose gateway_runtime for it',
    example: { input: { id: 'proxy_production_01', name: 'Production 1' }, output: { ...EXAMPLE, status: 'pending' } },
  }),
  get: endpoint({
    name: 'gateways.get',
    method: 'GET',
    path: '/v1/gateways/:id',
    access: 'gateways:read',
    input: z.strictObject({ id: slug }),
    output: Gateway,
    summary: 'Read one gateway',
    example: { input: { id: EXAMPLE.id }, output: EXAMPLE },
  }),
  gaps: endpoint({
    name: 'gateways.gaps',
    method: 'GET',
    path: '/v1/gateways/:id/gaps',
    access: 'gateways:read',
    input: z.strictObject({ id: slug, ...pageInput }),
    output: pageOf(GatewayGap).extend({
      /** The highest `gateway_seq` that has arrived; null as long as none has. */
      last_seq: z.number().int().nullable(),
      missing_events: z.number().int(),
    }),
    summary: 'List numbers of a gateway that were passed over: events it made that have not arrived',
    description:
      'A gateway numbers its events. One that is on its way leaves a gap for a moment; one that its disk lost, or that waits in the quarantine, leaves it for good.',
    example: {
      input: { id: EXAMPLE.id },
      output: {
        items: [{ first_seq: 40, last_seq: 42, seen_at: '2026-03-20T12:05:00.000Z' }],
        next_cursor: null,
        last_seq: 4_711,
        missing_events: 3,
      },
    },
  }),
  heartbeat: endpoint({
    name: 'gateways.heartbeat',
    method: 'POST',
    path: '/v1/gateways/:id/heartbeat',
    access: 'gateways:report',
    input: Heartbeat,
    output: z.object({ server_time: instant, desired_generation: z.number().int(), keys_revision: z.number().int() }),
    summary: 'Report health and the running version (gateways)',
    example: {
      input: {
        id: EXAMPLE.id,
        ready: true,
        software_version: '0.1.0',
        running_version: '0.3.0',
        running_generation: 4,
        config_source: 'live',
        keys_revision: 17,
        spool_depth: 0,
        spool_bytes: 0,
        requests_processed: 120_000,
        overhead_p50_us: 90,
        overhead_p99_us: 400,
        sent_at: '2026-03-20T12:05:00.000Z',
        poll_interval_seconds: 30,
        stream_connected: true,
        last_error: null,
        models: ['gpt-4o'],
        providers: ['openai'],
      },
      output: { server_time: '2026-03-20T12:05:00.000Z', desired_generation: 4, keys_revision: 17 },
    },
  }),
  stream: endpoint({
    name: 'gateways.stream',
    method: 'GET',
    path: '/v1/gateways/:id/stream',
    access: 'gateways:report',
    answers: 'events',
    input: z.strictObject({ id: slug }),
    output: GatewayPush,
    summary: 'Changes of keys, settings and configuration as they happen (gateways, server-sent events)',
    example: { input: { id: EXAMPLE.id }, output: { kind: 'resync' } },
  }),
}
