import { fieldLength, fieldStart, integerAt, type StoredRecord } from '../../tree/copied-records'
import { DAY_MICROS, endOf, type Kind, microsAt, millisOfId, READERS, type Reader } from './line-values'

/** The columns that a quick look needs, and what they hold. */
const KINDS = {
  event_id: 'text',
  occurred_at: 'instant',
  verdict: 'text',
  tokens_input: 'integer',
  tokens_output: 'integer',
  tokens_total: 'integer',
  seq: 'integer',
  agent_id: 'text',
  api_shape: 'text',
  cache_hit: 'boolean',
  client_ip: 'text',
  config_name: 'text',
  config_version: 'text',
  conversation_id: 'text',
  cost_nano_usd: 'dollars',
  error_code: 'text',
  gateway_id: 'text',
  gateway_seq: 'integer',
  identity: 'text',
  latency_ms: 'decimal',
  model: 'text',
  model_requested: 'text',
  provider: 'text',
  reason_code: 'text',
  recorded_at: 'instant',
  request_id: 'text',
  status_code: 'integer',
  stream: 'boolean',
  target_id: 'text',
  team_id: 'text',
  token_id: 'text',
  token_name: 'text',
  user_id: 'text',
} as const satisfies Record<string, Kind>
type Name = keyof typeof KINDS

export const LOOKED_AT = Object.keys(KINDS) as Name[]
const placeOf = (name: Name) => LOOKED_AT.indexOf(name)
const [EVENT_ID, OCCURRED_AT, VERDICT] = [placeOf('event_id'), placeOf('occurred_at'), placeOf('verdict')]
const [INPUT, OUTPUT, TOTAL] = [placeOf('tokens_input'), placeOf('tokens_output'), placeOf('tokens_total')]

const FIRST = '{"agent_id":$agent_id,"api_shape":$api_shape,"attempts":'
const RUNS = [
  '"hit":$cache_hit},"citations":',
  '"client_ip":$client_ip,"config_id":',
  '"config_name":$config_name,"config_version":$config_version,"conversation_id":$conversation_id,"degraded":',
  '"error_code":$error_code,"escalation_id":',
  '"total_cost_usd":$cost_nano_usd,"units":',
  '"event_id":$event_id,"event_type":"decision","gateway_id":$gateway_id,"gateway_seq":$gateway_seq,"identity":$identity,"latency":',
  '"total_ms":$latency_ms,"ttft_ms":',
  '"model":$model,"model_requested":$model_requested,"org_id":',
]
const WITHOUT_CONTENT = '"payload":{"capture":"none",'
const MORE_RUNS = [
  '"provider":$provider,"reason_code":$reason_code,"recorded_at":$recorded_at,"request_id":$request_id,"route":',
  '"seq":$seq,"spend":',
  '"status_code":$status_code,"stream":$stream,"target_id":$target_id,"team_id":$team_id,"timestamp":',
  '"token_id":$token_id,"token_name":$token_name,"token_secret_id":',
]
const TOKENS = '"input":$tokens_input,"output":$tokens_output,"reasoning":'
const NO_TOKENS = '"tokens":null,"traceparent":'
const LAST = '"user_id":$user_id,"verdict":$verdict}'

/** Places of one line that begin like a run and go on otherwise, before it is left to be compared exactly. */
const CANDIDATES_MAX = 64

/**
 * Whether a line certainly says what the columns beside it say, without reading all of it. Keys of a line are in order, so
 * that neighbours are compared as one run of bytes, and a run is looked for first where it was in the line before. Each has
 * a name in it that occurs nowhere else, because nested objects have a `verdict` or a `provider` of their own. A quote
 * inside of a string is escaped, so that no run begins or ends in one.
 *
 * What is not confirmed is not wrong yet: rare forms of values are left to be compared exactly.
 */
export class QuickLook {
  isConfirmed = false
  /** False only when the line certainly says that no content was captured. */
  isCaptured = true
  /** UTC day in the columns, counted from 1970, and their verdict. */
  day = Number.NaN
  verdict = ''
  readonly #first = new Run(FIRST)
  readonly #runs = RUNS.map((template) => new Run(template))
  readonly #withoutContent = new Run(WITHOUT_CONTENT)
  readonly #moreRuns = MORE_RUNS.map((template) => new Run(template))
  readonly #tokens = new Run(TOKENS)
  readonly #noTokens = new Run(NO_TOKENS)
  readonly #last = new Run(LAST)
  readonly #fields = new Fields()

  /** @returns false for an entry of activity, which has no such columns */
  take({ line, row, columnsAt }: StoredRecord): boolean {
    const fields = this.#fields
    fields.locate(row, columnsAt)
    if (fields.isNull(EVENT_ID)) return false
    this.verdict = row.toString('utf8', fields.startOf(VERDICT), fields.endOf(VERDICT))
    const occurredAt = microsAt(row, fields.startOf(OCCURRED_AT))
    this.day = Math.floor(occurredAt / DAY_MICROS)
    const isOfId = millisOfId(row, fields.startOf(EVENT_ID), fields.endOf(EVENT_ID)) * 1_000 === occurredAt
    const stands = this.#stands(line)
    this.isConfirmed = stands && isOfId && Number.isSafeInteger(occurredAt) && this.#isSum()
    return true
  }

  /** Whether all runs stand in the line, in their order. */
  #stands(line: Buffer): boolean {
    const fields = this.#fields
    let at = this.#first.endAt(line, 0, fields)
    for (const run of this.#runs) at = run.endBehind(line, at, fields)
    const behind = this.#withoutContent.endBehind(line, at, fields)
    this.isCaptured = behind === -1
    if (behind !== -1) at = behind
    for (const run of this.#moreRuns) at = run.endBehind(line, at, fields)
    at = (fields.isNull(INPUT) ? this.#noTokens : this.#tokens).endBehind(line, at, fields)
    return this.#last.endBehind(line, at, fields) === line.length
  }

  #isSum(): boolean {
    const fields = this.#fields
    if (fields.isNull(INPUT)) return fields.isNull(OUTPUT) && fields.isNull(TOTAL)
    if (fields.isNull(OUTPUT) || fields.isNull(TOTAL)) return false
    const sum = fields.integerOf(INPUT) + fields.integerOf(OUTPUT)
    return fields.integerOf(TOTAL) === Math.min(sum, Number.MAX_SAFE_INTEGER)
  }
}

/** Where the columns of one row stand in it. */
class Fields {
  row: Buffer = Buffer.alloc(0)
  readonly starts = new Int32Array(LOOKED_AT.length)
  /** -1 for NULL. */
  readonly lengths = new Int32Array(LOOKED_AT.length)

  locate(row: Buffer, from: number): void {
    this.row = row
    for (let column = 0, at = from; column < LOOKED_AT.length; column++) {
      const start = fieldStart(at)
      const length = fieldLength(row, at)
      this.starts[column] = start
      this.lengths[column] = length
      at = length === -1 ? start : start + length
    }
  }

  isNull = (column: number): boolean => this.lengths[column] === -1
  startOf = (column: number): number => this.starts[column] as number
  endOf = (column: number): number => this.startOf(column) + (this.lengths[column] as number)
  integerOf = (column: number): number => integerAt(this.row, this.startOf(column))
}

type Part = { constant: Uint8Array; column: number; read: Reader | null }

/** Bytes that stand in a line one behind the other: constant ones, and values of columns. */
class Run {
  readonly #parts: Part[]
  readonly #anchor: Uint8Array
  /** How far behind the run before it stood in the line before. */
  #gap = 0

  /** @param template with `$` before the names of columns; begins with a constant */
  constructor(template: string) {
    this.#parts = template.split(/\$([a-z_]+)/).map((part, index) => {
      if (index % 2 === 0) return { constant: Buffer.from(part), column: -1, read: null }
      return { constant: NOTHING, column: placeOf(part as Name), read: READERS[KINDS[part as Name]] }
    })
    this.#anchor = this.#parts[0]?.constant ?? NOTHING
  }

  /** Where it ends when it stands at a place of a line; else -1. */
  endAt(line: Buffer, from: number, { row, starts, lengths }: Fields): number {
    let at = from
    for (const { constant, column, read } of this.#parts) {
      at = read ? read(line, at, row, starts[column] as number, lengths[column] as number) : endOf(constant, line, at)
      if (at === -1) return -1
    }
    return at
  }

  /** Where it ends when it stands anywhere behind a place of a line, which may be -1 for nowhere; else -1. */
  endBehind(line: Buffer, from: number, fields: Fields): number {
    if (from === -1) return -1
    const expected = this.endAt(line, from + this.#gap, fields)
    if (expected !== -1) return expected
    let at = from - 1
    for (let candidate = 0; candidate < CANDIDATES_MAX; candidate++) {
      at = line.indexOf(this.#anchor, at + 1)
      if (at === -1) return -1
      const end = this.endAt(line, at, fields)
      if (end === -1) continue
      this.#gap = at - from
      return end
    }
    return -1
  }
}

const NOTHING = new Uint8Array(0)
