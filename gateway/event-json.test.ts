import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DecisionEvent, events, GatewayEvent } from '@/lib/contract/events'
import { eventJson } from './event-json'

const { org_id, seq, recorded_at, ...EXAMPLE } = DecisionEvent.parse(events.get.example.output)
const words = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('"', '\\', '\u0000', '\u2028', '\ud800', 'é'),
)

test('an event is written as JSON.stringify writes it, whatever is in it', () => {
  const result = {
    ...EXAMPLE,
    attempts: [],
    tokens: null,
    latency: { ...EXAMPLE.latency, upstream_ms: null, ttft_ms: 1e-7 },
  }
  const spend = { reserved_usd: '0.5', leases: ['lse_019a6f0e1c2d7000a1b2c3d4e5f60718'] }
  for (const event of [
    EXAMPLE,
    result,
    { ...result, spend },
    { ...result, spend: { ...spend, leases: [] } },
    { ...result, spend: { ...spend, refused_by: [{ kind: 'budget', id: 'bud_1', name: 'a "budget"' }] } },
    { ...EXAMPLE, attempts: [...EXAMPLE.attempts, ...EXAMPLE.attempts] },
  ]) {
    expect(eventJson(GatewayEvent.parse(event))).toBe(JSON.stringify(GatewayEvent.parse(event)))
  }
  const strings = Object.keys(GatewayEvent.shape).filter(
    (name) =>
      GatewayEvent.shape[name as keyof GatewayEvent].safeParse(null).success && !['tokens', 'spend'].includes(name),
  )
  expect(strings.length).toBeGreaterThan(12)
  fc.assert(
    fc.property(
      fc.record(Object.fromEntries(strings.map((name) => [name, words]))),
      fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      (given, ms) => {
        const event = { ...EXAMPLE, ...given, latency: { ...EXAMPLE.latency, total_ms: ms } } as GatewayEvent
        expect(eventJson(event)).toBe(JSON.stringify(event))
      },
    ),
  )
})
