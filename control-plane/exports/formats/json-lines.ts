import type { Column } from '../columns'
import { type Encoder, NOTHING, recordsOf } from './encoder'
import { flatJson } from './flat-json'

/** One JSON text per line. Without a selection of columns these are the very bytes that the trail hashes. */
export const jsonLinesEncoder = (columns: Column[] | null): Encoder => ({
  begin: () => NOTHING,
  rows: (lines) =>
    columns === null
      ? lines.bytes
      : Buffer.from(
          recordsOf(lines)
            .map((record) => `${flatJson(columns, record)}\n`)
            .join(''),
        ),
  endPart: () => NOTHING,
  end: () => NOTHING,
})
