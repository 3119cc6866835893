import type { ColumnCheck, CountCheck } from '@/lib/trail/beside'
import type { Transaction } from '../../../database'
import { differencesOfActivity, differencesOfEvent } from './compare'
import { activityAfter, eventsAt, type Stated, stretchOfEvents } from './queries'

/** Places in the record per statement, which may take fifteen seconds: two on a machine with five times too much to do. */
const STRETCH = 10_000
/** Rows that are read whole at a time. */
const ROWS_AT_ONCE = 500

type Options = { orgId: string; last: number; signal: AbortSignal; stated: readonly Stated[]; retired: Set<string> }

/**
 * Whether the columns by which records are found, and the counts that are kept of them, say what the lines say. Lists,
 * filters and exports find by them: with the lines alone, a record could be kept from whoever looks for it.
 */
export class ColumnChecks {
  #first = Number.POSITIVE_INFINITY
  readonly #counts = new Map<string, number>()

  constructor(
    private readonly tx: Transaction,
    private readonly options: Options,
  ) {}

  /** Records from `first` on whose columns say something else. */
  async *results(first: number): AsyncGenerator<ColumnCheck[]> {
    this.#first = first
    yield* this.#events(first)
    yield* this.#activity(first)
  }

  /** Counts that are not those of the records; null unless all records were read by `results`. */
  counts(): CountCheck[] | null {
    if (this.#first > 1) return null
    const { stated, retired } = this.options
    const isKept = ({ day }: { day: string }) => !retired.has(day.slice(0, 7))
    return (['usage_daily', 'usage_totals'] as const).flatMap((table) => {
      const counts = new Map([...this.#counts].map(([key, found]) => [key, { found, stated: 0 }]))
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

  async *#events(first: number): AsyncGenerator<ColumnCheck[]> {
    const { tx } = this
    const { orgId, last, signal } = this.options
    for (let from = first; from <= last; from += STRETCH) {
      signal.throwIfAborted()
      const until = Math.min(last, from + STRETCH - 1)
      const { counted, doubtful } = await stretchOfEvents(tx, orgId, from, until)
      for (const { day, verdict, events } of counted) {
        const key = keyOf(day, verdict)
        this.#counts.set(key, (this.#counts.get(key) ?? 0) + events)
      }
      for (let at = 0; at < doubtful.length; at += ROWS_AT_ONCE) {
        signal.throwIfAborted()
        const rows = await eventsAt(tx, orgId, doubtful.slice(at, at + ROWS_AT_ONCE))
        yield rows.flatMap((row) => checkOf(row.seq, differencesOfEvent(row)))
      }
    }
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
