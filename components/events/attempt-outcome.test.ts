import { expect, test } from 'vitest'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { attemptOutcome, errorClassOf } from './attempt-outcome'

const [answered] = (events.get.example.output as DecisionEvent).attempts
if (!answered) throw new Error('the example has an attempt')
const attempt = (status: number | null, error: string | null) => ({ ...answered, status, error })

test('an attempt that was answered well has no class of failure', () => {
  expect(errorClassOf(attempt(200, null))).toBeNull()
  expect(attemptOutcome(attempt(200, null))).toBe('status 200')
})

test.each([
  [401, 'http_401', 'credential refused'],
  [429, 'http_429', 'rate limited'],
  [504, 'http_504', 'timeout'],
  [503, 'http_503', 'server error'],
  [400, 'http_400', 'request rejected'],
  [null, 'UND_ERR_HEADERS_TIMEOUT', 'timeout'],
  [null, 'ECONNREFUSED', 'connection failed'],
  [200, 'truncated', 'invalid answer'],
  [200, 'error_in_stream', 'invalid answer'],
  [null, 'caller_left', 'given up'],
  [500, null, 'server error'],
])('status %s with the code %s is told apart as: %s', (status, error, expected) => {
  expect(errorClassOf(attempt(status, error))).toBe(expected)
  expect(attemptOutcome(attempt(status, error))).toContain(expected)
})

test('a reset after the status had come is a failure, whatever the status was', () => {
  expect(attemptOutcome(attempt(200, 'ECONNRESET'))).toBe('status 200, connection failed (ECONNRESET)')
})
