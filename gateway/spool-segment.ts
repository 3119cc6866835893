import { constants } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'

const MAGIC = Buffer.from('KTSPOOL1')
export const SEGMENT_HEADER_BYTES = 16

export const segmentName = (index: number) => `${String(index).padStart(16, '0')}.seg`

/** The highest `gateway_seq` handed out when a segment was begun; 0 when its head is damaged. */
export function segmentWatermark(head: Buffer): number {
  const isIntact = head.length >= SEGMENT_HEADER_BYTES && head.subarray(0, MAGIC.length).equals(MAGIC)
  const watermark = isIntact ? head.readDoubleLE(MAGIC.length) : 0
  return Number.isSafeInteger(watermark) && watermark > 0 ? watermark : 0
}

/**
 * Appends to one segment file. `size` counts only what is durable.
 *
 * Room that is set aside beforehand halves the time of a sync, because the size of the file and its place on the disk
 * stay as they are and the file system has nothing of its own to write. It is zeros, which are no frame.
 */
export class SegmentWriter {
  /** After a failed sync nobody knows what reached the disk: such a segment takes nothing more. */
  isBroken = false

  private constructor(
    private readonly file: FileHandle,
    public size: number,
    readonly hasRoom: boolean,
  ) {}

  /** @param watermark the highest `gateway_seq` handed out so far */
  static async create(path: string, watermark: number): Promise<SegmentWriter> {
    const file = await open(path, APPENDING | constants.O_CREAT | constants.O_TRUNC, 0o600)
    return SegmentWriter.#begin(file, watermark, false)
  }

  /** Takes a file that `makeRoom` made. */
  static async createIn(room: string, path: string, watermark: number): Promise<SegmentWriter> {
    const file = await open(room, APPENDING)
    const writer = await SegmentWriter.#begin(file, watermark, true)
    try {
      await rename(room, path)
      return writer
    } catch (cause) {
      await file.close()
      throw cause
    }
  }

  static async #begin(file: FileHandle, watermark: number, hasRoom: boolean): Promise<SegmentWriter> {
    const writer = new SegmentWriter(file, 0, hasRoom)
    const head = Buffer.alloc(SEGMENT_HEADER_BYTES)
    MAGIC.copy(head)
    head.writeDoubleLE(watermark, MAGIC.length)
    try {
      await writer.append(head)
      return writer
    } catch (cause) {
      await file.close()
      throw cause
    }
  }

  /** Resolves when the bytes are durable. What a failure left behind is cut off again. */
  async append(bytes: Buffer): Promise<void> {
    try {
      let written = 0
      while (written < bytes.length) {
        const part = await this.file.write(bytes, written, bytes.length - written, this.size + written)
        written += part.bytesWritten
      }
      if (!SYNCS_AS_IT_WRITES) await this.file.datasync()
      this.size += bytes.length
    } catch (cause) {
      this.isBroken = true
      await this.file.truncate(this.size)
      throw cause
    }
  }

  /** Gives back the room that was not used. */
  async close(): Promise<void> {
    try {
      if (this.hasRoom) await this.file.truncate(this.size)
    } finally {
      await this.file.close()
    }
  }
}

/** One call instead of two. Linux only: elsewhere the flag is missing, or stops short of the disk's own cache. */
const SYNCS_AS_IT_WRITES = process.platform === 'linux'
const APPENDING = constants.O_RDWR | (SYNCS_AS_IT_WRITES ? constants.O_DSYNC : 0)
const ZEROS = Buffer.alloc(1_048_576)

/** A file of zeros, all of it on the disk, for a segment to be written into later. */
export async function makeRoom(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    for (let at = 0; at < bytes; at += ZEROS.length) await file.write(ZEROS, 0, Math.min(ZEROS.length, bytes - at), at)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Whether nothing but unused room begins at `from`. */
export function isRoom(segment: Buffer, from: number): boolean {
  const rest = segment.subarray(from)
  return rest.length > 0 && rest[0] === 0 && rest.subarray(1).equals(rest.subarray(0, -1))
}

/** Up to `length` bytes of a segment; fewer when it ends before. */
export async function readBytes(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  } finally {
    await file.close()
  }
}
