import { describe, expect, test } from 'vitest'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { eventSummary } from './event-summary'
import { waterfall } from './waterfall'

const allowed = events.get.example.output as DecisionEvent

describe('an event in a sentence', () => {
  test('says who asked for what and what came of it', () => {
    expect(eventSummary(allowed)).toBe(
      'The key app-production for agent-finance-assistant asked for gpt-5.4-mini and was allowed. gpt-5.4-mini at sandbox answered in 1.9 ms.',
    )
    expect(eventSummary({ ...allowed, client_aborted: true })).toContain('hung up')
  })

  test('says that a block called no provider only when none was called', () => {
    const blocked: DecisionEvent = { ...allowed, verdict: 'block', reason_code: 'model.not_allowed', status_code: 403 }
    expect(eventSummary({ ...blocked, attempts: [] })).toContain('Nothing was sent to a provider.')
    expect(eventSummary(blocked)).not.toContain('Nothing was sent')
  })

  test('gives a reason it has no words for as it is recorded', () => {
    expect(eventSummary({ ...allowed, verdict: 'block', reason_code: 'custom.rule', attempts: [] })).toContain(
      'custom.rule',
    )
  })
})

describe('the time of a request', () => {
  test('never draws beyond its total, whatever the clocks say', () => {
    const [attempt] = allowed.attempts
    if (!attempt) throw new Error('the example has an attempt')
    const skewed: DecisionEvent = {
      ...allowed,
      attempts: [
        { ...attempt, started_at: '2026-04-23T09:00:00.000Z', latency_ms: 9_999 },
        { ...attempt, started_at: '2026-04-23T11:00:00.000Z' },
      ],
      latency: { ...allowed.latency, ttft_ms: 50 },
      stream: true,
    }
    for (const { startMs, lengthMs } of waterfall(skewed)) {
      expect(startMs).toBeGreaterThanOrEqual(0)
      expect(lengthMs).toBeGreaterThanOrEqual(0)
      expect(startMs + lengthMs).toBeLessThanOrEqual(skewed.latency.total_ms)
    }
  })
})
