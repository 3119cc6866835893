/** A policy said something that cannot be done, or took too long. */
export class PolicyFault extends Error {
  override readonly name = 'PolicyFault'
}

/** Looking at a clock costs more than most steps do. */
const STEPS_PER_LOOK = 512

let now: (() => number) | null = null
let until = Number.POSITIVE_INFINITY
let msMax = 0
let stepsLeft = 0

/**
 * Does some work that may take only so long: whatever calls `step` on its way is stopped then. Without this a few megabytes
 * made for it would keep a policy busy for a minute, and everybody else waiting.
 *
 * @param clock milliseconds that only grow
 * @param startedMs what it says now
 */
export function withinTime<T>(clock: () => number, startedMs: number, ms: number, work: () => T): T {
  const before = { now, until, msMax, stepsLeft }
  now = clock
  until = startedMs + ms
  msMax = ms
  stepsLeft = STEPS_PER_LOOK
  try {
    return work()
  } finally {
    now = before.now
    until = before.until
    msMax = before.msMax
    stepsLeft = before.stepsLeft
  }
}

/**
 * To be called in every loop over a text that does more than look at a character.
 *
 * @param count of steps; one takes about ten microseconds at most
 * @throws PolicyFault when the time is over
 */
export function step(count = 1): void {
  stepsLeft -= count
  if (stepsLeft > 0) return
  stepsLeft = STEPS_PER_LOOK
  if (now !== null && now() > until) throw new PolicyFault(`took longer than ${msMax} ms`)
}
