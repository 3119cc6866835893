import { describe, expect, test } from 'vitest'
import type { JsonSchema } from '@/lib/policy/json-schema'
import { policyConfigJsonSchema } from '@/lib/policy/json-schema'
import { meaningAt, offersAt, placeAt } from './schema-completion'

const schema = policyConfigJsonSchema()
/** The cursor is where `|` stands. */
const at = (marked: string, within: JsonSchema = schema) => {
  const offset = marked.indexOf('|')
  return offersAt(marked.replace('|', ''), offset, within)?.offers.map(({ label }) => label) ?? []
}

describe('while a policy-config.yaml is written', () => {
  test.each([
    ['|', ['pack', 'policies', 'providers', 'limits']],
    ['pack:\n  n|', ['name', 'version', 'enabled']],
    ['pack:\n  enabled: |', ['true', 'false']],
    ['providers:\n  targets:\n    - |', ['id', 'provider', 'secret_key_ref']],
    ['providers:\n  targets:\n    - id: a\n      secret_key_ref:\n        |', ['env']],
    [
      'providers:\n  targets:\n  - id: a\n    data_policy:\n      training_opt_out: true\n    |',
      ['provider', 'weight'],
    ],
    ['providers:\n  targets:\n    - id: a\n      model: b\n  routing:\n    strategy: |', ['ordered', 'least_busy']],
    ['providers:\n  targets: []\n  fallback:\n    triggers: [timeout, |', ['rate_limit', 'server_error']],
    ['providers:\n  fallback:\n    triggers:\n      - |', ['rate_limit', 'timeout']],
    ['policies:\n  chain:\n    - |', ['agent-firewall', 'tool-budget']],
    ['policies:\n  chain: [|', ['agent-firewall']],
    ['policy:\n  tool-budget:\n    |', ['budgets', 'on_error']],
    ['policy:\n  tool-budget:\n    on_error: |', ['deny', 'allow']],
  ])('%j offers what may stand there', (text, expected) => {
    expect(at(text)).toEqual(expect.arrayContaining(expected))
  })

  test('what the gateway does not enforce is not offered', () => {
    expect(at('|')).not.toContain('callbacks')
    expect(at('providers:\n  targets:\n    - |')).not.toContain('escalation_routing')
  })

  test('a key is followed by its colon and says what it is', () => {
    const offers = offersAt('providers:\n  targets:\n    - id: a\n      ti', 43, schema)?.offers ?? []
    expect(offers.find(({ label }) => label === 'timeout_ms')).toMatchObject({
      insert: 'timeout_ms: ',
      detail: 'integer, default 300000',
      info: expect.stringContaining('Longest wait'),
    })
  })

  test('nothing is offered in free text, comments and unknown places', () => {
    expect(at('# comment |')).toEqual([])
    expect(at('pack:\n  name: |')).toEqual([])
    expect(at('nowhere:\n  |')).toEqual([])
  })

  test('a sibling below a list is not taken for its part', () => {
    expect(placeAt('providers:\n  targets:\n    - id: a\n  ', 38)?.path).toEqual(['providers'])
    expect(placeAt('a:\n- b: 1\n  ', 13)?.path).toEqual(['a', '*'])
  })
})

describe('a key that is pointed at', () => {
  const yaml = 'policies:\n  chain:\n    - tool-budget\nproviders:\n  routing:\n    strategy: ordered\n'
  test.each([
    ['strategy', /first/],
    ['routing', /target/],
    ['tool-budget', /tool/],
  ])('%s is explained', (word, expected) => {
    expect(meaningAt(yaml, yaml.indexOf(word) + 1, schema)?.text).toMatch(expected)
  })

  test('a value is not', () => {
    expect(meaningAt(yaml, yaml.indexOf('ordered') + 1, schema)).toBeNull()
  })
})
