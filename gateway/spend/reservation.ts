import type { EventSpend } from '@/lib/contract/spend-shapes'
import { type NanoUsd, nanoUsd, usdOfNano } from '@/lib/money'
import type { Lease } from './lease'
import type { Need } from './waiting'

/** What was taken of one source. */
export type Part = {
  lease: Lease
  amount: bigint
  /** Counted only when this provider answers; null: whoever does. */
  provider: string | null
}

/** What a request holds of budgets and wallets until it is over. */
export class Reservation {
  readonly #parts: readonly Part[]
  /** Taken later, of the same sources. */
  #more: readonly Need[] = []
  #amount: NanoUsd
  readonly #onSettled: (cost: bigint) => void
  #isSettled = false

  /** @param amount the most that the request could cost */
  constructor(parts: readonly Part[], amount: NanoUsd, onSettled: (cost: bigint) => void) {
    this.#parts = parts
    this.#amount = amount
    this.#onSettled = onSettled
  }

  /**
   * What it would have to take of its sources to hold so much of each.
   *
   * @param provider that will have answered: what counts only for others is left as it is
   */
  lacking(amount: NanoUsd, provider: string): Need[] {
    return this.#parts.flatMap(({ lease, amount: first, provider: only }) => {
      if (lease.isGone || (only !== null && only !== provider)) return []
      const held = this.#more.reduce((sum, one) => (one.lease === lease ? sum + one.amount : sum), first)
      return amount > held ? [{ lease, amount: amount - held }] : []
    })
  }

  /** @param more that was taken for it @param amount the most that the request could cost by now */
  extend(more: readonly Need[], amount: NanoUsd): void {
    this.#more = [...this.#more, ...more]
    if (amount > this.#amount) this.#amount = amount
  }

  /**
   * The request is over: what it did not need is free again. Only the first time counts.
   *
   * @param cost that its event states; null when it states none, and then nothing is charged
   * @param provider that answered, if any did
   * @returns what the event says of it
   */
  settle(cost: NanoUsd | null, provider: string | null): EventSpend | null {
    if (this.#isSettled) return null
    this.#isSettled = true
    const charged = cost ?? 0n
    const leases: string[] = []
    for (const { lease, amount } of this.#more) lease.settle(amount, 0n)
    for (const { lease, amount, provider: only } of this.#parts) {
      const isMeant = only === null || only === provider
      lease.settle(amount, isMeant ? charged : 0n)
      if (isMeant && lease.id !== null) leases.push(lease.id)
    }
    this.#onSettled(charged)
    return { reserved_usd: usdOfNano(this.#amount), leases }
  }

  /** The tightest of its sources as this gateway knows it: what it holds of it and has not reserved. */
  tightest(nowMs: number): { remaining: NanoUsd; resetMs: number | null } | null {
    let tightest: { remaining: NanoUsd; resetMs: number | null } | null = null
    for (const { lease } of this.#parts) {
      const remaining = nanoUsd(lease.free(nowMs))
      if (tightest === null || remaining < tightest.remaining) tightest = { remaining, resetMs: lease.resetMs }
    }
    return tightest
  }
}
