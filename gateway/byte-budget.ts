/**
 * The bytes that all requests under way may hold together, bodies and whole answers: the limits of one request times the
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
    let isOver = false
    return {
      take: (bytes) => {
        if (isOver || this.#taken + bytes > this.bytesMax) return false
        own += bytes
        this.#taken += bytes
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
  /** Gives everything back; nothing can be taken from then on. May be called again. */
  release(): void
}
