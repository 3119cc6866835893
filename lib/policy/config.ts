import { z } from 'zod'
import type { Diagnostic } from '@/lib/contract/configurations'
import { displayName, modelName, semver, slug } from '@/lib/contract/fields'
import { nearestName } from './nearest-name'
import { type Path, readYaml } from './yaml-source'

/** Policy kinds that this release can run. It has none: any entry of a chain is refused rather than ignored. */
const POLICY_KINDS: readonly string[] = []

/** Providers whose address this release knows. Every other one is OpenAI-compatible and names its `base_url`. */
const KNOWN_PROVIDERS = ['openai', 'sandbox'] as const

export const TARGET_TIMEOUT_MS_DEFAULT = 300_000

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/
const HEADER_VALUE = /^[\t\x20-\x7e]*$/
/** The gateway writes these itself; a configuration that set them could smuggle requests (RFC 9112 section 6). */
const RESERVED_HEADERS =
  /^(host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|keep-alive|expect|proxy-.*)$/i
/** The gateway's own secrets must not be sent to an address that a configuration chooses. */
const OWN_ENVIRONMENT = /^(KEEPTRUSTS_.*|DATABASE_URL|NEXTAUTH_.*|AUTH_SECRET)$/

const headerName = z
  .string()
  .regex(HEADER_NAME, 'must be the name of an HTTP header')
  .refine((name) => !RESERVED_HEADERS.test(name), 'is a header that the gateway writes itself')

const headerValue = z.string().max(4_096).regex(HEADER_VALUE, 'must be one line of printable ASCII')

const text = (length: number) =>
  z
    .string()
    .max(length)
    .regex(/^[^\x00-\x08\x0b-\x1f\x7f]*$/, 'must not contain control characters')

const SecretKeyRef = z.strictObject({
  env: z
    .string()
    .max(200)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
    .refine(
      (name) => !OWN_ENVIRONMENT.test(name),
      "is one of the gateway's own secrets and cannot be sent to a provider",
    ),
})

const TargetConfig = z.strictObject({
  id: slug,
  /** `openai`, `sandbox`, or any name for an OpenAI-compatible API at `base_url`. */
  provider: slug,
  /** The one model it serves. Without `model` and `models` it serves any. */
  model: modelName.optional(),
  models: z.array(modelName).min(1).max(500).optional(),
  base_url: z.string().max(2_000).optional(),
  secret_key_ref: SecretKeyRef.optional(),
  /** `Authorization` unless stated. */
  api_key_header: headerName.optional(),
  /** Stands before the secret with a space between; `Bearer` for `Authorization`, otherwise nothing. */
  api_key_prefix: z.string().max(100).regex(HEADER_VALUE, 'must be one line of printable ASCII').optional(),
  /** Longest wait for the first byte of an answer, and between its bytes. */
  timeout_ms: z.number().int().min(100).max(3_600_000).optional(),
  headers: z.record(headerName, headerValue).optional(),
})

/** The shape of a policy-config.yaml. What it means for several keys together is checked by `lintPolicyConfig`. */
export const PolicyConfig = z.strictObject({
  pack: z.strictObject({
    name: displayName,
    version: semver,
    enabled: z.boolean(),
    id: slug.optional(),
    author: text(200).optional(),
    description: text(2_000).optional(),
  }),
  policies: z.strictObject({ chain: z.array(z.string().max(100)).max(100) }),
  policy: z.strictObject({}).optional(),
  providers: z.strictObject({ targets: z.array(TargetConfig).max(200) }).optional(),
  gateway: z.strictObject({ anonymous: z.enum(['deny', 'loopback']).optional() }).optional(),
})
export type PolicyConfig = z.infer<typeof PolicyConfig>
export type TargetConfig = z.infer<typeof TargetConfig>

/**
 * Checks a policy-config.yaml.
 *
 * Codes: E001 unknown policy kind · E002 unknown key · E005 duplicate id · E006 the file cannot be read · E007 a key is
 * missing · E008 a value of the wrong type or form · E009 not available in this release · E010 keys that exclude each
 * other · W001 nothing to send requests to · W002 a secret or a request would travel in the open.
 * E003 and E004 are kept for what policies and routes will bring.
 *
 * @returns `config` is null exactly when there is an error; warnings leave it usable
 */
export function lintPolicyConfig(yaml: string): { config: PolicyConfig | null; diagnostics: Diagnostic[] } {
  const source = readYaml(yaml)
  if (source.diagnostics.length > 0) return { config: null, diagnostics: source.diagnostics }
  const parsed = PolicyConfig.safeParse(source.value)
  const diagnostics = parsed.success
    ? meaningOf(parsed.data, source)
    : parsed.error.issues.flatMap((issue) => explain(issue, source))
  const invalid = diagnostics.some((diagnostic) => diagnostic.severity === 'error')
  diagnostics.sort((a, b) => a.line - b.line || a.column - b.column)
  return { config: parsed.success && !invalid ? parsed.data : null, diagnostics }
}

type Source = ReturnType<typeof readYaml>

function explain(issue: z.core.$ZodIssue, source: Source): Diagnostic[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...issue.path, key], source))
  const path = issue.code === 'invalid_key' ? [...issue.path] : issue.path
  if (issue.code === 'invalid_type' && valueAt(source.value, path) === undefined) {
    const message = `The key "${String(path.at(-1) ?? 'pack')}" is missing.`
    return [source.locate(path, { severity: 'error', code: 'E007', message })]
  }
  const reason = reasonOf(issue, valueAt(source.value, path))
  const name = path.length > 0 ? `"${String(path.at(-1))}"` : 'The file'
  const suggestion =
    issue.code === 'invalid_value' ? nearestName(String(valueAt(source.value, path)), issue.values.map(String)) : null
  const finding = { severity: 'error', code: 'E008', message: `${name}: ${reason}.`, suggestion } as const
  return [issue.code === 'invalid_key' ? source.locateKey(path, finding) : source.locate(path, finding)]
}

function reasonOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_type') return `expected ${issue.expected}, found ${kindOf(value)}`
  return issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
}

function unknownKey(path: Path, source: Source): Diagnostic {
  const key = String(path.at(-1))
  const parent = path.slice(0, -1)
  if (parent.length === 1 && parent[0] === 'policy') {
    return source.locateKey(path, { severity: 'error', code: 'E001', message: unknownKind(key) })
  }
  if (key === 'store' && parent.at(-1) === 'secret_key_ref') {
    const message = 'Stored secrets are not available in this release; name an environment variable with "env".'
    return source.locateKey(path, { severity: 'error', code: 'E009', message, suggestion: 'env' })
  }
  const known = keysAt(PolicyConfig, parent)
  const message = known.length > 0 ? `Unknown key "${key}". Valid keys: ${known.join(', ')}.` : `Unknown key "${key}".`
  return source.locateKey(path, { severity: 'error', code: 'E002', message, suggestion: nearestName(key, known) })
}

const unknownKind = (kind: string) =>
  `Unknown policy kind "${kind}". This release has no policy kinds yet, so "policies.chain" must be empty.`

/** What single values cannot show: names used twice, keys that exclude each other, addresses. */
function meaningOf(config: PolicyConfig, source: Source): Diagnostic[] {
  const targets = config.providers?.targets ?? []
  const found: Diagnostic[] = config.policies.chain
    .map((kind, index) => ({ kind, index }))
    .filter(({ kind }) => !POLICY_KINDS.includes(kind))
    .map(({ kind, index }) =>
      source.locate(['policies', 'chain', index], {
        severity: 'error',
        code: 'E001',
        message: unknownKind(kind),
        suggestion: nearestName(kind, POLICY_KINDS),
      }),
    )
  if (targets.length === 0) {
    const message = 'There are no providers.targets: every request will be refused.'
    found.push(source.locate(['providers', 'targets'], { severity: 'warning', code: 'W001', message }))
  }
  const seen = new Set<string>()
  for (const [index, target] of targets.entries()) {
    const path = ['providers', 'targets', index]
    if (seen.has(target.id)) {
      const message = `The target id "${target.id}" is used twice.`
      found.push(source.locate([...path, 'id'], { severity: 'error', code: 'E005', message }))
    }
    seen.add(target.id)
    found.push(...meaningOfTarget(target, path, source))
  }
  return found
}

function meaningOfTarget(target: TargetConfig, path: Path, source: Source): Diagnostic[] {
  const found: Diagnostic[] = []
  const error = (key: string, code: string, message: string) =>
    found.push(source.locate([...path, key], { severity: 'error', code, message }))
  const warning = (key: string, message: string) =>
    found.push(source.locate([...path, key], { severity: 'warning', code: 'W002', message }))

  if (target.model !== undefined && target.models !== undefined) {
    error('models', 'E010', 'Write "model" for one model or "models" for several, not both.')
  }
  if (target.models && new Set(target.models).size < target.models.length) {
    error('models', 'E005', 'A model is listed twice.')
  }
  if (target.provider === 'sandbox') {
    for (const key of ['base_url', 'secret_key_ref', 'api_key_header', 'api_key_prefix', 'headers'] as const) {
      if (target[key] !== undefined) error(key, 'E010', `The sandbox answers inside the gateway and takes no "${key}".`)
    }
    return found
  }
  if (target.base_url === undefined && target.provider !== 'openai') {
    const suggestion = nearestName(target.provider, KNOWN_PROVIDERS)
    const message = `The provider "${target.provider}" needs a "base_url": only ${KNOWN_PROVIDERS.join(' and ')} have a known address.`
    found.push(source.locate([...path, 'provider'], { severity: 'error', code: 'E007', message, suggestion }))
  }
  if (target.base_url !== undefined) {
    const reason = reasonAgainst(target.base_url)
    if (reason) error('base_url', 'E008', `"base_url": ${reason}.`)
    else if (isOpen(new URL(target.base_url)))
      warning('base_url', 'Requests and secrets travel unencrypted: use https.')
  }
  const names = Object.keys(target.headers ?? {}).map((name) => name.toLowerCase())
  if (new Set(names).size < names.length)
    error('headers', 'E005', 'A header is written twice: their names ignore case.')
  const keyHeader = (target.api_key_header ?? 'authorization').toLowerCase()
  if (target.secret_key_ref && names.includes(keyHeader)) {
    error('headers', 'E010', `"${keyHeader}" is written by secret_key_ref; remove one of the two.`)
  } else if (names.some((name) => /^(authorization|api-key|x-api-key|cookie)$/.test(name))) {
    warning(
      'headers',
      'A secret in this file can be read by everybody who may read configurations: use secret_key_ref.',
    )
  }
  return found
}

/** Why an address cannot be a provider's; null when it can. */
export function reasonAgainst(baseUrl: string): string | null {
  // URL drops tabs and line breaks in silence, so they are looked for first.
  if (!/^[\x21-\x7e]+$/.test(baseUrl)) return 'must be printable ASCII without spaces'
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null
  if (!url) return 'must be an absolute URL'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:// or http://'
  if (url.username || url.password) return 'must not contain credentials; use secret_key_ref'
  if (url.search || url.hash) return 'must not contain a query or a fragment'
  return null
}

const isOpen = (url: URL) =>
  url.protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|.*\.localhost|.*\.internal)$/.test(url.hostname)

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, step) => (typeof at === 'object' && at !== null ? Reflect.get(at, step) : undefined),
    value,
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'number') return `the number ${value} (quote it if it is meant as text)`
  return `a ${typeof value}`
}

/** The keys that the schema knows at a place. */
function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  let at: z.core.$ZodType = schema
  for (const step of path) {
    const inner = bare(at)
    if (inner instanceof z.ZodObject) at = inner.shape[String(step)] ?? z.unknown()
    else if (inner instanceof z.ZodArray) at = inner.element
    else return []
  }
  const inner = bare(at)
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : []
}

const bare = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodOptional ? bare(schema.unwrap()) : schema
