import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { events } from '@/lib/contract/events'
import { gateways } from '@/lib/contract/gateways'
import { newIdAt } from '@/lib/ids'
import { gatewayOf } from '../../events/testing'
import { startControlPlane } from '../../testing'

const plane = await startControlPlane()
afterAll(plane.stop)

const SPOOL = 2 ** 40

async function start() {
  const { gateway, admin, event } = await gatewayOf(await plane.organization())
  /** Sends events with these numbers, made so many milliseconds from now. */
  const send = (seqs: number[], madeIn = 0) => {
    const made = (gateway_seq: number) => {
      const ms = Date.now() + madeIn
      return event({ gateway_seq, event_id: newIdAt('evt', ms), timestamp: new Date(ms).toISOString() })
    }
    return gateway(events.ingest, { events: seqs.map(made) })
  }
  const gaps = async () => {
    const page = await admin(gateways.gaps, { id: 'gw_one', limit: 200 })
    expect(page.missing_events).toBe((await admin(gateways.get, { id: 'gw_one' })).missing_events)
    expect((await admin(gateways.list, {})).items[0]?.missing_events).toBe(page.missing_events)
    return {
      ranges: page.items.map(({ first_seq, last_seq }) => [first_seq, last_seq]),
      missing: page.missing_events,
      last: page.last_seq,
    }
  }
  return { admin, send, gaps }
}

describe('gaps in the numbers of a gateway', () => {
  test('there are none as long as they follow each other, whatever the batches', async () => {
    const { send, gaps } = await start()
    expect(await gaps()).toEqual({ ranges: [], missing: 0, last: null })
    await send([1, 2, 3])
    await send([5, 4, 6])
    expect(await gaps()).toEqual({ ranges: [], missing: 0, last: 6 })
  })

  test('what is passed over is shown, and what comes late splits and fills it', async () => {
    const { send, gaps } = await start()
    await send([3])
    await send([10, 11, 15])
    expect(await gaps()).toEqual({
      ranges: [
        [1, 2],
        [4, 9],
        [12, 14],
      ],
      missing: 11,
      last: 15,
    })
    await send([6, 7, 13])
    expect(await gaps()).toEqual({
      ranges: [
        [1, 2],
        [4, 5],
        [8, 9],
        [12, 12],
        [14, 14],
      ],
      missing: 8,
      last: 15,
    })
    await send([1, 2, 4, 5, 8, 9, 12, 14])
    expect(await gaps()).toEqual({ ranges: [], missing: 0, last: 15 })
  })

  test('an event that is sent again is no news', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    const [one, two, three, four] = [event(), event(), event(), event()]
    for (const batch of [
      [one, two],
      [one, two, four],
      [four, two],
      [one, two, three],
    ]) {
      await gateway(events.ingest, { events: batch })
    }
    expect((await admin(gateways.gaps, { id: 'gw_one' })).items).toEqual([])
  })

  test('a gateway that lost its spool counts from the beginning again, and keeps the gaps it had', async () => {
    const { send, gaps } = await start()
    await send([1, 2, 5])
    // The first events of the new spool are made well after the gap was seen.
    await send([1, 2, 3], 120_000)
    expect(await gaps()).toEqual({ ranges: [[3, 4]], missing: 2, last: 3 })
    await send([4, 6], 120_000)
    expect(await gaps()).toEqual({
      ranges: [
        [3, 4],
        [5, 5],
      ],
      missing: 3,
      last: 6,
    })
    // What the old spool still delivers is older than the gap.
    await send([3])
    expect((await gaps()).ranges).toEqual([
      [4, 4],
      [5, 5],
    ])
  })

  test('each spool of a gateway has numbers of its own', async () => {
    const { send, gaps } = await start()
    await send([1, SPOOL + 1, 2, SPOOL + 2, 2 * SPOOL + 2])
    expect(await gaps()).toEqual({ ranges: [[2 * SPOOL + 1, 2 * SPOOL + 1]], missing: 1, last: 2 * SPOOL + 2 })
  })

  test('whatever order numbers arrive in, the gaps are the numbers that did not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        fc.nat(10),
        async (seqs, size) => {
          const { send, gaps } = await start()
          for (let at = 0; at < seqs.length; at += size + 1) await send(seqs.slice(at, at + size + 1))
          const { ranges, last } = await gaps()
          const missing = ranges.flatMap(([first = 0, end = 0]) =>
            Array.from({ length: end - first + 1 }, (_, n) => first + n),
          )
          const expected = Array.from({ length: Math.max(...seqs) }, (_, n) => n + 1).filter(
            (seq) => !seqs.includes(seq),
          )
          expect([missing, last]).toEqual([expected, Math.max(...seqs)])
        },
      ),
      { numRuns: 12 },
    )
  })

  test('the largest number makes one large gap and no error', async () => {
    const { send, gaps } = await start()
    await send([Number.MAX_SAFE_INTEGER])
    await send([1, 2])
    expect(await gaps()).toMatchObject({
      ranges: [[1 + 8191 * SPOOL, Number.MAX_SAFE_INTEGER - 1]],
      last: Number.MAX_SAFE_INTEGER,
    })
  })

  test('are paged', async () => {
    const { admin, send } = await start()
    await send(Array.from({ length: 30 }, (_, n) => 2 * n + 2))
    const seen: number[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await admin(gateways.gaps, { id: 'gw_one', limit: 7, cursor })
      seen.push(...page.items.map(({ first_seq }) => first_seq))
      if (page.next_cursor === null) break
      cursor = page.next_cursor
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, n) => 2 * n + 1))
  })

  test('are shown to who reads gateways, of the own organisation only', async () => {
    const organization = await plane.organization()
    await gatewayOf(organization)
    const stranger = await (await plane.organization()).as('role_owner')
    await expect(stranger(gateways.gaps, { id: 'gw_one' })).rejects.toMatchObject({ code: 'not_found' })
    const nobody = await organization.as(['events:read'])
    await expect(nobody(gateways.gaps, { id: 'gw_one' })).rejects.toMatchObject({ code: 'forbidden' })
  })
})
