import { expect, test } from 'vitest'
import { chainOf } from '@/lib/policy/engine/chain'
import { decidePhase } from '@/lib/policy/engine/decide'
import type { Part } from '@/lib/policy/engine/subject'
import { subjectOf } from '@/lib/policy/engine/testing'
import { DLP_FILTER } from './dlp-filter'
import { PII_DETECTOR } from './pii-detector'
import { PROMPT_INJECTION } from './prompt-injection'
import { policyOf } from './tool-testing'

/** A clock that goes on by a millisecond whenever somebody looks at it. */
const lookedAt = () => {
  let ms = 0
  return () => ms++
}

const part = (text: string, at = 0): Part => ({
  path: ['messages', 0, 'content', at, 'text'],
  kind: 'text',
  role: 'user',
  message: 0,
  text,
  media: null,
})

test.each([
  ['numbers in groups', PII_DETECTOR, [part('4111 '.repeat(20_000))]],
  ['signs of addresses', PII_DETECTOR, [part('a@'.repeat(20_000))]],
  ['beginnings of codes', PII_DETECTOR, [part('DE89 '.repeat(20_000))]],
  ['texts without end', PII_DETECTOR, Array.from({ length: 10_000 }, (_, at) => part('a', at))],
  [
    'an address in many pieces',
    PII_DETECTOR,
    Array.from({ length: 4_000 }, (_, at) => part(at % 2 ? '@a.com ' : 'ana', at)),
  ],
  ['marks on letters', PROMPT_INJECTION, [part('a\u0301'.repeat(20_000))]],
  ['beginnings of private keys', DLP_FILTER, [part('-----BEGIN PRIVATE KEY-----'.repeat(5_000))]],
  ['base64', PROMPT_INJECTION, [part('QUJDREVGR0hJSktM '.repeat(20_000))]],
  ['escapes', PROMPT_INJECTION, [part('\\u0061'.repeat(20_000))]],
  ['words of a rule', PROMPT_INJECTION, [part('ignore previous '.repeat(5_000))]],
])('a request made to keep a policy busy is stopped while it is looked through: %s', (_, kind, parts) => {
  const chain = chainOf([policyOf(kind as typeof PII_DETECTOR, {})], { clock: lookedAt(), policyMsMax: 5 })
  const { reasonCode, failures } = decidePhase(chain, subjectOf([], { parts }), 0)
  expect(reasonCode).toBe('policy.error')
  expect(String(failures[0]?.cause)).toBe('PolicyFault: took longer than 5 ms')
})

test('what takes a policy no time is never stopped', () => {
  const chain = chainOf([policyOf(PII_DETECTOR, {})], { clock: lookedAt(), policyMsMax: 5 })
  const { verdict } = decidePhase(chain, subjectOf([], { parts: [part('Write to ana@example.com. '.repeat(20))] }), 0)
  expect(verdict).toBe('redact')
})
