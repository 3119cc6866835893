import { randomInt } from 'node:crypto'
import { killTrials } from './faults/kills'

/**
 * Ends, pauses and starves the product’s processes while they record, sign and export, and compares what was acknowledged
 * with what is there. `BENCH_TRIALS` says how often something is killed (500), `BENCH_SEED` repeats trials.
 */
export async function benchFaults(): Promise<string> {
  const trials = Number(process.env.BENCH_TRIALS ?? 500)
  const seed = Number(process.env.BENCH_SEED ?? randomInt(2 ** 31))
  return killTrials(trials, seed)
}
