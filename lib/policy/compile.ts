import { type PolicyConfig, TARGET_TIMEOUT_MS_DEFAULT, type TargetConfig } from './config'

/** A place that can answer: one entry of `providers.targets[]`, ready to use. */
export type Target = {
  id: string
  /** `sandbox` answers inside the gateway; everything else is an OpenAI-compatible HTTP API at `baseUrl`. */
  provider: string
  baseUrl: URL | null
  /** Models it serves; `*` stands for any. */
  models: readonly string[]
  /** Resolved secret; null when the target needs none. */
  secret: string | null
  /** In lower case. */
  apiKeyHeader: string
  /** What stands before the secret, with its space: `Bearer `. */
  apiKeyPrefix: string
  headers: Readonly<Record<string, string>>
  timeoutMs: number
  /** Why it cannot be used now, such as a missing environment variable; null when it can. */
  unavailable: string | null
}

export type CompiledConfig = {
  pack: { name: string; version: string; enabled: boolean }
  chain: readonly string[]
  /** In declared order: the first available one that serves a model is used. */
  targets: readonly Target[]
  /** Whether a caller without a key is served: only from loopback, only when the file says so. */
  anonymous: 'deny' | 'loopback'
}

/** What the outside gives a configuration: secrets by environment name. */
export type CompileEnvironment = Readonly<Record<string, string | undefined>>

export type CompileConfig = (config: PolicyConfig, environment: CompileEnvironment) => CompiledConfig

/**
 * Makes a checked configuration ready to serve: addresses parsed, secrets resolved, defaults filled in.
 *
 * A missing or unusable secret is no error: that target says so in `unavailable` and the others work.
 */
export const compileConfig: CompileConfig = (config, environment) => ({
  pack: { name: config.pack.name, version: config.pack.version, enabled: config.pack.enabled },
  chain: config.policies.chain,
  targets: (config.providers?.targets ?? []).map((target) => compileTarget(target, environment)),
  anonymous: config.gateway?.anonymous ?? 'deny',
})

/** Where OpenAI answers, and the variable in which its own SDKs look for the key. */
const OPENAI = { baseUrl: 'https://api.openai.com/v1', env: 'OPENAI_API_KEY' }

function compileTarget(target: TargetConfig, environment: CompileEnvironment): Target {
  const isSandbox = target.provider === 'sandbox'
  const isOpenAi = target.provider === 'openai'
  const baseUrl = target.base_url ?? (isOpenAi ? OPENAI.baseUrl : null)
  // The key of OpenAI goes to OpenAI only: with another base_url it must be named.
  const env = target.secret_key_ref?.env ?? (isOpenAi && target.base_url === undefined ? OPENAI.env : null)
  const { secret, unavailable } = env ? readSecret(env, environment) : { secret: null, unavailable: null }
  const apiKeyHeader = (target.api_key_header ?? 'authorization').toLowerCase()
  const prefix = (target.api_key_prefix ?? (apiKeyHeader === 'authorization' ? 'Bearer' : '')).trim()
  return {
    id: target.id,
    provider: target.provider,
    baseUrl: isSandbox || baseUrl === null ? null : new URL(baseUrl),
    models: target.models ?? [target.model ?? '*'],
    secret,
    apiKeyHeader,
    apiKeyPrefix: prefix === '' ? '' : `${prefix} `,
    headers: target.headers ?? {},
    timeoutMs: target.timeout_ms ?? TARGET_TIMEOUT_MS_DEFAULT,
    unavailable,
  }
}

function readSecret(env: string, environment: CompileEnvironment): Pick<Target, 'secret' | 'unavailable'> {
  const secret = (Object.hasOwn(environment, env) ? environment[env] : undefined)?.trim()
  if (!secret) return { secret: null, unavailable: `The environment variable ${env} is not set.` }
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    return { secret: null, unavailable: `The value of ${env} contains characters that an HTTP header cannot carry.` }
  }
  return { secret, unavailable: null }
}
