/**
 * How long to wait after failures in a row, in milliseconds: doubled each time up to a bound, and spread by half, so
 * that gateways that lost their control plane together do not come back together.
 */
export const backoffMs = (failures: number, firstMs: number, maxMs: number, random: number = Math.random()): number =>
  Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30)) * (0.5 + random / 2)

const POLL_BACKOFF_MS_MAX = 300_000

/**
 * When to poll next, in milliseconds: the interval, spread by a fifth to either side, and after failures in a row up to
 * five minutes. An interval that is longer than that stays what it is.
 *
 * @param random from 0 to 1
 */
export const pollPauseMs = (failures: number, intervalMs: number, random: number = Math.random()): number =>
  failures > 0
    ? backoffMs(failures, intervalMs, Math.max(intervalMs, POLL_BACKOFF_MS_MAX), random)
    : intervalMs * (0.8 + random * 0.4)

/** Resolves after a while, or at once when the signal fires; never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
