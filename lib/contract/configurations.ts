import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, idOf, instant, semver, slug, storedText } from './fields'
import { GATEWAY_STATUSES, GatewayKey, GatewaySettings } from './gateways'
import { pageInput, pageOf } from './page'
import { PriceTable } from './price-shapes'
import { GatewaySpend } from './spend-shapes'

export const CONFIGURATION_BYTES_MAX = 1_048_576

/** One finding about a policy-config.yaml. Lines and columns count from 1. */
export const Diagnostic = z.object({
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  path: z.string(),
  line: z.number().int(),
  column: z.number().int(),
  end_line: z.number().int(),
  end_column: z.number().int(),
  message: z.string(),
  suggestion: z.string().nullable(),
})
export type Diagnostic = z.infer<typeof Diagnostic>

export const ConfigurationVersion = z.object({
  id: idOf('cfv'),
  configuration_id: idOf('cfg'),
  version: z.string(),
  /** SHA-256 of the exact YAML bytes. */
  sha256: z.string(),
  created_at: instant,
  created_by: z.object({ id: z.string(), name: z.string() }),
  note: z.string().nullable(),
  /** Gateways that run this version now. */
  running_on: z.array(z.string()),
})
export type ConfigurationVersion = z.infer<typeof ConfigurationVersion>

export const Configuration = z.object({
  id: idOf('cfg'),
  name: z.string(),
  created_at: instant,
  updated_at: instant,
  latest_version: z.string(),
  gateways: z.array(
    z.object({
      gateway_id: z.string(),
      status: z.enum(GATEWAY_STATUSES),
      desired_version: z.string().nullable(),
      running_version: z.string().nullable(),
    }),
  ),
})
export type Configuration = z.infer<typeof Configuration>

/** `signature` is Ed25519 (RFC 8032) over the decoded payload bytes. */
export const Bundle = z.object({
  kid: z.string(),
  /** Base64 of the JSON of a BundlePayload. */
  payload: z.string(),
  /** Base64, 64 bytes. */
  signature: z.string(),
})
export type Bundle = z.infer<typeof Bundle>

export const BundlePayload = z.strictObject({
  format: z.literal(1),
  org_id: z.string(),
  /** The gateway this bundle is for; another one refuses it. */
  gateway_id: z.string(),
  /** Only grows; an older one is refused. */
  generation: z.number().int().min(1),
  min_gateway_version: z.string(),
  created_at: instant,
  configuration: z.strictObject({
    id: z.string(),
    name: z.string(),
    version: z.string(),
    sha256: z.string(),
    yaml: z.string().max(CONFIGURATION_BYTES_MAX),
  }),
})
export type BundlePayload = z.infer<typeof BundlePayload>

export const RuntimeState = z.object({
  gateway_id: z.string(),
  org_id: z.string(),
  server_time: instant,
  desired_version: z.string().nullable(),
  desired_generation: z.number().int(),
  /** null until a version is rolled out to this gateway. */
  bundle: Bundle.nullable(),
  /** Ed25519 public keys in SPKI form, base64, by key id. A gateway pins the first one it sees, or the one it is told. */
  signing_keys: z.array(z.object({ kid: z.string(), public_key: z.string() })),
  settings: GatewaySettings,
  keys_revision: z.number().int(),
  keys: z.array(GatewayKey),
  /** Of the providers that the gateway may ask; null from a control plane that knows none. */
  prices: PriceTable.nullable().default(null),
  /** null from a control plane that knows no budgets. */
  spend: GatewaySpend.nullable().default(null),
})
export type RuntimeState = z.infer<typeof RuntimeState>

const yamlText = storedText.min(1).max(CONFIGURATION_BYTES_MAX)

const GatewayRuntime = z.object({
  gateway_id: z.string(),
  status: z.enum(GATEWAY_STATUSES),
  configuration_id: z.string().nullable(),
  configuration_name: z.string().nullable(),
  desired_version: z.string().nullable(),
  running_version: z.string().nullable(),
  last_seen_at: instant.nullable(),
  last_error: z.string().nullable(),
})

const CONFIGURATION: Configuration = {
  id: 'cfg_019a6f0e1c2d7000a1b2c3d4e5f60718',
  name: 'production',
  created_at: '2026-03-01T09:00:00.000Z',
  updated_at: '2026-03-20T12:00:00.000Z',
  latest_version: '0.3.0',
  gateways: [
    { gateway_id: 'proxy_production_01', status: 'healthy', desired_version: '0.3.0', running_version: '0.3.0' },
  ],
}
const VERSION: ConfigurationVersion = {
  id: 'cfv_019a6f0e1c2d7000a1b2c3d4e5f60718',
  configuration_id: CONFIGURATION.id,
  version: '0.3.0',
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  created_at: '2026-03-20T12:00:00.000Z',
  created_by: { id: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Administrator' },
  note: null,
  running_on: ['proxy_production_01'],
}
const YAML = 'pack:\n  name: production\n  version: 0.3.0\n  enabled: true\npolicies:\n  chain: []\n'

export const configurations = {
  list: endpoint({
    name: 'configurations.list',
    method: 'GET',
    path: '/v1/configurations',
    access: 'configurations:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(Configuration),
    summary: 'List configurations and where they run',
    example: { input: {}, output: { items: [CONFIGURATION], next_cursor: null } },
  }),
  create: endpoint({
    name: 'configurations.create',
    method: 'POST',
    path: '/v1/configurations',
    access: 'configurations:write',
    status: 201,
    idempotent: true,
    input: z.strictObject({ name: displayName, yaml: yamlText, note: displayName.optional() }),
    output: Configuration,
    summary: 'Create a configuration; its first version is the one that `pack.version` names',
    example: { input: { name: 'production', yaml: YAML }, output: CONFIGURATION },
  }),
  get: endpoint({
    name: 'configurations.get',
    method: 'GET',
    path: '/v1/configurations/:id',
    access: 'configurations:read',
    etag: true,
    input: z.strictObject({ id: idOf('cfg') }),
    output: Configuration,
    summary: 'Read one configuration',
    example: { input: { id: CONFIGURATION.id }, output: CONFIGURATION },
  }),
  lint: endpoint({
    name: 'configurations.lint',
    method: 'POST',
    path: '/v1/configurations/lint',
    access: 'configurations:read',
    input: z.strictObject({ yaml: z.string().max(CONFIGURATION_BYTES_MAX) }),
    output: z.object({ valid: z.boolean(), diagnostics: z.array(Diagnostic) }),
    summary: 'Check a policy-config.yaml without saving it',
    example: { input: { yaml: YAML }, output: { valid: true, diagnostics: [] } },
  }),
  listVersions: endpoint({
    name: 'configurations.listVersions',
    method: 'GET',
    path: '/v1/configurations/:id/versions',
    access: 'configurations:read',
    input: z.strictObject({ id: idOf('cfg'), ...pageInput }),
    output: pageOf(ConfigurationVersion),
    summary: 'List the versions of a configuration, newest first',
    example: { input: { id: CONFIGURATION.id }, output: { items: [VERSION], next_cursor: null } },
  }),
  getVersion: endpoint({
    name: 'configurations.getVersion',
    method: 'GET',
    path: '/v1/configurations/:id/versions/:version',
    access: 'configurations:read',
    etag: true,
    input: z.strictObject({ id: idOf('cfg'), version: semver }),
    output: ConfigurationVersion.extend({ yaml: z.string() }),
    summary: 'Read one version with its YAML',
    example: { input: { id: CONFIGURATION.id, version: '0.3.0' }, output: { ...VERSION, yaml: YAML } },
  }),
  createVersion: endpoint({
    name: 'configurations.createVersion',
    method: 'POST',
    path: '/v1/configurations/:id/versions',
    access: 'configurations:write',
    status: 201,
    idempotent: true,
    input: z.strictObject({
      id: idOf('cfg'),
      yaml: yamlText,
      note: displayName.optional(),
      expected_latest_version: semver
        .optional()
        .describe('The newest version the writer has seen; another one in between refuses with 412.'),
    }),
    output: ConfigurationVersion,
    summary: 'Save a new, immutable version; `pack.version` names it and must be new',
    description:
      'With `If-Match` and the ETag of the configuration, or with `expected_latest_version`, a version that somebody saved in between refuses this one with 412.',
    example: { input: { id: CONFIGURATION.id, yaml: YAML }, output: VERSION },
  }),
  assign: endpoint({
    name: 'configurations.assign',
    method: 'POST',
    path: '/v1/configurations/:id/assign',
    access: 'configurations:write',
    input: z.strictObject({ id: idOf('cfg'), gateway_ids: z.array(slug).min(1).max(200) }),
    output: Configuration,
    summary: 'Say which configuration gateways run; a rollout then chooses the version',
    example: { input: { id: CONFIGURATION.id, gateway_ids: ['proxy_production_01'] }, output: CONFIGURATION },
  }),
  listRuntime: endpoint({
    name: 'configurations.listRuntime',
    method: 'GET',
    path: '/v1/admin/configurations',
    access: 'configurations:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(GatewayRuntime),
    summary: 'List what every gateway runs',
    example: {
      input: {},
      output: {
        items: [
          {
            gateway_id: 'proxy_production_01',
            status: 'healthy',
            configuration_id: CONFIGURATION.id,
            configuration_name: 'production',
            desired_version: '0.3.0',
            running_version: '0.3.0',
            last_seen_at: '2026-03-20T12:05:00.000Z',
            last_error: null,
          },
        ],
        next_cursor: null,
      },
    },
  }),
  rollout: endpoint({
    name: 'configurations.rollout',
    method: 'POST',
    path: '/v1/admin/configurations/rollout',
    access: 'configurations:write',
    idempotent: true,
    input: z.strictObject({
      gateway_ids: z.array(slug).min(1).max(200),
      version: semver,
      configuration_id: idOf('cfg')
        .optional()
        .describe('Needed only for a gateway that has no configuration assigned.'),
    }),
    output: z.object({
      rollout_id: z.string(),
      version: z.string(),
      items: z.array(
        z.object({ gateway_id: z.string(), generation: z.number().int(), previous_version: z.string().nullable() }),
      ),
    }),
    summary: 'Roll a version out to gateways',
    description:
      'All gateways or none. Connected gateways apply it at once, others at their next poll; what they then run is in `GET /v1/admin/configurations`.',
    example: {
      input: { gateway_ids: ['proxy_production_01'], version: '0.3.0' },
      output: {
        rollout_id: 'rol_019a6f0e1c2d7000a1b2c3d4e5f60718',
        version: '0.3.0',
        items: [{ gateway_id: 'proxy_production_01', generation: 4, previous_version: '0.2.0' }],
      },
    },
  }),
  runtimeState: endpoint({
    name: 'configurations.runtimeState',
    method: 'GET',
    path: '/v1/admin/configurations/gateways/:id/runtime-state',
    access: 'configurations:read',
    etag: true,
    input: z.strictObject({ id: slug }),
    output: RuntimeState,
    summary: 'Everything a gateway needs to serve: signed bundle, key hashes, settings',
    description:
      'Key hashes are included only for the gateway itself (purpose gateway_runtime); other readers get an empty list. Poll it with `If-None-Match`.',
    example: {
      input: { id: 'proxy_production_01' },
      output: {
        gateway_id: 'proxy_production_01',
        org_id: 'org_019a6f0e1c2d7000a1b2c3d4e5f60718',
        server_time: '2026-03-20T12:05:00.000Z',
        desired_version: '0.3.0',
        desired_generation: 4,
        bundle: null,
        signing_keys: [{ kid: '9f86d081884c7d659a2feaa0c55ad015', public_key: 'MCowBQYDK2VwAyEA...' }],
        settings: { payload_capture: 'none', max_offline_key_age_seconds: 86_400 },
        keys_revision: 17,
        keys: [],
        prices: null,
      },
    },
  }),
}
