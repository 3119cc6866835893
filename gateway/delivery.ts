import { appendFile, rename, stat } from 'node:fs/promises'
import { type Dispatcher, request } from 'undici'
import { events } from '@/lib/contract/events'
import { parseJson } from '@/lib/parse-json'
import { backoffMs, pause } from './backoff'
import { controlPlaneHeaders } from './control-plane-headers'
import type { Log } from './plane'
import type { DiskSpool } from './spool'
import type { SpoolBatch } from './spool-recent'

export type DeliveryOptions = {
  spool: DiskSpool
  apiUrl: string
  token: string
  log: Log
  /** Where events go that the control plane refuses for good. Kept below 2 x 16 MiB. */
  rejectedPath: string
  batchRecordsMax?: number
  batchBytesMax?: number
  /** How long a batch that is not full waits for more: sending one costs as much as keeping dozens of records. */
  lingerMs?: number
  timeoutMs?: number
  retryFirstMs?: number
  retryMaxMs?: number
}

const REJECTED_BYTES_MAX = 16 * 1_048_576
/** A full batch of usual records fits. */
const ROOM_BYTES = 1_048_576
/** From here on one record at a time asks whether the control plane is back. */
const BREAKER_FAILURES = 5

/**
 * Brings the spool to the control plane: at least once, oldest first, in batches, never on the request path.
 *
 * A batch leaves the disk only after the control plane has said that it is durable. What it refuses for good goes to a
 * file beside the spool with the reason, and holds nothing up.
 */
export class Delivery {
  readonly #options: Required<DeliveryOptions>
  readonly #stopping = new AbortController()
  /** Fires when a stop is near: from then on nothing waits for a batch to fill. */
  readonly #hurry = new AbortController()
  #running: Promise<void> | null = null
  #failures = 0
  #wake = () => {}
  /** For one request after the other: new memory for each would be most of the garbage. */
  readonly #room = Buffer.allocUnsafeSlow(ROOM_BYTES)
  /** What is wrong with the delivery; null while it works. */
  lastError: { code: string; message: string; at: string } | null = null

  constructor(options: DeliveryOptions) {
    this.#options = {
      batchRecordsMax: 500,
      batchBytesMax: 8 * 1_048_576,
      lingerMs: 100,
      timeoutMs: 10_000,
      retryFirstMs: 250,
      retryMaxMs: 30_000,
      ...options,
    }
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Gives what is left up to `timeoutMs` to arrive; what does not stays on disk for the next start. */
  async stop(timeoutMs: number): Promise<void> {
    this.#hurry.abort()
    const patience = new AbortController()
    const emptied = (async () => {
      while (this.#options.spool.depth > 0 && this.#failures === 0 && !patience.signal.aborted) {
        await pause(10, patience.signal)
      }
    })()
    await Promise.race([emptied, pause(timeoutMs, patience.signal)])
    patience.abort()
    this.#stopping.abort()
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#arrivalOrStop()
      if (this.#options.spool.depth < this.#options.batchRecordsMax) {
        await pause(this.#options.lingerMs, this.#hurry.signal)
      }
      if (signal.aborted) return
      try {
        await this.#deliverNext()
        if (this.#failures > 0)
          this.#options.log.warn({ spool_depth: this.#options.spool.depth }, 'event delivery works again')
        this.#failures = 0
        this.lastError = null
      } catch (cause) {
        if (signal.aborted) return
        this.#failed(cause)
        await pause(backoffMs(this.#failures, this.#options.retryFirstMs, this.#options.retryMaxMs), signal)
      }
    }
  }

  /** Not a race: each one would leave a reaction behind on the promise of a stop that is still to come. */
  #arrivalOrStop(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      void this.#options.spool.arrival().then(resolve)
    })
  }

  async #deliverNext(): Promise<void> {
    const { spool, batchRecordsMax, batchBytesMax } = this.#options
    const recordsMax = this.#failures >= BREAKER_FAILURES ? 1 : batchRecordsMax
    const batch = await spool.read({ recordsMax, bytesMax: batchBytesMax })
    if (batch === null) return
    await this.#deliver(batch)
    await spool.acknowledge(batch)
  }

  /** Sends records; when the control plane refuses the request as such, halves it until the record at fault is alone. */
  async #deliver({ records }: Pick<SpoolBatch, 'records'>): Promise<void> {
    const answer = await this.#post(bodyOf(records, this.#room))
    if (answer.status === 200) {
      const { rejected } = events.ingest.output.parse(parseJson(answer.text))
      for (const { index, reason } of rejected) await this.#reject(records[index], reason)
      return
    }
    const isAboutContent = answer.status === 400 || answer.status === 413 || answer.status === 422
    if (!isAboutContent) throw new DeliveryError(answer.status, answer.text)
    if (records.length <= 1) return this.#reject(records[0], `HTTP ${answer.status}: ${answer.text.slice(0, 300)}`)
    const half = Math.ceil(records.length / 2)
    await this.#deliver({ records: records.slice(0, half) })
    await this.#deliver({ records: records.slice(half) })
  }

  async #post(body: Buffer): Promise<{ status: number; text: string }> {
    const { apiUrl, token, timeoutMs } = this.#options
    const options = {
      method: 'POST' as Dispatcher.HttpMethod,
      headers: { 'content-type': 'application/json', accept: 'application/json', ...controlPlaneHeaders(token) },
      body,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal: this.#stopping.signal,
    }
    const { statusCode, body: answer } = await request(`${apiUrl}${events.ingest.path}`, options)
    return { status: statusCode, text: await answer.text() }
  }

  #failed(cause: unknown): void {
    this.#failures += 1
    const message = cause instanceof Error ? cause.message || cause.name : String(cause)
    const code = cause instanceof DeliveryError ? cause.code : 'control_plane_unreachable'
    this.lastError = {
      code,
      message: `Events are not delivered: ${message}`.slice(0, 500),
      at: new Date().toISOString(),
    }
    const fields = { err: cause, failures: this.#failures, spool_depth: this.#options.spool.depth }
    if (this.#failures === 1) this.#options.log.warn(fields, 'events could not be delivered; they stay on disk')
    if (this.#failures === BREAKER_FAILURES)
      this.#options.log.error(fields, 'event delivery keeps failing; events stay on disk')
  }

  async #reject(record: Buffer | undefined, reason: string): Promise<void> {
    const { rejectedPath, log } = this.#options
    if (record === undefined) return
    log.error({ reason, file: rejectedPath }, 'the control plane refused an event for good')
    const line = `${JSON.stringify({ at: new Date().toISOString(), reason, record: record.toString('utf8') })}\n`
    const { size } = await stat(rejectedPath).catch(() => ({ size: 0 }))
    if (size > 0 && size + line.length > REJECTED_BYTES_MAX) await rename(rejectedPath, `${rejectedPath}.1`)
    await appendFile(rejectedPath, line, { mode: 0o600, flush: true })
  }
}

class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly code: string

  constructor(status: number, text: string) {
    const check: Record<number, string> = {
      401: 'the gateway token is not valid (any more)',
      403: 'the gateway token may not deliver events of this gateway',
      404: 'there is no such control plane at KEEPTRUSTS_API_URL',
    }
    super(`The control plane answered ${status}: ${check[status] ?? text.slice(0, 200)}.`)
    this.code = status < 500 ? 'event_delivery_refused' : 'control_plane_failing'
  }
}

const EVENT_START = Buffer.from('{"event":')
const CAPTURE_START = Buffer.from(',"capture":{"request":')
const COMMA = Buffer.from(',')
const EVENT_ID = /^\{"event":\{"event_id":"(evt_[0-9a-f]{32})"/

/**
 * The request for records as `spoolRecord` writes them, put together from their bytes: parsing 20,000 events a second to
 * print them again would cost more than making them did. In valid JSON a quote inside of a text is escaped, so the marks
 * looked for here occur only as structure.
 *
 * @param room where it is written when there is enough; what is returned may be a view of it
 */
export function bodyOf(records: readonly Buffer[], room: Buffer = EMPTY): Buffer {
  let bytesMax = FRAME_BYTES
  for (const record of records) bytesMax += record.length + CAPTURE_BYTES
  const body = bytesMax <= room.length ? room : Buffer.allocUnsafe(bytesMax)
  let at = BODY_START.copy(body)
  const captured: { record: Buffer; captureAt: number }[] = []
  for (const record of records) {
    const captureAt = captureOf(record)
    if (at > BODY_START.length) at += COMMA.copy(body, at)
    at += record.copy(body, at, EVENT_START.length, captureAt === -1 ? record.length - 1 : captureAt)
    if (captureAt !== -1) captured.push({ record, captureAt })
  }
  at += BODY_MIDDLE.copy(body, at)
  for (const [index, { record, captureAt }] of captured.entries()) {
    if (index > 0) at += COMMA.copy(body, at)
    at += body.write(`{"event_id":"${eventIdOf(record)}","request":`, at)
    at += record.copy(body, at, captureAt + CAPTURE_START.length, record.length - 1)
  }
  at += BODY_END.copy(body, at)
  return body.subarray(0, at)
}

/** Where the capture of a record begins; -1 for one without, which does not end with the quote of its salt. */
function captureOf(record: Buffer): number {
  if (record[record.length - 3] !== QUOTE || eventIdOf(record) === undefined) return -1
  return record.lastIndexOf(CAPTURE_START)
}

const eventIdOf = (record: Buffer) => EVENT_ID.exec(record.toString('latin1', 0, 80))?.[1]

const QUOTE = 0x22
const EMPTY = Buffer.alloc(0)
const BODY_START = Buffer.from('{"events":[')
const BODY_MIDDLE = Buffer.from('],"captures":[')
const BODY_END = Buffer.from(']}')
/** What is around all events, and what a record with a capture takes beside its own bytes, at most. */
const FRAME_BYTES = 64
const CAPTURE_BYTES = 80
