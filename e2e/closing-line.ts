import type { FullResult, Reporter, TestCase, TestResult } from '@playwright/test/reporter'

/** Ends a run with `N passed, N failed`, which any log reader understands. */
export default class ClosingLine implements Reporter {
  #passed = 0
  #failed = 0

  onTestEnd(_test: TestCase, result: TestResult): void {
    if (result.status === 'passed') this.#passed += 1
    else if (result.status !== 'skipped') this.#failed += 1
  }

  onEnd(_result: FullResult): void {
    process.stdout.write(`\n${this.#passed} passed, ${this.#failed} failed\n`)
  }
}
