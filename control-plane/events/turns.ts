import { AppError } from '@/lib/errors'

type Waiting<T, R> = { item: T; resolve: (result: R) => void; reject: (reason: unknown) => void }

type Options<T> = {
  /** What an item counts for in one turn, and how much a turn may have. */
  weightOf: (item: T) => number
  weightMax: number
  /** Whether a failure is nobody's in particular, so that trying one by one would fail as well. */
  isOfAll: (thrown: unknown) => boolean
}

/** More than wait already is refused: whoever sends keeps it and comes again. */
const WAITING_MAX = 100

/**
 * Gathers what waits while earlier work of the same key is under way, and has it done together: as many items as there are
 * then share one transaction and its sync (group commit).
 *
 * Work that fails is done again item by item, so that one item cannot fail the others. It must leave nothing behind then.
 */
export class Turns<T, R> {
  readonly #work: (key: string, items: T[]) => Promise<R[]>
  readonly #options: Options<T>
  readonly #waiting = new Map<string, Waiting<T, R>[]>()

  constructor(work: (key: string, items: T[]) => Promise<R[]>, options: Options<T>) {
    this.#work = work
    this.#options = options
  }

  /** @throws AppError `unavailable` when too much waits */
  add(key: string, item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(key)
      if (waiting && waiting.length >= WAITING_MAX) {
        reject(new AppError('unavailable', 'Too many batches wait to be recorded.', { retryAfterSeconds: 2 }))
      } else if (waiting) {
        waiting.push({ item, resolve, reject })
      } else {
        this.#waiting.set(key, [{ item, resolve, reject }])
        void this.#run(key)
      }
    })
  }

  async #run(key: string): Promise<void> {
    for (let turn = this.#next(key); turn.length > 0; turn = this.#next(key)) await this.#do(key, turn)
    this.#waiting.delete(key)
  }

  /** The items of one turn: at least one, and no more than the weight allows. */
  #next(key: string): Waiting<T, R>[] {
    const waiting = this.#waiting.get(key) ?? []
    let weight = 0
    let count = 0
    for (const { item } of waiting) {
      weight += this.#options.weightOf(item)
      if (count > 0 && weight > this.#options.weightMax) break
      count += 1
    }
    return waiting.splice(0, count)
  }

  async #do(key: string, turn: Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.#work(
        key,
        turn.map(({ item }) => item),
      )
      for (const [at, { resolve }] of turn.entries()) resolve(results[at] as R)
    } catch (thrown) {
      if (turn.length === 1 || this.#options.isOfAll(thrown)) for (const { reject } of turn) reject(thrown)
      else for (const each of turn) await this.#do(key, [each])
    }
  }
}
