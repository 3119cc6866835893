import { ACTIVITY_FILTER_FIELDS, type ActivityFilterField } from './contract/activity'
import { type DecisionEvent, EVENT_FILTER_FIELDS, type EventFilterField } from './contract/events'
import type { FilterFieldKind } from './contract/fields'
import { AppError } from './errors'
import { nanoUsdOf } from './money'
import { nearestName } from './policy/nearest-name'

export const FILTER_LENGTH_MAX = 2_000
export const FILTER_TERMS_MAX = 20
export const FILTER_VALUES_MAX = 50
/** An editor shows so many at once; after them, the text is not read further. */
const PROBLEMS_MAX = 20

export type FilterOperator = '=' | '!=' | '>' | '<' | '~'

/** What a filter of some resource may name, and how it is compared. */
export type FilterFields<F extends string = string> = Readonly<Record<F, FilterFieldKind>>

/** One condition. `values` are alternatives; `start` and `end` are UTF-16 positions in the text, end exclusive. */
export type FilterTerm<F extends string = EventFilterField> = {
  field: F
  operator: FilterOperator
  values: string[]
  start: number
  end: number
}

/** What cannot be read, and where it stands. */
export type FilterProblem = { start: number; end: number; message: string }

export const FILTER_OPERATORS = {
  text: ['=', '!=', '~'],
  number: ['=', '!=', '>', '<'],
  money: ['=', '!=', '>', '<'],
  boolean: ['=', '!='],
} as const satisfies Record<FilterFieldKind, FilterOperator[]>

/**
 * Reads a filter: `field=value` terms, joined by spaces or `&`, all of which must hold.
 *
 * Operators: `=`, `!=`, `>`, `<` (numbers and money) and `~` (text contains, ASCII letters in either case). A comma
 * separates alternatives: `verdict=block,escalate`; with `!=` none of them may be equal. A value with a space, a comma,
 * `&` or a quote stands in double quotes, where `\"` and `\\` are a quote and a backslash. The empty value `""` means
 * "not set".
 *
 * @throws AppError `invalid_filter` that names the position of what is wrong first, counted from 1, and what was expected
 */
export function parseFilter(text: string): FilterTerm[]
export function parseFilter<F extends string>(text: string, fields: FilterFields<F>): FilterTerm<F>[]
export function parseFilter(text: string, fields: FilterFields = EVENT_FILTER_FIELDS): FilterTerm<string>[] {
  const { terms, problems } = validateFilter(text, fields)
  const [first] = problems
  if (first) {
    const errors = problems.map(({ message }) => ({ path: 'filter', message }))
    throw new AppError('invalid_filter', first.message, { errors })
  }
  return terms
}

/** The terms of a text that can be read, and everything that is wrong with the others, for whoever is still typing. */
export function validateFilter<F extends string>(
  text: string,
  fields: FilterFields<F>,
): { terms: FilterTerm<F>[]; problems: FilterProblem[] } {
  if (text.length > FILTER_LENGTH_MAX) {
    const message = `A filter may have ${FILTER_LENGTH_MAX} characters.`
    return { terms: [], problems: [{ start: FILTER_LENGTH_MAX, end: text.length, message }] }
  }
  const terms: FilterTerm<F>[] = []
  const problems: FilterProblem[] = []
  for (let at = skipSeparators(text, 0); at < text.length && problems.length < PROBLEMS_MAX; ) {
    try {
      if (terms.length === FILTER_TERMS_MAX) {
        throw new Misread(at, text.length, `A filter may have ${FILTER_TERMS_MAX} terms.`)
      }
      const term = readTerm(text, at, fields)
      const next = skipSeparators(text, term.end)
      if (next === term.end && next < text.length) {
        throw new Misread(
          next,
          next + 1,
          `Expected a space, "&" or a comma at character ${next + 1}, found ${JSON.stringify(text[next])}.`,
        )
      }
      terms.push(term)
      at = next
    } catch (thrown) {
      if (!(thrown instanceof Misread)) throw thrown
      problems.push({ start: thrown.start, end: thrown.end, message: thrown.message })
      at = skipSeparators(text, endOfWord(text, Math.max(thrown.end, at + 1)))
    }
  }
  return { terms, problems }
}

/** The text that reads as these terms. */
export const printFilter = (terms: readonly Pick<FilterTerm<string>, 'field' | 'operator' | 'values'>[]): string =>
  terms.map(({ field, operator, values }) => `${field}${operator}${values.map(printValue).join(',')}`).join(' ')

/** A value as it stands in a filter: in quotes where it needs them. */
export const printValue = (value: string): string =>
  /^[^\s&,"]+$/.test(value) ? value : `"${value.replace(/["\\]/g, (letter) => `\\${letter}`)}"`

/** Whether an event meets every term: what the database answers for the same filter, for events on their way by. */
export const matchesFilter = (event: DecisionEvent, terms: readonly FilterTerm[]): boolean =>
  terms.every((term) => matchesTerm(fieldOf(event, term.field), EVENT_FILTER_FIELDS[term.field], term))

/** What entries of activity are compared by. */
export const parseActivityFilter = (text: string): FilterTerm<ActivityFilterField>[] =>
  parseFilter(text, ACTIVITY_FILTER_FIELDS)

/**
 * The form in which text is stored in columns and compared. PostgreSQL holds neither NUL nor lone surrogates, so both
 * are compared as U+FFFD; the event's own line keeps what was sent.
 */
export const searchable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\ufffd')

/** ASCII only, because that is what every PostgreSQL agrees on, whatever its locale. */
export const foldedForSearch = (text: string): string =>
  searchable(text).replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** What a filter compares. The columns of drizzle/schema/events.ts hold the same. */
export function fieldOf(event: DecisionEvent, field: EventFilterField): string | number | boolean | null {
  if (field === 'tokens_total')
    return event.tokens && Math.min(event.tokens.input + event.tokens.output, Number.MAX_SAFE_INTEGER)
  if (field === 'latency_ms') return event.latency.total_ms
  if (field === 'cost_usd') return event.event_cost_attribution.total_cost_usd
  if (field === 'cache_hit') return event.cache.hit
  return event[field]
}

type Found = string | number | boolean | null

function matchesTerm(found: Found, kind: FilterFieldKind, { operator, values }: FilterTerm<string>): boolean {
  const equal = () => values.some((value) => isEqual(found, kind, value))
  if (operator === '=') return equal()
  if (operator === '!=') return !equal()
  if (found === null) return false
  if (operator === '~') {
    const text = foldedForSearch(String(found))
    return values.some((value) => text.includes(foldedForSearch(value)))
  }
  return values.some((value) => {
    const [a, b] = kind === 'money' ? [nanoUsdOf(String(found)), nanoUsdOf(value)] : [Number(found), Number(value)]
    return operator === '>' ? a > b : a < b
  })
}

function isEqual(found: Found, kind: FilterFieldKind, value: string): boolean {
  if (found === null) return value === ''
  if (value === '') return found === ''
  if (kind === 'text') return searchable(String(found)) === searchable(value)
  if (kind === 'money') return nanoUsdOf(String(found)) === nanoUsdOf(value)
  return kind === 'number' ? found === Number(value) : found === (value === 'true')
}

/** What is wrong with a term, while it is read. */
class Misread extends Error {
  constructor(
    readonly start: number,
    readonly end: number,
    message: string,
  ) {
    super(message)
  }
}

function skipSeparators(text: string, from: number): number {
  let at = from
  while (at < text.length && /[\s&]/.test(text.charAt(at))) at++
  return at
}

/** Where reading goes on after something that could not be read. */
function endOfWord(text: string, from: number): number {
  let at = from
  while (at < text.length && !/[\s&]/.test(text.charAt(at))) at++
  return at
}

function readTerm<F extends string>(text: string, start: number, fields: FilterFields<F>): FilterTerm<F> {
  const known = Object.keys(fields) as F[]
  const name = /^[A-Za-z0-9_.-]*/.exec(text.slice(start))?.[0] ?? ''
  const operatorAt = start + name.length
  if (name === '') {
    const example = known.includes('verdict' as F) ? 'verdict=block' : `${known[0] ?? 'field'}=value`
    throw new Misread(start, start + 1, `Expected a field at character ${start + 1}, such as ${example}.`)
  }
  const field = known.find((one) => one === name)
  if (!field) {
    const meant = nearestName(name, known)
    const hint = meant ? `Did you mean "${meant}"?` : `Fields: ${known.join(', ')}.`
    throw new Misread(start, operatorAt, `Unknown field "${name}" at character ${start + 1}. ${hint}`)
  }
  const operator = (['!=', '=', '>', '<', '~'] as const).find((one) => text.startsWith(one, operatorAt))
  if (!operator) {
    const message = `Expected one of = != > < ~ directly after "${field}" at character ${operatorAt + 1}.`
    throw new Misread(start, operatorAt, message)
  }
  const kind: FilterFieldKind = fields[field]
  const possible: readonly FilterOperator[] = FILTER_OPERATORS[kind]
  if (!possible.includes(operator)) {
    throw new Misread(
      operatorAt,
      operatorAt + operator.length,
      `"${field}" is ${NOUNS[kind]} and takes ${possible.join(' ')}, not ${operator} (character ${operatorAt + 1}).`,
    )
  }
  const valuesAt = operatorAt + operator.length
  const { values, end } = readValues(text, valuesAt)
  for (const value of values) {
    const wrong = objectionTo(field, kind, operator, value)
    if (wrong !== null) throw new Misread(valuesAt, end, wrong)
  }
  return { field, operator, values, start, end }
}

const NOUNS = { text: 'a text', number: 'a number', money: 'an amount', boolean: 'a boolean' } as const

function readValues(text: string, from: number): { values: string[]; end: number } {
  const values: string[] = []
  for (let at = from; ; at++) {
    const { value, end } = text.charAt(at) === '"' ? readQuoted(text, at) : readBare(text, at)
    values.push(value)
    if (values.length > FILTER_VALUES_MAX) {
      throw new Misread(at, end, `A term may have ${FILTER_VALUES_MAX} values.`)
    }
    if (text.charAt(end) !== ',') return { values, end }
    at = end
  }
}

function readBare(text: string, start: number): { value: string; end: number } {
  const value = /^[^\s&,"]*/.exec(text.slice(start))?.[0] ?? ''
  if (value === '') {
    throw new Misread(start, start, `Expected a value at character ${start + 1}; write "" for "not set".`)
  }
  return { value, end: start + value.length }
}

function readQuoted(text: string, start: number): { value: string; end: number } {
  let value = ''
  for (let at = start + 1; at < text.length; at++) {
    const letter = text.charAt(at)
    if (letter === '"') return { value, end: at + 1 }
    if (letter === '\\') {
      at += 1
      const escaped = text.charAt(at)
      if (escaped !== '"' && escaped !== '\\') {
        throw new Misread(at - 1, at + 1, `Expected \\" or \\\\ at character ${at}.`)
      }
      value += escaped
    } else {
      value += letter
    }
  }
  throw new Misread(start, text.length, `The quote at character ${start + 1} is not closed.`)
}

/** Why a value cannot be compared with a field, or null. */
function objectionTo(field: string, kind: FilterFieldKind, operator: FilterOperator, value: string): string | null {
  if (value === '' && (operator === '~' || operator === '>' || operator === '<')) {
    return `"${field}" is compared by ${operator} with something; "" means "not set" and stands after = or !=.`
  }
  if (kind === 'boolean' && value !== 'true' && value !== 'false') {
    return `"${field}" is true or false, not "${value}".`
  }
  if (kind === 'number' && value !== '' && !/^-?\d{1,15}(\.\d{1,9})?$/.test(value)) {
    return `"${field}" is compared with a number such as 200, not with "${value}".`
  }
  if (kind === 'money' && value !== '' && !/^-?\d{1,12}(\.\d{1,9})?$/.test(value)) {
    return `"${field}" is compared with US dollars such as 0.25, not with "${value}".`
  }
  return null
}
