import { AppError } from '@/lib/errors'

type Waiting<T, R> = { item: T; resolve: (result: R) => void; reject: (reason: unknown) => void }

/** `underWay` counts turns. */
type Key<T, R> = { waiting: Waiting<T, R>[]; underWay: number }

type Options<T> = {
  /** What an item counts for in one turn, and how much a turn may have. */
  weightOf: (item: T) => number
  weightMax: number
  /** Whether a failure is nobody's in particular, so that trying one by one would fail as well. */
  isOfAll: (thrown: unknown) => boolean
}

/** More than wait already is refused: whoever sends keeps it and comes again. */
const WAITING_MAX = 100
const UNDER_WAY_MAX = 2

/**
 * Gathers what waits while earlier work of the same key is under way, and has it done together: as many items as there are
 * then share one transaction and its sync (group commit).
 *
 * Once a whole turn waits, it begins beside the one under way: what the database has of it by then, it need not wait for when
 * the other one is done. Whatever they must not do at once is theirs to lock.
 *
 * Work that fails is done again item by item, so that one item cannot fail the others. It must leave nothing behind then.
 */
export class Turns<T, R> {
  readonly #work: (key: string, items: T[]) => Promise<R[]>
  readonly #options: Options<T>
  readonly #keys = new Map<string, Key<T, R>>()

  constructor(work: (key: string, items: T[]) => Promise<R[]>, options: Options<T>) {
    this.#work = work
    this.#options = options
  }

  /** @throws AppError `unavailable` when too much waits */
  add(name: string, item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      const key = this.#keys.get(name) ?? { waiting: [], underWay: 0 }
      if (key.waiting.length >= WAITING_MAX) {
        reject(new AppError('unavailable', 'Too many batches wait to be recorded.', { retryAfterSeconds: 2 }))
        return
      }
      this.#keys.set(name, key)
      key.waiting.push({ item, resolve, reject })
      if (this.#mayBegin(key)) void this.#run(name, key)
    })
  }

  async #run(name: string, key: Key<T, R>): Promise<void> {
    while (this.#mayBegin(key)) {
      const turn = this.#next(key)
      key.underWay += 1
      await this.#do(name, turn)
      key.underWay -= 1
    }
    if (key.underWay === 0) this.#keys.delete(name)
  }

  #mayBegin({ waiting, underWay }: Key<T, R>): boolean {
    if (waiting.length === 0 || underWay >= UNDER_WAY_MAX) return false
    return underWay === 0 || this.#weightOf(waiting) >= this.#options.weightMax
  }

  #weightOf(waiting: readonly Waiting<T, R>[]): number {
    return waiting.reduce((sum, { item }) => sum + this.#options.weightOf(item), 0)
  }

  /** The items of one turn: at least one, and no more than the weight allows. */
  #next({ waiting }: Key<T, R>): Waiting<T, R>[] {
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
