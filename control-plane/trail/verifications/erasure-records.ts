import { z } from 'zod'
import { DecisionEvent } from '@/lib/contract/events'
import { resolveWhen } from '@/lib/contract/fields'
import { matchesFilter, parseFilter } from '@/lib/filter'
import type { Transaction } from '../../database'
import { entryOf, erasuresOf, erasuresOfMany, type RecordProof, recordProof, type StoredEntry } from './queries'

/** Entries about many events at once; the newest. The newest of retention covers what those before it do. */
const ENTRIES_MAX = 50_000
/** Content is stored before its event is recorded: so much at most lies between. */
const STORED_BEFORE_MAX_MS = 600_000

const One = z.object({ action: z.literal('payload.erased'), target: z.object({ id: z.string() }) })

const Many = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('payloads.erased'),
    at: z.string(),
    after: z.object({
      filter: z.string().optional(),
      since: z.string().optional(),
      until: z.string().optional(),
      team_id: z.string().optional(),
      through: z.string().optional(),
    }),
  }),
  z.object({
    action: z.literal('payloads.expired'),
    at: z.string(),
    after: z.object({
      stored_before: z.string().optional(),
      month: z.string().optional(),
      held: z.array(z.object({ since: z.string().nullable(), until: z.string().nullable() })).default([]),
    }),
  }),
])
type Many = z.output<typeof Many>
type Covers = (event: ErasedEvent) => boolean

/** An event whose content is said to be erased; `said` is its line, read. */
export type ErasedEvent = { event_id: string; seq: number; said: unknown }

/**
 * Whether the record says that content was erased. The row of the content says so as well, but anybody who can write to
 * the database can write that: what counts is an entry of activity that stands under a digest, or is newer than all.
 */
export class ErasureRecords {
  #proof: RecordProof | null = null
  #many: { entry: StoredEntry; covers: Covers; holds?: boolean }[] | null = null

  constructor(
    private readonly tx: Transaction,
    private readonly orgId: string,
  ) {}

  /** Of these events, the ids of those whose erasure is recorded. */
  async explained(events: readonly ErasedEvent[]): Promise<Set<string>> {
    const explained = new Set<string>()
    if (events.length === 0) return explained
    this.#proof ??= await recordProof(this.tx, this.orgId)
    const ids = events.map(({ event_id }) => event_id)
    for (const row of await erasuresOf(this.tx, this.orgId, ids)) {
      const entry = entryOf(One, row.line)
      if (entry && (await this.#proof.holds(row))) explained.add(entry.target.id)
    }
    for (const event of events) {
      if (!explained.has(event.event_id) && (await this.#isAmongMany(event, this.#proof))) explained.add(event.event_id)
    }
    return explained
  }

  async #isAmongMany(event: ErasedEvent, proof: RecordProof): Promise<boolean> {
    this.#many ??= (await erasuresOfMany(this.tx, this.orgId, ENTRIES_MAX)).flatMap((entry) => {
      const said = entryOf(Many, entry.line)
      return said ? [{ entry, covers: coverageOf(said) }] : []
    })
    for (const each of this.#many) {
      if (event.seq > each.entry.seq || !each.covers(event)) continue
      each.holds ??= await proof.holds(each.entry)
      if (each.holds) return true
    }
    return false
  }
}

function coverageOf(entry: Many): Covers {
  if (entry.action === 'payloads.erased') return filtered(entry.after, new Date(entry.at))
  const { stored_before, month, held } = entry.after
  const isHeld = (ms: number) => held.some((hold) => isWithin(ms, hold.since, hold.until))
  return (event) => {
    const ms = occurredMs(event)
    if (isHeld(ms)) return false
    if (month !== undefined) return new Date(ms).toISOString().slice(0, 7) === month
    return stored_before !== undefined && recordedMs(event) - STORED_BEFORE_MAX_MS < Date.parse(stored_before)
  }
}

type Filtered = Extract<Many, { action: 'payloads.erased' }>['after']

function filtered({ filter, since, until, team_id, through }: Filtered, at: Date): Covers {
  const terms = termsOf(filter)
  if (terms === null) return () => false
  const time = (when: string | undefined) => (when === undefined ? null : resolveWhen(when, at).toISOString())
  const [from, to] = [time(since), time(until)]
  return (event) => {
    if (through !== undefined && event.event_id > through) return false
    if (!isWithin(occurredMs(event), from, to)) return false
    const decision = DecisionEvent.safeParse(event.said).data
    if (!decision || (team_id !== undefined && decision.team_id !== team_id)) return false
    return matchesFilter(decision, terms)
  }
}

/** Null for one that nobody can read any more. */
function termsOf(filter = '') {
  try {
    return parseFilter(filter)
  } catch {
    return null
  }
}

const isWithin = (ms: number, since: string | null, until: string | null) =>
  (since === null || ms >= Date.parse(since)) && (until === null || ms < Date.parse(until))

/** RFC 9562 section 5.7. */
const occurredMs = ({ event_id }: ErasedEvent) => Number.parseInt(event_id.slice(4, 16), 16)

const recordedMs = ({ said }: ErasedEvent) => Date.parse(Recorded.safeParse(said).data?.recorded_at ?? '')
const Recorded = z.object({ recorded_at: z.string() })
