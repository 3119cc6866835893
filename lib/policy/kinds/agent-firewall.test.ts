import { describe, expect, test } from 'vitest'
import type { ConversationState } from '../engine/subject'
import { AGENT_FIREWALL } from './agent-firewall'
import { callOf, NOW_MS, policyOf, stateOf, toolView } from './tool-testing'

const decide = (settings: object, calls: [string, unknown?][], given: Parameters<typeof toolView>[1] = {}) =>
  policyOf(AGENT_FIREWALL, settings).check(
    toolView(
      calls.map(([name, args]) => callOf(name, args)),
      given,
    ),
  )

const session = (change: Partial<ConversationState>) => ({ state: stateOf(change) })

describe('which tools', () => {
  test.each([
    [{ allowed_tools: ['code_*'] }, 'code_run', 'ok'],
    [{ allowed_tools: ['code_*'] }, 'mail_send', 'agent_firewall.tool_not_allowed'],
    [{ allowed_tools: [] }, 'code_run', 'agent_firewall.tool_not_allowed'],
    [{ blocked_tools: ['delete_*'] }, 'delete_all', 'agent_firewall.tool_blocked'],
    [{ blocked_tools: ['delete_*'] }, 'undelete_all', 'ok'],
    [{ allowed_tools: ['*'], blocked_tools: ['pay'] }, 'pay', 'agent_firewall.tool_blocked'],
    [{ allowed_tools: ['a.c'] }, 'abc', 'agent_firewall.tool_not_allowed'],
  ])('%j and %s: %s', (settings, tool, reason) => {
    expect(decide(settings, [[tool]]).reasonCode).toBe(reason)
    expect(policyOf(AGENT_FIREWALL, settings).refusesTool?.(tool, toolView([]).subject.caller)).toBe(reason !== 'ok')
  })

  test('one bad call among several refuses them all', () => {
    expect(decide({ blocked_tools: ['pay'] }, [['look'], ['pay']])).toMatchObject({ verdict: 'block' })
  })

  test.each([
    ['analyst', 'read_file', 'ok'],
    ['analyst', 'write_file', 'agent_firewall.tool_not_allowed_for_role'],
    ['admin', 'write_file', 'ok'],
    ['admin', 'drop_db', 'agent_firewall.tool_denied_for_role'],
    ['constructor', 'read_file', 'agent_firewall.role_unknown'],
    [undefined, 'read_file', 'agent_firewall.role_unknown'],
  ])('role %s and %s: %s', (role, tool, reason) => {
    const tools = { roles: { analyst: { allowed: ['read_*'] }, admin: { denied: ['drop_*'] } } }
    const headers: Record<string, string> = role === undefined ? {} : { 'x-user-role': role }
    expect(decide({ tools }, [[tool]], { headers }).reasonCode).toBe(reason)
  })

  test('who names no role gets the one called default, when there is one', () => {
    const tools = { roles: { default: { allowed: ['look'] } } }
    expect(decide({ tools }, [['look']]).verdict).toBe('allow')
    expect(decide({ tools }, [['pay']]).verdict).toBe('block')
  })

  test('the two shapes exclude each other', () => {
    const both = AGENT_FIREWALL.settings.safeParse({ allowed_tools: ['a'], rate_limits: {} })
    expect(both.error?.issues[0]).toMatchObject({
      path: ['allowed_tools'],
      message: expect.stringContaining('rate_limits'),
    })
    expect(AGENT_FIREWALL.settings.safeParse({ allowed_tools: ['a'], max_actions_per_session: 200 }).success).toBe(true)
  })
})

describe('how often', () => {
  test('the session ends with its last action, also within one answer', () => {
    const settings = { max_actions_per_session: 3 }
    expect(decide(settings, [['a']], session({ actions: 2 })).verdict).toBe('allow')
    expect(decide(settings, [['a'], ['a']], session({ actions: 2 })).reasonCode).toBe('agent_firewall.too_many_actions')
  })

  test('a tool has its own rate, and every other the default', () => {
    const settings = { rate_limits: { default: 2, pay: 1 } }
    const recent = {
      recentToolCalls: new Map([
        ['pay', [NOW_MS - 1_000]],
        ['look', [NOW_MS - 2_000]],
      ]),
    }
    expect(decide(settings, [['pay']], session(recent)).reasonCode).toBe('agent_firewall.rate_limited')
    expect(decide(settings, [['look']], session(recent)).verdict).toBe('allow')
    expect(decide(settings, [['look'], ['look']], session(recent)).reasonCode).toBe('agent_firewall.rate_limited')
  })

  test('calls of more than a minute ago do not count', () => {
    const recent = { recentToolCalls: new Map([['pay', [NOW_MS - 60_000]]]) }
    expect(decide({ rate_limits: { pay: 1 } }, [['pay']], session(recent)).verdict).toBe('allow')
  })

  test('without a number the default rate is 60', () => {
    expect(AGENT_FIREWALL.settings.parse({ rate_limits: {} })).toMatchObject({ rate_limits: { default: 60 } })
  })

  test('a tool called like a property of every object has the default rate', () => {
    const recent = { recentToolCalls: new Map([['toString', [NOW_MS]]]) }
    expect(decide({ rate_limits: { default: 1 } }, [['toString']], session(recent)).verdict).toBe('block')
  })
})

describe('for how much', () => {
  const limits = { max_single_transaction: 100, max_daily_total: 250, require_approval_above: 50 }
  test.each([
    [{ amount: 50 }, 0, 'ok'],
    [{ amount: '50.00' }, 0, 'ok'],
    [{ amount: 51 }, 0, 'agent_firewall.approval_required'],
    [{ amount: 101 }, 0, 'agent_firewall.transaction_too_large'],
    [{ amount: -101 }, 0, 'agent_firewall.transaction_too_large'],
    [{ amount: '$1,000.00' }, 0, 'agent_firewall.transaction_too_large'],
    [{ amount: '1e9' }, 0, 'agent_firewall.amount_unreadable'],
    [{ amount: '2k' }, 0, 'agent_firewall.amount_unreadable'],
    [{ amount: { value: 500, currency: 'EUR' } }, 0, 'agent_firewall.transaction_too_large'],
    [{ transfers: [{ amount: 60 }, { amount: 60 }] }, 0, 'agent_firewall.transaction_too_large'],
    [{ total: 40, items: [{ amount: 20 }, { amount: 20 }] }, 0, 'ok'],
    [{ amount: 10 }, 245, 'agent_firewall.daily_total_exceeded'],
    [{ note: 'no money' }, 300, 'ok'],
  ])('%j after %d: %s', (args, transactionsToday, reason) => {
    const given = session({ transactionsToday })
    expect(decide({ transaction_limits: limits }, [['pay', args]], given).reasonCode).toBe(reason)
  })

  test.each([
    ['a field given twice', '{"amount":1,"amount":5000}', 'agent_firewall.amount_unreadable'],
    ['a comma too many', '{"amount":5000,}', 'agent_firewall.amount_unreadable'],
    ['names with escapes', '{"\\u0061mount":1,"\\u0061mount":5000}', 'agent_firewall.amount_unreadable'],
    ['JSON in a text', '"{\\"amount\\":5000}"', 'agent_firewall.amount_unreadable'],
    ['words', 'amount=5000', 'agent_firewall.amount_unreadable'],
    ['nothing at all', '', 'ok'],
    ['a text without an amount', 'ls -l', 'ok'],
  ])('arguments that a client may read although we do not move no money unseen: %s', (_, args, reason) => {
    expect(decide({ transaction_limits: limits }, [['pay', args]]).reasonCode).toBe(reason)
  })

  test('what needs approval is escalated, not refused', () => {
    expect(decide({ transaction_limits: limits }, [['pay', { amount: 60 }]])).toMatchObject({ verdict: 'escalate' })
  })

  test('a payment split over several calls counts whole', () => {
    const calls: [string, unknown][] = [
      ['pay', { amount: 40 }],
      ['pay', { amount: 40 }],
    ]
    const given = session({ transactionsToday: 200 })
    expect(decide({ transaction_limits: limits }, calls, given).reasonCode).toBe('agent_firewall.daily_total_exceeded')
  })
})

describe('when it must stop', () => {
  test('after too many errors nothing goes on, neither prompts nor calls', () => {
    const settings = { kill_switches: { max_errors_before_halt: 2 } }
    expect(decide(settings, [['look']], session({ errors: 1 })).verdict).toBe('allow')
    for (const phase of ['input', 'tool'] as const) {
      const finding = decide(settings, [['look']], { ...session({ errors: 2 }), phase })
      expect(finding).toMatchObject({ verdict: 'block', reasonCode: 'agent_firewall.too_many_errors' })
    }
  })

  test.each([
    [{ halt_on_pii_in_action: true }, { to: 'ada@example.com' }, 'agent_firewall.pii_in_action'],
    [{ halt_on_suspicious_pattern: true }, { cmd: 'ls; rm -rf /' }, 'agent_firewall.suspicious_pattern'],
  ])('%j halts the session', (kill_switches, args, reason) => {
    const finding = decide({ kill_switches }, [['run', args]])
    expect(finding).toMatchObject({ verdict: 'block', reasonCode: reason, flags: ['agent_firewall.halt'] })
    expect(JSON.stringify(finding)).not.toContain(Object.values(args)[0])
  })

  test('a field given twice hides nothing behind escapes', () => {
    const finding = decide({ kill_switches: { halt_on_suspicious_pattern: true } }, [
      ['run', '{"cmd":"rm \\u002drf /","cmd":"ls"}'],
    ])
    expect(finding).toMatchObject({ reasonCode: 'agent_firewall.suspicious_pattern' })
  })

  test('a halted session stays halted, and the switch may escalate instead', () => {
    const finding = decide({ kill_switches: { action: 'escalate' } }, [['look']], session({ halted: true }))
    expect(finding).toMatchObject({ verdict: 'escalate', reasonCode: 'agent_firewall.halted' })
  })
})

test('monitoring flags refusals and nearly used limits', () => {
  const roles = { default: { denied: ['pay'] } }
  expect(decide({ tools: { roles }, monitoring: {} }, [['pay']]).flags).toEqual(['agent_firewall.alert.denied'])
  const watched = decide({ max_actions_per_session: 5, monitoring: {} }, [['look']], session({ actions: 3 }))
  expect(watched).toMatchObject({ verdict: 'allow', flags: ['agent_firewall.alert.actions_threshold'] })
})

test('without a session it says what it could not count', () => {
  const finding = decide({ max_actions_per_session: 5 }, [['look']], { state: null })
  expect(finding).toMatchObject({ verdict: 'allow', skipped: [{ what: 'limits of the session' }] })
})

test('what it does can be read', () => {
  expect(policyOf(AGENT_FIREWALL, { allowed_tools: ['code_*'], max_actions_per_session: 9 }).explain).toEqual([
    'Refuses tools other than code_*.',
    'Allows 9 tool calls per session.',
  ])
})
