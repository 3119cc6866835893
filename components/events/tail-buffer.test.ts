import { describe, expect, test } from 'vitest'
import type { DecisionEvent } from '@/lib/contract/events'
import { HELD_MAX, isOverflown, mergeRows, NOTHING, receive, release, SHOWN_MAX, settle } from './tail-buffer'

const event = (seq: number) => ({ event_id: `evt_${seq}`, seq }) as DecisionEvent
const events = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => event(from + index))
const seqs = (rows: readonly DecisionEvent[]) => rows.map(({ seq }) => seq)

describe('events that arrive', () => {
  test('stand at the top, newest first, each once', () => {
    const once = receive(NOTHING, [event(1), event(2)], false)
    const again = receive(once, [event(2), event(3), event(3)], false)
    expect(seqs(again.shown)).toEqual([3, 2, 1])
    expect(seqs(mergeRows(again.shown, [event(2), event(0)]))).toEqual([3, 2, 1, 0])
  })

  test('wait behind a count while the reader holds them, and keep their order when shown', () => {
    const shown = receive(NOTHING, [event(1)], false)
    const held = receive(shown, [event(2), event(3)], true)
    expect([seqs(held.shown), held.heldCount]).toEqual([[1], 2])
    // Still waiting: what comes now must not overtake what waits.
    const more = receive(held, [event(4)], false)
    expect([seqs(more.shown), more.heldCount]).toEqual([[1], 3])
    expect(release(more)).toEqual({ shown: [event(4), event(3), event(2), event(1)], held: [], heldCount: 0 })
  })

  test('are bounded, and a gap is never passed off as the whole', () => {
    const held = receive(NOTHING, events(1, HELD_MAX + 1), true)
    expect([held.held.length, held.heldCount, isOverflown(held)]).toEqual([HELD_MAX, HELD_MAX + 1, true])
    const shown = receive(NOTHING, events(1, SHOWN_MAX + 1), false)
    expect([shown.shown.length, isOverflown(shown)]).toEqual([SHOWN_MAX, true])
    expect(isOverflown(receive(NOTHING, events(1, HELD_MAX), true))).toBe(false)
  })

  test('are let go once a page read from the top has them', () => {
    const buffer = receive(receive(NOTHING, events(1, 4), false), [event(5)], true)
    expect(settle(buffer, 3)).toMatchObject({ shown: [event(4)], heldCount: 1 })
    expect(settle(buffer, 0)).toBe(buffer)
  })
})
