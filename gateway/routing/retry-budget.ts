/** Retries that may be saved up, so that a quiet gateway can still try again. */
const SAVED_MAX = 20

/**
 * Bounds retries at the target that failed to a share of requests, so that a failing provider is not sent a multiple of its traffic: every request
 * adds the share to the budget and every retry takes one from it.
 */
export class RetryBudget {
  #saved = SAVED_MAX

  /** @param share extra calls per request, such as 0.1 */
  earn(share: number): void {
    this.#saved = Math.min(SAVED_MAX, this.#saved + share)
  }

  /** @returns false when a retry would go beyond the budget */
  spend(): boolean {
    if (this.#saved < 1) return false
    this.#saved -= 1
    return true
  }
}
