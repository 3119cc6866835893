/**
 * What a turn of the event loop brings goes through these one after the other, all requests together: frames of streams,
 * whole answers, requests that have come in, their policies, and calls to providers.
 */
const STAGES = ['frames', 'answer', 'request', 'policies', 'call'] as const
export type Stage = (typeof STAGES)[number]

/** A stage that has worked for this long leaves the rest to the next turn: others have streams to read and answers to send. */
const STAGE_MS_MAX = 10

/**
 * Collects what came in one turn of the event loop and does it at its end, stage by stage. A processor that does the same
 * thing for many requests has code and tables at hand; between system calls, which empty its caches, one request from
 * beginning to end costs a third more where policies are at work. Nothing waits for longer than the reading of what came
 * with it.
 */
export class Turn {
  readonly #due: Record<Stage, (() => void)[]> = { frames: [], answer: [], request: [], policies: [], call: [] }
  readonly #failed: (thrown: unknown) => void
  readonly #nowMs: () => number
  #isBegun = false

  /**
   * @param failed told what work has thrown; one request must not end all others
   * @param nowMs a monotonic clock
   */
  constructor(failed: (thrown: unknown) => void, nowMs: () => number = () => performance.now()) {
    this.#failed = failed
    this.#nowMs = nowMs
  }

  add(stage: Stage, work: () => void): void {
    this.#due[stage].push(work)
    this.#begin()
  }

  #begin(): void {
    if (this.#isBegun) return
    this.#isBegun = true
    setImmediate(this.#run)
  }

  /** What a stage adds to a later one is of the same turn. */
  readonly #run = (): void => {
    this.#isBegun = false
    for (const stage of STAGES) if (this.#due[stage].length > 0) this.#do(stage)
  }

  /** Each stage gets its time in each turn, so that none waits for ever behind the ones before it. */
  #do(stage: Stage): void {
    const due = this.#due[stage]
    this.#due[stage] = []
    const untilMs = this.#nowMs() + STAGE_MS_MAX
    let done = 0
    for (const work of due) {
      try {
        work()
      } catch (thrown) {
        this.#failed(thrown)
      }
      done += 1
      if (done === due.length || this.#nowMs() < untilMs) continue
      this.#due[stage] = due.slice(done).concat(this.#due[stage])
      this.#begin()
      return
    }
  }
}
