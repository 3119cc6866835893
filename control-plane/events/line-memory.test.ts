import { afterAll, expect, test } from 'vitest'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { canonicalJson } from '@/lib/trail/canonical'
import { startControlPlane } from '../testing'
import { withEventColumns } from './event-columns'
import { judgeEvent } from './judge-event'
import { readEvent } from './read-batch'
import { gatewayEvent, gatewayOf } from './testing'

const plane = await startControlPlane()
afterAll(plane.stop)

test('memory that batches share holds nothing back: each event is recorded as it was sent, in columns as in its line', async () => {
  const organizations = await Promise.all([plane.organization(), plane.organization()])
  const gateways = await Promise.all(organizations.map((each) => gatewayOf(each)))
  const sent: GatewayEvent[] = []
  const send = async ({ gateway, event }: (typeof gateways)[number], place: number) => {
    for (let round = 0; round < 8; round++) {
      // Longer and shorter ones, some of which do not fit, and some that only the schema can judge.
      const long = 'é'.repeat((round * 7 + place) % 200)
      const length = 1 + ((place * 13 + round * 5) % 40)
      const made = Array.from({ length }, (_, n) =>
        event({ agent_id: `agent-${place}-${round}-${n}`, model_requested: `${long}"\u0001`, user_agent: long }),
      )
      sent.push(...made)
      const [repeated = event()] = made
      const answer = await gateway(events.ingest, { events: [...made, { at: round }, repeated] })
      expect(answer).toMatchObject({ accepted: length, duplicates: 1, rejected: [{ index: length }] })
    }
  }
  await Promise.all(gateways.flatMap((each) => [0, 1, 2, 3, 4].map((place) => send(each, place))))

  const rows = await plane.owner<{ event_id: string; line: string; agent_id: string; isLeaf: boolean }[]>`
    select event_id, line, agent_id, leaf_hash = sha256('\\x00'::bytea || convert_to(line, 'UTF8')) as "isLeaf" from events
    where org_id in ${plane.owner(organizations.map(({ orgId }) => orgId))}`
  const byId = new Map(rows.map((row) => [row.event_id, row]))
  expect(rows).toHaveLength(sent.length)
  for (const event of sent) {
    const row = byId.get(event.event_id)
    const { org_id, seq, recorded_at, ...line } = JSON.parse(row?.line ?? '{}') as Record<string, unknown>
    expect(line).toEqual(event)
    expect(row?.line).toBe(canonicalJson({ ...event, org_id, seq, recorded_at }))
    expect(row).toMatchObject({ agent_id: event.agent_id, isLeaf: true })
  }
})

test('columns that are still being sent are not written over', async () => {
  const good = () => {
    const rules = { orgId: 'org_one', gatewayId: 'gw_one', now: new Date() }
    const judged = judgeEvent(readEvent(Buffer.from(JSON.stringify(gatewayEvent('gw_one')))), rules)
    if ('reason' in judged) throw new Error(judged.reason)
    return [judged]
  }
  await withEventColumns(good(), async () => undefined)
  await withEventColumns(good(), async (sending) => {
    const before = sending.map((column) => Buffer.from(column))
    await withEventColumns(good(), async () => undefined)
    expect(sending).toEqual(before)
  })
})
