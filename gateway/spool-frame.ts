import { crc32 } from 'node:zlib'

/**
 * One record on disk: magic (4), payload length (4), CRC-32 (4), watermark (8), payload. Little-endian but the magic.
 *
 * The CRC covers watermark and payload and is seeded with the length. The watermark is the highest `gateway_seq` handed
 * out when the frame was made, so that the counter goes on where it stopped. 0xFF never occurs in UTF-8, so the magic
 * cannot occur in a payload, and after damage the next frame can be found.
 */
export const FRAME_HEADER_BYTES = 20
export const FRAME_PAYLOAD_BYTES_MAX = 16 * 1_048_576

const MAGIC = 0xff4b54fe
const MAGIC_BYTES = Buffer.from([0xff, 0x4b, 0x54, 0xfe])

/** Completes a frame whose payload already stands at `start + FRAME_HEADER_BYTES`. */
export function sealFrame(buffer: Buffer, start: number, payloadBytes: number, watermark: number): void {
  buffer.writeUInt32BE(MAGIC, start)
  buffer.writeUInt32LE(payloadBytes, start + 4)
  buffer.writeDoubleLE(watermark, start + 12)
  buffer.writeUInt32LE(checksum(buffer, start, payloadBytes), start + 8)
}

/** The payload of a frame that is known to be whole, such as one that was just made. */
export const framePayload = (buffer: Buffer, start: number): Buffer =>
  buffer.subarray(start + FRAME_HEADER_BYTES, start + FRAME_HEADER_BYTES + buffer.readUInt32LE(start + 4))

export type FrameScan = {
  /** Views into the buffer. */
  payloads: Buffer[]
  /** Where reading goes on: the end of the last whole frame, or of the damage behind it. */
  end: number
  /** The end of the last whole frame. */
  lastGood: number
  /** The highest watermark seen; 0 when there is none. */
  watermark: number
  /** Damaged stretches between frames, or behind the last one. */
  damaged: { from: number; to: number }[]
}

/**
 * Reads the frames of a buffer.
 *
 * @param isWhole whether the buffer ends where the segment does: an incomplete frame at the end is then damage, and
 *   otherwise something to read again with more bytes
 */
export function scanFrames(
  buffer: Buffer,
  start: number,
  { isWhole, framesMax = Number.POSITIVE_INFINITY }: { isWhole: boolean; framesMax?: number },
): FrameScan {
  const scan: FrameScan = { payloads: [], end: start, lastGood: start, watermark: 0, damaged: [] }
  let at = start
  while (at < buffer.length && scan.payloads.length < framesMax) {
    const size = frameAt(buffer, at)
    if (size > 0) {
      scan.payloads.push(buffer.subarray(at + FRAME_HEADER_BYTES, at + size))
      scan.watermark = Math.max(scan.watermark, buffer.readDoubleLE(at + 12))
      at += size
      scan.end = at
      scan.lastGood = at
      continue
    }
    if (size === INCOMPLETE && !isWhole) break
    const next = nextFrame(buffer, at + 1)
    if (next === -1 && !isWhole) break
    const to = next === -1 ? buffer.length : next
    scan.damaged.push({ from: at, to })
    at = to
    scan.end = at
  }
  return scan
}

const DAMAGED = 0
const INCOMPLETE = -1

/** The size of the valid frame at a place, or DAMAGED, or INCOMPLETE when the buffer ends before it does. */
function frameAt(buffer: Buffer, at: number): number {
  if (at + FRAME_HEADER_BYTES > buffer.length) return INCOMPLETE
  if (buffer.readUInt32BE(at) !== MAGIC) return DAMAGED
  const payloadBytes = buffer.readUInt32LE(at + 4)
  if (payloadBytes > FRAME_PAYLOAD_BYTES_MAX) return DAMAGED
  if (at + FRAME_HEADER_BYTES + payloadBytes > buffer.length) return INCOMPLETE
  const isIntact = buffer.readUInt32LE(at + 8) === checksum(buffer, at, payloadBytes)
  return isIntact ? FRAME_HEADER_BYTES + payloadBytes : DAMAGED
}

function nextFrame(buffer: Buffer, from: number): number {
  for (let at = buffer.indexOf(MAGIC_BYTES, from); at !== -1; at = buffer.indexOf(MAGIC_BYTES, at + 1)) {
    if (frameAt(buffer, at) > 0) return at
  }
  return -1
}

const checksum = (buffer: Buffer, start: number, payloadBytes: number) =>
  crc32(buffer.subarray(start + 12, start + FRAME_HEADER_BYTES + payloadBytes), payloadBytes)
