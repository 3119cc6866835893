export type SeqRange = [first: number, last: number]

/** Ranges of one alarm: what is beyond them is found again after they were acknowledged. */
const RANGES_MAX = 200
const NAMED_MAX = 3

export const has = (ranges: readonly SeqRange[], seq: number): boolean =>
  ranges.some(([first, last]) => seq >= first && seq <= last)

/** Records that are not what was recorded: nothing is signed over them until a person has looked. */
export class Damaged extends Error {
  override readonly name = 'Damaged'

  constructor(
    message: string,
    readonly ranges: SeqRange[],
  ) {
    super(message)
  }
}

/** Collects what is wrong with records, by their place. */
export class Damage {
  readonly ranges: SeqRange[] = []
  readonly #said: string[] = []
  #count = 0

  /** @param what as in `Record 7 is missing`; in the order of seq */
  add(seq: number, what: string): void {
    this.#count += 1
    if (this.#said.length < NAMED_MAX) this.#said.push(`Record ${seq} ${what}.`)
    const last = this.ranges.at(-1)
    if (last && seq <= last[1] + 1) last[1] = Math.max(last[1], seq)
    else if (this.ranges.length < RANGES_MAX) this.ranges.push([seq, seq])
  }

  /** @throws Damaged */
  assertNone(): void {
    if (this.#count === 0) return
    const more = this.#count - this.#said.length
    throw new Damaged(`${this.#said.join(' ')}${more > 0 ? ` And ${more} more.` : ''}`, this.ranges)
  }
}
