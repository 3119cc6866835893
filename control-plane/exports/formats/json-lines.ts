import type { Column } from '../columns'
import { type Encoder, NOTHING } from './encoder'
import { flatJsonOf } from './flat-json'

/** One JSON text per line. Without a selection of columns these are the very bytes that the trail hashes. */
export function jsonLinesEncoder(columns: Column[] | null): Encoder {
  const flat = columns && flatJsonOf(columns)
  return {
    begin: () => NOTHING,
    rows: (lines) =>
      flat
        ? Buffer.from(
            flat(lines)
              .map((text) => `${text}\n`)
              .join(''),
          )
        : lines.bytes,
    endPart: () => NOTHING,
    end: () => NOTHING,
  }
}
