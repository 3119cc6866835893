import { expect, test } from 'vitest'
import { originOf } from '@/lib/trail/checkpoint'
import { toBase64 } from '@/lib/trail/encoding'
import { proveConsistency } from '@/lib/trail/proof'
import { makeTrail, ORG, type TestTrail } from '@/lib/trail/testing'
import { compareCheckpoint } from './compare-checkpoint'

const trail = await makeTrail({ periods: [4, 7] })
const NOW = 11

const comparisonWith = ({ keys, read, checkpoint }: TestTrail, size = NOW) => ({
  key: { origin: originOf(ORG), history: keys },
  latest: { note: checkpoint(size) },
  prove: async (from: number, to: number) => (await proveConsistency(from, to, read)).map(toBase64),
})

const last = async (kept: string, now = comparisonWith(trail)) => (await compareCheckpoint(kept, now)).at(-1)

test('a log that grew out of the kept checkpoint holds, and says by how much', async () => {
  expect(await last(trail.checkpoint(4))).toMatchObject({
    state: 'pass',
    detail: expect.stringContaining('7 were added'),
  })
  expect(await last(trail.checkpoint(NOW))).toMatchObject({ state: 'pass' })
})

test('a log that was cut off is rolled back', async () => {
  expect(await last(trail.checkpoint(NOW), comparisonWith(trail, 4))).toMatchObject({
    state: 'fail',
    detail: expect.stringContaining('ROLLED_BACK'),
  })
})

test('another history under the same key is a fork, whatever proof the server gives', async () => {
  const other = await makeTrail({
    periods: [4, 7],
    line: (seq, usual) => (seq === 2 ? { ...usual, verdict: 'block' } : usual),
  })
  for (const size of [4, NOW]) {
    expect(await last(other.checkpoint(size))).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining('FORKED'),
    })
  }
})

test('what is no checkpoint of this log, or was altered, is refused and nothing is asked for', async () => {
  const stranger = await makeTrail({ periods: [4], org: 'org_other' })
  const note = trail.checkpoint(4)
  for (const kept of ['', 'nonsense', stranger.checkpoint(4), note.replace('\n4\n', '\n5\n')]) {
    const checks = await compareCheckpoint(kept, {
      ...comparisonWith(trail),
      prove: () => Promise.reject(new Error('asked')),
    })
    expect(checks.map(({ name, state }) => [name, state])).toContainEqual(['Kept checkpoint', 'fail'])
  }
})
