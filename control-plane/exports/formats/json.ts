import type { Column } from '../columns'
import { type Before, type Encoder, NOTHING } from './encoder'
import { flatJsonOf } from './flat-json'

const LINE_FEED = 0x0a
const COMMA = 0x2c

/**
 * One JSON document: what is known of the export when it begins, and `items`. Records stand on lines of their own, as they
 * are in the record when no columns were selected.
 */
export function jsonEncoder(columns: Column[] | null, head: Record<string, unknown>, before: Before): Encoder {
  const flat = columns && flatJsonOf(columns)
  let isFirst = before.rows === 0
  return {
    begin: () => Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`),
    rows(lines) {
      if (lines.rows === 0) return NOTHING
      const items = flat
        ? Buffer.from(
            flat(lines)
              .map((text) => `,\n${text}`)
              .join(''),
          )
        : separated(lines.bytes, lines.rows)
      if (!isFirst) return items
      isFirst = false
      return items.subarray(1)
    },
    endPart: () => NOTHING,
    end: () => Buffer.from('\n]}\n'),
  }
}

/** Each line behind a comma and a line feed, instead of before a line feed. */
function separated(bytes: Buffer, rows: number): Buffer {
  const items = Buffer.allocUnsafe(bytes.length + rows)
  let from = 0
  let to = 0
  for (let row = 0; row < rows; row++) {
    const end = bytes.indexOf(LINE_FEED, from)
    items[to++] = COMMA
    items[to++] = LINE_FEED
    to += bytes.copy(items, to, from, end)
    from = end + 1
  }
  return items
}
