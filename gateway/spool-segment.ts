import { type FileHandle, open } from 'node:fs/promises'

const MAGIC = Buffer.from('KTSPOOL1')
export const SEGMENT_HEADER_BYTES = 16

export const segmentName = (index: number) => `${String(index).padStart(16, '0')}.seg`

/** The highest `gateway_seq` handed out when a segment was begun; 0 when its head is damaged. */
export function segmentWatermark(head: Buffer): number {
  const isIntact = head.length >= SEGMENT_HEADER_BYTES && head.subarray(0, MAGIC.length).equals(MAGIC)
  const watermark = isIntact ? head.readDoubleLE(MAGIC.length) : 0
  return Number.isSafeInteger(watermark) && watermark > 0 ? watermark : 0
}

/** Appends to one segment file. `size` counts only what is durable. */
export class SegmentWriter {
  /** After a failed sync nobody knows what reached the disk: such a segment takes nothing more. */
  isBroken = false

  private constructor(
    private readonly file: FileHandle,
    public size: number,
  ) {}

  /** @param watermark the highest `gateway_seq` handed out so far */
  static async create(path: string, watermark: number): Promise<SegmentWriter> {
    const file = await open(path, 'w', 0o600)
    try {
      const head = Buffer.alloc(SEGMENT_HEADER_BYTES)
      MAGIC.copy(head)
      head.writeDoubleLE(watermark, MAGIC.length)
      await file.write(head, 0, head.length, 0)
      await file.datasync()
      return new SegmentWriter(file, SEGMENT_HEADER_BYTES)
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
      await this.file.datasync()
      this.size += bytes.length
    } catch (cause) {
      this.isBroken = true
      await this.file.truncate(this.size)
      throw cause
    }
  }

  async close(): Promise<void> {
    await this.file.close()
  }
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
