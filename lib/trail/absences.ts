import type { Findings } from './findings'

/** Leaves [first, last], by seq. */
export type Retired = { first: number; last: number }

/** Tells leaves that retention has dropped from those that are missing. Asked for in order of seq. */
export class Absences {
  retired = 0
  missing = 0
  #at = 0
  #told = -1
  readonly #ranges: readonly Retired[]
  readonly #findings: Findings

  constructor(retired: readonly Retired[], findings: Findings) {
    this.#ranges = retired
    this.#findings = findings
  }

  tell(first: number, last: number): void {
    for (let at = first; at <= last; ) {
      while ((this.#ranges[this.#at]?.last ?? Infinity) < at) this.#at += 1
      const range = this.#ranges[this.#at]
      const isRetired = range !== undefined && range.first <= at
      const end = Math.min(last, isRetired ? range.last : range ? range.first - 1 : last)
      if (isRetired) this.#tellRetired(range, end - at + 1)
      else this.#tellMissing(at, end)
      at = end + 1
    }
  }

  #tellMissing(first: number, last: number): void {
    this.missing += last - first + 1
    const message = first === last ? `Leaf ${first} is missing.` : `Leaves ${first} to ${last} are missing.`
    this.#findings.add('EVENT_MISSING', message, { seq: first })
  }

  /** Once per range: between dropped events stand activities, which are kept. */
  #tellRetired(range: Retired, count: number): void {
    this.retired += count
    if (this.#told === this.#at) return
    this.#told = this.#at
    const message = `Of leaves ${range.first} to ${range.last}, retention has dropped some or all; their hashes stand.`
    this.#findings.add('EVENT_RETIRED', message, { seq: range.first })
  }
}
