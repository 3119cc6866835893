import { createClient } from '@/lib/client'
import { limits } from '@/lib/contract/limits'
import { controlPlaneHeaders } from '../control-plane-headers'
import { fetchWithin } from '../fetch-within'
import type { AskForLeases } from './limit-leases'

const ANSWER_WITHIN_MS = 2_000

/** How a gateway asks its control plane for slices of limits. */
export function askControlPlane(address: { apiUrl: string; token: string; gatewayId: string }): AskForLeases {
  const client = createClient({
    baseUrl: address.apiUrl,
    headers: controlPlaneHeaders(address.token),
    fetch: (request) => fetchWithin(request, ANSWER_WITHIN_MS),
  })
  return (asks) => client(limits.lease, { id: address.gatewayId, asks: [...asks] })
}
