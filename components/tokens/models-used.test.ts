import { describe, expect, test } from 'vitest'
import { type Token, type TokenUsage, tokens } from '@/lib/contract/tokens'
import { modelsUsed, shrinkingOf } from './models-used'

const token = (allowed_models: string[] | null): Token => ({ ...(tokens.get.example.output as Token), allowed_models })
const usage = (models: Record<string, [requests: number, blocked: number]>, has_more = false): TokenUsage => ({
  ...(tokens.usage.example.output as TokenUsage),
  models: {
    items: Object.entries(models).map(([name, [requests, blocked]]) => ({
      name,
      requests,
      blocked,
      last_at: '2026-04-23T10:00:00.000Z',
    })),
    has_more,
  },
})

describe('models used against models allowed', () => {
  test('lists what is allowed and idle, and what was asked for and refused', () => {
    const uses = modelsUsed(token(['a', 'b']), usage({ a: [5, 1], c: [3, 3] }))
    expect(uses.map(({ name, served, isAllowed }) => [name, served, isAllowed])).toEqual([
      ['a', 4, true],
      ['b', 0, true],
      ['c', 0, false],
    ])
  })

  test('shrinks to the models that served a call, never to one that the key may not use', () => {
    expect(shrinkingOf(token(['a', 'b']), usage({ a: [5, 1], c: [3, 0] }))).toEqual({
      keeps: ['a'],
      drops: ['b'],
      wasAny: false,
    })
    expect(shrinkingOf(token(null), usage({ a: [5, 1], c: [3, 3] }))).toEqual({ keeps: ['a'], drops: [], wasAny: true })
    expect(shrinkingOf(token(['*']), usage({ a: [1, 0] }))?.wasAny).toBe(true)
  })

  test('offers nothing when all is used, nothing is, or not all of the use is known', () => {
    expect(shrinkingOf(token(['a']), usage({ a: [5, 1] }))).toBeNull()
    expect(shrinkingOf(token(['a']), usage({}))).toBeNull()
    expect(shrinkingOf(token(null), usage({ a: [2, 2] }))).toBeNull()
    expect(shrinkingOf(token(['a', 'b']), usage({ a: [5, 0] }, true))).toBeNull()
  })
})
