import { type DecisionEvent, EVENT_FILTER_FIELDS, type EventFilterField } from './contract/events'
import { AppError } from './errors'
import { nearestName } from './policy/nearest-name'

export const FILTER_LENGTH_MAX = 2_000
export const FILTER_TERMS_MAX = 20
export const FILTER_VALUES_MAX = 50

export type FilterOperator = '=' | '!=' | '>' | '<' | '~'

/** One condition. `values` are alternatives; `start` and `end` are UTF-16 positions in the text, end exclusive. */
export type FilterTerm = {
  field: EventFilterField
  operator: FilterOperator
  values: string[]
  start: number
  end: number
}

const FIELDS = Object.keys(EVENT_FILTER_FIELDS) as EventFilterField[]
const OPERATORS = {
  text: ['=', '!=', '~'],
  number: ['=', '!=', '>', '<'],
  boolean: ['=', '!='],
} as const satisfies Record<string, FilterOperator[]>

/**
 * Reads a filter: `field=value` terms, joined by spaces or `&`, all of which must hold.
 *
 * Operators: `=`, `!=`, `>`, `<` (numbers) and `~` (text contains, ASCII letters in either case). A comma separates
 * alternatives: `verdict=block,escalate`; with `!=` none of them may be equal. A value with a space, a comma, `&` or a
 * quote stands in double quotes, where `\"` and `\\` are a quote and a backslash. The empty value `""` means "not set".
 *
 * @throws AppError `invalid_filter` that names the position, counted from 1, and what was expected there
 */
export function parseFilter(text: string): FilterTerm[] {
  if (text.length > FILTER_LENGTH_MAX) throw refuse(`A filter may have ${FILTER_LENGTH_MAX} characters.`)
  const terms: FilterTerm[] = []
  for (let at = skipSeparators(text, 0); at < text.length; ) {
    if (terms.length === FILTER_TERMS_MAX) throw refuse(`A filter may have ${FILTER_TERMS_MAX} terms.`)
    const term = readTerm(text, at)
    terms.push(term)
    const next = skipSeparators(text, term.end)
    if (next === term.end && next < text.length) {
      throw refuse(`Expected a space, "&" or a comma at character ${next + 1}, found ${JSON.stringify(text[next])}.`)
    }
    at = next
  }
  return terms
}

/** The text that reads as these terms. */
export const printFilter = (terms: readonly Pick<FilterTerm, 'field' | 'operator' | 'values'>[]): string =>
  terms.map(({ field, operator, values }) => `${field}${operator}${values.map(quoteIfNeeded).join(',')}`).join(' ')

/** Whether an event meets every term: what the database answers for the same filter, for events on their way by. */
export const matchesFilter = (event: DecisionEvent, terms: readonly FilterTerm[]): boolean =>
  terms.every((term) => matchesTerm(fieldOf(event, term.field), term))

/**
 * The form in which text is stored in columns and compared. PostgreSQL holds neither NUL nor lone surrogates, so both
 * are compared as U+FFFD; the event's own line keeps what was sent.
 */
export const searchable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\ufffd')

/** What a filter compares. The columns of drizzle/schema/events.ts hold the same. */
export function fieldOf(event: DecisionEvent, field: EventFilterField): string | number | boolean | null {
  if (field === 'tokens_total')
    return event.tokens && Math.min(event.tokens.input + event.tokens.output, Number.MAX_SAFE_INTEGER)
  if (field === 'latency_ms') return event.latency.total_ms
  return event[field]
}

function matchesTerm(found: string | number | boolean | null, { operator, values }: FilterTerm): boolean {
  const equal = () => values.some((value) => isEqual(found, value))
  if (operator === '=') return equal()
  if (operator === '!=') return !equal()
  if (operator === '~') {
    return typeof found === 'string' && values.some((value) => folded(found).includes(folded(value)))
  }
  if (typeof found !== 'number') return false
  return values.some((value) => (operator === '>' ? found > Number(value) : found < Number(value)))
}

function isEqual(found: string | number | boolean | null, value: string): boolean {
  if (found === null) return value === ''
  if (typeof found === 'string') return searchable(found) === searchable(value)
  return typeof found === 'number' ? found === Number(value) : found === (value === 'true')
}

/** ASCII only, because that is what every PostgreSQL agrees on, whatever its locale. */
const folded = (text: string) => searchable(text).replace(/[A-Z]/g, (letter) => letter.toLowerCase())

const refuse = (message: string) => new AppError('invalid_filter', message, { errors: [{ path: 'filter', message }] })

function skipSeparators(text: string, from: number): number {
  let at = from
  while (at < text.length && /[\s&]/.test(text.charAt(at))) at++
  return at
}

function readTerm(text: string, start: number): FilterTerm {
  const name = /^[A-Za-z0-9_.-]*/.exec(text.slice(start))?.[0] ?? ''
  if (name === '') throw refuse(`Expected a field at character ${start + 1}, such as verdict=block.`)
  const field = FIELDS.find((known) => known === name)
  if (!field) {
    const meant = nearestName(name, FIELDS)
    const hint = meant ? `Did you mean "${meant}"?` : `Fields: ${FIELDS.join(', ')}.`
    throw refuse(`Unknown field "${name}" at character ${start + 1}. ${hint}`)
  }
  const operatorAt = start + name.length
  const operator = (['!=', '=', '>', '<', '~'] as const).find((known) => text.startsWith(known, operatorAt))
  if (!operator) {
    throw refuse(`Expected one of = != > < ~ directly after "${field}" at character ${operatorAt + 1}.`)
  }
  const kind = EVENT_FILTER_FIELDS[field]
  const possible: readonly FilterOperator[] = OPERATORS[kind]
  if (!possible.includes(operator)) {
    throw refuse(
      `"${field}" is a ${kind} and takes ${possible.join(' ')}, not ${operator} (character ${operatorAt + 1}).`,
    )
  }
  const { values, end } = readValues(text, operatorAt + operator.length)
  for (const value of values) checkValue(field, kind, value)
  return { field, operator, values, start, end }
}

function readValues(text: string, from: number): { values: string[]; end: number } {
  const values: string[] = []
  for (let at = from; ; at++) {
    const { value, end } = text.charAt(at) === '"' ? readQuoted(text, at) : readBare(text, at)
    values.push(value)
    if (values.length > FILTER_VALUES_MAX) throw refuse(`A term may have ${FILTER_VALUES_MAX} values.`)
    if (text.charAt(end) !== ',') return { values, end }
    at = end
  }
}

function readBare(text: string, start: number): { value: string; end: number } {
  const value = /^[^\s&,"]*/.exec(text.slice(start))?.[0] ?? ''
  if (value === '') throw refuse(`Expected a value at character ${start + 1}; write "" for "not set".`)
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
      if (escaped !== '"' && escaped !== '\\') throw refuse(`Expected \\" or \\\\ at character ${at}.`)
      value += escaped
    } else {
      value += letter
    }
  }
  throw refuse(`The quote at character ${start + 1} is not closed.`)
}

function checkValue(field: EventFilterField, kind: keyof typeof OPERATORS, value: string): void {
  if (kind === 'boolean' && value !== 'true' && value !== 'false') {
    throw refuse(`"${field}" is true or false, not "${value}".`)
  }
  if (kind === 'number' && !/^-?\d{1,15}(\.\d{1,9})?$/.test(value)) {
    throw refuse(`"${field}" is compared with a number such as 200, not with "${value}".`)
  }
}

const quoteIfNeeded = (value: string): string =>
  /^[^\s&,"]+$/.test(value) ? value : `"${value.replace(/["\\]/g, (letter) => `\\${letter}`)}"`
