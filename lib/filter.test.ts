import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ACTIVITY_FILTER_FIELDS } from './contract/activity'
import { EVENT_FILTER_FIELDS, type EventFilterField } from './contract/events'
import { AppError } from './errors'
import {
  FILTER_OPERATORS,
  FILTER_TERMS_MAX,
  FILTER_VALUES_MAX,
  parseActivityFilter,
  parseFilter,
  printFilter,
  validateFilter,
} from './filter'

const refusalOf = (text: string) => {
  try {
    parseFilter(text)
    return null
  } catch (thrown) {
    return thrown instanceof AppError ? `${thrown.code}: ${thrown.message}` : thrown
  }
}
const termsOf = (text: string) => parseFilter(text).map(({ field, operator, values }) => [field, operator, ...values])

/** Terms that the grammar can say. */
const anyTerm = fc.constantFrom(...(Object.keys(EVENT_FILTER_FIELDS) as EventFilterField[])).chain((field) => {
  const kind = EVENT_FILTER_FIELDS[field]
  return fc.constantFrom(...FILTER_OPERATORS[kind]).chain((operator) => {
    const compares = operator === '=' || operator === '!='
    const value = {
      text: fc.string({ unit: 'binary', minLength: compares ? 0 : 1, maxLength: 12 }),
      number: fc.integer({ min: -1_000, max: 1_000_000 }).map(String),
      money: fc.tuple(fc.nat(1_000), fc.nat(999)).map(([usd, rest]) => `${usd}.${rest}`),
      boolean: fc.constantFrom('true', 'false'),
    }[kind]
    return fc.record({
      field: fc.constant(field),
      operator: fc.constant(operator),
      values: fc.array<string>(value, { minLength: 1, maxLength: 3 }),
    })
  })
})

describe('the filter grammar', () => {
  test.each([
    ['verdict=block', [['verdict', '=', 'block']]],
    ['token_name=app-production-v2', [['token_name', '=', 'app-production-v2']]],
    [
      'verdict=block,escalate status_code>399',
      [
        ['verdict', '=', 'block', 'escalate'],
        ['status_code', '>', '399'],
      ],
    ],
    [
      'model~gpt&stream=true',
      [
        ['model', '~', 'gpt'],
        ['stream', '=', 'true'],
      ],
    ],
    [
      '  agent_id!=a  &  latency_ms<2.5 ',
      [
        ['agent_id', '!=', 'a'],
        ['latency_ms', '<', '2.5'],
      ],
    ],
    ['token_name="my app, two"', [['token_name', '=', 'my app, two']]],
    ['token_name="say \\"hi\\" \\\\",plain', [['token_name', '=', 'say "hi" \\', 'plain']]],
    ['error_code=""', [['error_code', '=', '']]],
    ['tokens_total=""', [['tokens_total', '=', '']]],
    [
      'cost_usd>0.25 cost_usd!=""',
      [
        ['cost_usd', '>', '0.25'],
        ['cost_usd', '!=', ''],
      ],
    ],
    ['request_id=a=b!~>', [['request_id', '=', 'a=b!~>']]],
    ['', []],
    [' & ', []],
  ])('%s is read as meant', (text, expected) => {
    expect(termsOf(text)).toEqual(expected)
  })

  test('positions say where a term stands', () => {
    expect(parseFilter(' verdict=block  model="a b"')).toMatchObject([
      { start: 1, end: 14 },
      { start: 16, end: 27 },
    ])
  })

  test('what is printed reads as the same terms', () => {
    fc.assert(
      fc.property(fc.array(anyTerm, { maxLength: 5 }), (terms) => {
        const text = printFilter(terms)
        fc.pre(text.length <= 2_000)
        expect(parseFilter(text).map(({ field, operator, values }) => ({ field, operator, values }))).toEqual(terms)
      }),
    )
  })

  test('any text is either read or refused with a reason', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z_]{0,8}[=!<>~"\\, &]{0,4}[a-z"0-9\\]{0,6}$/)),
        (text) => {
          const refusal = refusalOf(text)
          if (refusal !== null) expect(refusal).toMatch(/^invalid_filter: ./)
        },
      ),
    )
  })

  test.each([
    ['verdcit=block', 'Unknown field "verdcit" at character 1. Did you mean "verdict"?'],
    ['verdict=block colour=red', /^Unknown field "colour" at character 15\. Fields: event_id, /],
    ['__proto__=1', /^Unknown field "__proto__"/],
    ['constructor=1', /^Unknown field "constructor"/],
    ['=block', 'Expected a field at character 1, such as verdict=block.'],
    ['verdict', 'Expected one of = != > < ~ directly after "verdict" at character 8.'],
    ['verdict = block', 'Expected one of = != > < ~ directly after "verdict" at character 8.'],
    ['verdict=', 'Expected a value at character 9; write "" for "not set".'],
    ['verdict=a,,b', 'Expected a value at character 11; write "" for "not set".'],
    ['verdict="block', 'The quote at character 9 is not closed.'],
    ['verdict="a"b', 'Expected a space, "&" or a comma at character 12, found "b".'],
    ['verdict=a"b"', 'Expected a space, "&" or a comma at character 10, found "\\"".'],
    ['token_name="\\x"', 'Expected \\" or \\\\ at character 13.'],
    ['verdict>block', '"verdict" is a text and takes = != ~, not > (character 8).'],
    ['status_code~4', '"status_code" is a number and takes = != > <, not ~ (character 12).'],
    ['status_code>=400', '"status_code" is compared with a number such as 200, not with "=400".'],
    ['status_code=1e9', '"status_code" is compared with a number such as 200, not with "1e9".'],
    ['cost_usd=1e9', '"cost_usd" is compared with US dollars such as 0.25, not with "1e9".'],
    ['model~""', '"model" is compared by ~ with something; "" means "not set" and stands after = or !=.'],
    ['stream=yes', '"stream" is true or false, not "yes".'],
  ])('%s is refused with what was expected', (text, message) => {
    expect(refusalOf(text)).toEqual(expect.stringMatching(/^invalid_filter: /))
    const said = String(refusalOf(text)).slice('invalid_filter: '.length)
    if (typeof message === 'string') expect(said).toBe(message)
    else expect(said).toMatch(message)
  })

  test('length, terms and values are bounded', () => {
    const terms = (count: number) => Array.from({ length: count }, () => 'model=a').join(' ')
    const values = (count: number) => `model=${Array.from({ length: count }, () => 'a').join(',')}`
    expect(refusalOf(terms(FILTER_TERMS_MAX))).toBeNull()
    expect(refusalOf(terms(FILTER_TERMS_MAX + 1))).toContain('20 terms')
    expect(refusalOf(values(FILTER_VALUES_MAX))).toBeNull()
    expect(refusalOf(values(FILTER_VALUES_MAX + 1))).toContain('50 values')
    expect(refusalOf(`model=${'a'.repeat(2_000)}`)).toContain('2000 characters')
  })
})

describe('validating a filter', () => {
  test('says everything that is wrong and where, and keeps what can be read', () => {
    const text = 'verdict=block colour=red model>5 status_code=abc&stream=true model="open'
    const { terms, problems } = validateFilter(text, EVENT_FILTER_FIELDS)
    expect(terms.map(({ field }) => field)).toEqual(['verdict', 'stream'])
    expect(problems.map(({ start, end }) => text.slice(start, end))).toEqual(['colour', '>', 'abc', '"open'])
    expect(problems[0]?.message).toMatch(/^Unknown field "colour" at character 15\./)
  })

  test('agrees with reading, ends, and points into the text', () => {
    const almost = fc.array(fc.stringMatching(/^[a-z_]{0,8}[=!<>~"\\, &]{0,3}[a-z"0-9\\]{0,4}$/), { maxLength: 30 })
    fc.assert(
      fc.property(
        almost.map((words) => words.join(' ')),
        (text) => {
          const { problems } = validateFilter(text, EVENT_FILTER_FIELDS)
          expect(problems.length > 0).toBe(refusalOf(text) !== null)
          expect(problems.length).toBeLessThanOrEqual(20)
          for (const { start, end } of problems) {
            expect(0 <= start && start <= end && end <= text.length).toBe(true)
          }
        },
      ),
    )
  })

  test('each resource has fields of its own', () => {
    expect(parseActivityFilter('action~token outcome=denied').map(({ field }) => field)).toEqual(['action', 'outcome'])
    expect(() => parseActivityFilter('verdict=block')).toThrow(
      `Unknown field "verdict" at character 1. Fields: ${Object.keys(ACTIVITY_FILTER_FIELDS).join(', ')}.`,
    )
  })
})
