import { describe, expect, test, vi } from 'vitest'
import type { Ports } from '../engine/policy'
import { callOf, policyOf, toolView } from './tool-testing'
import { TOOL_VALIDATION } from './tool-validation'

const PAY = {
  type: 'object',
  properties: { amount: { type: 'number', maximum: 100 }, to: { type: 'string', pattern: '^[A-Z]{2}\\d+$' } },
  required: ['amount'],
  additionalProperties: false,
}
const decide = (settings: object, tool: string, args: unknown) =>
  policyOf(TOOL_VALIDATION, settings).check(toolView([callOf(tool, args)]))

test.each([
  [{}, 'anything', 'tool_validation.undeclared'],
  [{ declared_tools: ['look'] }, 'look', 'ok'],
  [{ declared_tools: ['look'] }, 'look_up', 'tool_validation.undeclared'],
  [{ schemas: { look: true } }, 'look', 'ok'],
  [{ allow_undeclared: true }, 'anything', 'ok'],
])('%j and %s: %s', (settings, tool, reason) => {
  expect(decide(settings, tool, {}).reasonCode).toBe(reason)
  expect(policyOf(TOOL_VALIDATION, settings).refusesTool?.(tool, toolView([]).subject.caller)).toBe(reason !== 'ok')
})

test.each([
  [{ amount: 5, to: 'DE12' }, null],
  [{ amount: 500 }, '/amount breaks the rule "maximum"'],
  [{ to: 'DE12' }, 'the arguments break the rule "required" "amount"'],
  [{ amount: 5, to: 'secret-4111' }, '/to breaks the rule "pattern"'],
  [{ amount: 5, secret_4111: 1 }, 'the arguments break the rule "additionalProperties"'],
])('%j against the schema', (args, message) => {
  const finding = decide({ schemas: { pay: PAY } }, 'pay', args)
  expect(finding.verdict).toBe(message === null ? 'allow' : 'block')
  expect(finding.message).toBe(message && `The arguments do not fit the tool: ${message}.`)
  expect(finding.message ?? '').not.toContain('4111')
})

test('arguments that are no JSON are refused, also without a schema', () => {
  expect(decide({ declared_tools: ['look'] }, 'look', '{"a":').reasonCode).toBe('tool_validation.not_json')
})

test('no arguments at all are an empty object', () => {
  expect(decide({ declared_tools: ['look'] }, 'look', '').verdict).toBe('allow')
  expect(decide({ schemas: { pay: PAY } }, 'pay', '').reasonCode).toBe('tool_validation.invalid_arguments')
})

describe('a schema that is refused', () => {
  const nested = (depth: number): object => (depth === 0 ? {} : { properties: { a: nested(depth - 1) } })
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [
      `d${at}`,
      { anyOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
    ]),
  )
  test.each([
    ['a reference to elsewhere', { $ref: 'https://example.com/schema.json' }],
    ['a file reference', { $ref: 'file:///etc/passwd' }],
    ['a reference to itself', { anyOf: [{ $ref: '#' }] }],
    ['references that double', { $defs: { ...doubling, d40: {} }, $ref: '#/$defs/d0' }],
    ['a property named default that refers to itself', { properties: { default: { $ref: '#' } } }],
    ['an id', { $id: 'https://example.com/' }],
    ['look-around', { type: 'string', pattern: '(?=a)' }],
    ['a back-reference', { type: 'string', pattern: '(a)\\1' }],
    ['a long pattern', { type: 'string', pattern: 'a'.repeat(501) }],
    ['depth', nested(30)],
    ['size', { description: 'x'.repeat(70_000) }],
    ['an unbounded comparison of all with all', { uniqueItems: true }],
    ['an unknown keyword', { requird: ['a'] }],
    ['a wrong type', { type: 'strin' }],
    ['not a schema', [] as unknown],
  ])('%s', (_, schema) => {
    expect(TOOL_VALIDATION.settings.safeParse({ schemas: { a: schema } }).success).toBe(false)
  })

  test('and one with references inside is not', () => {
    const schema = { $defs: { id: { type: 'string' } }, properties: { a: { $ref: '#/$defs/id' } } }
    expect(decide({ schemas: { a: schema } }, 'a', { a: 1 }).verdict).toBe('block')
  })
})

test('a pattern that would run away elsewhere takes no time here', () => {
  const schemas = { a: { type: 'object', properties: { x: { type: 'string', pattern: '^(a+)+$' } } } }
  // A backtracking engine would need 2^100000 steps for this.
  expect(decide({ schemas }, 'a', { x: `${'a'.repeat(100_000)}!` }).verdict).toBe('block')
})

test('each pattern is its own', () => {
  const text = (pattern: string) => ({ type: 'string', pattern })
  const schemas = { a: { type: 'object', properties: { x: text('^x'), y: text('^y') } } }
  expect(decide({ schemas }, 'a', { x: 'x', y: 'y' }).verdict).toBe('allow')
  expect(decide({ schemas }, 'a', { x: 'x', y: 'x' }).verdict).toBe('block')
})

test('inherited properties are no arguments', () => {
  const schemas = { a: { type: 'object', required: ['constructor'] } }
  expect(decide({ schemas }, 'a', {}).verdict).toBe('block')
})

describe('semantic validation', () => {
  const semantic_validation = {
    endpoint: 'https://judge.test/v1/chat/completions',
    model: 'm',
    secret_key_ref: { env: 'J' },
  }
  const policy = policyOf(TOOL_VALIDATION, { declared_tools: ['look'], semantic_validation })
  const ask = async (content: string, tool = 'look') => {
    const postJson = vi.fn<Ports['postJson']>(async () => ({
      status: 200,
      body: { choices: [{ message: { content } }] },
    }))
    const finding = await policy.ask?.(toolView([callOf(tool, { q: 1 })]), { postJson, secret: () => 's3' })
    return { finding, postJson }
  }

  test('asks within 3 s unless stated, with the secret, and goes by the answer', async () => {
    const { finding, postJson } = await ask('VALID')
    expect(finding?.verdict).toBe('allow')
    expect(postJson.mock.calls[0]?.[2]).toEqual({ headers: { authorization: 'Bearer s3' }, timeoutMs: 3_000 })
    expect((await ask('INVALID')).finding?.reasonCode).toBe('tool_validation.implausible')
  })

  test('an answer that is no verdict is an error, not a yes', async () => {
    await expect(ask('I think it is valid')).rejects.toThrow('no verdict')
  })

  test('what is refused anyway is not sent anywhere', async () => {
    const { finding, postJson } = await ask('VALID', 'other')
    expect(finding?.verdict).toBe('block')
    expect(postJson).not.toHaveBeenCalled()
  })
})
