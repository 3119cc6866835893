import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, type FilterFieldKind, instant, when } from './fields'
import { pageInput } from './page'
import { PRICE_UNITS } from './price-shapes'
import { EventSpend } from './spend-shapes'

export const VERDICTS = ['allow', 'redact', 'block', 'escalate'] as const
export type Verdict = (typeof VERDICTS)[number]
/** Whether and how the content of requests and answers is kept beside their hashes. */
export const CAPTURES = ['none', 'redacted', 'full'] as const
/** How far the caller of a request is known. */
export const IDENTITIES = ['verified', 'asserted', 'anonymous'] as const
/** How callers speak to a gateway. */
export const API_SHAPES = [
  'openai_chat',
  'openai_responses',
  'anthropic_messages',
  'gemini_content',
  'gemini_embeddings',
  'openai_embeddings',
  'openai_models',
  'audio_transcriptions',
  'audio_speech',
  'mcp',
] as const
export const EVENTS_PER_BATCH_MAX = 1_000
export const PAYLOAD_BYTES_MAX = 1_048_576

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const short = z.string().max(200)
const hex256 = z.string().regex(/^[0-9a-f]{64}$/)
/** Nano-dollars as a decimal string of US dollars: money is never a floating-point number. No call costs less than nothing. */
const money = z.string().regex(/^\d{1,12}(\.\d{1,9})?$/)

const Attempt = z.strictObject({
  target_id: short,
  provider: short,
  started_at: instant,
  latency_ms: z.number().min(0),
  /** HTTP status of the upstream; null when it never answered. */
  status: z.number().int().nullable(),
  error: short.nullable(),
})

const PolicyResult = z.strictObject({
  kind: short,
  phase: z.enum(['input', 'tool', 'output']),
  verdict: z.enum(VERDICTS),
  reason_code: short,
  /** What the rule looked at, and what it skipped and why. */
  coverage: z.strictObject({
    rule: short,
    rule_version: short,
    bytes: count,
    messages: count,
    skipped: z.array(z.strictObject({ what: short, why: short })).max(50),
  }),
  latency_ms: z.number().min(0),
})

/**
 * What a gateway records about one governed request. The control plane adds `org_id`, `seq` and `recorded_at` and stores
 * one canonical line: the bytes that are hashed, exported and verified.
 */
export const GatewayEvent = z.strictObject({
  event_id: z.string().regex(/^evt_[0-9a-f]{12}7[0-9a-f]{19}$/),
  event_type: z.literal('decision'),
  timestamp: instant,
  request_id: z.string().min(1).max(128),
  traceparent: z.string().max(64),
  gateway_id: z.string().min(1).max(80),
  /** Counts up by one per event of a gateway's spool, so that a gap is visible. */
  gateway_seq: count,
  team_id: short.nullable(),
  user_id: short.nullable(),
  agent_id: short.nullable(),
  token_id: short.nullable(),
  token_name: short.nullable(),
  /** Which of a key's two live secrets was presented. */
  token_secret_id: short.nullable(),
  identity: z.enum(IDENTITIES),
  client_ip: z.string().max(45),
  user_agent: short.nullable(),
  conversation_id: z.string().max(128).nullable(),
  verdict: z.enum(VERDICTS),
  /** Dotted, such as `model.not_allowed`; `ok` when nothing stood in the way. */
  reason_code: short,
  /** Three phases of a chain of a hundred policies. */
  policy_results: z.array(PolicyResult).max(300),
  config_id: short.nullable(),
  config_name: short.nullable(),
  config_version: short.nullable(),
  provider: short.nullable(),
  target_id: short.nullable(),
  /** The model that answered; `model_requested` is what the caller asked for. */
  model: short.nullable(),
  model_requested: short.nullable(),
  route: short,
  api_shape: z.enum(API_SHAPES),
  status_code: z.number().int().min(100).max(599),
  error_code: short.nullable(),
  stream: z.boolean(),
  /** The caller hung up before the answer was complete. */
  client_aborted: z.boolean(),
  attempts: z.array(Attempt).max(20),
  tokens: z.strictObject({ input: count, output: count, cached: count, reasoning: count }).nullable(),
  latency: z.strictObject({
    total_ms: z.number().min(0),
    upstream_ms: z.number().min(0).nullable(),
    /** Time spent in the gateway itself, in microseconds. */
    overhead_us: z.number().min(0),
    ttft_ms: z.number().min(0).nullable(),
  }),
  event_cost_attribution: z.strictObject({
    total_cost_usd: money.nullable(),
    input_cost_usd: money.nullable(),
    output_cost_usd: money.nullable(),
    currency: z.literal('USD'),
    price_book_version: short.nullable(),
    price_status: z.enum(['priced', 'estimated', 'unknown']),
    source_spend_log_id: short.nullable(),
    /**
     * What was charged beyond the counts in `tokens`, such as what was written to a cache. `input_audio_hour` counts
     * milliseconds.
     */
    units: z
      .array(z.strictObject({ unit: z.enum(PRICE_UNITS), quantity: count }))
      .max(PRICE_UNITS.length)
      .default([]),
  }),
  /** What was reserved for it; null when no budget or wallet had to be asked. */
  spend: EventSpend.nullable().default(null),
  cache: z.strictObject({ hit: z.boolean(), avoided_cost_usd: money.nullable() }),
  citations: z
    .array(
      z.strictObject({
        citation_id: short,
        source_type: short,
        source_reference: z.string().max(2_000),
        relevance_score: z.number().nullable(),
        token_contribution: count.nullable(),
        text_span: z.string().max(2_000).nullable(),
      }),
    )
    .max(200),
  escalation_id: short.nullable(),
  payload: z.strictObject({
    /** Commitments to the exact bytes that came in and went out; null when there were none. */
    request_sha256: hex256.nullable(),
    response_sha256: hex256.nullable(),
    request_bytes: count,
    response_bytes: count,
    capture: z.enum(CAPTURES),
    /**
     * What the commitments of this event are: `plain` is SHA-256 over the bytes; `salted` is SHA-256 over the event's 32
     * random bytes of salt and then the bytes. Whatever is captured is salted, so that a line whose salt was erased says
     * nothing about the content.
     */
    commitment: z.enum(['plain', 'salted']).default('plain'),
    /** Commitments to what was kept of each; null when nothing was. Redacted bytes are not those that crossed. */
    request_captured_sha256: hex256.nullable().default(null),
    response_captured_sha256: hex256.nullable().default(null),
  }),
  /** The record itself is impaired, such as under a full spool; says how. */
  degraded: short.nullable(),
})
export type GatewayEvent = z.infer<typeof GatewayEvent>

export const DecisionEvent = GatewayEvent.extend({
  org_id: z.string(),
  seq: count,
  recorded_at: instant,
})
export type DecisionEvent = z.infer<typeof DecisionEvent>

/** Base64 of what was kept of one event, and of its salt. Sent along when the organisation captures payloads. */
export const Capture = z.strictObject({
  event_id: GatewayEvent.shape.event_id,
  /** 32 bytes. */
  salt: z.base64().length(44),
  /** null when this part was not kept; bounded by PAYLOAD_BYTES_MAX. */
  request: z.base64().max(1_400_000).nullable(),
  response: z.base64().max(1_400_000).nullable(),
})
export type Capture = z.infer<typeof Capture>

/** What can still be shown of an event's content. */
export const RevealedPayload = z.object({
  capture: z.enum(CAPTURES),
  /** Base64; null when nothing was captured or it was erased. */
  salt: z.string().nullable(),
  /** Base64 of the kept bytes; null when they were not kept or were erased. */
  request: z.string().nullable(),
  response: z.string().nullable(),
  /** When and why the content was taken away; null while it is there. */
  erased: z.object({ at: instant, by: z.string(), reason: z.string() }).nullable(),
})

/** The closed list of fields that a filter may name; see lib/filter.ts for the grammar. */
export const EVENT_FILTER_FIELDS = {
  event_id: 'text',
  request_id: 'text',
  verdict: 'text',
  reason_code: 'text',
  identity: 'text',
  token_id: 'text',
  token_name: 'text',
  team_id: 'text',
  user_id: 'text',
  agent_id: 'text',
  gateway_id: 'text',
  conversation_id: 'text',
  config_name: 'text',
  config_version: 'text',
  provider: 'text',
  target_id: 'text',
  model: 'text',
  model_requested: 'text',
  client_ip: 'text',
  error_code: 'text',
  api_shape: 'text',
  status_code: 'number',
  tokens_total: 'number',
  latency_ms: 'number',
  cost_usd: 'money',
  stream: 'boolean',
  cache_hit: 'boolean',
} as const satisfies Record<string, FilterFieldKind>
export type EventFilterField = keyof typeof EVENT_FILTER_FIELDS

/**
 * The fields that counts are kept by, hour by hour. Facets are of these, and a filter on these alone is counted over any
 * number of events.
 */
export const EVENT_FACET_FIELDS = [
  'verdict',
  'reason_code',
  'token_id',
  'token_name',
  'team_id',
  'user_id',
  'agent_id',
  'provider',
  'model',
] as const satisfies EventFilterField[]
export type EventFacetField = (typeof EVENT_FACET_FIELDS)[number]

const eventFilter = {
  since: when.optional(),
  until: when.optional(),
  filter: z
    .string()
    .max(2_000)
    .optional()
    .describe('`field=value` terms, all of which must hold: docs/api-conventions.md.'),
}

const countedPart = {
  /** False when there were too many events to compare one by one: the newest were counted. */
  complete: z.boolean(),
  /** From where on the counts hold. */
  counted_since: instant,
}

const eventPage = z.object({
  items: z.array(DecisionEvent),
  /** Checking and describing them once is enough. */
  events: z.array(z.unknown()).describe('The same array as `items`.'),
  /** Set while there may be older events, also when the page is not full. */
  next_cursor: z.string().nullable(),
  /**
   * False when the search stopped before the page was full, because what the filter compares is in no index and many
   * events had to be read: `next_cursor` goes on from there.
   */
  complete: z.boolean().default(true),
  /** How far back the search got: every matching event since then is on this page or one before. Null: to the beginning. */
  scanned_until: instant.nullable().default(null),
})

const EXAMPLE: DecisionEvent = {
  event_id: 'evt_019a6f0e1c2d7000a1b2c3d4e5f60718',
  event_type: 'decision',
  timestamp: '2026-04-23T10:00:00.000Z',
  request_id: 'req_019a6f0e1c2d7000a1b2c3d4e5f60718',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  gateway_id: 'gw_local',
  gateway_seq: 41,
  team_id: null,
  user_id: null,
  agent_id: 'agent-finance-assistant',
  token_id: 'tok_019a6f0e1c2d7000a1b2c3d4e5f60718',
  token_name: 'app-production',
  token_secret_id: 'sec_019a6f0e1c2d7000a1b2c3d4e5f60718',
  identity: 'verified',
  client_ip: '127.0.0.1',
  user_agent: 'OpenAI/JS',
  conversation_id: null,
  verdict: 'allow',
  reason_code: 'ok',
  policy_results: [],
  config_id: 'cfg_starter',
  config_name: 'starter',
  config_version: '0.1.0',
  provider: 'sandbox',
  target_id: 'sandbox',
  model: 'gpt-5.4-mini',
  model_requested: 'gpt-5.4-mini',
  route: '/v1/chat/completions',
  api_shape: 'openai_chat',
  status_code: 200,
  error_code: null,
  stream: false,
  client_aborted: false,
  attempts: [
    {
      target_id: 'sandbox',
      provider: 'sandbox',
      started_at: '2026-04-23T10:00:00.000Z',
      latency_ms: 1.2,
      status: 200,
      error: null,
    },
  ],
  tokens: { input: 12, output: 24, cached: 0, reasoning: 0 },
  latency: { total_ms: 1.9, upstream_ms: 1.2, overhead_us: 310, ttft_ms: null },
  event_cost_attribution: {
    total_cost_usd: null,
    input_cost_usd: null,
    output_cost_usd: null,
    currency: 'USD',
    price_book_version: null,
    price_status: 'unknown',
    source_spend_log_id: null,
    units: [],
  },
  spend: null,
  cache: { hit: false, avoided_cost_usd: null },
  citations: [],
  escalation_id: null,
  payload: {
    request_sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    response_sha256: '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
    request_bytes: 120,
    response_bytes: 410,
    capture: 'none',
    commitment: 'plain',
    request_captured_sha256: null,
    response_captured_sha256: null,
  },
  degraded: null,
  org_id: 'org_019a6f0e1c2d7000a1b2c3d4e5f60718',
  seq: 42,
  recorded_at: '2026-04-23T10:00:00.100Z',
}
/** As its gateway sends it. */
const { org_id: _org, seq: _seq, recorded_at: _at, ...REPORTED } = EXAMPLE

export const events = {
  ingest: endpoint({
    name: 'events.ingest',
    method: 'POST',
    path: '/v1/events',
    access: 'events:ingest',
    bodyBytesMax: 32 * 1_048_576,
    input: z.strictObject({
      events: z
        .array(z.unknown())
        .min(1)
        .max(EVENTS_PER_BATCH_MAX)
        .describe('Checked one by one: a bad event is refused with its reason and never holds back the others.'),
      captures: z
        .array(z.unknown())
        .max(EVENTS_PER_BATCH_MAX)
        .default([])
        .describe('One `Capture` each (event id, base64 of salt, request and answer), checked one by one as well.'),
    }),
    output: z.object({
      /** Durably stored now. */
      accepted: z.number().int(),
      /** Stored before; sending an event again changes nothing. */
      duplicates: z.number().int(),
      /**
       * Refused for good: sending them again would be refused again. `index` is the position in `events`, or -1 when a
       * capture was refused; that leaves its event as it is. `quarantine_id` names the event as it is kept to be looked at
       * and replayed; null when it is not kept.
       */
      rejected: z.array(
        z.object({
          index: z.number().int(),
          event_id: z.string().nullable(),
          reason: z.string(),
          quarantine_id: z.string().nullable().default(null),
        }),
      ),
    }),
    summary: 'Record decision events in a batch, idempotent by event id (gateways)',
    description:
      'The gateway that the key is bound to must be the one each event names. The answer is sent after the commit, so a gateway may delete what was acknowledged.',
    example: { input: { events: [REPORTED] }, output: { accepted: 1, duplicates: 0, rejected: [] } },
  }),
  list: endpoint({
    name: 'events.list',
    method: 'GET',
    path: '/v1/events',
    access: 'events:read',
    input: z.strictObject({ ...eventFilter, agent_id: z.string().max(200).optional(), ...pageInput }),
    output: eventPage,
    summary: 'List decision events, newest first',
    description:
      'Every page answers within bounded time. Where a filter compares fields without an index and matches little, a page may hold fewer events than `limit`, or none, with `complete: false`: go on with `next_cursor`.',
    example: {
      input: { since: '24h', limit: 50 },
      output: { items: [EXAMPLE], events: [EXAMPLE], next_cursor: null, complete: true, scanned_until: null },
    },
  }),
  tail: endpoint({
    name: 'events.tail',
    method: 'GET',
    path: '/v1/events/tail',
    access: 'events:read',
    answers: 'events',
    input: z.strictObject({
      filter: eventFilter.filter,
      after: z.coerce
        .number()
        .int()
        .min(0)
        .optional()
        .describe('Resume after this `seq`; the `Last-Event-ID` header does the same. Without either, begins now.'),
    }),
    output: DecisionEvent,
    summary: 'Follow decision events as they are recorded (server-sent events; the event id is the `seq`)',
    example: { input: { filter: 'verdict=block' }, output: EXAMPLE },
  }),
  histogram: endpoint({
    name: 'events.histogram',
    method: 'GET',
    path: '/v1/events/histogram',
    access: 'events:read',
    input: z.strictObject({
      ...eventFilter,
      buckets: z.coerce.number().int().min(1).max(200).default(60).describe('At most so many, plus one for the rest.'),
    }),
    output: z.object({
      since: instant,
      until: instant,
      /** A round width, such as 60, 3600 or 86400. Buckets begin at multiples of it in UTC, but for the first. */
      bucket_seconds: z.number(),
      items: z.array(z.object({ at: instant, allow: count, redact: count, block: count, escalate: count })),
      totals: z.object({ allow: count, redact: count, block: count, escalate: count }),
      ...countedPart,
    }),
    summary: 'Count decision events over time by verdict',
    description:
      'Counts equal those of the single events. A filter on verdict, reason_code, token_id, token_name, team_id, user_id, agent_id, provider and model is counted over any number of events; with other fields, the newest 100,000 events of the range are counted and `complete` says whether that was all. Ranges of many events have buckets of an hour, and of many days such of a day.',
    example: {
      input: { since: '24h' },
      output: {
        since: '2026-04-22T10:00:00.000Z',
        until: '2026-04-23T10:00:00.000Z',
        bucket_seconds: 1800,
        items: [{ at: '2026-04-22T10:00:00.000Z', allow: 40, redact: 0, block: 2, escalate: 0 }],
        totals: { allow: 40, redact: 0, block: 2, escalate: 0 },
        complete: true,
        counted_since: '2026-04-22T10:00:00.000Z',
      },
    },
  }),
  facets: endpoint({
    name: 'events.facets',
    method: 'GET',
    path: '/v1/events/facets',
    access: 'events:read',
    input: z.strictObject({
      ...eventFilter,
      fields: z
        .string()
        .max(200)
        .default('verdict,reason_code,provider,model')
        .describe(`Separated by commas, of ${EVENT_FACET_FIELDS.join(', ')}.`),
      limit: z.coerce.number().int().min(1).max(100).default(10).describe('Values per field.'),
    }),
    output: z.object({
      since: instant,
      until: instant,
      /** Events of the range that match. */
      total: count,
      items: z.array(
        z.object({
          field: z.enum(EVENT_FACET_FIELDS),
          /** Most frequent first; the empty text means that the field is not set, as in a filter. */
          values: z.array(z.object({ value: z.string(), count })),
          /** Events with any other value, and how many other values there are. */
          rest: z.object({ values: count, count }),
        }),
      ),
      ...countedPart,
    }),
    summary: 'Count decision events by the values of some fields',
    description:
      'Over the 30 days before `until` unless `since` is given. Bounded as the histogram is. A field that no counts are kept by is refused.',
    example: {
      input: { since: '7d', fields: 'verdict,model', limit: 5 },
      output: {
        since: '2026-04-16T10:00:00.000Z',
        until: '2026-04-23T10:00:00.000Z',
        total: 42,
        items: [
          {
            field: 'verdict',
            values: [
              { value: 'allow', count: 40 },
              { value: 'block', count: 2 },
            ],
            rest: { values: 0, count: 0 },
          },
          { field: 'model', values: [{ value: 'gpt-5.4-mini', count: 42 }], rest: { values: 0, count: 0 } },
        ],
        complete: true,
        counted_since: '2026-04-16T10:00:00.000Z',
      },
    },
  }),
  get: endpoint({
    name: 'events.get',
    method: 'GET',
    path: '/v1/events/:id',
    access: 'events:read',
    input: z.strictObject({ id: z.string().max(64) }),
    output: DecisionEvent,
    summary: 'Read one decision event',
    example: { input: { id: EXAMPLE.event_id }, output: EXAMPLE },
  }),
  reveal: endpoint({
    name: 'events.reveal',
    method: 'POST',
    path: '/v1/events/:id/reveal',
    access: 'payloads:read',
    input: z.strictObject({ id: z.string().max(64), reason: displayName }),
    output: RevealedPayload,
    summary: 'Read the captured request and answer of an event; asks for a reason and is recorded',
    description:
      'What is kept is checked against the commitment in the event before it is shown; what does not match is answered with 409 `payload_modified` and never shown.',
    example: {
      input: { id: EXAMPLE.event_id, reason: 'Ticket 4711' },
      output: {
        capture: 'redacted',
        salt: 'JhyuLQqgy0S1jCwvKjQ9Wm5xYXJ0ei1leGFtcGxlLXM=',
        request: 'eyJtb2RlbCI6...',
        response: null,
        erased: null,
      },
    },
  }),
}
