import { expect, test } from 'vitest'
import { killTrials } from '@/bench/faults/kills'

/** The first of these four ends both, then one the console, one asks the console to stop, and one ends PostgreSQL. */
const FIRST_SEED = 34

test('the console and PostgreSQL killed while they record and sign lose, double and fork nothing', async () => {
  const report = await killTrials({ trials: 4, seed: FIRST_SEED, hasJobs: false })
  expect(report.split('\n').at(-1)).toBe('No failure.')
}, 120_000)
