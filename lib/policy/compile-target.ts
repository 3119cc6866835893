import { nanoUsdOf } from '@/lib/money'
import { bedrockUrl, KNOWN_PROVIDERS } from './config/known-providers'
import type { SecretKeyRef } from './config/secret-key-ref'
import type { TargetConfig } from './config/target'
import type { TargetFacts } from './engine/subject'

/** Nano-dollars per million tokens. */
export type TargetPricing = { inputNanos: bigint; outputNanos: bigint; cachedInputNanos: bigint }

/** A place that can answer: one entry of `providers.targets[]`, ready to use. */
export type Target = {
  id: string
  /** `sandbox` answers inside the gateway; everything else is an HTTP API at `baseUrl`. */
  provider: string
  baseUrl: URL | null
  /** Models it serves, as callers name them; `*` stands for any. */
  models: readonly string[]
  /** What the provider calls a model, by the name that callers use; a model that is not here keeps its name. */
  modelMap: ReadonlyMap<string, string>
  /** Resolved secret, the first of `secrets`; null when the target needs none. */
  secret: string | null
  /** In the order in which they are tried; empty when the target needs none. */
  secrets: readonly string[]
  /** In lower case. */
  apiKeyHeader: string
  /** What stands before the secret, with its space: `Bearer `. */
  apiKeyPrefix: string
  headers: Readonly<Record<string, string>>
  timeoutMs: number
  weight: number
  dataPolicy: TargetFacts['dataPolicy']
  /** null: the price book knows, or nobody does. */
  pricing: TargetPricing | null
  allowPrivateNetwork: boolean
  azure: { apiVersion: string; deployment: string | null } | null
  /** `secret` is the secret access key. */
  aws: { region: string; accessKeyId: string; sessionToken: string | null } | null
  /** Why it cannot be used now, such as a missing environment variable; null when it can. */
  unavailable: string | null
}

/** What the outside gives a configuration: secrets by environment name. */
export type CompileEnvironment = Readonly<Record<string, string | undefined>>

const AZURE_API_VERSION = '2024-10-21'

/** A target with its address parsed, its secrets resolved and its defaults filled in. */
export function compileTarget(target: TargetConfig, environment: CompileEnvironment): Target {
  const known = KNOWN_PROVIDERS.get(target.provider)
  const isSandbox = target.provider === 'sandbox'
  const apiKeyHeader = (target.api_key_header ?? known?.apiKeyHeader ?? 'authorization').toLowerCase()
  // A header of its own says how it is written; a known provider's way goes with its own header only.
  const usual = apiKeyHeader === (known?.apiKeyHeader ?? 'authorization') ? (known?.apiKeyPrefix ?? 'Bearer') : null
  const prefix = (target.api_key_prefix ?? usual ?? (apiKeyHeader === 'authorization' ? 'Bearer' : '')).trim()
  const { secrets, unavailable } = secretsOf(target, environment)
  const aws = target.provider === 'bedrock' ? awsOf(target, environment) : null
  return {
    id: target.id,
    provider: target.provider,
    baseUrl: isSandbox ? null : baseUrlOf(target),
    models: modelsOf(target),
    modelMap: new Map(Object.entries(target.model_map ?? {})),
    secret: secrets[0] ?? null,
    secrets,
    apiKeyHeader,
    apiKeyPrefix: prefix === '' ? '' : `${prefix} `,
    headers: target.headers ?? {},
    timeoutMs: target.timeout_ms,
    weight: target.weight,
    dataPolicy: {
      zeroDataRetention: target.data_policy.zero_data_retention,
      trainingOptOut: target.data_policy.training_opt_out,
      retentionDays: target.data_policy.retention_days ?? null,
    },
    pricing: pricingOf(target),
    allowPrivateNetwork: target.allow_private_network,
    azure:
      target.provider === 'azure-openai'
        ? { apiVersion: target.azure_api_version ?? AZURE_API_VERSION, deployment: target.azure_deployment ?? null }
        : null,
    aws: aws?.credentials ?? null,
    unavailable: unavailable ?? aws?.unavailable ?? null,
  }
}

function baseUrlOf(target: TargetConfig): URL | null {
  if (target.base_url !== undefined) return new URL(target.base_url)
  if (target.provider === 'bedrock' && target.region !== undefined) return new URL(bedrockUrl(target.region))
  const usual = KNOWN_PROVIDERS.get(target.provider)?.baseUrl
  return usual == null ? null : new URL(usual)
}

/** The names in `model_map` are served too: that is what they are for. */
function modelsOf({ model, models, model_map }: TargetConfig): readonly string[] {
  const named = Object.keys(model_map ?? {})
  return [...new Set([...(models ?? [model ?? '*']), ...named])]
}

export function pricingOf({ pricing }: TargetConfig): TargetPricing | null {
  if (!pricing) return null
  const nanos = (usd: number) => nanoUsdOf(usd.toFixed(9))
  return {
    inputNanos: nanos(pricing.input_usd_per_million),
    outputNanos: nanos(pricing.output_usd_per_million),
    cachedInputNanos: nanos(pricing.cached_input_usd_per_million ?? pricing.input_usd_per_million),
  }
}

/** Those that are there; unavailable only when none is. */
function secretsOf(target: TargetConfig, environment: CompileEnvironment): Pick<Target, 'secrets' | 'unavailable'> {
  const refs = target.secret_key_refs ?? (target.secret_key_ref ? [target.secret_key_ref] : usualRefs(target))
  const read = refs.map((ref) => readSecret(ref, environment))
  const secrets = read.flatMap(({ secret }) => (secret === null ? [] : [secret]))
  return { secrets, unavailable: secrets.length > 0 || refs.length === 0 ? null : (read[0]?.unavailable ?? null) }
}

/** A provider's usual key goes to its usual address only: with another base_url it must be named. */
function usualRefs({ provider, base_url }: TargetConfig): readonly SecretKeyRef[] {
  if (base_url !== undefined && provider !== 'azure-openai') return []
  const env = provider === 'bedrock' ? 'AWS_SECRET_ACCESS_KEY' : KNOWN_PROVIDERS.get(provider)?.env
  return env ? [{ env }] : []
}

function awsOf(target: TargetConfig, environment: CompileEnvironment) {
  const id = readSecret(target.aws_access_key_id_ref ?? { env: 'AWS_ACCESS_KEY_ID' }, environment)
  const isUsual = target.aws_access_key_id_ref === undefined && target.secret_key_ref === undefined
  const tokenRef = target.aws_session_token_ref ?? (isUsual ? { env: 'AWS_SESSION_TOKEN' } : null)
  const token = tokenRef ? readSecret(tokenRef, environment) : { secret: null, unavailable: null }
  const unavailable = id.unavailable ?? (target.aws_session_token_ref ? token.unavailable : null)
  const credentials =
    id.secret === null ? null : { region: target.region ?? '', accessKeyId: id.secret, sessionToken: token.secret }
  return { credentials, unavailable }
}

/** One secret of the environment, or why it cannot be sent. */
export function readSecret(
  { env }: SecretKeyRef,
  environment: CompileEnvironment,
): { secret: string | null; unavailable: string | null } {
  const secret = (Object.hasOwn(environment, env) ? environment[env] : undefined)?.trim()
  if (!secret) return { secret: null, unavailable: `The environment variable ${env} is not set.` }
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    return { secret: null, unavailable: `The value of ${env} contains characters that an HTTP header cannot carry.` }
  }
  return { secret, unavailable: null }
}
