import type { Log } from './plane'

/** What is away fails with every question: the log is told once a minute at most. */
const TOLD_EVERY_MS = 60_000

export function toldSeldom(message: string, log: Pick<Log, 'warn'>): (cause: unknown) => void {
  let toldMs = Number.NEGATIVE_INFINITY
  return (cause) => {
    const nowMs = performance.now()
    if (nowMs - toldMs < TOLD_EVERY_MS) return
    toldMs = nowMs
    log.warn({ err: cause }, message)
  }
}
