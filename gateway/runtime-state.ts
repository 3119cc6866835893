import { z } from 'zod'
import { requestFor } from '@/lib/client'
import { configurations, RuntimeState } from '@/lib/contract/configurations'
import { PriceTable } from '@/lib/contract/price-shapes'
import { GatewaySpend } from '@/lib/contract/spend-shapes'
import { AppError } from '@/lib/errors'
import { controlPlaneHeaders } from './control-plane-headers'
import { fetchWithin } from './fetch-within'

/** The control plane has to answer within this. */
export const CONTROL_PLANE_TIMEOUT_MS = 5_000

export type ControlPlaneAddress = { apiUrl: string; token: string; gatewayId: string }

/** `null` when nothing has changed since the tag. Times are `performance.now()`. */
export type Fetched = {
  state: z.infer<typeof ReadableState>
  etag: string | null
  sentMs: number
  receivedMs: number
} | null

/** Prices of a newer kind than this gateway knows must not keep it from new keys: those in force stay. */
const ReadableState = RuntimeState.extend({
  prices: PriceTable.nullable().default(null).catch(null),
  // Likewise budgets: `undefined` is what cannot be read, and those in force stay.
  spend: GatewaySpend.nullable()
    .default(null)
    .or(z.unknown().transform(() => undefined)),
})

/**
 * One conditional read of what this gateway should run.
 *
 * @throws AppError with what the control plane said, or `unavailable` when it did not answer
 */
export async function fetchRuntimeState(
  { apiUrl, token, gatewayId }: ControlPlaneAddress,
  etag: string | null,
  signal: AbortSignal,
): Promise<Fetched> {
  const headers = { ...controlPlaneHeaders(token), 'if-none-match': etag ?? undefined }
  const sentMs = performance.now()
  try {
    const request = requestFor(configurations.runtimeState, apiUrl, { id: gatewayId }, headers)
    const response = await fetchWithin(request, CONTROL_PLANE_TIMEOUT_MS, signal)
    if (response.status === 304) return null
    if (!response.ok) throw await AppError.fromResponse(response)
    const receivedMs = performance.now()
    const state = ReadableState.parse(await response.json())
    if (state.gateway_id !== gatewayId) {
      throw new AppError('conflict', `The control plane answered for gateway ${state.gateway_id}.`)
    }
    return { state, etag: response.headers.get('etag'), sentMs, receivedMs }
  } catch (cause) {
    if (cause instanceof AppError || signal.aborted) throw cause
    throw new AppError('unavailable', `Cannot reach the control plane at ${apiUrl}: ${reasonOf(cause)}.`, { cause })
  }
}

/** What a person can do about a refusal of the control plane. */
export function adviceFor(cause: unknown, { apiUrl, gatewayId }: ControlPlaneAddress): string {
  if (!(cause instanceof AppError)) return 'See the log for the cause.'
  if (cause.status === 401) return 'Check KEEPTRUSTS_GATEWAY_TOKEN: it is unknown, expired or revoked.'
  if (cause.status === 403) {
    return `Check KEEPTRUSTS_GATEWAY_TOKEN: it must be an access key with purpose gateway_runtime for the gateway "${gatewayId}".`
  }
  if (cause.status === 404) {
    return `Check KEEPTRUSTS_GATEWAY_ID: is "${gatewayId}" registered (kt gateway register ${gatewayId}), and is ${apiUrl} a control plane?`
  }
  return `Check KEEPTRUSTS_API_URL: is ${apiUrl} reachable from here?`
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  // Several addresses of one name fail as one error that says nothing itself.
  const [first = cause] = cause instanceof AggregateError ? cause.errors : [cause]
  if (first instanceof DOMException) return `no answer within ${CONTROL_PLANE_TIMEOUT_MS / 1_000} s`
  return first instanceof Error && 'code' in first ? String(first.code) : String(first.message)
}
