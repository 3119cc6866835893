import { compilePolicies } from './compile-policies'
import { type CompileEnvironment, compileTarget, readSecret, type Target } from './compile-target'
import type { LimitConfig } from './config/limits'
import type { ROUTING_STRATEGIES } from './config/routing'
import type { PolicyConfig } from './config/schema'
import type { Chain, ChainOptions } from './engine/chain'
import type { CompileContext } from './engine/policy'
import type { CompiledGroup, CompiledRoute } from './scope'

export type { CompileEnvironment, Target } from './compile-target'

/** Failures after which a request is tried again; named as the gateway classifies them. */
export type FallbackTrigger = 'rate_limited' | 'server_error' | 'timeout' | 'connection' | 'invalid_answer'

/** How attempts follow each other. */
export type CompiledRouting = {
  strategy: (typeof ROUTING_STRATEGIES)[number]
  /** Requests of one conversation keep to one target. */
  stickyByConversation: boolean
  triggers: ReadonlySet<FallbackTrigger>
  /** All calls of a request together, the first included. */
  attemptsMax: number
  /** Extra calls per request over time, such as 0.1. */
  retryShare: number
  breaker: { failureThreshold: number; cooldownMs: number; halfOpenProbes: number }
  allOpen: 'try' | 'refuse'
  /** null: targets are looked at by requests only. */
  healthMonitor: { intervalMs: number; timeoutMs: number } | null
}

/** A name for several targets together. */
export type ModelGroup = {
  name: string
  /** Ids of targets: those of the group, then those of its fallback group, and so on. */
  tiers: readonly (readonly string[])[]
}

/** null: no limit. */
export type CompiledLimit = { rpm: number | null; tpm: number | null; parallelMax: number | null }

export type CompiledLimits = {
  /** null: nothing is limited in this scope. */
  global: CompiledLimit | null
  perKey: CompiledLimit | null
  perUser: CompiledLimit | null
  perTeam: CompiledLimit | null
  perIp: CompiledLimit | null
  bodyBytesMax: number
  headerBytesMax: number
  responseBytesMax: number
  backend: 'memory' | 'redis'
}

export type CompiledCors = {
  allowOrigins: readonly string[]
  allowMethods: readonly string[]
  allowHeaders: readonly string[]
  exposeHeaders: readonly string[]
  credentials: boolean
  maxAgeSeconds: number
}

export type CompiledNetwork = {
  trustProxyDepth: number
  /** Hosts (with port, where it is not the usual one) that policies may ask although they are not public. */
  privateHosts: readonly string[]
  /** Addresses and networks; null: everybody may call. */
  ipAllowlist: readonly string[] | null
  cors: CompiledCors | null
}

export type CompiledCache = {
  backend: 'memory' | 'disk' | 'redis'
  ttlMs: number
  entriesMax: number
  bytesMax: number
}

export type CompiledConfig = {
  pack: { name: string; version: string; enabled: boolean }
  /** The kinds of the chain, in order. */
  kinds: readonly string[]
  /** Its policies, ready to decide. */
  chain: Chain
  /** In declared order: the first available one that serves a model is used. */
  targets: readonly Target[]
  /** By name and by every alias. */
  modelGroups: ReadonlyMap<string, ModelGroup>
  routing: CompiledRouting
  limits: CompiledLimits
  network: CompiledNetwork
  /** null: no answer is used twice. */
  cache: CompiledCache | null
  mirror: { targetId: string; percent: number; timeoutMs: number } | null
  /** Shared by limits and cache. `url` is null when its secret is missing, and `unavailable` says so. */
  redis: { url: string | null; unavailable: string | null } | null
  /** See `scopeOf`. */
  routes: readonly CompiledRoute[]
  consumerGroups: readonly CompiledGroup[]
  /** Whether a caller without a key is served: only from loopback, only when the file says so. */
  anonymous: 'deny' | 'loopback'
}

export type CompileConfig = (
  config: PolicyConfig,
  environment: CompileEnvironment,
  options?: Partial<ChainOptions>,
) => CompiledConfig

/**
 * Makes a checked configuration ready to serve: addresses parsed, secrets resolved, units converted.
 *
 * A missing or unusable secret is no error: that target says so in `unavailable` and the others work.
 *
 * @param options a clock, for latencies and time budgets of policies; without one they are not measured
 * @throws what a kind throws on settings it cannot use; linting has tried before
 */
export const compileConfig: CompileConfig = (config, environment, options) => {
  const hasSecret: CompileContext['hasSecret'] = (ref) => 'env' in ref && readSecret(ref, environment).secret !== null
  const own = (chain: readonly string[] | undefined) =>
    chain === undefined
      ? { chain: null, kinds: null }
      : { chain: compilePolicies(config, hasSecret, options, chain), kinds: chain }
  const modelGroups = compileGroups(config)
  const targets = config.providers.targets.map((target) => compileTarget(target, environment))
  return {
    pack: { name: config.pack.name, version: config.pack.version, enabled: config.pack.enabled },
    kinds: config.policies.chain,
    chain: compilePolicies(config, hasSecret, options),
    targets: withGroupNames(targets, modelGroups),
    modelGroups,
    routing: compileRouting(config),
    limits: compileLimits(config),
    network: compileNetwork(config),
    cache: compileCache(config),
    mirror: compileMirror(config),
    redis: compileRedis(config, environment),
    routes: config.routes.map(({ name, path, methods, chain, targets }) => ({
      name,
      path,
      methods: methods ?? null,
      ...own(chain),
      targets: targets ?? null,
    })),
    consumerGroups: config.consumer_groups.map(({ name, token_names, team_ids, allowed_models, chain }) => ({
      name,
      tokenNames: new Set(token_names),
      teamIds: new Set(team_ids),
      allowedModels: allowed_models ?? null,
      ...own(chain),
    })),
    anonymous: config.gateway.anonymous,
  }
}

const compileCache = ({ cache }: PolicyConfig): CompiledCache | null =>
  cache
    ? {
        backend: cache.backend,
        ttlMs: cache.ttl_seconds * 1_000,
        entriesMax: cache.max_entries,
        bytesMax: cache.max_bytes,
      }
    : null

const compileMirror = ({ mirror }: PolicyConfig): CompiledConfig['mirror'] =>
  mirror ? { targetId: mirror.target, percent: mirror.percent, timeoutMs: mirror.timeout_ms } : null

function compileGroups({ providers }: PolicyConfig): ReadonlyMap<string, ModelGroup> {
  const groups = new Map<string, ModelGroup>()
  for (const { name, aliases } of providers.model_groups) {
    const group = { name, tiers: tiersOf(name, providers.model_groups) }
    for (const one of [name, ...aliases]) groups.set(one, group)
  }
  return groups
}

/** Linting has refused circles; the bound is for those who did not ask. */
function tiersOf(name: string, groups: PolicyConfig['providers']['model_groups']): string[][] {
  const tiers: string[][] = []
  let at = groups.find((group) => group.name === name)
  while (at && tiers.length < groups.length) {
    tiers.push(at.targets)
    const next = at.fallback_group
    at = next === undefined ? undefined : groups.find((group) => group.name === next)
  }
  return tiers
}

/** What each target calls the model of a group: its own one. A `model_map` goes before. */
function withGroupNames(targets: readonly Target[], groups: ReadonlyMap<string, ModelGroup>): readonly Target[] {
  if (groups.size === 0) return targets
  return targets.map((target) => {
    const [own] = target.models
    const modelMap = new Map(target.modelMap)
    for (const [name, { tiers }] of groups) {
      const isMember = tiers.some((ids) => ids.includes(target.id))
      if (isMember && own !== undefined && own !== '*' && !modelMap.has(name)) modelMap.set(name, own)
    }
    return { ...target, modelMap }
  })
}

function compileRouting({ providers }: PolicyConfig): CompiledRouting {
  const { routing, fallback, retry, circuit_breaker: breaker, health_monitor: monitor } = providers
  return {
    strategy: routing.strategy,
    stickyByConversation: routing.sticky === 'conversation',
    triggers: new Set(fallback.triggers.map((trigger) => (trigger === 'rate_limit' ? 'rate_limited' : trigger))),
    attemptsMax: 1 + fallback.max_fallback_attempts,
    retryShare: retry.budget_percent / 100,
    breaker: {
      failureThreshold: breaker.failure_threshold,
      cooldownMs: breaker.cooldown_seconds * 1_000,
      halfOpenProbes: breaker.half_open_probes,
    },
    allOpen: breaker.all_open,
    healthMonitor: monitor ? { intervalMs: monitor.interval_seconds * 1_000, timeoutMs: monitor.timeout_ms } : null,
  }
}

function compileLimits({ limits }: PolicyConfig): CompiledLimits {
  return {
    global: compileLimit(limits.global),
    perKey: compileLimit(limits.per_key),
    perUser: compileLimit(limits.per_user),
    perTeam: compileLimit(limits.per_team),
    perIp: compileLimit(limits.per_ip),
    bodyBytesMax: limits.size.max_body_bytes,
    headerBytesMax: limits.size.max_header_bytes,
    responseBytesMax: limits.size.max_response_bytes,
    backend: limits.backend,
  }
}

const compileLimit = (limit: LimitConfig | undefined): CompiledLimit | null =>
  limit ? { rpm: limit.rpm ?? null, tpm: limit.tpm ?? null, parallelMax: limit.max_parallel_requests ?? null } : null

function compileNetwork({ network }: PolicyConfig): CompiledNetwork {
  const { trust_proxy_depth, private_hosts, ip_allowlist, cors } = network
  return {
    trustProxyDepth: trust_proxy_depth,
    privateHosts: private_hosts.map((host) => host.toLowerCase()),
    ipAllowlist: ip_allowlist?.cidrs ?? null,
    cors: cors
      ? {
          allowOrigins: cors.allow_origins,
          allowMethods: cors.allow_methods,
          allowHeaders: cors.allow_headers,
          exposeHeaders: cors.expose_headers,
          credentials: cors.credentials,
          maxAgeSeconds: cors.max_age_seconds,
        }
      : null,
  }
}

function compileRedis({ gateway }: PolicyConfig, environment: CompileEnvironment): CompiledConfig['redis'] {
  if (!gateway.redis) return null
  const { secret, unavailable } = readSecret(gateway.redis.secret_key_ref, environment)
  if (secret === null || isRedisAddress(secret)) return { url: secret, unavailable }
  const { env } = gateway.redis.secret_key_ref
  return { url: null, unavailable: `The value of ${env} is no address such as rediss://:secret@cache:6379/0.` }
}

/** The client would throw an error with the address in it, password and all: it is never given one that it cannot read. */
function isRedisAddress(address: string): boolean {
  try {
    const { protocol, pathname, username, password } = new URL(address)
    decodeURIComponent(username + password)
    return /^rediss?:$/.test(protocol) && /^\/?\d*$/.test(pathname)
  } catch {
    return false // what is wrong with it is told without repeating it
  }
}
