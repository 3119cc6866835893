import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openSpool } from '@/gateway/spool'
import { appended } from '@/gateway/spool-port'
import { quantile } from './latency'

const SECONDS = 3
const WARM_UP_MS = 500
const RECORD = `{"event":${JSON.stringify({ text: 'x'.repeat(1_180) })}}`

/** From handing a record of 1.2 KB to the spool until it is on the disk, at a fixed rate. */
export async function spoolCommits(): Promise<string[]> {
  const rows: string[] = []
  for (const rate of [1_000, 5_000, 20_000]) {
    console.error(`spool at ${rate} records/s`)
    const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-spool-'))
    const spool = await openSpool({ directory })
    const samples: number[] = []
    const startedAt = performance.now()
    const append = async () => {
      const at = performance.now()
      await appended(spool, RECORD)
      if (at - startedAt > WARM_UP_MS) samples.push(performance.now() - at)
    }
    const open: Promise<void>[] = []
    for (let sent = 0; sent < rate * SECONDS; ) {
      const due = Math.floor(((performance.now() - startedAt) * rate) / 1_000)
      for (; sent < due; sent++) open.push(append())
      await delay(1)
    }
    await Promise.all(open)
    const perSecond = (rate * SECONDS) / ((performance.now() - startedAt) / 1_000)
    await spool.close()
    await rm(directory, { recursive: true, force: true })
    const cells = [rate, perSecond].map((value) => Math.round(value).toLocaleString('en'))
    rows.push(
      `| ${[...cells, `${quantile(samples, 0.5).toFixed(2)} ms`, `${quantile(samples, 0.99).toFixed(2)} ms`].join(' | ')} |`,
    )
  }
  return [
    '',
    '### From the spool to the disk, strict durability, records of 1.2 KB',
    '',
    '| records/s asked for | kept | p50 | p99 |',
    '|--:|--:|--:|--:|',
    ...rows,
  ]
}
