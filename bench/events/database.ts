import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { LogFile } from '../../server/log-file'
import { prepareEmbeddedPostgres } from '../../server/postgres'

/** A server of its own with the product's settings. `BENCH_DATABASE_URL`, an owner's URL of an empty database, takes its place. */
export async function startBenchDatabase(): Promise<{ url: string; stop: () => Promise<void> }> {
  const outside = process.env.BENCH_DATABASE_URL
  if (outside) return { url: outside, stop: async () => undefined }
  const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-'))
  // PostgreSQL's own user must get through.
  await chmod(directory, 0o711)
  const log = new LogFile(join(directory, 'postgres.log'))
  const server = await prepareEmbeddedPostgres({ dataDirectory: directory, log, say: () => undefined })
  const running = server.launch()
  // It is out of reach of the terminal's Ctrl-C, and would outlive a bench that is ended early.
  process.once('exit', () => running.kill('SIGINT'))
  await untilReady(server.url)
  return {
    url: server.url,
    stop: async () => {
      const gone = new Promise((resolve) => running.once('exit', resolve))
      running.kill('SIGINT')
      await gone
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function untilReady(url: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      return
    } catch (error) {
      if (attempt === 100) throw error
      await delay(100)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}
