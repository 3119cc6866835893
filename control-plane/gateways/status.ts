import type { Gateway } from '@/lib/contract/gateways'

const MISSED_POLLS = 3

type Reported = {
  lastSeenAt: string | null
  pollIntervalSeconds: number
  ready: boolean
  lastError: Gateway['last_error']
  runningGeneration: number
  desiredGeneration: number
}

/** What lib/contract/gateways.ts promises about the four states. */
export function gatewayStatus(gateway: Reported, now: Date): Gateway['status'] {
  if (gateway.lastSeenAt === null) return 'pending'
  const silentMs = now.getTime() - Date.parse(gateway.lastSeenAt)
  if (silentMs > MISSED_POLLS * gateway.pollIntervalSeconds * 1_000) return 'offline'
  const isWell = gateway.ready && gateway.lastError === null && gateway.runningGeneration === gateway.desiredGeneration
  return isWell ? 'healthy' : 'degraded'
}
