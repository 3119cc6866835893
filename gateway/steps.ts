/** Goes through a request step by step. Whatever goes wrong on the way, now or later, is told in one place. */
export class Steps {
  readonly #failed: (thrown: unknown) => void

  constructor(failed: (thrown: unknown) => void) {
    this.#failed = failed
  }

  take(step: () => void): void {
    try {
      step()
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  /** Goes on at once with what is there, and later with what is not. What is thrown at once is the caller's to catch. */
  after<T>(value: T | Promise<T>, next: (value: T) => void): void {
    if (!(value instanceof Promise)) {
      next(value)
      return
    }
    value.then(
      (there) => this.take(() => next(there)),
      (thrown: unknown) => this.#failed(thrown),
    )
  }
}
