import { ACTIVITY_OUTCOMES, ACTIVITY_SOURCES, ACTOR_TYPES } from './contract/activity'
import { API_SHAPES, IDENTITIES, VERDICTS } from './contract/events'
import { FILTER_OPERATORS, type FilterFields, printValue } from './filter'

const OPTIONS_MAX = 20

/** What fields with a closed list of values can hold. */
export const EVENT_FILTER_CHOICES: Readonly<Record<string, readonly string[]>> = {
  verdict: VERDICTS,
  identity: IDENTITIES,
  api_shape: API_SHAPES,
}
export const ACTIVITY_FILTER_CHOICES: Readonly<Record<string, readonly string[]>> = {
  actor_type: ACTOR_TYPES,
  source: ACTIVITY_SOURCES,
  outcome: ACTIVITY_OUTCOMES,
}

/** What may stand in place of the text from `start` to `end`, best first. */
export type FilterCompletion = { start: number; end: number; kind: 'field' | 'operator' | 'value'; options: string[] }

/**
 * What can be written where the caret stands: a field, an operator of the field that stands there, or a value of it.
 *
 * @param caret UTF-16 position in the text
 * @param values values of fields that are worth offering, such as those of facets, most frequent first
 */
export function completeFilter<F extends string>(
  text: string,
  caret: number,
  fields: FilterFields<F>,
  values: Readonly<Record<string, readonly string[]>> = {},
): FilterCompletion {
  const start = wordStart(text, caret)
  const word = text.slice(start, caret)
  const [, name = '', operator = ''] = /^([A-Za-z0-9_.-]*)(!=|[=<>~!]?)/.exec(word) ?? []
  const known = Object.keys(fields) as F[]
  const field = known.find((one) => one === name)
  if (field === undefined || operator === '' || operator === '!') {
    const operators = field === undefined ? [] : FILTER_OPERATORS[fields[field]].map((one) => `${field}${one}`)
    const wanted = operators.filter((one) => one.startsWith(word))
    if (wanted.length > 0 && (operator === '!' || !known.some((one) => one !== field && one.startsWith(name)))) {
      return { start, end: caret, kind: 'operator', options: wanted }
    }
    const found = ranked(known, name)
    return { start, end: caret, kind: 'field', options: found.map((one) => `${one}=`) }
  }
  const valueAt = lastValueStart(text, start + name.length + operator.length, caret)
  const typed = text.slice(valueAt, caret).replace(/^"|\\(?=["\\])/g, '')
  const offered = fields[field] === 'boolean' ? ['true', 'false'] : (values[field] ?? [])
  const options = ranked(
    offered.filter((value) => value !== '' || operator === '=' || operator === '!='),
    typed,
  )
  return { start: valueAt, end: caret, kind: 'value', options: options.map(printValue) }
}

/** What begins with the typed text, then what contains it; letters in either case. */
function ranked(all: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase()
  const begins = all.filter((one) => one.toLowerCase().startsWith(wanted))
  const contains = all.filter((one) => one.toLowerCase().includes(wanted) && !begins.includes(one))
  return [...begins, ...contains].slice(0, OPTIONS_MAX)
}

/** Where the word begins that the caret is in: after the last separator that stands in no quotes. */
function wordStart(text: string, caret: number): number {
  let start = 0
  let quoted = false
  for (let at = 0; at < caret; at++) {
    const letter = text.charAt(at)
    if (quoted && letter === '\\') at += 1
    else if (letter === '"') quoted = !quoted
    else if (!quoted && /[\s&]/.test(letter)) start = at + 1
  }
  return start
}

function lastValueStart(text: string, from: number, caret: number): number {
  let start = from
  let quoted = false
  for (let at = from; at < caret; at++) {
    const letter = text.charAt(at)
    if (quoted && letter === '\\') at += 1
    else if (letter === '"') quoted = !quoted
    else if (!quoted && letter === ',') start = at + 1
  }
  return start
}
