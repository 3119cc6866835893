import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { CompiledLimit, CompiledLimits } from '@/lib/policy/compile'
import { plainHeader } from '../headers'
import { addressHolder } from './client-address'
import type { Limit } from './limiter'

const MINUTE_MS = 60_000

/** The user on whose behalf an application asks, as it says itself. */
export const userOf = (headers: IncomingHttpHeaders): string | null => plainHeader(headers['x-user-id'], 200)

type LimitedCaller = { key: GatewayKey | null; userId: string | null; ip: string }

/**
 * The limits that a request falls under, in the order in which they are told: key, user, team, address, all.
 *
 * A caller without a key shares the limit of keys with every other of its address.
 */
export function limitsOf(limits: CompiledLimits, { key, userId, ip }: LimitedCaller): Limit[] {
  const found: Limit[] = []
  const address = addressHolder(ip)
  add(found, limits.perKey, 'key', key?.token_id ?? `address ${address}`)
  // Who a user is, the key says; one key's users are not those of another.
  if (userId !== null) add(found, limits.perUser, 'user', `${key?.token_id ?? address} ${userId}`)
  if (key?.team_id) add(found, limits.perTeam, 'team', key.team_id)
  add(found, limits.perIp, 'ip', address)
  add(found, limits.global, 'all', '')
  return found
}

function add(found: Limit[], limit: CompiledLimit | null, scope: string, holder: string): void {
  if (limit === null) return
  const { rpm, tpm, parallelMax } = limit
  if (rpm !== null) found.push({ name: `${scope}-requests`, holder, counts: 'requests', max: rpm, windowMs: MINUTE_MS })
  if (tpm !== null) found.push({ name: `${scope}-tokens`, holder, counts: 'tokens', max: tpm, windowMs: MINUTE_MS })
  if (parallelMax !== null) {
    found.push({ name: `${scope}-parallel`, holder, counts: 'parallel', max: parallelMax, windowMs: 0 })
  }
}

/** Bytes of English and JSON that make a token of today's vocabularies, on the low side so that estimates are high. */
const BYTES_PER_TOKEN = 3

/** What a request may cost at most, told before it runs: its own length, and the answer as long as it allows. */
export const tokensEstimated = (bodyBytes: number, outputTokensMax: number | null): number =>
  Math.ceil(bodyBytes / BYTES_PER_TOKEN) + (outputTokensMax ?? 0)
