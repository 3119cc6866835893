import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayEvent } from '@/lib/contract/events'
import { prepareLine } from './line'
import { plainLine } from './plain-event'
import { readBatch, type SentEvent } from './read-batch'
import { gatewayEvent } from './testing'

const ORG = 'org_019a6f0e1c2d7000a1b2c3d4e5f60718'

/** As it arrives: through the text of a batch. */
function sent(text: string): SentEvent {
  const [event] = readBatch(Buffer.from(`{"events":[${text}]}`)).events
  if (!event) throw new Error('nothing was sent')
  return event
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 220 }),
  fc.constantFrom(
    '',
    'a\u0000b',
    '\ud800',
    '\udc00x',
    '"\\\n',
    '\u2028',
    '\u{1f600}',
    'é'.repeat(200),
    'x'.repeat(201),
  ),
)
const number = fc.oneof(
  fc.constantFrom(0, -0, 1e21, 1e-7, 0.1, 5e-324, 1.5, -1, 2 ** 53, 2 ** 53 - 1, 1e308, 99, 100, 599, 600),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.nat(),
)
const value = fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.constant([]), fc.constant({}), fc.jsonValue())

const full = (): GatewayEvent => {
  const event = gatewayEvent('gw_one')
  const skipped = [{ what: 'messages', why: 'none' }]
  const coverage = { rule: 'pii', rule_version: '1', bytes: 3, messages: 1, skipped }
  return {
    ...event,
    policy_results: [
      { kind: 'pii', phase: 'input', verdict: 'allow', reason_code: 'ok', coverage, latency_ms: 0.25 },
      { kind: 'pii', phase: 'output', verdict: 'redact', reason_code: 'pii.detected', coverage, latency_ms: 1 },
    ],
    citations: [
      {
        citation_id: 'c',
        source_type: 'web',
        source_reference: 'https://example.com/?q="x"',
        relevance_score: -0.5,
        token_contribution: null,
        text_span: 'a\nb',
      },
    ],
    spend: {
      reserved_usd: '0.5',
      leases: ['lse_019a6f0e1c2d7000a1b2c3d4e5f60718'],
      refused_by: [{ kind: 'budget', id: 'bud_1', name: 'Finance, monthly' }],
    },
  }
}

/** Every place in an event at which something else could stand. */
function placesIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path]
  const below = Object.entries(value).flatMap(([name, item]) =>
    placesIn(item, [...path, Array.isArray(value) ? Number(name) : name]),
  )
  return [path, ...below]
}
const PLACES = placesIn(full()).filter((path) => path.length > 0)

const changed = fc
  .array(fc.tuple(fc.constantFrom(...PLACES), fc.constantFrom('set', 'delete', 'add'), value, text), { maxLength: 3 })
  .map((changes) => {
    const event: object = structuredClone(full())
    for (const [path, kind, to, name] of changes) {
      let at: object | undefined = event
      for (const step of path.slice(0, -1)) {
        const next: unknown = at && Reflect.get(at, step)
        at = typeof next === 'object' && next !== null ? next : undefined
      }
      const last = path.at(-1)
      if (at === undefined || last === undefined) continue
      if (kind === 'set') Reflect.set(at, last, structuredClone(to))
      else if (kind === 'delete') Reflect.deleteProperty(at, last)
      else Reflect.set(at, name, structuredClone(to))
    }
    return JSON.stringify(event)
  })

describe('the quick way to check and write an event', () => {
  test('takes what its schema takes unchanged, refuses all else, and writes the same line', () => {
    let taken = 0
    fc.assert(
      fc.property(changed, (json) => {
        const { given, names } = sent(json)
        const line = plainLine(given, names, ORG)
        const parsed = GatewayEvent.safeParse(given)
        const isTaken = parsed.success && JSON.stringify(sorted(parsed.data)) === JSON.stringify(sorted(given))
        expect(line === null).toBe(!isTaken)
        if (line === null || !parsed.success) return
        expect(line).toEqual(prepareLine(parsed.data, ORG))
        taken += 1
      }),
      { numRuns: 3_000 },
    )
    expect(taken).toBeGreaterThan(500)
  })

  test('leaves every line as it is while others are written', () => {
    const texts = ['x'.repeat(100), 'é"'.repeat(100), 'x'.repeat(2_000), '\n'.repeat(1_999)]
    const written = Array.from({ length: 400 }, (_, n) => {
      const event = full()
      const [citation] = event.citations
      event.citations = citation ? Array(n % 13).fill({ ...citation, text_span: texts[n % 4] ?? null }) : []
      // Every fifth is no event, which shows near its end.
      const { given, names } = sent(JSON.stringify(n % 5 === 0 ? { ...event, verdict: 'maybe' } : event))
      return { event, line: plainLine(given, names, ORG), isEvent: n % 5 !== 0 }
    })
    for (const { event, line, isEvent } of written) {
      expect(line?.bytes.toString()).toBe(isEvent ? prepareLine(event, ORG).bytes.toString() : undefined)
    }
  })

  test.each([
    ['a name twice', (json: string) => json.replace('"verdict":"allow"', '"verdict":"allow","verdict":"allow"')],
    ['a name twice further in', (json: string) => json.replace('"hit":false', '"hit":true,"hit":false')],
    ['__proto__', (json: string) => json.replace('{', '{"__proto__":{"verdict":"block"},')],
    ['another name in place of one', (json: string) => json.replace('"degraded"', '"degrade"')],
  ])('leaves %s to the schema', (_, change) => {
    const json = JSON.stringify(full())
    const { given, names } = sent(change(json))
    expect(change(json)).not.toBe(json)
    expect(plainLine(given, names, ORG)).toBeNull()
  })
})

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, item]) => [name, sorted(item)]),
        )
      : value
