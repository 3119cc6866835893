import { Refusal } from '../errors'
import { failureOf } from '../upstream-failure'
import { RPC, RpcInvalid } from './json-rpc'
import { McpStop } from './mcp-governor'

/** Never was, has ended, or is somebody else's. */
export class SessionNotFound extends Error {
  override readonly name = 'SessionNotFound'
  override readonly message = 'There is no such session. Begin a new one with initialize.'
}

export const notMcp = (cause?: unknown) =>
  new Refusal('upstream_failed', 'The MCP server answered with something that is not MCP.', { cause })

export const coded = (code: string) => Object.assign(new Error(code), { code })

export type McpFailure = {
  /** Its status, and its code for records and counters; what a policy refused has codes of its own. */
  refusal: Refusal
  /** Of JSON-RPC. */
  code: number
  message: string
  /** Set when the server was asked and failed: a code for the attempt of the record. */
  reason: string | null
  /** Belongs into the log. */
  isUnexpected: boolean
}

/** What to say about anything that was thrown on the way. */
export function explainFailure(thrown: unknown, it: { wasAsked: boolean; signal: AbortSignal }): McpFailure {
  const known = (refusal: Refusal, code: number, reason: string | null = null): McpFailure => ({
    refusal,
    code,
    message: refusal.message,
    reason,
    isUnexpected: false,
  })
  if (thrown instanceof McpStop) return known(new Refusal(thrown.code, thrown.message), thrown.rpcCode)
  if (thrown instanceof RpcInvalid) return known(new Refusal('malformed_request', thrown.message), thrown.code)
  if (thrown instanceof SessionNotFound) return known(new Refusal('not_found', thrown.message), RPC.sessionNotFound)
  if (thrown instanceof Refusal) {
    const isOfCaller = thrown.status < 500
    const reason = it.wasAsked && !isOfCaller ? thrown.code : null
    return known(thrown, isOfCaller ? RPC.invalidRequest : RPC.unavailable, reason)
  }
  const { aborted, reason: given } = it.signal
  if (thrown instanceof Error && (aborted || (it.wasAsked && 'code' in thrown))) {
    const { refusal, reason } = failureOf(given instanceof Error ? given : thrown)
    return known(refusal, RPC.unavailable, it.wasAsked ? reason : null)
  }
  const refusal = new Refusal('internal_error', 'Something went wrong in the gateway.')
  return { ...known(refusal, RPC.internalError), isUnexpected: true }
}

/** What stands in `error.data` of a policy's no. */
export const dataOfStop = (stop: McpStop, { eventId, requestId }: { eventId: string | null; requestId: string }) => ({
  code: stop.code,
  reason_code: stop.reasonCode,
  policy: stop.policy,
  event_id: eventId,
  request_id: requestId,
  retryable: false,
})

/** The same fields as in the error shape of the other paths, but for the message, which JSON-RPC has already. */
export function dataOfRefusal(refusal: Refusal, requestId: string): object {
  const { error } = JSON.parse(refusal.toJson(requestId)) as { error: Record<string, unknown> }
  const { message: _, ...data } = error
  return data
}
