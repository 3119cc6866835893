import { z } from 'zod'
import { CAPTURES } from '@/lib/contract/events'
import { parseJson } from '@/lib/parse-json'
import type { PayloadCheck } from '@/lib/trail/verify-trail'
import type { Transaction } from '../../database'
import type { ObjectStore } from '../../objects/object-store'
import { PARTS, type PayloadRow } from '../../payloads/queries'
import { PackReader } from '../../payloads/read-part'
import { storedLeaves } from '../tree/queries'
import { ErasureRecords } from './erasure-records'
import { payloadsOfEvents } from './queries'

const commitment = z.string().nullable().default(null)
const Captured = z.object({
  event_id: z.string(),
  seq: z.number(),
  payload: z.object({
    capture: z.enum(CAPTURES),
    request_captured_sha256: commitment,
    response_captured_sha256: commitment,
  }),
})
/** `said` is all that the line says. */
type Captured = z.infer<typeof Captured> & { said: unknown }

const CAPTURED = [Buffer.from('"capture":"full"'), Buffer.from('"capture":"redacted"')]

/**
 * Whether captured content is what its event committed to. Events that say so are noticed while leaves are hashed, and
 * read again only where there are some: with the content itself that is another order of time.
 */
export class PayloadChecks {
  #first = Number.POSITIVE_INFINITY
  #last = 0
  readonly #packs: PackReader
  readonly #erasures: ErasureRecords

  constructor(
    private readonly tx: Transaction,
    objects: ObjectStore,
    private readonly orgId: string,
    private readonly end: number,
    private readonly signal: AbortSignal,
  ) {
    this.#packs = new PackReader(objects)
    this.#erasures = new ErasureRecords(tx, orgId)
  }

  /** This record may have captured content. */
  notice(seq: number): void {
    this.#first = Math.min(this.#first, seq)
    this.#last = Math.max(this.#last, seq)
  }

  /** To be read after all records were noticed. */
  async *results(): AsyncGenerator<PayloadCheck[]> {
    for await (const batch of storedLeaves(this.tx, this.orgId, this.#first, Math.min(this.#last, this.end))) {
      const events = batch.filter(({ line }) => isCaptured(line)).flatMap(({ line }) => capturedOf(line))
      if (events.length === 0) continue
      const rows = await payloadsOfEvents(this.tx, this.orgId, events)
      const erased = new Set(rows.flatMap(({ eventId, erasedAt }) => (erasedAt === null ? [] : eventId)))
      const explained = await this.#erasures.explained(events.filter(({ event_id }) => erased.has(event_id)))
      for (const event of events) {
        this.signal.throwIfAborted()
        yield await this.#check(event, rows, explained)
      }
    }
  }

  async #check(
    { event_id, seq, payload }: Captured,
    rows: PayloadRow[],
    explained: ReadonlySet<string>,
  ): Promise<PayloadCheck[]> {
    const checks: PayloadCheck[] = []
    for (const part of PARTS) {
      const committed = payload[`${part}_captured_sha256`]
      if (committed === null) continue
      const row = rows.find((one) => one.eventId === event_id && one.part === part)
      checks.push({ seq, event_id, part, state: await this.#stateOf(committed, row, explained) })
    }
    return checks
  }

  async #stateOf(
    committed: string,
    row: PayloadRow | undefined,
    explained: ReadonlySet<string>,
  ): Promise<PayloadCheck['state']> {
    if (!row) return 'missing'
    if (row.commitment !== committed) return 'modified'
    if (row.erasedAt !== null) return explained.has(row.eventId) ? 'erased' : 'missing'
    const content = await this.#packs.read(row, committed)
    return typeof content === 'string' ? content : 'intact'
  }
}

const isCaptured = (line: Uint8Array) => CAPTURED.some((mark) => asBuffer(line).includes(mark))

const asBuffer = (bytes: Uint8Array) =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** A line that cannot be read any more is reported as what it is elsewhere. */
function capturedOf(line: Uint8Array): Captured[] {
  try {
    const said: unknown = parseJson(asBuffer(line).toString('utf8'))
    const parsed = Captured.safeParse(said)
    return parsed.success && parsed.data.payload.capture !== 'none' ? [{ ...parsed.data, said }] : []
  } catch {
    return []
  }
}
