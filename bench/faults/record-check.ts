import type { Installation } from './installation'
import type { Sender } from './sender'

const DIMENSIONS = [
  'team_id',
  'user_id',
  'agent_id',
  'token_id',
  'token_name',
  'provider',
  'model',
  'verdict',
  'reason_code',
]

/** Compares what was acknowledged with what is there. Remembers how far it has looked, so that each look costs little. */
export class RecordCheck {
  readonly #installation: Installation
  readonly #stored = new Set<string>()
  #checkedSeq = 0

  constructor(installation: Installation) {
    this.#installation = installation
  }

  get events(): number {
    return this.#stored.size
  }

  /** Everything sent is delivered by now. @returns what is wrong, in words */
  async look(senders: readonly Sender[], { isWhole = false } = {}): Promise<string[]> {
    const wrong: string[] = []
    await this.#numbers(wrong, isWhole ? 0 : this.#checkedSeq)
    await this.#events(wrong, senders)
    await this.#rollups(wrong)
    if (isWhole) await this.#rollupsByDimension(wrong)
    for (const sender of senders) await this.#gateway(wrong, sender)
    return wrong
  }

  async #numbers(wrong: string[], after: number): Promise<void> {
    const { sql, orgId } = this.#installation
    const [record] = await sql<Record<'records' | 'first' | 'last' | 'numbers' | 'wrong_hashes' | 'counter', number>>(
      `select count(*)::int as records, min(seq)::int as first, max(seq)::int as last,
        count(distinct seq)::int as numbers,
        count(*) filter (where leaf_hash <> sha256('\\x00'::bytea || convert_to(line, 'UTF8')))::int as wrong_hashes,
        (select seq::int from org_counters where org_id = $1) as counter
      from (select seq, line, leaf_hash from events where org_id = $1 and seq > $2
        union all select seq, line, leaf_hash from activity where org_id = $1 and seq > $2) as records`,
      [orgId, after],
    )
    if (!record) return
    const { records, first, last, numbers, wrong_hashes, counter } = record
    if (records > 0 && first !== after + 1) wrong.push(`the record goes on with ${first} after ${after}`)
    if (numbers !== records) wrong.push(`${records - numbers} numbers of the record were given twice`)
    if (records > 0 && last - after !== numbers)
      wrong.push(`${last - after - numbers} numbers of the record are missing`)
    if (records > 0 && counter !== last) wrong.push(`the counter says ${counter}, the record ends with ${last}`)
    if (wrong_hashes > 0) wrong.push(`${wrong_hashes} leaf hashes are wrong`)
  }

  async #events(wrong: string[], senders: readonly Sender[]): Promise<void> {
    const { sql, orgId } = this.#installation
    const rows = await sql<{ seq: number; event_id: string }>(
      'select seq::int as seq, event_id from events where org_id = $1 and seq > $2 order by seq',
      [orgId, this.#checkedSeq],
    )
    let doubled = 0
    for (const { event_id } of rows) {
      if (this.#stored.has(event_id)) doubled += 1
      this.#stored.add(event_id)
    }
    this.#checkedSeq = await this.#lastSeq()
    const made = senders.reduce((sum, sender) => sum + sender.made.size, 0)
    const acknowledged = new Set(senders.flatMap((sender) => [...sender.acknowledged]))
    const poison = new Set(senders.flatMap((sender) => [...sender.poisonIds]))
    const lost = [...acknowledged].filter((id) => !poison.has(id) && !this.#stored.has(id))
    const strange = [...this.#stored].filter((id) => poison.has(id) || !senders.some((sender) => sender.made.has(id)))
    if (doubled > 0) wrong.push(`${doubled} events are stored twice`)
    if (lost.length > 0) wrong.push(`${lost.length} acknowledged events are lost, such as ${lost[0]}`)
    if (strange.length > 0) wrong.push(`${strange.length} events are stored that must not be, such as ${strange[0]}`)
    if (made !== this.#stored.size) wrong.push(`${made} events were made, ${this.#stored.size} are stored`)
  }

  async #lastSeq(): Promise<number> {
    const { sql, orgId } = this.#installation
    const [row] = await sql<{ seq: number }>(
      `select greatest((select max(seq) from events where org_id = $1),
        (select max(seq) from activity where org_id = $1))::int as seq`,
      [orgId],
    )
    return row?.seq ?? 0
  }

  async #rollups(wrong: string[]): Promise<void> {
    const { sql, orgId } = this.#installation
    const [sums] = await sql<Record<string, string>>(
      `select (select count(*) || '/' || sum(tokens_total) from events where org_id = $1) as raw,
        (select sum(events) || '/' || sum(tokens_total) from usage_hourly where org_id = $1) as hourly,
        (select sum(events) || '/' || sum(tokens_total) from usage_daily where org_id = $1) as daily,
        (select sum(events)::text from usage_totals where org_id = $1) as totals`,
      [orgId],
    )
    const { raw, hourly, daily, totals } = sums ?? {}
    if (hourly !== raw || daily !== raw || totals !== raw?.split('/')[0]) {
      wrong.push(`rollups differ: events ${raw}, hourly ${hourly}, daily ${daily}, totals ${totals}`)
    }
  }

  async #rollupsByDimension(wrong: string[]): Promise<void> {
    const { sql, orgId } = this.#installation
    const raw = DIMENSIONS.map((name) => `coalesce(${name}, '') as ${name}`).join(', ')
    for (const [table, unit] of [
      ['usage_hourly', 'hour'],
      ['usage_daily', 'day'],
    ]) {
      const [row] = await sql<{ differing: number }>(
        `with counted as (select date_trunc('${unit}', occurred_at, 'UTC') as at, ${raw}, count(*) as events,
            sum(tokens_total) as tokens, sum(cost_nano_usd) as cost from events where org_id = $1
            group by ${[1, ...DIMENSIONS.map((_, at) => at + 2)].join(', ')})
        select count(*)::int as differing from counted
        full join (select * from ${table} where org_id = $1) as kept using (at, ${DIMENSIONS.join(', ')})
        where counted.events is distinct from kept.events or counted.tokens is distinct from kept.tokens_total
          or coalesce(counted.cost, 0) is distinct from kept.cost_nano_usd`,
        [orgId],
      )
      if (row?.differing !== 0) wrong.push(`${row?.differing} rows of ${table} differ from the events`)
    }
  }

  /** The only numbers missing are those of the poison, which waits in the quarantine once. */
  async #gateway(wrong: string[], sender: Sender): Promise<void> {
    const { sql, orgId } = this.#installation
    const gaps = await sql<{ first: number; last: number }>(
      'select first_seq::float8 as first, last_seq::float8 as last from gateway_gaps where org_id = $1 and gateway_id = $2',
      [orgId, sender.id],
    )
    const missing = gaps.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, n) => first + n))
    const falseGaps = missing.filter((seq) => !sender.poisoned.has(seq))
    if (falseGaps.length > 0) wrong.push(`${sender.id}: ${falseGaps.length} false gaps, such as ${falseGaps[0]}`)
    if (missing.length - falseGaps.length !== sender.poisoned.size)
      wrong.push(`${sender.id}: ${missing.length} numbers are known to be missing, of ${sender.poisoned.size} poisoned`)
    const [held] = await sql<{ waiting: number; ids: number; missing: number; runs: number }>(
      `select count(*)::int as waiting, count(distinct event_id)::int as ids,
        (select sum(missing)::int from gateway_positions where org_id = $1 and gateway_id = $2) as missing,
        (select max(run)::int from gateway_positions where org_id = $1 and gateway_id = $2) as runs
      from event_quarantine where org_id = $1 and gateway_id = $2`,
      [orgId, sender.id],
    )
    if (held?.waiting !== sender.poisonIds.size || held.ids !== sender.poisonIds.size)
      wrong.push(`${sender.id}: ${held?.waiting} events are in quarantine, of ${sender.poisonIds.size} poisoned`)
    if (held?.missing !== missing.length || held.runs !== 1)
      wrong.push(`${sender.id}: its position says run ${held?.runs} and ${held?.missing} missing of ${missing.length}`)
    const refused = [...sender.rejected()].filter((id) => !sender.poisonIds.has(id))
    if (refused.length > 0)
      wrong.push(`${sender.id}: ${refused.length} good events were refused, such as ${refused[0]}`)
  }
}
