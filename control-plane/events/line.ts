import type { GatewayEvent } from '@/lib/contract/events'
import { canonicalJson } from '@/lib/trail/canonical'

const RECORDED_AT = '"recorded_at":""'
const SEQ = '"seq":0'

/**
 * An event's canonical line but for its place in the record, which is only known under a lock: what is costly is done
 * before. The two gaps cannot be taken for anything else: the names occur at the top level only, and quotes inside of
 * strings are escaped.
 */
export function prepareLine(event: GatewayEvent, orgId: string): (seq: number, recordedAt: string) => string {
  const text = canonicalJson({ ...event, org_id: orgId, recorded_at: '', seq: 0 })
  const recordedAtStart = text.indexOf(RECORDED_AT)
  const seqStart = text.indexOf(SEQ, recordedAtStart)
  const head = text.slice(0, recordedAtStart)
  const middle = text.slice(recordedAtStart + RECORDED_AT.length, seqStart)
  const tail = text.slice(seqStart + SEQ.length)
  return (seq, recordedAt) => `${head}"recorded_at":"${recordedAt}"${middle}"seq":${seq}${tail}`
}
