import { hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { CompiledConfig, Target } from '@/lib/policy/compile'
import type { Ask } from '../ask'
import { adapterOf } from '../providers/all'
import type { Snapshot } from '../snapshot'
import { type CachedAnswer, cacheKeyOf } from './answer-cache'

/** What the caller lets a cache do with its request (RFC 9111 section 5.2.1): `no-cache` asks anew, `no-store` leaves nothing. */
export type CacheUse = { key: string; mayFind: boolean; mayKeep: boolean }

/**
 * Whether and under which key an answer to this request may be used again.
 *
 * Answers are shared by the keys of one team; keys without a team share with each other, never with a team's.
 */
export function cacheUseOf(
  ask: Ask,
  { snapshot, key, headers }: { snapshot: Snapshot; key: GatewayKey | null; headers: IncomingHttpHeaders },
): CacheUse | null {
  const { config, orgId } = snapshot
  if (config?.compiled.cache == null || !isRepeatable(ask)) return null
  const directives = (headers['cache-control'] ?? '').toLowerCase().split(/[\s,]+/, 20)
  const mayKeep = !directives.includes('no-store')
  const name = cacheKeyOf({
    orgId,
    holder: holderOf(key),
    configuration: `${config.id} ${config.name} ${config.version} ${config.generation} ${digestOf(config.compiled)}`,
    // With what the address says that other APIs say in the body.
    apiShape: JSON.stringify([ask.surface.shape, ask.surface.addressed ?? null]),
    headers: JSON.stringify(passedOn(config.compiled).map((header) => headers[header] ?? null)),
    body: ask.bytes,
  })
  return { key: name, mayFind: mayKeep && !directives.includes('no-cache'), mayKeep }
}

/** Shapes whose answers are JSON or frames of it, and requests that do not go on from something a provider keeps. */
const isRepeatable = ({ surface, body }: Ask): boolean =>
  surface.shape === 'openai_responses'
    ? body.previous_response_id == null && body.conversation == null && body.background !== true
    : REPEATABLE.has(surface.shape) && body.cachedContent == null && body.cached_content == null

const REPEATABLE: ReadonlySet<string> = new Set([
  'openai_chat',
  'anthropic_messages',
  'gemini_content',
  'openai_embeddings',
  'gemini_embeddings',
])

const holderOf = (key: GatewayKey | null): string =>
  key === null ? 'anonymous' : key.team_id === null ? 'organisation' : `team ${key.team_id}`

/** An answer is given again only where its target could have been asked, too: scopes and policies may have changed that. */
export const isFromOneOf =
  (tiers: readonly (readonly Target[])[]) =>
  ({ targetId }: CachedAnswer): boolean =>
    tiers.some((tier) => tier.some(({ id, dataPolicy }) => id === targetId && !dataPolicy.zeroDataRetention))

/** Names of the caller's headers that some target is sent: such as `anthropic-beta`, which changes what it answers. */
const passedOn = ({ targets }: CompiledConfig): string[] =>
  [...new Set(targets.flatMap(({ provider }) => adapterOf(provider).passes))].sort()

const digests = new WeakMap<CompiledConfig, string>()

/** Of all that decides what a target answers: a file may change without a new version. */
function digestOf(config: CompiledConfig): string {
  const known = digests.get(config)
  if (known !== undefined) return known
  const targets = config.targets.map(({ id, provider, baseUrl, models, modelMap }) => [
    id,
    provider,
    baseUrl?.href,
    models,
    [...modelMap],
  ])
  const digest = hash('sha256', JSON.stringify(targets), 'hex')
  digests.set(config, digest)
  return digest
}
