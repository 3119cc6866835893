import type { z } from 'zod'

type Issue = Parameters<z.core.$ZodErrorMap>[0]

/** For `safeParse`. Words of the contract go before these. */
export const IN_PLAIN_WORDS = { error: plainIssue }

/**
 * What is wrong with a value, in words for whoever sent it, where the contract has none of its own.
 *
 * @returns undefined where Zod's words say it as well
 */
export function plainIssue(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typeIssue(NOUNS[issue.expected] ?? issue.expected, issue.input)
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`
    case 'unrecognized_keys':
      return `there is no ${issue.keys.map((key) => JSON.stringify(key)).join(', ')} here`
    case 'too_small':
      if (issue.origin === 'string' && Number(issue.minimum) === 1) return 'must not be empty'
      return sizeOf(issue.origin, 'at least', issue.minimum)
    case 'too_big':
      return sizeOf(issue.origin, 'at most', issue.maximum)
    case 'invalid_format':
      return issue.format === 'date' ? 'must be a day such as 2026-03-31' : undefined
    default:
      return undefined
  }
}

const NOUNS: Record<string, string> = {
  string: 'a text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

function typeIssue(wanted: string, given: unknown): string {
  if (given === undefined) return 'is missing'
  // NaN is what a text of a query became, 0.5 what is no whole number.
  return typeof given === 'number' && wanted.endsWith('number')
    ? `must be ${wanted}`
    : `must be ${wanted}, not ${nounOf(given)}`
}

function nounOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return { string: 'a text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'an object'
}

function sizeOf(origin: string, bound: string, count: number | bigint): string {
  const things = { string: 'character', array: 'entry' }[origin]
  if (things === undefined) return `must be ${bound} ${count}`
  const many = things === 'entry' ? 'entries' : 'characters'
  return `must have ${bound} ${count} ${count === 1 ? things : many}`
}
