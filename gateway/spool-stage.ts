import { FRAME_HEADER_BYTES, sealFrame } from './spool-frame'

const SLAB_BYTES = 262_144

/**
 * Frames that wait for the next write, one behind the other. What was taken is never written to again, so it can be read
 * for as long as somebody holds it.
 */
export class SpoolStage {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #from = 0
  #to = 0

  /** Of the frames that wait. */
  get bytes(): number {
    return this.#to - this.#from
  }

  add(record: Buffer | string, watermark: number): void {
    const payloadBytesMax = typeof record === 'string' ? record.length * 3 : record.length
    const bytesMax = FRAME_HEADER_BYTES + payloadBytesMax
    if (this.#to + bytesMax > this.#slab.length) this.#begin(Math.max(SLAB_BYTES, this.bytes * 2 + bytesMax))
    const payload = this.#to + FRAME_HEADER_BYTES
    const bytes = typeof record === 'string' ? this.#slab.write(record, payload) : record.copy(this.#slab, payload)
    sealFrame(this.#slab, this.#to, bytes, watermark)
    this.#to = payload + bytes
  }

  /** The frames that wait; from now on they do not. */
  take(): Buffer {
    const frames = this.#slab.subarray(this.#from, this.#to)
    this.#from = this.#to
    if (this.#slab.length > SLAB_BYTES) this.#begin(SLAB_BYTES)
    return frames
  }

  #begin(bytes: number): void {
    const slab = Buffer.allocUnsafeSlow(bytes)
    this.#to = this.#slab.copy(slab, 0, this.#from, this.#to)
    this.#from = 0
    this.#slab = slab
  }
}
