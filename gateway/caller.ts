import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { Caller } from '@/lib/policy/engine/subject'
import { plainHeader } from './headers'
import { clientAddress } from './limits/client-address'
import type { Snapshot } from './snapshot'

/** Secrets of the caller: no policy may see them. */
const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'mcp-session-id'])

/**
 * Who is calling, as policies see it.
 *
 * @param ip where from, as far as proxies of ours can tell
 */
export function callerOf(key: GatewayKey | null, headers: IncomingHttpHeaders, ip: string): Caller {
  const claimedAgent = plainHeader(headers['x-keeptrusts-agent-id'], 200)
  const isAsserted = key?.agent_id == null && claimedAgent !== null
  let plain: Readonly<Record<string, string>> | null = null
  return {
    identity: key === null ? 'anonymous' : isAsserted ? 'asserted' : 'verified',
    tokenId: key?.token_id ?? null,
    teamId: key?.team_id ?? null,
    userId: null,
    agentId: key?.agent_id ?? claimedAgent,
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
export function clientIpOf({ headers, socket }: IncomingMessage, { config }: Snapshot): string {
  const forwarded = headers['x-forwarded-for']
  const given = typeof forwarded === 'string' ? forwarded : undefined
  return clientAddress(socket.remoteAddress, given, config?.compiled.network.trustProxyDepth ?? 0)
}
