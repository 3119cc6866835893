import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { Target } from '@/lib/policy/compile'
import type { Chain } from '@/lib/policy/engine/chain'
import { scopeOf } from '@/lib/policy/scope'
import { assertAddressAllowed } from '../admission'
import { holderOf } from '../caller'
import { Refusal } from '../errors'
import { credentialsOf, identify } from '../identify'
import type { Durability } from '../plane'
import type { Snapshot } from '../snapshot'

type Gate = {
  contactSlackMs: number
  durability: Durability
  isSpoolFull(): boolean
  isDraining(): boolean
}

/**
 * What is decided from the headers alone: ready, where from, who, room for the record, what the key is for, which server, what the body
 * is.
 *
 * @throws Refusal of each of these
 */
export function admitMcp(
  gate: Gate,
  snapshot: Snapshot,
  request: IncomingMessage,
  clientIp: string,
  server: string,
): { key: GatewayKey | null; target: Target; chain: Chain; owner: string } {
  const { headers } = request
  if (snapshot.config === null) throw new Refusal('not_ready', 'This gateway has no verified configuration yet.')
  if (!snapshot.config.compiled.pack.enabled) {
    throw new Refusal('not_ready', 'The configuration of this gateway is switched off.')
  }
  if (gate.isDraining()) throw new Refusal('not_ready', 'This gateway is stopping.', { closesConnection: true })
  assertAddressAllowed(snapshot, clientIp)
  const credentials = credentialsOf(request)
  const key = identify(credentials, snapshot, gate.contactSlackMs)
  if (key === null && !isLocalOrigin(headers.origin)) {
    throw new Refusal('token_invalid', 'A page of another origin needs a key.', { status: 403 })
  }
  if (gate.durability === 'strict' && gate.isSpoolFull()) {
    throw new Refusal('audit_unavailable', 'This request could not be recorded, so it was not sent.', {
      retryAfterSeconds: 5,
    })
  }
  if (key !== null && key.purpose !== 'general') {
    throw new Refusal('purpose_not_allowed', `A key with the purpose ${key.purpose} cannot use tools.`)
  }
  if (key?.allowed_providers && !key.allowed_providers.includes('mcp')) {
    throw new Refusal('provider_not_allowed', 'This key may not use MCP servers.')
  }
  const target = snapshot.config.compiled.targets.find(({ id, provider }) => id === server && provider === 'mcp')
  if (target === undefined) throw new Refusal('not_found', 'There is no such MCP server on this gateway.')
  const scope = scopeOf(snapshot.config.compiled, {
    method: request.method ?? 'POST',
    path: `/mcp/${target.id}`,
    tokenName: key?.token_name ?? null,
    teamId: key?.team_id ?? null,
  })
  if (scope.targets !== null && !scope.targets.includes(target.id)) {
    throw new Refusal('provider_not_allowed', 'This MCP server may not be reached on this path.')
  }
  if (target.unavailable !== null) {
    throw new Refusal('upstream_credentials_exhausted', 'This MCP server cannot be used right now.')
  }
  if (request.method === 'POST') assertJson(headers)
  const { chain } = scope
  return { key, target, chain, owner: holderOf(key, clientIp) }
}

function assertJson(headers: IncomingHttpHeaders): void {
  if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
    throw new Refusal('unsupported_media_type', 'Send the body as Content-Type: application/json.')
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new Refusal('unsupported_media_type', 'Send the body without Content-Encoding.')
  }
}

/** MCP asks servers to look at Origin, because a page elsewhere can make a browser send requests here (DNS rebinding). */
const isLocalOrigin = (origin: string | undefined) =>
  origin === undefined || /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(origin)
