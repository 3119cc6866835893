import type { ColumnCheck, CountCheck } from '@/lib/trail/beside'
import type { Transaction } from '../../../database'
import type { StoredRecord } from '../../tree/copied-records'
import { differencesOfActivity, differencesOfEvent } from './compare'
import { activityAfter, type Counted, comparedRecords, eventsAt, type Stated } from './queries'
import { QuickLook } from './quick-look'

/** Rows that are read whole at a time. */
const ROWS_AT_ONCE = 500
/** Differences that wait for being told. Behind them records are looked at again, once they were. */
const WAITING_MAX = 10_000

type Options = {
  orgId: string
  last: number
  signal: AbortSignal
  stated: readonly Stated[]
  retired: Set<string>
  /** Told of each record that may have captured content. */
  onCaptured: (seq: number) => void
  waitingMax?: number
}

/**
 * Whether the columns by which records are found, and the counts that are kept of them, say what the lines say. Lists,
 * filters and exports find by them: with the lines alone, a record could be kept from whoever looks for it.
 *
 * Records are looked at while they pass by for being hashed, and are read again only where that has not come to.
 */
export class ColumnChecks {
  #first = Number.POSITIVE_INFINITY
  /** The first place that was not looked at. */
  #next = Number.POSITIVE_INFINITY
  #waiting: ColumnCheck[] = []
  readonly #look = new QuickLook()
  /** By verdict and day. */
  readonly #counts = new Map<string, Map<number, number>>()

  constructor(
    private readonly tx: Transaction,
    private readonly options: Options,
  ) {}

  /** All records from `first` on, looked at. To be read once. */
  async *watched(first: number): AsyncGenerator<StoredRecord[]> {
    const { orgId, last } = this.options
    this.#begin(first)
    for await (const batch of comparedRecords(this.tx, orgId, first, last)) {
      // With too many waiting, there will be a second look; captured content is noticed all the same.
      await this.#lookAt(batch, this.#waiting.length < (this.options.waitingMax ?? WAITING_MAX))
      yield batch
    }
  }

  /** Records from `first` on whose columns say something else. */
  async *results(first: number): AsyncGenerator<ColumnCheck[]> {
    const { orgId, last, signal } = this.options
    if (this.#first !== first) this.#begin(first)
    yield this.#waiting
    this.#waiting = []
    for await (const batch of comparedRecords(this.tx, orgId, this.#next, last)) {
      signal.throwIfAborted()
      await this.#lookAt(batch, true)
      yield this.#waiting
      this.#waiting = []
    }
    yield* this.#activity(first)
  }

  /** Counts that are not those of the records; null unless all records were read by `results`. */
  counts(): CountCheck[] | null {
    if (this.#first > 1) return null
    const { stated, retired } = this.options
    const isKept = ({ day }: { day: string }) => !retired.has(day.slice(0, 7))
    return (['usage_daily', 'usage_totals'] as const).flatMap((table) => {
      const counts = new Map(
        this.#counted().map(({ day, verdict, events }) => [keyOf(day, verdict), { found: events, stated: 0 }]),
      )
      for (const { day, verdict, events } of stated.filter((each) => each.table === table)) {
        const key = keyOf(day, verdict)
        counts.set(key, { found: counts.get(key)?.found ?? 0, stated: events })
      }
      return [...counts]
        .map(([key, count]) => ({ table, ...partsOf(key), ...count }))
        .filter((count) => count.found !== count.stated && isKept(count))
        .toSorted((a, b) => (a.day < b.day ? -1 : 1))
    })
  }

  /** Days, `YYYY-MM-DD`, of the events that `results` looked at. */
  days(): string[] {
    return [...new Set(this.#counted().map(({ day }) => day))].toSorted()
  }

  #begin(first: number): void {
    this.#first = first
    this.#next = first
    this.#waiting = []
    this.#counts.clear()
  }

  async #lookAt(batch: readonly StoredRecord[], isCompared: boolean): Promise<void> {
    const doubtful = new Set<number>()
    for (const record of batch) {
      if (!this.#look.take(record)) continue
      const { isConfirmed, isCaptured, day, verdict } = this.#look
      if (isCaptured) this.options.onCaptured(record.seq)
      if (!isCompared) continue
      if (!isConfirmed) doubtful.add(record.seq)
      const days = this.#counts.get(verdict) ?? new Map<number, number>()
      this.#counts.set(verdict, days.set(day, (days.get(day) ?? 0) + 1))
    }
    const end = batch.at(-1)
    if (!isCompared || !end) return
    this.#next = end.seq + 1
    await this.#compare([...doubtful])
  }

  async #compare(seqs: number[]): Promise<void> {
    const { orgId, signal } = this.options
    for (let at = 0; at < seqs.length; at += ROWS_AT_ONCE) {
      signal.throwIfAborted()
      const rows = await eventsAt(this.tx, orgId, seqs.slice(at, at + ROWS_AT_ONCE))
      this.#waiting.push(...rows.flatMap((row) => checkOf(row.seq, differencesOfEvent(row))))
    }
  }

  #counted(): Counted[] {
    return [...this.#counts].flatMap(([verdict, days]) =>
      [...days].map(([day, events]) => ({ day: dayOf(day), verdict, events })),
    )
  }

  async *#activity(first: number): AsyncGenerator<ColumnCheck[]> {
    const { orgId, last, signal } = this.options
    for (let after = first - 1; ; ) {
      signal.throwIfAborted()
      const rows = await activityAfter(this.tx, orgId, after, last, ROWS_AT_ONCE)
      const end = rows.at(-1)
      if (!end) return
      yield rows.flatMap((row) => checkOf(row.seq, differencesOfActivity(row)))
      after = end.seq
    }
  }
}

const checkOf = (seq: number, columns: string[]): ColumnCheck[] => (columns.length > 0 ? [{ seq, columns }] : [])

const keyOf = (day: string, verdict: string) => `${day} ${verdict}`
const partsOf = (key: string) => ({ day: key.slice(0, key.indexOf(' ')), verdict: key.slice(key.indexOf(' ') + 1) })

/** As PostgreSQL writes it. */
function dayOf(day: number): string {
  const date = new Date(day * 86_400_000)
  const digits = (part: number, length: number) => String(part).padStart(length, '0')
  return `${digits(date.getUTCFullYear(), 4)}-${digits(date.getUTCMonth() + 1, 2)}-${digits(date.getUTCDate(), 2)}`
}
