import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { Caller } from '@/lib/policy/engine/subject'
import { plainHeader } from './headers'
import type { CallerRequest } from './http/caller-http'
import { clientAddress } from './limits/client-address'
import { userOf } from './limits/limits-of'
import type { Snapshot } from './snapshot'

/** Secrets of the caller: no policy may see them. */
const SECRET_HEADERS = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-api-key',
  'x-goog-api-key',
  'mcp-session-id',
])

/** Which agent is calling, and how far that can be relied on: what a key says is known, what a header says is claimed. */
export function agentOf(
  key: GatewayKey | null,
  headers: IncomingHttpHeaders,
): { agentId: string | null; identity: Caller['identity'] } {
  const claimed = plainHeader(headers['x-keeptrusts-agent-id'], 200)
  if (key === null) return { agentId: claimed, identity: 'anonymous' }
  if (key.agent_id !== null) return { agentId: key.agent_id, identity: 'verified' }
  return { agentId: claimed, identity: claimed === null ? 'verified' : 'asserted' }
}

/** Whose conversations and sessions they are: callers without a key are told apart by where they call from. */
export const holderOf = (key: GatewayKey | null, clientIp: string): string => key?.token_id ?? `ip ${clientIp}`

/** Whose money it is. */
export const spenderOf = (key: GatewayKey | null, headers: IncomingHttpHeaders, model: string) => ({
  teamId: key?.team_id ?? null,
  userId: userOf(headers),
  agentId: agentOf(key, headers).agentId,
  tokenId: key?.token_id ?? null,
  model,
})

/**
 * Who is calling, as policies see it.
 *
 * @param ip where from, as far as proxies of ours can tell
 */
export function callerOf(key: GatewayKey | null, headers: IncomingHttpHeaders, ip: string): Caller {
  const { agentId, identity } = agentOf(key, headers)
  let plain: Readonly<Record<string, string>> | null = null
  return {
    identity,
    tokenId: key?.token_id ?? null,
    teamId: key?.team_id ?? null,
    userId: null,
    agentId,
    ip,
    // Few policies look at them.
    get headers() {
      plain ??= withoutSecrets(headers)
      return plain
    },
  }
}

const withoutSecrets = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' && !SECRET_HEADERS.has(name) ? [[name, value]] : [],
    ),
  )

/** The caller's address, behind as many proxies of ours as the configuration in force says. */
export function clientIpOf({ headers, socket }: CallerRequest, { config }: Snapshot): string {
  const forwarded = headers['x-forwarded-for']
  const given = typeof forwarded === 'string' ? forwarded : undefined
  return clientAddress(socket.remoteAddress, given, config?.compiled.network.trustProxyDepth ?? 0)
}
