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

  test('names the budgets and wallets that had no room', () => {
    const refused = (reason_code: string, ...names: string[]) => {
      const refused_by = names.map((name) => ({ kind: 'budget' as const, id: name, name }))
      const spend = names.length === 0 ? null : { reserved_usd: '0.000000000', leases: [], refused_by }
      return eventSummary({ ...allowed, verdict: 'block', reason_code, attempts: [], spend })
    }
    expect(refused('budget.exceeded', 'Finance, monthly')).toContain(
      'and was blocked: what it could cost is more than is left of the budget Finance, monthly. Nothing was sent',
    )
    expect(refused('budget.exceeded', 'All', 'Finance')).toContain('is left of the budgets All; Finance.')
    expect(refused('wallet.depleted', 'user:ada', 'organization')).toContain('could cost (user:ada; organization).')
    expect(refused('budget.unavailable', 'All')).toContain('whether the budget All had room for it could not be told.')
    expect(refused('budget.exceeded')).toContain('is left of a budget.')
    expect(refused('price.unknown')).toContain('nobody has said what gpt-5.4-mini costs.')
  })

  test('names the policy that decided', () => {
    const result: DecisionEvent['policy_results'][number] = {
      kind: 'pii-detector',
      phase: 'input',
      verdict: 'redact',
      reason_code: 'pii.detected',
      coverage: { rule: 'pii-detector', rule_version: '1', bytes: 10, messages: 1, skipped: [] },
      latency_ms: 0.1,
    }
    const redacted: DecisionEvent = {
      ...allowed,
      verdict: 'redact',
      reason_code: 'pii.detected',
      policy_results: [{ ...result, kind: 'before', verdict: 'allow', reason_code: 'ok' }, result],
    }
    expect(eventSummary(redacted)).toContain('parts were redacted by pii-detector (pii.detected)')
  })

  test('speaks of tools and servers where no model is called', () => {
    const called: DecisionEvent = {
      ...allowed,
      api_shape: 'mcp',
      route: '/mcp/files tools/call',
      target_id: 'files',
      model: 'read_file',
      model_requested: 'read_file',
    }
    expect(eventSummary(called)).toContain('called the tool read_file of the MCP server files and was allowed.')
    const listed: DecisionEvent = { ...called, route: '/mcp/files tools/list', model: null, model_requested: null }
    expect(eventSummary(listed)).toContain('sent tools/list to the MCP server files')
    expect(eventSummary({ ...called, verdict: 'block', attempts: [] })).toContain('Nothing was sent to the server.')
  })
})

describe('the time of a request', () => {
  test('shows every attempt in the order in which they were made, with the pause between them', () => {
    const [attempt] = allowed.attempts
    if (!attempt) throw new Error('the example has an attempt')
    const retried: DecisionEvent = {
      ...allowed,
      latency: { ...allowed.latency, total_ms: 100, overhead_us: 500 },
      attempts: [
        { ...attempt, target_id: 'first', latency_ms: 20, status: 503, error: 'http_503' },
        { ...attempt, target_id: 'second', started_at: '2026-04-23T10:00:00.050Z', latency_ms: 50 },
      ],
    }
    expect(waterfall(retried).map(({ label, kind, startMs, lengthMs }) => [label, kind, startMs, lengthMs])).toEqual([
      ['Gateway', 'gateway', 0, 0.5],
      ['1. first', 'failed', 0, 20],
      ['Pause', 'pause', 20, 30],
      ['2. second', 'attempt', 50, 50],
    ])
  })

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
