/** What knows its place among the active, so that it can be taken out without a search. */
export type Placed = { place: number }

/**
 * What is under way, in no order.
 *
 * Not a `Set`: V8 links every table that a Set outgrows to the next one, and once one of them is old, all that was ever
 * in them lives until the next full collection. At thousands of requests a second that was most of the garbage.
 */
export class ActiveSet<T extends Placed> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  add(item: T): void {
    item.place = this.#items.length
    this.#items.push(item)
  }

  /** Does nothing for what is not (any more) in here. */
  delete(item: T): void {
    const last = this.#items.at(-1)
    if (last === undefined || this.#items[item.place] !== item) return
    this.#items[item.place] = last
    last.place = item.place
    this.#items.pop()
    item.place = -1
  }

  /** As they are now: whoever leaves meanwhile is still in it. */
  all(): readonly T[] {
    return [...this.#items]
  }
}
