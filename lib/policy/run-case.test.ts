import { describe, expect, test } from 'vitest'
import { TestCase } from './config/suite'
import { chainOf } from './engine/chain'
import { CLEAN, type Finding, type Policy } from './engine/policy'
import { runCase } from './run-case'

const policy = (change: Partial<Policy>): Policy => ({
  kind: 'test',
  version: '1',
  phases: ['input', 'output'],
  terms: [],
  onError: 'deny',
  streaming: 'buffered',
  explain: [],
  bytesMax: 1_000_000,
  check: () => CLEAN,
  ...change,
})

/** Replaces `secret` by `***`, wherever it is looked at. */
const redacts: Policy['check'] = (view): Finding => {
  const redactions = view.readable().flatMap(({ part, index }) => {
    const start = part.text.indexOf('secret')
    return start < 0 ? [] : [{ part: index, start, end: start + 6, replacement: '***' }]
  })
  return redactions.length > 0 ? { ...CLEAN, verdict: 'redact', reasonCode: 'test.redacted', redactions } : CLEAN
}

const run = (change: Partial<Policy>, input: object, expected: object) =>
  runCase(
    { chain: chainOf([policy(change)]), targets: [] },
    TestCase.parse({ name: 'case', input: { messages: [{ role: 'user', content: 'ask' }], ...input }, expected }),
    0,
  )

describe('a case', () => {
  test('passes when verdict, reason, policy and texts are as expected', async () => {
    const result = await run(
      { check: redacts },
      { messages: [{ role: 'user', content: 'my secret word' }] },
      {
        verdict: 'redact',
        reason_code: 'test.redacted',
        policy: 'test',
        contains: ['my *** word'],
        excludes: ['secret'],
      },
    )
    expect(result.problems).toEqual([])
    expect(result.policyResults).toMatchObject([{ kind: 'test', phase: 'input', verdict: 'redact' }])
  })

  test('says each way in which it differs', async () => {
    const expected = { verdict: 'block', reason_code: 'a.b', policy: 'c', contains: ['z'], excludes: ['ask'] }
    expect((await run({}, {}, expected)).problems).toEqual([
      'expected verdict block, got allow',
      'expected reason_code a.b, got ok',
      'expected policy c, got none',
      'expected what is passed on to contain "z"',
      'expected what is passed on not to contain "ask"',
    ])
  })

  test('with an answer decides the answer too, and looks at its text', async () => {
    const expected = { verdict: 'redact', contains: ['a ***'], excludes: ['secret'] }
    expect((await run({ check: redacts }, { upstream_response: 'a secret' }, expected)).problems).toEqual([])
  })

  test('that is blocked never gets as far as its answer', async () => {
    const seen: string[] = []
    const check: Policy['check'] = ({ subject }) => {
      seen.push(subject.phase)
      return { ...CLEAN, verdict: 'block', reasonCode: 'test.no' }
    }
    await run({ check }, { upstream_response: 'answer' }, { verdict: 'block' })
    expect(seen).toEqual(['input'])
  })

  test('hands tool calls of an answer to the tool phase, and headers to policies in lower case', async () => {
    const seen: unknown[] = []
    const check: Policy['check'] = ({ subject }) => {
      seen.push([subject.phase, subject.toolCalls.map(({ name }) => name), subject.caller.headers['x-role']])
      return CLEAN
    }
    const call = { id: 'c', type: 'function', function: { name: 'find', arguments: '{"q":1}' } }
    await run(
      { check, phases: ['tool'] },
      { headers: { 'X-Role': 'nurse' }, upstream_response: { choices: [{ message: { tool_calls: [call] } }] } },
      { verdict: 'allow' },
    )
    expect(seen).toEqual([['tool', ['find'], 'nurse']])
  })

  test('asks nobody: a policy that must ask fails, and its on_error counts', async () => {
    const ask: Policy['ask'] = async (_, ports) => {
      await ports.postJson('https://a.example', {}, { headers: {}, timeoutMs: 1 })
      return CLEAN
    }
    expect((await run({ ask }, {}, { verdict: 'block', reason_code: 'policy.error' })).problems).toEqual([])
    expect((await run({ ask, onError: 'allow' }, {}, { verdict: 'allow' })).problems).toEqual([])
  })
})
