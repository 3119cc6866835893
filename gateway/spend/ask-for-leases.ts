import type { z } from 'zod'
import { createClient } from '@/lib/client'
import { type LeaseAsk, spendLeases } from '@/lib/contract/spend-leases'
import { controlPlaneHeaders } from '../control-plane-headers'
import { fetchWithin } from '../fetch-within'

export type LeaseAnswers = z.infer<typeof spendLeases.take.output>

/** Asks for slices, gives back and keeps alive. May reject: then nothing is known of what became of it. */
export type AskForSlices = (instance: string, groups: LeaseAsk[][]) => Promise<LeaseAnswers>

const ANSWER_WITHIN_MS = 2_000

/** How a gateway asks its control plane for slices of budgets and wallets. */
export function askForSlices({
  apiUrl,
  token,
  gatewayId: id,
}: {
  apiUrl: string
  token: string
  gatewayId: string
}): AskForSlices {
  const client = createClient({
    baseUrl: apiUrl,
    headers: controlPlaneHeaders(token),
    fetch: (request) => fetchWithin(request, ANSWER_WITHIN_MS),
  })
  return (instance, groups) => client(spendLeases.take, { id, instance, groups })
}
