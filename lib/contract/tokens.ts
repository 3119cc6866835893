import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, idOf, instant, modelName, searchText, slug, when } from './fields'
import { pageInput, pageOf } from './page'
import { PERMISSIONS, ROLE_IDS } from './permissions'

export const TOKEN_TYPES = ['access', 'gateway'] as const
export const TOKEN_PURPOSES = ['integration', 'gateway_runtime', 'general'] as const
/** `expiring` is an active token with less than seven days left. */
export const TOKEN_STATUSES = ['active', 'expiring', 'expired', 'revoked'] as const
export const TOKEN_EXPIRING_DAYS = 7
/** Names that `tokens.usage` lists of each kind, most used first. */
export const TOKEN_USAGE_NAMES_MAX = 100
export const ROTATION_GRACE_SECONDS_MAX = 7 * 86_400

const PreviousSecret = z.object({
  prefix: z.string(),
  last4: z.string(),
  expires_at: instant,
  last_used_at: instant.nullable(),
  use_count: z.number().int().describe('Uses since the rotation.'),
  /** The most recent ones, at most ten. */
  source_ips: z.array(z.string()),
})

export const Token = z.object({
  id: idOf('tok'),
  name: z.string(),
  token_type: z.enum(TOKEN_TYPES),
  purpose: z.enum(TOKEN_PURPOSES),
  scope: z.enum(['org', 'team']),
  status: z.enum(TOKEN_STATUSES),
  prefix: z.string(),
  last4: z.string(),
  created_at: instant,
  created_by: z.object({ id: z.string(), name: z.string() }),
  expires_at: instant.nullable(),
  revoked_at: instant.nullable(),
  last_used_at: instant.nullable(),
  /** null means no restriction; an empty list allows nothing. */
  allowed_models: z.array(z.string()).nullable(),
  allowed_providers: z.array(z.string()).nullable(),
  permissions: z.array(z.enum(PERMISSIONS)),
  role_id: z.enum(ROLE_IDS).nullable(),
  team_id: z.string().nullable(),
  agent_id: z.string().nullable(),
  gateway_id: z.string().nullable(),
  /** Present while a rotation is under way. */
  previous_secret: PreviousSecret.nullable(),
})
export type Token = z.infer<typeof Token>

const NO_RESTRICTION = 'null means no restriction; an empty list allows nothing.'

export const TokenCreate = z.strictObject({
  name: displayName,
  token_type: z.enum(TOKEN_TYPES),
  purpose: z.enum(TOKEN_PURPOSES).optional(),
  label: z
    .string()
    .regex(/^[a-z0-9]{1,12}$/, 'must be 1-12 lower-case letters or digits')
    .optional()
    .describe('Becomes a visible segment of the secret, such as `prod` in `kt_ak_prod_...`.'),
  scope: z.enum(['org', 'team']).default('org'),
  team_id: idOf('team').optional(),
  role_id: z.enum(ROLE_IDS).optional(),
  permissions: z.array(z.enum(PERMISSIONS)).max(PERMISSIONS.length).optional(),
  allowed_models: z.array(modelName).max(200).nullish().describe(NO_RESTRICTION),
  allowed_providers: z.array(modelName).max(50).nullish().describe(NO_RESTRICTION),
  agent_id: slug.nullish(),
  gateway_id: slug.nullish(),
  expires_at: z.iso.datetime({ offset: true }).nullish(),
})

const UsedNames = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      requests: z.number().int(),
      /** Of them, how many were blocked. */
      blocked: z.number().int(),
      last_at: instant,
    }),
  ),
  has_more: z.boolean(),
})

export const TokenUsage = z.object({
  since: instant,
  until: instant,
  requests: z.number().int(),
  blocked: z.number().int(),
  first_at: instant.nullable(),
  last_at: instant.nullable(),
  /** As callers asked for them. */
  models: UsedNames,
  providers: UsedNames,
  source_ips: UsedNames,
  agents: UsedNames,
})
export type TokenUsage = z.infer<typeof TokenUsage>

const Id = { id: idOf('tok') }

/** `key` stands at the top level too, so that `jq -r .key` finds it. It is shown here and never again. */
const TokenWithKey = z.object({ key: z.string(), token: Token })

const EXAMPLE: Token = {
  id: 'tok_019a6f0e1c2d7000a1b2c3d4e5f60718',
  name: 'ci-pipeline-prod',
  token_type: 'access',
  purpose: 'integration',
  scope: 'org',
  status: 'active',
  prefix: 'kt_ak_4mZ1qT',
  last4: 'x9Qe',
  created_at: '2026-04-23T10:00:00.000Z',
  created_by: { id: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Administrator' },
  expires_at: '2026-07-22T00:00:00.000Z',
  revoked_at: null,
  last_used_at: null,
  allowed_models: null,
  allowed_providers: null,
  permissions: ['events:read'],
  role_id: null,
  team_id: null,
  agent_id: null,
  gateway_id: null,
  previous_secret: null,
}

export const tokens = {
  list: endpoint({
    name: 'tokens.list',
    method: 'GET',
    path: '/v1/tokens',
    access: 'tokens:read',
    input: z.strictObject({
      type: z.enum(TOKEN_TYPES).optional(),
      status: z.enum([...TOKEN_STATUSES, 'live', 'rotating']).optional(),
      q: searchText.optional().describe('Part of a name.'),
      name: z.string().max(80).optional().describe('The whole name.'),
      facet: z.enum(['never_used', 'no_expiry', 'no_model_limit']).optional(),
      ...pageInput,
    }),
    output: pageOf(Token),
    summary: 'List access keys and gateway keys, newest first',
    example: { input: { type: 'access', limit: 50 }, output: { items: [EXAMPLE], next_cursor: null } },
  }),
  create: endpoint({
    name: 'tokens.create',
    method: 'POST',
    path: '/v1/tokens',
    access: 'tokens:write',
    status: 201,
    idempotent: true,
    input: TokenCreate,
    output: TokenWithKey,
    summary: 'Create a key; the secret is in this answer and nowhere else',
    description:
      'An access key carries a role or permissions, never more than the creator holds. A gateway key carries allowed models and providers; an absent list means no restriction. Names are unique among live keys.',
    example: {
      input: { name: 'ci-pipeline-prod', token_type: 'access', expires_at: '2026-07-22T00:00:00Z' },
      output: { key: 'kt_ak_...', token: EXAMPLE },
    },
  }),
  get: endpoint({
    name: 'tokens.get',
    method: 'GET',
    path: '/v1/tokens/:id',
    access: 'tokens:read',
    input: z.strictObject(Id),
    output: Token,
    summary: 'Read one key',
    example: { input: { id: EXAMPLE.id }, output: EXAMPLE },
  }),
  update: endpoint({
    name: 'tokens.update',
    method: 'PATCH',
    path: '/v1/tokens/:id',
    access: 'tokens:write',
    input: z.strictObject({
      ...Id,
      name: displayName.optional(),
      allowed_models: z.array(modelName).max(200).nullish().describe(NO_RESTRICTION),
      allowed_providers: z.array(modelName).max(50).nullish().describe(NO_RESTRICTION),
      expires_at: z.iso
        .datetime({ offset: true })
        .nullish()
        .describe('Only earlier than it is, unless the caller may change security settings.'),
    }),
    output: Token,
    summary: 'Rename a key, change what it may use, or let it end earlier',
    example: { input: { id: EXAMPLE.id, name: 'ci-pipeline' }, output: { ...EXAMPLE, name: 'ci-pipeline' } },
  }),
  revoke: endpoint({
    name: 'tokens.revoke',
    method: 'POST',
    path: '/v1/tokens/:id/revoke',
    access: 'tokens:write',
    input: z.strictObject({ ...Id, reason: displayName.optional() }),
    output: Token,
    summary: 'Revoke a key: requests under way complete, new ones get 401',
    example: {
      input: { id: EXAMPLE.id },
      output: { ...EXAMPLE, status: 'revoked', revoked_at: '2026-04-23T11:00:00.000Z' },
    },
  }),
  rotate: endpoint({
    name: 'tokens.rotate',
    method: 'POST',
    path: '/v1/tokens/:id/rotate',
    access: 'tokens:write',
    status: 201,
    idempotent: true,
    input: z.strictObject({
      ...Id,
      grace_seconds: z
        .number()
        .int()
        .min(0)
        .max(ROTATION_GRACE_SECONDS_MAX)
        .default(86_400)
        .describe('How long the old secret lives on beside the new one. 0 ends it at once.'),
    }),
    output: TokenWithKey,
    summary: 'Give a key a new secret; id and settings stay, the old secret lives until grace ends',
    example: { input: { id: EXAMPLE.id, grace_seconds: 86_400 }, output: { key: 'kt_ak_...', token: EXAMPLE } },
  }),
  extendRotation: endpoint({
    name: 'tokens.extendRotation',
    method: 'POST',
    path: '/v1/tokens/:id/rotation/extend',
    access: 'tokens:write',
    input: z.strictObject({ ...Id, grace_seconds: z.number().int().min(60).max(ROTATION_GRACE_SECONDS_MAX) }),
    output: Token,
    summary: 'Let the old secret live until `grace_seconds` from now',
    example: { input: { id: EXAMPLE.id, grace_seconds: 86_400 }, output: EXAMPLE },
  }),
  finishRotation: endpoint({
    name: 'tokens.finishRotation',
    method: 'POST',
    path: '/v1/tokens/:id/rotation/finish',
    access: 'tokens:write',
    input: z.strictObject(Id),
    output: Token,
    summary: 'End the old secret now',
    example: { input: { id: EXAMPLE.id }, output: EXAMPLE },
  }),
  propagation: endpoint({
    name: 'tokens.propagation',
    method: 'GET',
    path: '/v1/tokens/:id/propagation',
    access: 'tokens:read',
    input: z.strictObject(Id),
    output: z.object({
      /** Position of the last change of this key in the organisation's key history. */
      revision: z.number().int(),
      items: z.array(
        z.object({
          gateway_id: z.string(),
          name: z.string(),
          status: z.string(),
          acknowledged: z.boolean(),
          last_seen_at: instant.nullable(),
        }),
      ),
      /** Decision events of this key in the last hour. */
      requests_last_hour: z.number().int(),
    }),
    summary: 'Which gateways have confirmed the last change of a key',
    example: {
      input: { id: EXAMPLE.id },
      output: {
        revision: 7,
        items: [
          {
            gateway_id: 'gw_local',
            name: 'Local',
            status: 'healthy',
            acknowledged: true,
            last_seen_at: '2026-04-23T11:00:00.000Z',
          },
        ],
        requests_last_hour: 41,
      },
    },
  }),
  usage: endpoint({
    name: 'tokens.usage',
    method: 'GET',
    path: '/v1/tokens/:id/usage',
    access: 'events:read',
    input: z.strictObject({ ...Id, since: when.default('30d'), until: when.optional() }),
    output: TokenUsage,
    summary: 'What a key was really used for: models, providers, addresses and agents',
    description: 'Counted from its decision events, blocked ones included. The range may span 400 days.',
    example: {
      input: { id: EXAMPLE.id, since: '30d' },
      output: {
        since: '2026-03-24T10:00:00.000Z',
        until: '2026-04-23T10:00:00.000Z',
        requests: 42,
        blocked: 2,
        first_at: '2026-04-01T08:00:00.000Z',
        last_at: '2026-04-23T09:59:00.000Z',
        models: {
          items: [{ name: 'gpt-5.4-mini', requests: 42, blocked: 2, last_at: '2026-04-23T09:59:00.000Z' }],
          has_more: false,
        },
        providers: {
          items: [{ name: 'openai', requests: 40, blocked: 0, last_at: '2026-04-23T09:59:00.000Z' }],
          has_more: false,
        },
        source_ips: {
          items: [{ name: '10.0.0.7', requests: 42, blocked: 2, last_at: '2026-04-23T09:59:00.000Z' }],
          has_more: false,
        },
        agents: { items: [], has_more: false },
      },
    },
  }),
}
