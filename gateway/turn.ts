/**
 * What a turn of the event loop brings goes through these one after the other, all requests together: frames of streams,
 * whole answers, requests that have come in, their policies, and calls to providers.
 */
const STAGES = ['frames', 'answer', 'request', 'policies', 'call'] as const
export type Stage = (typeof STAGES)[number]

/**
 * Collects what came in one turn of the event loop and does it at its end, stage by stage. A processor that does the same
 * thing for many requests has code and tables at hand; between system calls, which empty its caches, one request from
 * beginning to end costs a third more where policies are at work. Nothing waits for longer than the reading of what came
 * with it.
 */
export class Turn {
  readonly #due: Record<Stage, (() => void)[]> = { frames: [], answer: [], request: [], policies: [], call: [] }
  readonly #failed: (thrown: unknown) => void
  #isBegun = false

  /** @param failed told what work has thrown; one request must not end all others */
  constructor(failed: (thrown: unknown) => void) {
    this.#failed = failed
  }

  add(stage: Stage, work: () => void): void {
    this.#due[stage].push(work)
    if (this.#isBegun) return
    this.#isBegun = true
    setImmediate(this.#run)
  }

  /** What a stage adds to a later one is of the same turn. */
  readonly #run = (): void => {
    this.#isBegun = false
    for (const stage of STAGES) {
      const due = this.#due[stage]
      if (due.length === 0) continue
      this.#due[stage] = []
      for (const work of due) {
        try {
          work()
        } catch (thrown) {
          this.#failed(thrown)
        }
      }
    }
  }
}
