import type { GatewayEvent } from '@/lib/contract/events'
import { canonicalJson } from '@/lib/trail/canonical'

/** A line without its place in the record, which is only known under a lock: what is costly is done before. */
export type PreparedLine = {
  /** UTF-8, without the values of `recorded_at` and `seq`. */
  bytes: Buffer
  /** Where in the bytes these two belong. */
  recordedAt: number
  seq: number
  /** Whether no string in it has an escape. */
  isPlain: boolean
}

const RECORDED_AT = '"recorded_at":""'
const SEQ = '"seq":0'

/**
 * An event's canonical line, open at `recorded_at` and `seq`. The two gaps cannot be taken for anything else: the names
 * occur at the top level only, and quotes inside of strings are escaped.
 */
export function prepareLine(event: GatewayEvent, orgId: string): PreparedLine {
  const text = canonicalJson({ ...event, org_id: orgId, recorded_at: '', seq: 0 })
  const recordedAt = text.indexOf(RECORDED_AT) + RECORDED_AT.length - 1
  const seq = text.indexOf(SEQ, recordedAt) + SEQ.length - 1
  const head = text.slice(0, recordedAt)
  const middle = text.slice(recordedAt, seq)
  const bytesOfHead = Buffer.byteLength(head)
  return {
    bytes: Buffer.from(head + middle + text.slice(seq + 1)),
    recordedAt: bytesOfHead,
    seq: bytesOfHead + Buffer.byteLength(middle),
    isPlain: !text.includes('\\'),
  }
}

/** Whether a stored line says what a prepared one would, wherever in the record that is. */
export const isLineOf = ({ bytes, recordedAt, seq }: PreparedLine, line: string): boolean => {
  const head = bytes.toString('utf8', 0, recordedAt)
  const middle = bytes.toString('utf8', recordedAt, seq)
  const tail = bytes.toString('utf8', seq)
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
  a.recordedAt === b.recordedAt && a.seq === b.seq && a.bytes.equals(b.bytes)
