import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayEvent } from '@/lib/contract/events'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { Target } from '@/lib/policy/compile'
import { agentOf } from './caller'
import { userOf } from './limits/limits-of'
import type { Snapshot } from './snapshot'

/** Who asked, and where from, as every record says it. */
export function whoOf(key: GatewayKey | null, headers: IncomingHttpHeaders, clientIp: string) {
  const { agentId, identity } = agentOf(key, headers)
  return {
    team_id: key?.team_id ?? null,
    user_id: userOf(headers),
    agent_id: agentId,
    token_id: key?.token_id ?? null,
    token_name: key?.token_name ?? null,
    token_secret_id: key?.token_secret_id ?? null,
    identity,
    client_ip: clientIp,
    user_agent: headers['user-agent']?.slice(0, 200) ?? null,
  }
}

/** Under which configuration. */
export const configurationOf = ({ config }: Snapshot) => ({
  config_id: config?.id ?? null,
  config_name: config?.name ?? null,
  config_version: config?.version ?? null,
})

/** `sentMs` of `performance.now()`. */
type Call = { sentMs: number; durationMs: number; status: number | null; error: string | null }

/** One call to somebody else. */
export const attemptOf = (target: Target, call: Call, timeOriginMs: number): GatewayEvent['attempts'][number] => ({
  target_id: target.id,
  provider: target.provider,
  started_at: isoTime(timeOriginMs + call.sentMs),
  latency_ms: round3(call.durationMs),
  status: call.status,
  error: call.error,
})

/** Milliseconds to the microsecond. */
export const round3 = (ms: number) => Math.max(0, Math.round(ms * 1_000) / 1_000)

let isoSecond = Number.NaN
/** Up to the point before the milliseconds. */
let isoStart = ''

/** Formatting a time costs as much as hashing a key, and many requests share a second. */
export function isoTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1_000)
  if (second !== isoSecond) {
    isoSecond = second
    isoStart = new Date(second * 1_000).toISOString().slice(0, -4)
  }
  return `${isoStart}${String(Math.floor(wallMs) - second * 1_000).padStart(3, '0')}Z`
}
