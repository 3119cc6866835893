import { setImmediate as nextTurn } from 'node:timers/promises'
import { contentOf } from './capture'
import { gatewayEvent, overheadUsOf } from './event'
import { eventJson } from './event-json'
import type { Facts, Outcome, Said } from './facts'
import { type McpRecord, mcpEvent } from './mcp/mcp-record'
import type { Plane } from './plane'
import { appended, spoolRecord } from './spool-port'

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
  const totalMs = performance.now() - facts.startedMs
  const capture = facts.snapshot.settings.payload_capture
  const keep = () => {
    try {
      const content = contentOf(facts, said, capture)
      if (content.failure) log.error(unmasked(content.failure, facts), UNMASKED)
      const event = gatewayEvent(facts, { id: gatewayId, seq: spool.nextSeq() }, outcome, content, totalMs)
      if (facts.clientAborted) metrics.clientsAborted += 1
      for (const { target, call } of facts.made) metrics.upstream(target, call.error ?? 'ok')
      metrics.governed(event.verdict, outcome.status, facts.usage, overheadUsOf(facts, totalMs))
      spool.append(spoolRecord(eventJson(event), content.capture), (failure) => {
        if (failure === null) done(true)
        else lost(failure)
      })
    } catch (cause) {
      lost(cause)
    }
  }
  if (masksLater(plane, capture)) setImmediate(keep)
  else keep()
}

const UNMASKED = 'content could not be masked, so it was not kept'
const unmasked = (cause: unknown, { requestId }: { requestId: string }) => ({ err: cause, request_id: requestId })

/** Where no answer waits for its record, masking waits until the answer's last byte has been handed over. */
const masksLater = ({ durability }: Plane, capture: string) => durability !== 'strict' && capture === 'redacted'

/** The same for a request to an MCP server. */
export async function keepMcpRecord(plane: Plane, record: McpRecord): Promise<boolean> {
  const { gatewayId, spool, metrics, log } = plane
  try {
    const capture = record.snapshot.settings.payload_capture
    if (masksLater(plane, capture)) await nextTurn()
    const content = contentOf({ apiShape: 'mcp', salt: record.salt, body: record.body }, record.said, capture)
    if (content.failure) log.error(unmasked(content.failure, record), UNMASKED)
    const event = mcpEvent(record, { id: gatewayId, seq: spool.nextSeq() }, content)
    if (record.clientAborted) metrics.clientsAborted += 1
    if (record.call !== null) metrics.upstream(record.target, record.call.error ?? 'ok')
    metrics.governed(event.verdict, record.status, null, event.latency.overhead_us)
    await appended(spool, spoolRecord(eventJson(event), content.capture))
    return true
  } catch (cause) {
    log.error({ err: cause, request_id: record.requestId }, 'a record could not be kept')
    metrics.recordsLost += 1
    return false
  }
}
