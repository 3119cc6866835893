import { expect, test } from 'vitest'
import { killTrials } from '@/bench/faults/kills'

/** This one ends the console, the next asks it to stop, the third ends PostgreSQL. */
const FIRST_SEED = 35

test('the console and PostgreSQL killed while they record and sign lose, double and fork nothing', async () => {
  const report = await killTrials({ trials: 3, seed: FIRST_SEED, hasJobs: false })
  expect(report.split('\n').at(-1)).toBe('No failure.')
}, 120_000)
