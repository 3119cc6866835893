import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ActiveSet } from './active-set'

test('holds what a Set would hold, whatever comes and goes, also twice', () => {
  const steps = fc.array(fc.record({ isAdded: fc.boolean(), id: fc.integer({ min: 0, max: 9 }) }))
  fc.assert(
    fc.property(steps, (all) => {
      const items = Array.from({ length: 10 }, (_, id) => ({ id, place: -1 }))
      const ours = new ActiveSet<(typeof items)[number]>()
      const theirs = new Set<number>()
      for (const { isAdded, id } of all) {
        const item = items[id]
        if (item === undefined) continue
        if (!isAdded) ours.delete(item)
        else if (!theirs.has(id)) ours.add(item)
        if (isAdded) theirs.add(id)
        else theirs.delete(id)
      }
      expect({
        size: ours.size,
        ids: ours
          .all()
          .map(({ id }) => id)
          .sort(),
      }).toEqual({
        size: theirs.size,
        ids: [...theirs].sort(),
      })
    }),
  )
})
