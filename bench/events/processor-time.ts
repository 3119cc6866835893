import { readdirSync, readFileSync } from 'node:fs'
import type pg from 'pg'

/** Microseconds of processor time per event. It hardly depends on what else the machine does, which events per second do. */
export type TimePerEvent = { plane: number; postgres: number }

/**
 * Begins to measure what this process and PostgreSQL use; Linux only, on one machine. The thread that sends is left out, but
 * not what V8's own threads do for it.
 */
export async function measureTime(client: pg.Client): Promise<(events: number) => Promise<TimePerEvent>> {
  const before = { plane: planeMs(), postgres: await postgresMs(client) }
  return async (events) => {
    const plane = planeMs() - before.plane
    let postgres = 0
    for (const [pid, ms] of await postgresMs(client)) postgres += ms - (before.postgres.get(pid) ?? 0)
    return { plane: (plane * 1_000) / events, postgres: (postgres * 1_000) / events }
  }
}

/** Of the process behind a connection, in milliseconds. */
export async function backendMs(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0] ? usedMs(`/proc/${rows[0].pid}`) : Number.NaN
}

function planeMs(): number {
  const threads = readdirSync('/proc/self/task').map((id) => `/proc/self/task/${id}`)
  const own = threads.filter((path) => !readFileSync(`${path}/comm`, 'utf8').startsWith('WorkerThread'))
  return own.reduce((sum, path) => sum + usedMs(path), 0)
}

/** By process. Those that clean up come and go, and are no part of recording. */
async function postgresMs(client: pg.Client): Promise<Map<number, number>> {
  const { rows } = await client.query<{ pid: number }>(`
    select pid from pg_stat_activity where pid <> pg_backend_pid()
      and backend_type in ('client backend', 'walwriter', 'background writer', 'checkpointer', 'io worker')`)
  return new Map(rows.map(({ pid }) => [pid, usedMs(`/proc/${pid}`)]))
}

/** User and system time (proc_pid_stat(5), in ticks of 10 ms). */
function usedMs(path: string): number {
  const fields = readFileSync(`${path}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}
