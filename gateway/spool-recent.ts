import type { SpoolPosition } from './spool-cursor'
import { FRAME_HEADER_BYTES, framePayload } from './spool-frame'

export type SpoolBatch = {
  /** Views, whole until the batch is acknowledged. */
  records: Buffer[]
  end: SpoolPosition
}

/** A reader that is further behind reads from the disk. */
const BYTES_MAX = 4 * 1_048_576

/** The newest writes of a spool, kept until they were read: a reader that keeps up never asks the disk. */
export class RecentWrites {
  /** In the order of the disk, with nothing in between. */
  readonly #writes: { at: SpoolPosition; frames: Buffer }[] = []
  #bytes = 0

  add(at: SpoolPosition, frames: Buffer): void {
    this.#writes.push({ at, frames })
    this.#bytes += frames.length
    while (this.#bytes > BYTES_MAX) this.#drop()
  }

  /** Drops what lies before a position. */
  forget(before: SpoolPosition): void {
    for (let [first] = this.#writes; first !== undefined; [first] = this.#writes) {
      const isBefore =
        first.at.segment < before.segment ||
        (first.at.segment === before.segment && first.at.offset + first.frames.length <= before.offset)
      if (!isBefore) return
      this.#drop()
    }
  }

  /** @returns null when the record at this position is not here */
  read(from: SpoolPosition, recordsMax: number, bytesMax: number): SpoolBatch | null {
    const [first] = this.#writes
    if (first === undefined || first.at.segment !== from.segment || first.at.offset > from.offset) return null
    const batch: SpoolBatch = { records: [], end: from }
    let bytes = 0
    for (const { at, frames } of this.#writes) {
      let offset = at === first.at ? from.offset - at.offset : 0
      while (offset < frames.length) {
        const payload = framePayload(frames, offset)
        bytes += payload.length
        if (batch.records.length >= recordsMax || (bytes > bytesMax && batch.records.length > 0)) return batch
        batch.records.push(payload)
        offset += FRAME_HEADER_BYTES + payload.length
        batch.end = { segment: at.segment, offset: at.offset + offset }
      }
    }
    return batch
  }

  #drop(): void {
    this.#bytes -= this.#writes.shift()?.frames.length ?? 0
  }
}
