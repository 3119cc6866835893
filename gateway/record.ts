import { PAYLOAD_BYTES_MAX } from '@/lib/contract/events'
import { type Facts, gatewayEvent, type Outcome, overheadUsOf, type Said } from './event'
import { eventJson } from './event-json'
import { type McpRecord, mcpEvent } from './mcp/mcp-record'
import type { Plane } from './plane'
import { spoolRecord } from './spool-port'

/** Told to the log for the first lost record and for every so many more: a full disk must not fill the log as well. */
const LOSSES_PER_LOG_LINE = 1_000

/**
 * Keeps the record of one request, and counts it.
 *
 * @param done told once, later or at once, whether the record is durable; what that means depends on the durability
 */
export function keepRecord(
  plane: Plane,
  facts: Facts,
  outcome: Outcome,
  said: Said,
  done: (isRecorded: boolean) => void,
): void {
  const { gatewayId, spool, metrics, log } = plane
  const lost = (cause: unknown) => {
    if (metrics.recordsLost % LOSSES_PER_LOG_LINE === 0) {
      log.error({ err: cause, request_id: facts.requestId }, 'a record could not be kept')
    }
    metrics.recordsLost += 1
    done(false)
  }
  try {
    const totalMs = performance.now() - facts.startedMs
    const event = gatewayEvent(facts, { id: gatewayId, seq: spool.nextSeq() }, outcome, said, totalMs)
    if (facts.clientAborted) metrics.clientsAborted += 1
    for (const { target, call } of facts.made) metrics.upstream(target, call.error ?? 'ok')
    metrics.governed(event.verdict, outcome.status, facts.usage, overheadUsOf(facts, totalMs))
    spool.append(spoolRecord(eventJson(event), captureOf(facts, said))).then(() => done(true), lost)
  } catch (cause) {
    lost(cause)
  }
}

/** The same for a request to an MCP server. */
export async function keepMcpRecord(plane: Plane, record: McpRecord): Promise<boolean> {
  const { gatewayId, spool, metrics, log } = plane
  try {
    const event = mcpEvent(record, { id: gatewayId, seq: spool.nextSeq() })
    if (record.clientAborted) metrics.clientsAborted += 1
    if (record.call !== null) metrics.upstream(record.target, record.call.error ?? 'ok')
    metrics.governed(event.verdict, record.status, null, event.latency.overhead_us)
    await spool.append(spoolRecord(eventJson(event), captureOf(record, record.said)))
    return true
  } catch (cause) {
    log.error({ err: cause, request_id: record.requestId }, 'a record could not be kept')
    metrics.recordsLost += 1
    return false
  }
}

function captureOf({ snapshot, body }: Pick<Facts, 'snapshot' | 'body'>, said: Said) {
  if (snapshot.settings.payload_capture !== 'full' || body === null) return null
  return { request: body.length <= PAYLOAD_BYTES_MAX ? body : null, response: said.kept }
}
