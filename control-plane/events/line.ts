import type { GatewayEvent } from '@/lib/contract/events'
import { canonicalJson } from '@/lib/trail/canonical'

const RECORDED_AT = '"recorded_at":""'
const SEQ = '"seq":0'

/** A line without its place in the record, which is only known under a lock: what is costly is done before. */
export type PreparedLine = { head: string; middle: string; tail: string }

/**
 * An event's canonical line, open at `recorded_at` and `seq`. The two gaps cannot be taken for anything else: the names
 * occur at the top level only, and quotes inside of strings are escaped.
 */
export function prepareLine(event: GatewayEvent, orgId: string): PreparedLine {
  const text = canonicalJson({ ...event, org_id: orgId, recorded_at: '', seq: 0 })
  const recordedAt = text.indexOf(RECORDED_AT) + RECORDED_AT.length - 1
  const seq = text.indexOf(SEQ, recordedAt) + SEQ.length - 1
  return { head: text.slice(0, recordedAt), middle: text.slice(recordedAt, seq), tail: text.slice(seq + 1) }
}

/** Whether a stored line says what a prepared one would, wherever in the record that is. */
export const isLineOf = ({ head, middle, tail }: PreparedLine, line: string): boolean => {
  const middleAt = line.indexOf(middle, head.length)
  return (
    line.startsWith(head) &&
    middleAt !== -1 &&
    line.endsWith(tail) &&
    /^\d+$/.test(line.slice(middleAt + middle.length, line.length - tail.length))
  )
}

/** Whether two prepared lines say the same. */
export const isSameLine = (a: PreparedLine, b: PreparedLine): boolean =>
  a.head === b.head && a.middle === b.middle && a.tail === b.tail
