import type { CompiledConfig } from './compile'
import type { Chain } from './engine/chain'

/** A rule of `routes[]`. */
export type CompiledRoute = {
  name: string
  path: string
  /** null: any. */
  methods: readonly string[] | null
  /** null: that of the configuration. */
  chain: Chain | null
  kinds: readonly string[] | null
  /** Ids of the only targets that may answer; null: all. */
  targets: readonly string[] | null
}

/** A rule of `consumer_groups[]`. */
export type CompiledGroup = {
  name: string
  tokenNames: ReadonlySet<string>
  teamIds: ReadonlySet<string>
  allowedModels: readonly string[] | null
  chain: Chain | null
  kinds: readonly string[] | null
}

/** What applies to one request. */
export type Scope = {
  route: string | null
  group: string | null
  chain: Chain
  kinds: readonly string[]
  /** null: all targets, any model. */
  targets: readonly string[] | null
  allowedModels: readonly string[] | null
}

type ScopedRequest = { method: string; path: string; tokenName: string | null; teamId: string | null }

/**
 * Which chain, targets and models are those of a request. The longest path that fits is taken, then the first group that
 * the key belongs to; the chain of a route goes before that of a group.
 */
export function scopeOf(config: CompiledConfig, { method, path, tokenName, teamId }: ScopedRequest): Scope {
  let route: CompiledRoute | null = null
  for (const one of config.routes) {
    const fits = startsPath(path, one.path) && (one.methods === null || one.methods.includes(method))
    if (fits && (route === null || one.path.length > route.path.length)) route = one
  }
  const group =
    config.consumerGroups.find(
      ({ tokenNames, teamIds }) =>
        (tokenName !== null && tokenNames.has(tokenName)) || (teamId !== null && teamIds.has(teamId)),
    ) ?? null
  const own = route?.chain ? route : group?.chain ? group : null
  return {
    route: route?.name ?? null,
    group: group?.name ?? null,
    chain: own?.chain ?? config.chain,
    kinds: own?.kinds ?? config.kinds,
    targets: route?.targets ?? null,
    allowedModels: group?.allowedModels ?? null,
  }
}

/** `/v1/chat` begins `/v1/chat/completions` but not `/v1/chatter`. */
const startsPath = (path: string, start: string) =>
  path.startsWith(start) && (path.length === start.length || start.endsWith('/') || path[start.length] === '/')
