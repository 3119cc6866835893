import fc from 'fast-check'
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
      source_reference: 'https://example.com/?q="x"',
      relevance_score: -0.5,
      token_contribution: null,
      text_span: 'a\nb\u2028\ud800',
    },
  ],
  org_id: 'org_019a6f0e1c2d7000a1b2c3d4e5f60718',
  seq: 42,
  recorded_at: '2026-04-23T10:00:00.100000Z',
}

/** Every place in an event at which something else could stand. */
function placesIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([name, item]) => placesIn(item, [...path, name]))]
}

const value = fc.oneof(
  fc.constantFrom('', 'allow', '\ud800', '"\\\n', 'x'.repeat(201), 'x'.repeat(2_001), '2026-04-23T10:00:00Z', null, {}),
  fc.constantFrom(0, 1e21, 5e-324, 1.5, -1, 2 ** 53, 99, 600, true, false, [], Array(301).fill({})),
  fc.jsonValue(),
)
const changes = fc.array(
  fc.tuple(
    fc.constantFrom(...placesIn(recorded).filter((path) => path.length > 0)),
    fc.constantFrom('set', 'delete', 'add'),
    value,
  ),
  { maxLength: 2 },
)

function changed(list: [string[], string, unknown][]): object {
  const event: object = structuredClone(recorded)
  for (const [path, kind, to] of list) {
    let at: object | undefined = event
    for (const step of path.slice(0, -1)) {
      const next: unknown = at && Reflect.get(at, step)
      at = typeof next === 'object' && next !== null ? next : undefined
    }
    const last = path.at(-1)
    if (at === undefined || last === undefined) continue
    if (kind === 'set') Reflect.set(at, last, structuredClone(to))
    else if (kind === 'delete') Reflect.deleteProperty(at, last)
    else if (!Array.isArray(at)) Reflect.set(at, 'added', structuredClone(to))
  }
  return event
}

test('a line says the same whether it is passed on or read by the contract and written again', () => {
  const seen = { passedOn: 0, completed: 0, refused: 0 }
  fc.assert(
    fc.property(changes, (list) => {
      const line = canonicalJson(changed(list))
      const parsed = DecisionEvent.safeParse(JSON.parse(line))
      if (!parsed.success) {
        seen.refused += 1
        expect(() => eventJson(line)).toThrow()
        return
      }
      const json = eventJson(line)
      expect(JSON.parse(json)).toEqual(parsed.data)
      if (json === line) seen.passedOn += 1
      else seen.completed += 1
    }),
    { numRuns: 500, examples: [[[]], [[[['spend'], 'delete', null]]], [[[['spend'], 'set', 1]]]] },
  )
  expect(Math.min(seen.passedOn, seen.completed, seen.refused)).toBeGreaterThan(0)
})

test.each([
  ['ends early', (line: string) => line.slice(0, -1)],
  ['goes on', (line: string) => `${line},{}`],
  ['is no object', () => '[]'],
  ['is nothing', () => ''],
])('a line that %s is refused', (_, damage) => {
  expect(() => eventJson(damage(canonicalJson(recorded)))).toThrow()
})
