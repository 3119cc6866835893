/**
 * The bytes that all requests under way may hold together, bodies, whole answers and what of streams waits for a decision: the limits of one request times the
 * connections that a gateway takes would be more than any machine has.
 */
export class ByteBudget {
  #taken = 0

  constructor(readonly bytesMax: number) {}

  get taken(): number {
    return this.#taken
  }

  /** The share of one request. */
  share(): ByteShare {
    let own = 0
    let waiting = 0
    let isOver = false
    return {
      take: (bytes) => {
        if (isOver || this.#taken + bytes > this.bytesMax) return false
        own += bytes
        this.#taken += bytes
        return true
      },
      hold: (bytes) => {
        const more = bytes - waiting
        if (isOver || (more > 0 && this.#taken + more > this.bytesMax)) return false
        waiting = bytes
        own += more
        this.#taken += more
        return true
      },
      release: () => {
        isOver = true
        this.#taken -= own
        own = 0
      },
    }
  }
}

export type ByteShare = {
  /** @returns false when there is no room for so many more: then nothing is taken */
  take(bytes: number): boolean
  /**
   * Of something that grows and shrinks, such as what of a stream is not decided yet: all that waits now, beside what was taken.
   *
   * @returns false when there is no room for what is more than the last time: then nothing changes
   */
  hold(bytes: number): boolean
  /** Gives everything back; nothing can be taken from then on. May be called again. */
  release(): void
}
