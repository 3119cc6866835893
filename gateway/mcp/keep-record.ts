import { PAYLOAD_BYTES_MAX } from '@/lib/contract/events'
import { commitment, saltFor } from '../capture'
import { costOfToolCall, totalOf } from '../request-cost'
import { endCall } from './mcp-call'
import type { McpDoorState } from './mcp-door'
import { admittedOf, conversationNameOf, type McpFacts } from './mcp-facts'

const CLIENT_CLOSED_REQUEST = 499

/** How a request ended: for its caller, in the record, and in the attempt of the record. */
export type McpOutcome = { status: number; errorCode: string | null; error: string | null }

/**
 * Keeps the record of a governed request, and settles what it cost. Does nothing for any other, nor a second time.
 *
 * @param said null when nothing was said to the caller
 * @returns whether it is durable; true when there is nothing to record
 */
export async function keepRecord(
  { options }: McpDoorState,
  facts: McpFacts,
  outcome: McpOutcome,
  said: string | null,
  reply: { readonly isDeserted: boolean; readonly isStream: boolean },
): Promise<boolean> {
  const { eventId, governor, method, snapshot } = facts
  if (eventId === null || governor === null || method === null) return true
  facts.eventId = null
  endCall(facts, outcome.error)
  const { key, target } = admittedOf(facts)
  const clientAborted = reply.isDeserted
  const bytes = said === null || clientAborted ? null : Buffer.from(said)
  const salt = saltFor(snapshot)
  const isKept = salt !== null && (bytes?.length ?? 0) <= PAYLOAD_BYTES_MAX
  const record = {
    snapshot,
    startedAtMs: facts.startedAtMs,
    bodyWaitMs: facts.bodyWaitMs,
    totalMs: performance.now() - facts.startedMs,
    requestId: facts.requestId,
    traceparent: facts.traceparent,
    clientIp: facts.clientIp,
    headers: facts.headers,
    eventId,
    key,
    target,
    method,
    tool: governor.tool,
    conversationId: conversationNameOf(facts),
    verdict: governor.verdict,
    reasonCode: governor.reasonCode,
    results: governor.results,
    flags: [...governor.flags],
    status: clientAborted ? CLIENT_CLOSED_REQUEST : outcome.status,
    errorCode: outcome.errorCode,
    clientAborted,
    isStream: reply.isStream,
    call: facts.call,
    salt,
    body: facts.body,
    said: { sha256: bytes && commitment(salt, bytes), bytes: bytes?.length ?? 0, kept: isKept ? bytes : null },
  }
  const cost = costOfToolCall(record)
  const spend = facts.reservation?.settle(totalOf(cost), target.provider) ?? facts.unspent
  return options.keep({ ...record, cost, spend })
}
