import { mkdir, readdir, readFile, rm, truncate, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { syncDirectory } from './atomic-file'
import { readCursor, type SpoolPosition, writeCursor } from './spool-cursor'
import { FRAME_HEADER_BYTES, FRAME_PAYLOAD_BYTES_MAX, scanFrames } from './spool-frame'
import type { Spool } from './spool-port'
import { RecentWrites, type SpoolBatch } from './spool-recent'
import {
  isRoom,
  makeRoom,
  readBytes,
  SEGMENT_HEADER_BYTES,
  SegmentWriter,
  segmentName,
  segmentWatermark,
} from './spool-segment'
import { SpoolStage } from './spool-stage'

export type SpoolOptions = {
  directory: string
  /** Bytes of records from which on nothing more is taken; 1 GiB unless stated. Room for two segments comes on top. */
  bytesMax?: number
  /** 16 MiB unless stated. */
  segmentBytes?: number
  /** Whether somebody waits for a record to be durable; then a batch fills for a shorter time. Yes unless stated. */
  isAwaited?: boolean
  /** Told about damage that was found and stepped over. */
  onDamage?: (damage: SpoolDamage) => void
}

export type SpoolDamage = { segment: number; from: number; to: number; kind: 'torn_tail' | 'corrupt' }

/** A record was not kept. `full` when there is no room for it, on the disk or under the cap. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError'

  constructor(
    readonly code: 'full' | 'failed' | 'closed' | 'too_large',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

const USUAL_FRAME_BYTES = 2_048
/** A batch of at least so many means load. */
const LOAD_RECORDS = 4
/** Under load the next batch may fill for this long: each one costs a trip to another thread and back. */
const LOAD_GAP_MS = 1
/** The same where no answer waits for it. */
const LOAD_GAP_MS_UNAWAITED = 5
/** A spool that has kept this much goes on in room that is set aside: see SegmentWriter. */
const ROOM_FROM_BYTES = 65_536
/** Under load the cursor is written this often at most, in milliseconds. */
const CURSOR_GAP_MS = 250
/** After a failed write the disk is left alone for this long. */
const RETRY_MS = 1_000

/**
 * A bounded queue of records on disk that survives kill -9 and power cuts.
 *
 * Records that arrive while a write is being synced are written together by the next one (group commit), so the cost of
 * `fdatasync` is shared by as many records as there are. One process at a time: see data-directory.ts.
 */
export async function openSpool(options: SpoolOptions): Promise<DiskSpool> {
  const spool = new DiskSpool(options)
  await spool.recover()
  return spool
}

export class DiskSpool implements Spool {
  readonly #directory: string
  readonly #bytesMax: number
  readonly #segmentBytes: number
  readonly #gapMs: number
  readonly #onDamage: (damage: SpoolDamage) => void
  /** Durable size of every segment, oldest first; the last one is being written. */
  readonly #segments = new Map<number, number>()
  #diskBytes = 0
  #writer: SegmentWriter | null = null
  #cursorSavedMs = Number.NEGATIVE_INFINITY
  #cursor: SpoolPosition = { segment: 1, offset: SEGMENT_HEADER_BYTES }
  #seq = 0
  #depth = 0
  readonly #stage = new SpoolStage()
  readonly #recent = new RecentWrites()
  /** Told what became of the records in the stage. */
  #waiting: ((failure: SpoolError | null) => void)[] = []
  #committing: Promise<void> | null = null
  /** The making of room for the next segment, and the segment it was begun under: one try for each. */
  #room = { promise: Promise.resolve(), segment: 0, isReady: false }
  #brokenUntilMs = 0
  #isClosed = false
  /** Told when there is something to read. */
  #readers: (() => void)[] = []

  constructor({
    directory,
    bytesMax = 1_073_741_824,
    segmentBytes,
    isAwaited = true,
    onDamage = () => {},
  }: SpoolOptions) {
    this.#directory = directory
    this.#bytesMax = bytesMax
    this.#segmentBytes = segmentBytes ?? Math.min(16 * 1_048_576, Math.ceil(bytesMax / 8))
    this.#gapMs = isAwaited ? LOAD_GAP_MS : LOAD_GAP_MS_UNAWAITED
    this.#onDamage = onDamage
  }

  get depth(): number {
    return this.#depth + this.#waiting.length
  }

  /** Bytes that the control plane has not acknowledged. */
  get bytes(): number {
    return Math.max(0, this.#diskBytes - Math.max(0, this.#cursor.offset - SEGMENT_HEADER_BYTES))
  }

  /** Leaves room for the requests that were let in before: their records still have to be kept. */
  get full(): boolean {
    const reserve = Math.min(32 * 1_048_576, Math.floor(this.#bytesMax / 16))
    return this.#diskBytes + this.#stage.bytes + reserve > this.#bytesMax || performance.now() < this.#brokenUntilMs
  }

  nextSeq(): number {
    this.#seq += 1
    return this.#seq
  }

  append(record: Buffer | string, done: (failure: SpoolError | null) => void): void {
    const refused = this.#refusalOf(record)
    if (refused !== null) {
      done(refused)
      return
    }
    this.#stage.add(record, this.#seq)
    this.#waiting.push(done)
    // At the end of this turn of the event loop, so that all records of the turn share one write.
    this.#committing ??= new Promise((resolve) => setImmediate(() => resolve(this.#commitAll())))
  }

  #refusalOf(record: Buffer | string): SpoolError | null {
    if (this.#isClosed) return new SpoolError('closed', 'The spool is closed.')
    if (record.length > FRAME_PAYLOAD_BYTES_MAX / 3 && Buffer.byteLength(record) > FRAME_PAYLOAD_BYTES_MAX) {
      return new SpoolError('too_large', 'The record is larger than 16 MiB.')
    }
    const bytes = this.#diskBytes + this.#stage.bytes + record.length + FRAME_HEADER_BYTES
    return bytes > this.#bytesMax ? new SpoolError('full', 'The spool is full.') : null
  }

  /** Resolves once nothing waits for the disk any more. */
  async flush(): Promise<void> {
    await this.#committing
  }

  /** Resolves when there is something to read. */
  async arrival(): Promise<void> {
    if (this.#unreadBytes() > 0) return
    await new Promise<void>((resolve) => this.#readers.push(resolve))
  }

  /**
   * The oldest records that are not acknowledged, in the order of their commits; the same ones until `acknowledge`.
   *
   * @returns null when there are none
   */
  async read({ recordsMax, bytesMax }: { recordsMax: number; bytesMax: number }): Promise<SpoolBatch | null> {
    const recent = this.#recent.read(this.#cursor, recordsMax, bytesMax)
    if (recent !== null) return recent
    let { segment, offset } = this.#cursor
    for (;;) {
      const size = this.#segments.get(segment) ?? 0
      const batch = offset < size ? await this.#readSegment(segment, offset, size, recordsMax, bytesMax) : null
      if (batch && batch.records.length > 0) return batch
      const next = [...this.#segments.keys()].find((index) => index > segment)
      if (next === undefined) {
        if (batch) await this.acknowledge(batch) // nothing but damage: step over it
        return null
      }
      segment = next
      offset = SEGMENT_HEADER_BYTES
    }
  }

  /** Forgets a batch that is kept elsewhere now, and deletes segments that are read to their end. */
  async acknowledge(batch: SpoolBatch): Promise<void> {
    this.#cursor = batch.end
    this.#recent.forget(batch.end)
    this.#depth = this.#unreadBytes() === 0 ? 0 : Math.max(0, this.#depth - batch.records.length)
    const nowMs = performance.now()
    const isLast = this.#depth === 0
    const isDue = nowMs - this.#cursorSavedMs >= CURSOR_GAP_MS
    // A cursor that lags costs a second delivery after a crash, which changes nothing; a segment goes only behind it.
    if (!isDue && !isLast && !this.#hasReadSegments()) return
    this.#cursorSavedMs = nowMs
    await this.#saveCursor(false)
    await this.#deleteRead()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.flush()
    this.#wakeReaders()
    await this.#writer?.close()
    await this.#room.promise
    await rm(this.#roomPath, { force: true })
    await this.#saveCursor(true)
  }

  /** Finds out what is on the disk, cuts off a torn tail, and begins a new segment. Called once, by `openSpool`. */
  async recover(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const saved = await readCursor(this.#cursorPath)
    const found = (await readdir(this.#directory))
      .flatMap((name) => (/^\d{16}\.seg$/.test(name) ? [Number.parseInt(name, 10)] : []))
      .sort((a, b) => a - b)
    this.#seq = saved?.seq ?? 0
    const first = found.find((index) => index >= (saved?.segment ?? 0)) ?? (saved?.segment ?? 0) + 1
    this.#cursor =
      saved && saved.segment === first
        ? { segment: first, offset: saved.offset }
        : { segment: first, offset: SEGMENT_HEADER_BYTES }
    for (const index of found) {
      if (index < first) await unlink(this.#pathOf(index))
      else await this.#recoverSegment(index, index === found.at(-1))
    }
    await this.#beginSegment(Math.max(found.at(-1) ?? 0, saved?.segment ?? 0) + 1)
    if (this.#depth === 0) this.#cursor = { segment: this.#active, offset: SEGMENT_HEADER_BYTES }
    await this.#saveCursor(true)
    await this.#deleteRead()
  }

  async #recoverSegment(index: number, isLast: boolean): Promise<void> {
    const buffer = await readFile(this.#pathOf(index))
    const start = index === this.#cursor.segment ? Math.min(this.#cursor.offset, buffer.length) : SEGMENT_HEADER_BYTES
    const scan = scanFrames(buffer, Math.min(start, buffer.length), { isWhole: true })
    this.#seq = Math.max(this.#seq, scan.watermark, segmentWatermark(buffer))
    this.#depth += scan.payloads.length
    let size = buffer.length
    for (const { from, to } of scan.damaged) {
      const isTail = isLast && to === buffer.length
      if (to === buffer.length && isRoom(buffer, from)) {
        size = from
        continue
      }
      this.#onDamage({ segment: index, from, to, kind: isTail ? 'torn_tail' : 'corrupt' })
      if (!isTail) continue
      size = from
      await truncate(this.#pathOf(index), from)
    }
    this.#setSize(index, size)
  }

  async #commitAll(): Promise<void> {
    let isLoaded = false
    while (this.#waiting.length > 0) {
      if (isLoaded) await sleep(this.#gapMs)
      const waiting = this.#waiting
      this.#waiting = []
      isLoaded = waiting.length >= LOAD_RECORDS
      const failure = await this.#commit(this.#stage.take(), waiting.length)
      for (const done of waiting) done(failure)
    }
    this.#committing = null
  }

  async #commit(frames: Buffer, count: number): Promise<SpoolError | null> {
    try {
      await this.#write(frames)
      this.#brokenUntilMs = 0
      this.#depth += count
      this.#wakeReaders()
      return null
    } catch (cause) {
      this.#brokenUntilMs = performance.now() + RETRY_MS
      const isFull = cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
      return isFull
        ? new SpoolError('full', 'There is no space left on the disk.', { cause })
        : new SpoolError('failed', 'The disk did not take the record.', { cause })
    }
  }

  #wakeReaders(): void {
    for (const wake of this.#readers.splice(0)) wake()
  }

  async #write(frames: Buffer): Promise<void> {
    const before = this.#writer
    const isSpent = before && before.size > SEGMENT_HEADER_BYTES && before.size + frames.length > this.#segmentBytes
    const hasBetter = this.#room.isReady && before?.hasRoom === false
    if (!before || before.isBroken || isSpent || hasBetter) await this.#beginSegment(this.#active + 1)
    const writer = this.#writer
    if (writer === null) throw new Error('There is no segment to write to.')
    const at = { segment: this.#active, offset: writer.size }
    await writer.append(frames)
    this.#recent.add(at, frames)
    this.#setSize(at.segment, writer.size)
    this.#thinkAhead()
  }

  #thinkAhead(): void {
    const writer = this.#writer
    if (writer === null || this.#room.isReady || this.#room.segment === this.#active) return
    const fromBytes = writer.hasRoom ? this.#segmentBytes / 2 : Math.min(ROOM_FROM_BYTES, this.#segmentBytes / 8)
    if (writer.size > fromBytes) this.#room = { promise: this.#makeRoom(), segment: this.#active, isReady: false }
  }

  async #beginSegment(index: number): Promise<void> {
    const before = this.#writer
    this.#writer = null // one that cannot be closed must not stand in the way of every next one
    await before?.close()
    const isRoomReady = this.#room.isReady
    this.#room.isReady = false
    const path = this.#pathOf(index)
    this.#writer = isRoomReady
      ? await SegmentWriter.createIn(this.#roomPath, path, this.#seq)
      : await SegmentWriter.create(path, this.#seq)
    this.#setSize(index, this.#writer.size)
    await syncDirectory(this.#directory)
  }

  /** Without room it works as well, only slower: a disk that has none left is left to the records. */
  async #makeRoom(): Promise<void> {
    try {
      await makeRoom(this.#roomPath, this.#segmentBytes)
      this.#room.isReady = true
    } catch {
      await rm(this.#roomPath, { force: true })
    }
  }

  async #readSegment(segment: number, offset: number, size: number, recordsMax: number, bytesMax: number) {
    // First what so many records usually take. One larger than the bound still has to come out: as a whole frame.
    const usual = Math.min(bytesMax, recordsMax * USUAL_FRAME_BYTES)
    for (const bound of [usual, bytesMax, FRAME_PAYLOAD_BYTES_MAX + FRAME_HEADER_BYTES]) {
      const wanted = Math.min(size - offset, bound)
      const buffer = await readBytes(this.#pathOf(segment), offset, wanted)
      const isWhole = offset + buffer.length >= size || buffer.length < wanted || bound > bytesMax
      const scan = scanFrames(buffer, 0, { isWhole, framesMax: recordsMax })
      for (const { from, to } of scan.damaged) {
        this.#onDamage({ segment, from: offset + from, to: offset + to, kind: 'corrupt' })
      }
      if (scan.end > 0) return { records: scan.payloads, end: { segment, offset: offset + scan.end } }
    }
    return null
  }

  #saveCursor(durable: boolean): Promise<void> {
    return writeCursor(this.#cursorPath, { ...this.#cursor, seq: this.#seq }, durable)
  }

  #hasReadSegments(): boolean {
    const [first] = this.#segments.keys()
    return first !== undefined && first < this.#cursor.segment
  }

  async #deleteRead(): Promise<void> {
    for (const [index, size] of this.#segments) {
      const isRead = index < this.#cursor.segment || (index === this.#cursor.segment && this.#cursor.offset >= size)
      if (!isRead || index === this.#active) break
      this.#setSize(index, 0)
      this.#segments.delete(index)
      await unlink(this.#pathOf(index)).catch((cause: unknown) => {
        if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause
      })
    }
  }

  #setSize(index: number, size: number): void {
    this.#diskBytes += size - (this.#segments.get(index) ?? 0)
    this.#segments.set(index, size)
  }

  #unreadBytes(): number {
    let sum = 0
    for (const [index, size] of this.#segments) {
      if (index < this.#cursor.segment) continue
      sum += Math.max(0, size - (index === this.#cursor.segment ? this.#cursor.offset : SEGMENT_HEADER_BYTES))
    }
    return sum
  }

  get #active(): number {
    return [...this.#segments.keys()].at(-1) ?? 0
  }

  get #roomPath(): string {
    return join(this.#directory, 'room')
  }

  get #cursorPath(): string {
    return join(this.#directory, 'cursor')
  }

  readonly #pathOf = (index: number) => join(this.#directory, segmentName(index))
}
