import { expect, test } from 'vitest'
import { DecisionEvent } from '@/lib/contract/events'
import { canonicalJson } from '@/lib/trail/canonical'
import { eventJson } from './event-json'
import { gatewayEvent } from './testing'

const coverage = { rule: 'pii', rule_version: '1', bytes: 3, messages: 1, skipped: [{ what: 'messages', why: 'none' }] }
const recorded: DecisionEvent = {
  ...gatewayEvent('gw_one'),
  policy_results: [{ kind: 'pii', phase: 'input', verdict: 'allow', reason_code: 'ok', coverage, latency_ms: 0.25 }],
  citations: [
    {
      citation_id: 'c',
      source_type: 'web',
      source_reference: 'https://example.com/?q=é',
      relevance_score: -0.5,
      token_contribution: null,
      text_span: 'a\u2028b',
    },
  ],
  spend: {
    reserved_usd: '0.000000000',
    leases: ['lse_019a6f0e1c2d7000a1b2c3d4e5f60718'],
    refused_by: [{ kind: 'budget', id: 'bud_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Finance, monthly' }],
  },
  org_id: 'org_019a6f0e1c2d7000a1b2c3d4e5f60718',
  seq: 42,
  recorded_at: '2026-04-23T10:00:00.100000Z',
}

/** Every place in an event at which something else could stand. */
function placesIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([name, item]) => placesIn(item, [...path, name]))]
}

const VALUES: unknown[] = [
  ...['', 'allow', '\ud800', '"\\\n', 'é', 'x'.repeat(200), 'x'.repeat(201), 'x'.repeat(2_000), 'x'.repeat(2_001)],
  ...['2026-04-23T10:00:00Z', '2026-02-30T10:00:00Z', '0.5', '1.0000000001', 'a'.repeat(64), null, true, false, {}],
  ...[0, -0, 0.1, -0.5, 1, 1.5, 1e-7, 1e21, 5e-324, -1, 99, 100, 599, 600, 999_999_999_999_999, 2 ** 53 - 1, 2 ** 53],
]

/** The event with one thing changed in every way that there is. */
function* changed(): Generator<object> {
  yield recorded
  for (const path of placesIn(recorded)) {
    const name = path.at(-1)
    if (name === undefined) continue
    const edit = (change: (at: object, name: string) => void): object => {
      const event = structuredClone(recorded)
      const at: unknown = path.slice(0, -1).reduce<unknown>((value, step) => Reflect.get(Object(value), step), event)
      change(Object(at), name)
      return event
    }
    yield edit((at) => Reflect.deleteProperty(at, name))
    yield edit((at) => !Array.isArray(at) && Reflect.set(at, `${name}_`, 1))
    for (const value of VALUES) yield edit((at) => Reflect.set(at, name, value))
    for (const many of [20, 21, 50, 51, 200, 201, 300, 301]) {
      yield edit((at) => {
        const list: unknown = Reflect.get(at, name)
        if (Array.isArray(list)) Reflect.set(at, name, Array(many).fill(list[0] ?? {}))
      })
    }
  }
}

test('a line says the same whether it is passed on or read by the contract and written again', () => {
  const seen = { passedOn: 0, written: 0, refused: 0 }
  for (const event of changed()) {
    const line = canonicalJson(event)
    const parsed = DecisionEvent.safeParse(JSON.parse(line))
    if (!parsed.success) {
      seen.refused += 1
      expect(() => eventJson(line), line).toThrow()
      continue
    }
    const json = eventJson(line)
    expect(JSON.parse(json)).toEqual(parsed.data)
    if (json === line) seen.passedOn += 1
    else seen.written += 1
  }
  expect(eventJson(canonicalJson(recorded))).toBe(canonicalJson(recorded))
  expect(Math.min(seen.passedOn, seen.written, seen.refused)).toBeGreaterThan(100)
})

test('a line from before events named who refused them is passed on as it was recorded', () => {
  const { refused_by: _, ...spend } = { ...recorded.spend, reserved_usd: '0.5', leases: [] }
  const line = canonicalJson({ ...recorded, spend })
  expect(line).toContain('"spend":{"leases":[],"reserved_usd":"0.5"}')
  expect(eventJson(line)).toBe(line)
  expect(canonicalJson(DecisionEvent.parse(JSON.parse(line)))).toBe(line)
})

test.each([
  ['ends early', (line: string) => line.slice(0, -1)],
  ['goes on', (line: string) => `${line},{}`],
  ['is no object', () => '[]'],
  ['is nothing', () => ''],
  ['holds a control character', (line: string) => line.replace('sandbox', 'sand\nbox')],
  ['ends a text early', (line: string) => line.replace('sandbox', 'sand"box')],
  ['holds a time that is none', (line: string) => line.replace('2026-04-23T10:00:00.100000Z', '2026-02-30T10:00:00Z')],
  ['has one more name', (line: string) => line.replace('{', '{"a":1,')],
])('a line that %s is refused', (_, damage) => {
  expect(() => eventJson(damage(canonicalJson(recorded)))).toThrow()
})
