import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVENT_FILTER_FIELDS, type EventFilterField } from './contract/events'
import { AppError } from './errors'
import { FILTER_TERMS_MAX, FILTER_VALUES_MAX, parseFilter, printFilter } from './filter'

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
  const value = {
    text: fc.string({ unit: 'binary', maxLength: 12 }),
    number: fc.integer({ min: -1_000, max: 1_000_000 }).map(String),
    boolean: fc.constantFrom('true', 'false'),
  }[kind]
  const operators = { text: ['=', '!=', '~'], number: ['=', '!=', '>', '<'], boolean: ['=', '!='] } as const
  return fc.record({
    field: fc.constant(field),
    operator: fc.constantFrom(...operators[kind]),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
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
