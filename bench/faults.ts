import { randomInt } from 'node:crypto'
import { fullDatabase, fullObjectStore } from './faults/full-disks'
import { killTrials } from './faults/kills'
import { outage } from './faults/outage'
import { canMount } from './faults/small-disk'
import { twoPlanes } from './faults/two-planes'

/**
 * Ends, pauses and starves the product’s processes while they record, sign and export, and compares what was acknowledged
 * with what is there. `BENCH_TRIALS` says how often something is killed (500), `BENCH_SEED` repeats trials, `BENCH_FAULTS`
 * chooses from `kills,disks,planes,outage`.
 */
export async function benchFaults(): Promise<string> {
  const trials = Number(process.env.BENCH_TRIALS ?? 500)
  const seed = Number(process.env.BENCH_SEED ?? randomInt(2 ** 31))
  const wanted = (process.env.BENCH_FAULTS ?? 'kills,disks,planes,outage').split(',')
  const sections: string[] = []
  if (wanted.includes('kills')) sections.push(await killTrials({ trials, seed, hasJobs: true }))
  if (wanted.includes('disks') && canMount) sections.push(await fullDatabase(seed), await fullObjectStore(seed))
  else if (wanted.includes('disks')) sections.push('Full disks were not tried: that needs root on Linux.')
  if (wanted.includes('planes')) sections.push(await twoPlanes(Number(process.env.BENCH_PAUSES ?? 4), seed))
  if (wanted.includes('outage')) sections.push(await outage(60, seed))
  return sections.join('\n\n')
}
