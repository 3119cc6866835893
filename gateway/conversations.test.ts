import { describe, expect, test } from 'vitest'
import type { ToolCall } from '@/lib/policy/engine/subject'
import { Conversations } from './conversations'

const NOW_MS = Date.UTC(2026, 3, 23, 10)
const call = (name: string, parsed: unknown = {}): ToolCall => ({ id: null, name, arguments: '', parsed, path: [] })

describe('a conversation', () => {
  test('counts what was let through and forgets what was taken back', () => {
    const it = new Conversations().of('tok_1', 'a', NOW_MS)
    it.begin([call('pay', { amount: 5 })], NOW_MS)
    const refused = it.begin([call('pay', { amount: 7 }), call('look')], NOW_MS + 1)
    refused?.takeBack()
    refused?.takeBack()
    const state = it.state(NOW_MS + 2)
    expect(state).toMatchObject({ actions: 1, transactionsToday: 5 })
    expect([...state.toolCalls]).toEqual([['pay', 1]])
    expect([...state.recentToolCalls]).toEqual([['pay', [NOW_MS]]])
  })

  test('two at once do not both see the last free place', () => {
    const it = new Conversations().of('tok_1', 'a', NOW_MS)
    expect(it.begin([call('pay')], NOW_MS)?.state.actions).toBe(0)
    expect(it.begin([call('pay')], NOW_MS)?.state.actions).toBe(1)
  })

  test('the state of a turn is not changed by what comes later', () => {
    const it = new Conversations().of('tok_1', 'a', NOW_MS)
    it.begin([call('pay')], NOW_MS)
    const turn = it.begin([call('pay')], NOW_MS)
    it.spend('pay', 10, 3n)
    expect(turn?.state.toolTokens.get('pay')).toBeUndefined()
    expect(it.state(NOW_MS).toolTokens.get('pay')).toBe(10)
  })

  test('ends its day at midnight UTC', () => {
    const it = new Conversations().of('tok_1', 'a', NOW_MS)
    it.begin([call('pay', { amount: 5 })], NOW_MS)
    expect(it.state(NOW_MS + 86_400_000).transactionsToday).toBe(0)
  })

  test('remembers a minute of calls, at most 1,000 per tool', () => {
    const it = new Conversations().of('tok_1', 'a', NOW_MS)
    for (let i = 0; i < 1_100; i++) it.begin([call('look')], NOW_MS)
    expect(it.state(NOW_MS).recentToolCalls.get('look')).toHaveLength(1_000)
    it.begin([call('look')], NOW_MS + 60_000)
    expect(it.state(NOW_MS).recentToolCalls.get('look')).toHaveLength(1)
  })

  test('does not go on beyond 512 different tools', () => {
    const it = new Conversations().of('tok_1', 'a', NOW_MS)
    for (let i = 0; i < 512; i++) it.begin([call(`tool_${i}`)], NOW_MS)
    expect(it.begin([call('one_more')], NOW_MS)).toBeNull()
    expect(it.begin([call('tool_1')], NOW_MS)).not.toBeNull()
  })
})

describe('conversations', () => {
  test('belong to their caller, and who names none has one all the same', () => {
    const all = new Conversations()
    expect(all.of('tok_1', 'a', NOW_MS)).toBe(all.of('tok_1', 'a', NOW_MS))
    expect(all.of('tok_1', 'a', NOW_MS)).not.toBe(all.of('tok_2', 'a', NOW_MS))
    expect(all.of('tok_1', null, NOW_MS)).toBe(all.of('tok_1', null, NOW_MS))
  })

  test("a new name does not begin a new day's total", () => {
    const all = new Conversations()
    all.of('tok_1', 'a', NOW_MS).begin([call('pay', { amount: 5 })], NOW_MS)
    expect(all.of('tok_1', 'b', NOW_MS).state(NOW_MS).transactionsToday).toBe(5)
    expect(all.of('tok_2', 'a', NOW_MS).state(NOW_MS).transactionsToday).toBe(0)
  })

  test('are forgotten when idle, and the least recently used first', () => {
    const all = new Conversations({ idleMsMax: 1_000, conversationsMax: 2 })
    const first = all.of('tok_1', 'a', NOW_MS)
    expect(all.of('tok_1', 'a', NOW_MS + 1_001)).not.toBe(first)
    all.of('tok_2', 'a', NOW_MS)
    all.of('tok_3', 'a', NOW_MS)
    expect(all.size).toBe(2)
  })

  test('one caller cannot push out those of others', () => {
    const all = new Conversations({ perCallerMax: 3 })
    const mine = all.of('tok_1', 'a', NOW_MS)
    for (let i = 0; i < 100; i++) all.of('tok_2', `c${i}`, NOW_MS)
    expect(all.size).toBe(4)
    expect(all.of('tok_1', 'a', NOW_MS)).toBe(mine)
  })
})
